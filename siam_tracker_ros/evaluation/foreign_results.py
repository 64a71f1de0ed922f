"""Tracks that other tool kits wrote, to be scored beside our own.

Known are the text files of got10k's tool kit (0.1.3), PySOT and SiamBAN, pytracking, LaSOT and OTB, and of VOT's
tool kits in MATLAB and Python (0.5 to 0.9, of which 0.7 and later write `.bin` files unless they are told not to).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.sequences import Sequence, read_lines
from siam_tracker_ros.evaluation.one_pass import Track
from siam_tracker_ros.evaluation.results import FAILED, SKIPPED, STARTED, ResultsError
from siam_tracker_ros.evaluation.vot import bounding_box

__all__ = ["read_track"]

Floats = NDArray[np.float64]

_PREFIXES = {"nfs": "nfs_", "uav123": "uav_", "uav20l": "uav_"}
_ROUNDING = 1e-2


def read_track(folder: Path, sequence: Sequence, supervised: bool = False) -> Track:
    """The track of one sequence in a folder with one tracker's results.

    supervised: whether it is of VOT's protocol, in which trackers are started anew after a failure.

    Files: `NAME.txt`, `NAME/NAME_001.txt` or `unsupervised/NAME/NAME_001.txt`; of the supervised protocol,
    `baseline/NAME/NAME_001.txt` or `NAME/NAME_001.txt`. Of several repetitions the first is taken. NAME may also be
    what another tool kit calls the sequence (`Jogging-1` is `Jogging.1`, `Jogging_1` or `jogging_1`; `uav_bike1`).

    Boxes: a row of x, y, w, h per frame, separated by commas, semicolons, tabs or blanks; nan where there is none.
    In VOT's results a row may be a polygon, of which the upright box around it is kept, so that its overlaps
    differ from the polygon's; or a single number: 1 where the tracker is started, 2 where it failed, 0 else.

    Origin: where the layout counts pixels from 1 (`Sequence.origin`), some tool kits' boxes do so and some count
    from 0. The first row tells, since it is the box that the tracker was given: it is the true box in one of the
    two, as it is, cut to whole pixels (pytracking), or half a pixel to the right and down (PySOT, which counts
    from 0); otherwise the one which it is closer to, if not more than half a pixel off. Where it is neither, the
    layout's own origin is taken off. A first row so recognised becomes exactly the true box, as got10k's and
    pytracking's tool kits score it.

    Times: from `NAME_time.txt`, `times/NAME_time.txt` or `NAME_001_time.value` where it is whole; else nan, so that
    the speed is unknown. Confidences are not read: few tool kits' are between 0 and 1.

    Raises ResultsError when there is no file, or one that is not such a track.
    """
    found = _find(folder, sequence, supervised)
    path = found.path
    rows = _binary_rows(path) if path.suffix == ".bin" else _text_rows(path)
    if len(rows) != len(sequence):
        raise ResultsError(
            f"{path}: has {len(rows)} rows, but {sequence.name} has {len(sequence)} frames; "
            "take results and sequences of the same release, or restore the file that is cut"
        )
    times = _read_times(found, len(rows))
    if supervised:
        boxes, starts, failures = _supervised_boxes(path, rows)
        boxes[:, :2] -= sequence.origin
        # Some tool kits write 0 seconds where the tracker did not run.
        times[[row == [SKIPPED] for row in rows]] = np.nan
        return Track(boxes, times, starts=starts, failures=failures)
    boxes = _boxes(path, rows, sequence)
    origin, recognised = _origin(boxes[0], sequence)
    boxes[:, :2] -= origin
    if recognised:
        boxes[0] = sequence.boxes[0]
    return Track(boxes, times)


@dataclass(frozen=True)
class _Found:
    """A file of boxes; of a tool kit that repeats its runs, with the number of the repetition, from 1."""

    path: Path
    name: str
    repetition: int | None = None


def _find(folder: Path, sequence: Sequence, supervised: bool) -> _Found:
    if not folder.is_dir():
        raise ResultsError(f"{folder}: is not a folder; name the folder with one tracker's results")
    for name in _names(sequence):
        if not supervised and (folder / f"{name}.txt").is_file():
            return _Found(folder / f"{name}.txt", name)
        for place in (folder / "baseline" / name if supervised else folder / "unsupervised" / name, folder / name):
            if repetitions := _repetitions(place, name):
                return repetitions[0]
    wanted = "baseline/{0}/{0}_001.txt" if supervised else "{0}.txt or {0}/{0}_001.txt"
    raise ResultsError(
        f"{folder}: has no results of {sequence.name}, neither {wanted.format(sequence.name)}; "
        "name the folder with one tracker's results"
    )


def _names(sequence: Sequence) -> list[str]:
    """What tool kits call the sequence, our name first."""
    names = [sequence.name]
    if sequence.layout in _PREFIXES:  # pytracking's
        names.append(_PREFIXES[sequence.layout] + sequence.name)
    if sequence.layout == "otb100":
        stem, dash, target = sequence.name.rpartition("-")
        if dash:
            names += [f"{stem}.{target}", f"{stem}_{target}"]
        if sequence.name == "Human4-2":  # got10k's tool kit knows no other target in it
            names.append("Human4")
        # The benchmark's own results, and those that came with PySOT's.
        names += [form for name in names for form in (name[0].lower() + name[1:], name.lower())]
    return list(dict.fromkeys(names))


def _repetitions(place: Path, name: str) -> list[_Found]:
    if not place.is_dir():
        return []
    form = re.compile(re.escape(name) + r"_(\d{3})\.(?:txt|bin)")
    matches = [(path, match) for path in place.iterdir() if (match := form.fullmatch(path.name))]
    found = [_Found(path, name, int(match[1])) for path, match in matches]
    # Where there are both, VOT's tool kit reads the text.
    return sorted(found, key=lambda one: (one.path.stem, one.path.suffix == ".bin"))


def _text_rows(path: Path) -> list[list[float]]:
    rows = []
    for index, line in enumerate(_lines(path)):
        if line.startswith("m"):
            raise ResultsError(f"{_at(path, index)}: is a mask; only results with boxes or polygons can be read")
        try:
            rows.append(_numbers(line))
        except ValueError:
            raise ResultsError(f"{_at(path, index, line)}: is not made of numbers; restore the file") from None
    return rows


def _lines(path: Path) -> list[str]:
    try:
        return read_lines(path)
    except DatasetError as error:
        raise ResultsError(f"{path.parent}: {error}") from error


def _binary_rows(path: Path) -> list[list[float]]:
    """What VOT's tool kit packs: a version, a count, and per frame a kind with its numbers, little-endian."""
    try:
        data = path.read_bytes()
        version, count = struct.unpack_from("<hI", data)
        offset = struct.calcsize("<hI")
        rows: list[list[float]] = []
        while version == 1 and len(rows) < count:
            kind = data[offset]
            form = {0: "<BI", 1: "<B4f"}.get(kind)
            if kind == 2:
                form = f"<BH{2 * struct.unpack_from('<xH', data, offset)[0]}f"
            if form is None:
                raise ResultsError(f"{_at(path, len(rows))}: is no box or polygon; only these can be read")
            _, *values = struct.unpack_from(form, data, offset)
            rows.append([float(value) for value in values[1 if kind == 2 else 0 :]])
            offset += struct.calcsize(form)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror})") from error
    except (struct.error, IndexError):
        raise ResultsError(f"{path}: ends too early; restore the file") from None
    if version != 1:
        raise ResultsError(f"{path}: is not a trajectory of VOT's tool kit that is known; have it write text")
    return rows


