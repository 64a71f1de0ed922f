"""UAV123 and UAV123@10fps: ``data_seq/UAV123/NAME/000001.jpg`` and ``anno/UAV123/NAME.txt``.

Mueller, Smith and Ghanem, "A Benchmark and Simulator for UAV Tracking", ECCV 2016. One line ``x,y,w,h`` per frame,
NaN where the target is absent. Several sequences (car1_1, car1_2, car1_3) are parts of one folder (car1). Which parts,
the toolbox's ``configSeqs.m`` says, and is read where it lies in the folder. Without it, parts are laid end to end, the
last frame of one being the first of the next, as the published ones are, and taken only if they then fill the folder.
"""

from __future__ import annotations

import re
from functools import partial
from itertools import accumulate
from pathlib import Path

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.published import (
    attributes_from_flags,
    image_numbers,
    make_sequence,
    read_rows,
    subfolders,
    survey_each,
)
from siam_tracker_ros.datasets.sequences import Sequence, SequenceSurvey

__all__ = ["ATTRIBUTES", "recognise", "survey"]

# In the order of the benchmark's own anno/UAV123/att/NAME.txt.
ATTRIBUTES = ("SV", "ARC", "LR", "FM", "FOC", "POC", "OV", "BC", "IV", "VC", "CM", "SOB")
_SETS = ("UAV123", "UAV123_10fps")
# The two folders with frames between the parts: first frames at the full rate.
_STARTS = {"bird1_1": 1, "bird1_2": 775, "bird1_3": 1573, "uav1_1": 1, "uav1_2": 1555, "uav1_3": 2473}
_ENTRY = re.compile(
    r"'name'\s*,\s*'(?P<name>[^']+)'\s*,\s*'path'\s*,\s*'(?P<path>[^']+)'\s*,\s*"
    r"'startFrame'\s*,\s*(?P<first>\d+)\s*,\s*'endFrame'\s*,\s*(?P<last>\d+)"
)


def recognise(folder: Path) -> bool:
    """Whether `folder` has anno/ and data_seq/ of one of the two sets."""
    return _set_in(folder) is not None


def survey(folder: Path) -> SequenceSurvey:
    """Check every annotated sequence; the full rate where both rates are there. Raises DatasetError without any."""
    name = _set_in(folder)
    if name is None:
        raise DatasetError(f"{folder}: holds neither anno/UAV123 with data_seq/UAV123 nor those of UAV123_10fps")
    table = _read_table(folder, name)
    truths = sorted((folder / "anno" / name).glob("*.txt"))
    return survey_each("uav123", [(truth.stem, partial(_load, truth, folder, name, table)) for truth in truths], folder)


def _set_in(folder: Path) -> str | None:
    for name in _SETS:
        if (folder / "anno" / name).is_dir() and (folder / "data_seq" / name).is_dir():
            return name
    return None


def _load(truth: Path, folder: Path, set_name: str, table: dict[str, list[tuple[str, int, int]]]) -> Sequence:
    boxes = read_rows(truth)
    data = folder / "data_seq" / set_name
    source, frames = _frames_of(truth, data, len(boxes), set_name, table)
    return make_sequence(
        truth.stem,
        data / source,
        data / source,
        boxes,
        layout="uav123",
        truth=truth.name,
        frames=frames,
        attributes=attributes_from_flags(truth.parent / "att" / truth.name, ATTRIBUTES),
    )


def _frames_of(
    truth: Path, data: Path, count: int, set_name: str, table: dict[str, list[tuple[str, int, int]]]
) -> tuple[str, tuple[int, int] | None]:
    """The folder of images of a sequence, and the numbers of its first and last one; None: all of them."""
    name = truth.stem
    if entries := table.get(name):
        # The long sequences of UAV20L share names and folders with UAV123's; their lengths differ.
        fitting = [entry for entry in entries if entry[2] - entry[1] + 1 == count]
        source, first, last = (fitting or entries)[0]
        return source, (first, last)
    if (data / name).is_dir():
        return name, None
    source = re.sub(r"_\d+$", "", name)
    if not (data / source).is_dir():
        raise DatasetError(f"the folder of images {data.name}/{name} is missing; restore it")
    if set_name == "UAV123" and name in _STARTS:
        return source, (_STARTS[name], _STARTS[name] + count - 1)
    return source, _end_to_end(truth, data / source)


def _end_to_end(truth: Path, images: Path) -> tuple[int, int]:
    """The frames of a part of `images`, from how many lines it and the other parts have."""
    parts = sorted(
        (path for path in truth.parent.glob(f"{images.name}_*.txt") if re.fullmatch(r".*_\d+", path.stem)),
        key=lambda path: int(path.stem.rsplit("_", 1)[1]),
    )
    lengths = [len(read_rows(path)) for path in parts]
    numbers = image_numbers(images)
    starts = [numbers[0], *(numbers[0] + steps for steps in accumulate(length - 1 for length in lengths))]
    if starts[-1] != numbers[-1]:
        raise DatasetError(
            f"which of the {len(numbers)} images of {images.name} it takes cannot be told from the lengths of its "
            f"{len(parts)} parts; put the toolbox's configSeqs.m into the folder"
        )
    index = parts.index(truth)
    return starts[index], starts[index + 1]


def _read_table(folder: Path, set_name: str) -> dict[str, list[tuple[str, int, int]]]:
    """Name -> folder of images, first and last frame, of the set `set_name`; empty without configSeqs.m."""
    for place in (folder, *subfolders(folder)):
        path = place / "configSeqs.m"
        if path.is_file():
            table: dict[str, list[tuple[str, int, int]]] = {}
            for match in _ENTRY.finditer(path.read_text(encoding="utf-8", errors="replace")):
                words = [word for word in re.split(r"[\\/]+", match["path"]) if word]
                if len(words) >= 2 and words[-2] == set_name:
                    entry = (words[-1], int(match["first"]), int(match["last"]))
                    table.setdefault(match["name"], []).append(entry)
            return table
    return {}
