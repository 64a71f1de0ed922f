"""Tracks as text files, in the forms that the benchmarks' own tool kits read.

OTB's and most others (got10k's tool kit, PySOT, pytracking): `FOLDER/NAME.txt` has a line `x,y,w,h` per frame
and `FOLDER/NAME_time.txt` a line of seconds. GOT-10k's: the same as `FOLDER/NAME/NAME_001.txt` and
`FOLDER/NAME/NAME_time.txt`. Confidences (nan where there is none) and whether the target is lost (0 or 1) are in
`NAME_confidence.txt` and `NAME_lost.txt` beside the times, where the tracker tells them.

VOT's supervised protocol: `FOLDER/baseline/NAME/NAME_001.txt` has a line per frame, `1` where the tracker is
started, `2` where it failed, `0` until it is started anew, else `x,y,w,h`. The seconds are in
`NAME_001_time.value`, where the VOT tool kit's versions in Python look for them, and in `NAME_time.txt`, where
its versions in MATLAB and got10k's tool kit do; `NAME_001_confidence.value` and `NAME_001_lost.value` hold the
others. In a `.value` file a frame without a value is an empty line.

Boxes have their top-left corner as the layout counts pixels (`Sequence.origin`) and 4 decimals. GOT-10k's own
tool kit writes 3, but reads any number; so one rounding holds for all.

`FOLDER/run.json` says what made the tracks, so that a later run does not mix them with others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.evaluation.one_pass import Track

__all__ = ["FAILED", "SKIPPED", "STARTED", "ResultsError", "ResultsFolder", "folder_name", "rounded"]

Floats = NDArray[np.float64]

# VOT's codes of frames without a box.
SKIPPED, STARTED, FAILED = 0, 1, 2

_BOX_DECIMALS = 4
_DECIMALS = {"time": 6, "confidence": 6, "lost": 0}


class ResultsError(ValueError):
    """Results on disk that cannot be used; the message says which and what to do."""


def folder_name(tracker: str) -> str:
    """A tracker's name as a folder: what file systems do not take becomes an underscore.

    >>> folder_name("siamban_r50:otb100"), folder_name("runs/first.safetensors+online")
    ('siamban_r50_otb100', 'runs_first.safetensors+online')
    """
    # File systems take names of 255 bytes; the end of a long path tells more than its beginning.
    return re.sub(r"[^A-Za-z0-9.+=,-]+", "_", tracker)[-200:].lstrip("._") or "tracker"


def rounded(track: Track) -> Track:
    """The track as its text files have it, so that figures do not depend on whether it was read back."""
    return replace(
        track,
        boxes=np.round(track.boxes, _BOX_DECIMALS),
        times=np.round(track.times, _DECIMALS["time"]),
        confidences=None if track.confidences is None else np.round(track.confidences, _DECIMALS["confidence"]),
    )


@dataclass(frozen=True)
class _Files:
    """Where one track lies.

    boxes: the file that is written last. side: beginning of the other files' names. suffix: their ending.
    copy: where the seconds are a second time.
    """

    boxes: Path
    side: str
    suffix: str = ".txt"
    copy: Path | None = None

    def of(self, values: str) -> Path:
        """The file of the values "time", "confidence" or "lost"."""
        return self.boxes.parent / f"{self.side}_{values}{self.suffix}"

    @property
    def part(self) -> Path:
        return self.boxes.with_name(f"{self.boxes.name}.part")

    def remove(self) -> None:
        """Remove all of them: the boxes first, without which the others are no track, the times last."""
        others = [self.of(values) for values in reversed(_DECIMALS)]
        for path in (self.boxes, self.part, self.copy, *others):
            if path is not None:
                path.unlink(missing_ok=True)


def _flat(folder: Path, name: str) -> _Files:
    return _Files(folder / f"{name}.txt", name)


def _nested(folder: Path, name: str) -> _Files:
    return _Files(folder / name / f"{name}_001.txt", name)


def _supervised(folder: Path, name: str) -> _Files:
    place = folder / "baseline" / name
    return _Files(place / f"{name}_001.txt", f"{name}_001", ".value", place / f"{name}_time.txt")


class ResultsFolder:
    """The tracks of one tracker.

    supervised: whether they are of VOT's protocol, in which trackers are started anew.
    """

    def __init__(self, path: Path, *, supervised: bool = False) -> None:
        self.path = path
        self.supervised = supervised

    def start(self, made_by: dict[str, Any], *, resume: bool) -> None:
        """Prepare the folder. Without `resume`, tracks of an earlier run are removed, other files are not.

        made_by: what the tracks depend on (model, checksum of the weights, device ...), JSON values.
        Raises ResultsError when `resume` is asked for and the tracks were made by something else.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        record = self.path / "run.json"
        if record.is_file():
            if not resume:
                self._clear()
            elif (before := _read_json(record)) != made_by:
                differs = sorted(key for key in before.keys() | made_by.keys() if before.get(key) != made_by.get(key))
                raise ResultsError(
                    f"{self.path}: was made with other {', '.join(differs)}; "
                    "run without --resume or choose another --out"
                )
        record.write_text(json.dumps(made_by, indent=2) + "\n", encoding="utf-8")

    def write(self, sequence: Sequence, track: Track) -> None:
        """Write one track; a run that is cut off leaves either all of it or nothing to resume from."""
        files = self._files(sequence)
        files.boxes.parent.mkdir(parents=True, exist_ok=True)
        # Boxes of before beside values of now would be taken for one track.
        files.boxes.unlink(missing_ok=True)
        track = rounded(track)
        for values, column in (("time", track.times), ("confidence", track.confidences), ("lost", track.lost)):
            if column is None:
                files.of(values).unlink(missing_ok=True)
            else:
                files.of(values).write_text(_column_text(column, values, files.suffix == ".value"), encoding="utf-8")
        if files.copy is not None:
            files.copy.write_text(_column_text(track.times, "time", False), encoding="utf-8")
        files.part.write_text(self._boxes_text(track, sequence.origin), encoding="utf-8")
        files.part.replace(files.boxes)

    def read(self, sequence: Sequence) -> Track | None:
        """The track of a sequence, equal to `rounded` of what was written.

        None when it is not there, not whole, or has another number of frames than the sequence.
        """
        files = self._files(sequence)
        count = len(sequence)
        try:
            boxes, starts, failures = self._read_boxes(files.boxes, sequence.origin)
            times = _read_column(files.of("time"), count)
            confidences, lost = (
                _read_column(path, count) if (path := files.of(values)).is_file() else None
                for values in ("confidence", "lost")
            )
        except (OSError, ValueError):
            return None
        if len(boxes) != count:
            return None
        return Track(boxes, times, confidences, None if lost is None else lost == 1, starts, failures)

    def _files(self, sequence: Sequence) -> _Files:
        if self.supervised:
            return _supervised(self.path, sequence.name)
        return (_nested if sequence.layout == "got10k" else _flat)(self.path, sequence.name)

    def _clear(self) -> None:
        """Remove the tracks in any of the forms; each has a file of times, under a name that nothing else has."""
        for files in list(self._found()):
            files.remove()
            for place in (files.boxes.parent, files.boxes.parent.parent):
                if self.path in place.parents:
                    with suppress(OSError):  # somebody's files are in it
                        place.rmdir()

    def _found(self) -> Iterator[_Files]:
        for path in self.path.glob("*_time.txt"):
            yield _flat(self.path, path.name.removesuffix("_time.txt"))
        for path in self.path.glob("*/*_time.txt"):
            if path.name == f"{path.parent.name}_time.txt":
                yield _nested(self.path, path.parent.name)
        for path in self.path.glob("baseline/*/*_001_time.value"):
            if path.name == f"{path.parent.name}_001_time.value":
                yield _supervised(self.path, path.parent.name)

    def _boxes_text(self, track: Track, origin: float) -> str:
        boxes = track.boxes + np.array([origin, origin, 0.0, 0.0])
        lines = [",".join(f"{value:.{_BOX_DECIMALS}f}" for value in box) for box in boxes]
        if self.supervised:
            skipped = np.flatnonzero(np.isnan(boxes).all(axis=1)).tolist()
            for code, indices in ((SKIPPED, skipped), (STARTED, track.starts), (FAILED, track.failures)):
                for index in indices:
                    lines[index] = str(code)
        return "".join(f"{line}\n" for line in lines)

    def _read_boxes(self, path: Path, origin: float) -> tuple[Floats, tuple[int, ...], tuple[int, ...]]:
        lines = _read_lines(path)
        boxes = np.full((len(lines), 4), np.nan)
        starts: list[int] = []
        failures: list[int] = []
        codes = {str(SKIPPED): None, str(STARTED): starts, str(FAILED): failures} if self.supervised else {}
        for index, line in enumerate(lines):
            if line not in codes:
                x, y, w, h = (float(word) for word in line.split(","))
                boxes[index] = x - origin, y - origin, w, h
            elif (indices := codes[line]) is not None:
                indices.append(index)
        # Taking off the origin leaves more decimals than were written.
        boxes = np.round(boxes, _BOX_DECIMALS)
        return boxes, tuple(starts) if self.supervised else (0,), tuple(failures)


def _column_text(column: NDArray[Any], values: str, blank: bool) -> str:
    """One number a line; where there is none, `nan` or nothing."""
    words = (f"{value:.{_DECIMALS[values]}f}" for value in column.astype(np.float64))
    return "".join("\n" if blank and word == "nan" else f"{word}\n" for word in words)


def _read_column(path: Path, count: int) -> Floats:
    column = np.array([float(line or "nan") for line in _read_lines(path)], dtype=np.float64)
    if len(column) != count:
        raise ValueError(f"{path.name} has {len(column)} lines instead of {count}")
    return column


def _read_lines(path: Path) -> list[str]:
    *lines, rest = path.read_text(encoding="utf-8").split("\n")
    if rest:
        raise ValueError(f"{path.name} is cut in its last line")
    return lines


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