def _boxes(path: Path, rows: list[list[float]], sequence: Sequence) -> Floats:
    vot = sequence.layout == "vot"
    boxes = np.full((len(rows), 4), np.nan)
    for index, row in enumerate(rows):
        if vot and row == [STARTED] and index == 0:
            boxes[0] = sequence.boxes[0]
        elif not (vot and row == [SKIPPED]):
            boxes[index] = _box(path, index, row, polygons=vot)
    return boxes


def _supervised_boxes(path: Path, rows: list[list[float]]) -> tuple[Floats, tuple[int, ...], tuple[int, ...]]:
    """Boxes, starts and failures of VOT's protocol, in which they take turns."""
    boxes = np.full((len(rows), 4), np.nan)
    starts: list[int] = []
    failures: list[int] = []
    for index, row in enumerate(rows):
        running = len(starts) > len(failures)
        if index == 0 and row != [STARTED]:
            raise ResultsError(
                f"{_at(path, index)}: must be 1, the tracker's start; name results of the supervised protocol"
            )
        if running == (row in ([STARTED], [SKIPPED])):
            state = "while the tracker runs" if running else "before the tracker is started"
            raise ResultsError(
                f"{_at(path, index)}: {','.join(f'{value:g}' for value in row)} cannot come {state}; restore the file"
            )
        if row == [STARTED]:
            starts.append(index)
        elif row == [FAILED]:
            failures.append(index)
        elif row != [SKIPPED]:
            boxes[index] = _box(path, index, row, polygons=True)
    return boxes, tuple(starts), tuple(failures)


def _box(path: Path, index: int, row: list[float], *, polygons: bool) -> Floats:
    if len(row) != 4 and not (polygons and len(row) >= 6 and len(row) % 2 == 0):
        numbers = "1 number" if len(row) == 1 else f"{len(row)} numbers"
        raise ResultsError(f"{_at(path, index)}: has {numbers} instead of x,y,w,h; restore the file")
    box = np.array(row if len(row) == 4 else bounding_box(row), dtype=np.float64)
    return np.full(4, np.nan) if np.isnan(row).any() else box


def _origin(first: Floats, sequence: Sequence) -> tuple[float, bool]:
    """What to take off x and y, and whether the first row was recognised as the box that the tracker was given."""
    here = sequence.boxes[0]
    right_down = np.array([1.0, 1.0, 0.0, 0.0])
    origins = list(dict.fromkeys((sequence.origin, 0.0)))
    forms = [(origin, here + origin * right_down) for origin in origins]
    halves = [(origin, box + right_down / 2) for origin, box in forms]
    cut = [(origin, np.trunc(box)) for origin, box in forms]
    # Half a pixel off is as far from the one as from the other, and cut it may be closer to the wrong one.
    for origin, box in [*forms, *halves, *cut]:
        if np.abs(first - box).max() <= _ROUNDING:
            return origin, True
    distance, place = min((float(np.abs((first - box)[:2]).max()), place) for place, (_, box) in enumerate(forms))
    if distance <= 0.5 + _ROUNDING:
        return forms[place][0], True
    return sequence.origin, False


def _read_times(found: _Found, count: int) -> Floats:
    """Seconds per frame, nan in all of them where no file has as many."""
    folder = found.path.parent
    # A column per repetition: got10k's tool kit and VOT's in MATLAB.
    column = (found.repetition or 1) - 1
    files = [(folder / f"{found.name}_time.txt", column), (folder / "times" / f"{found.name}_time.txt", column)]
    if found.repetition is not None:
        files.insert(0, (found.path.with_name(f"{found.path.stem}_time.value"), 0))
    for path, column in files:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            # An empty line is a frame without a time, but at the end there may be one too many.
            while len(lines) > count and not lines[-1].strip():
                lines.pop()
            times = np.array([_numbers(line)[column] if line.strip() else np.nan for line in lines], dtype=np.float64)
        except (OSError, ValueError, IndexError):
            continue
        if len(times) == count and not (np.isinf(times) | (times < 0)).any():
            return times
    return np.full(count, np.nan)


def _numbers(line: str) -> list[float]:
    return [float(word) for word in re.split(r"[,;\s]+", line.strip(" \t,;"))]


def _at(path: Path, index: int, line: str = "") -> str:
    return f"{path}, line {index + 1}" + (f" '{line.strip()[:40]}'" if line else "")
