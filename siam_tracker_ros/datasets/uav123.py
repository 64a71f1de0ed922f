"""UAV123, UAV123@10fps and UAV20L: ``data_seq/UAV123/NAME/000001.jpg`` and ``anno/UAV123/NAME.txt``.

Mueller, Smith and Ghanem, "A Benchmark and Simulator for UAV Tracking", ECCV 2016. One line ``x,y,w,h`` per frame,
NaN where the target is absent. Several sequences (car1_1, car1_2, car1_3) are parts of one folder (car1). Which parts,
the toolbox's ``configSeqs.m`` says, and is read where it lies in the folder. Without it, parts are laid end to end, the
last frame of one being the first of the next, as the published ones are, and taken only if they then fill the folder.
The 20 long sequences of UAV20L are whole folders of UAV123, with boxes in ``anno/UAV20L``.

Sources: copies of configSeqs.m (in vision4robotics/OMAL-tracker at 10 frames a second, in
Johnsonirene/tracker_benchmark_v1.1 of UAV123 and UAV20L); pytracking's uavdataset.py and got10k's uav123.json have the
same frames. OTB's toolbox, which the benchmark was scored with, and PySOT's divide by the number of all frames, so that
an absent one is a miss in the success plot (and a hit in the precision plot). got10k's leaves it out, as it is here.
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

__all__ = ["ATTRIBUTES", "recognise", "recognise_long", "survey", "survey_long"]

# In the order of the benchmark's own anno/UAV123/att/NAME.txt (perfPlot.m for it, pytracking's UAV123_attributes.json).
ATTRIBUTES = ("SV", "ARC", "LR", "FM", "FOC", "POC", "OV", "BC", "IV", "VC", "CM", "SOB")
_SETS = ("UAV123", "UAV123_10fps")
_LONG = "UAV20L"
# The two folders with frames between the parts: first frames.
_STARTS = {
    "UAV123": {"bird1_1": 1, "bird1_2": 775, "bird1_3": 1573, "uav1_1": 1, "uav1_2": 1555, "uav1_3": 2473},
    "UAV123_10fps": {"bird1_1": 1, "bird1_2": 259, "bird1_3": 525, "uav1_1": 1, "uav1_2": 519, "uav1_3": 825},
}
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
    return _survey("uav123", folder, name, name)


def recognise_long(folder: Path) -> bool:
    """Whether `folder` has anno/UAV20L and the images of UAV123; `recognise` goes first, where both are there."""
    return (folder / "anno" / _LONG).is_dir() and (folder / "data_seq" / _SETS[0]).is_dir()


def survey_long(folder: Path) -> SequenceSurvey:
    """Check every annotated sequence of UAV20L. Raises DatasetError without any."""
    if not recognise_long(folder):
        raise DatasetError(f"{folder}: holds not both anno/{_LONG} and data_seq/{_SETS[0]}")
    return _survey("uav20l", folder, _LONG, _SETS[0])


def _survey(layout: str, folder: Path, annotation: str, images: str) -> SequenceSurvey:
    """annotation, images: which folder of anno/, and of data_seq/."""
    table = _read_table(folder, images)
    truths = sorted((folder / "anno" / annotation).glob("*.txt"))
    loaders = [(truth.stem, partial(_load, layout, truth, folder, images, table)) for truth in truths]
    return survey_each(layout, loaders, folder)


def _set_in(folder: Path) -> str | None:
    for name in _SETS:
        if (folder / "anno" / name).is_dir() and (folder / "data_seq" / name).is_dir():
            return name
    return None


def _load(
    layout: str, truth: Path, folder: Path, set_name: str, table: dict[str, list[tuple[str, int, int]]]
) -> Sequence:
    boxes = read_rows(truth)
    data = folder / "data_seq" / set_name
    source, frames = _frames_of(truth, data, len(boxes), set_name, table)
    return make_sequence(
        truth.stem,
        data / source,
        data / source,
        boxes,
        layout=layout,
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
        # The table may have UAV20L's long sequences too, in the same folders. Of one name, they are of one length.
        fitting = [entry for entry in entries if entry[2] - entry[1] + 1 == count]
        source, first, last = (fitting or entries)[0]
        return source, (first, last)
    if (data / name).is_dir():
        return name, None
    source = re.sub(r"_\d+$", "", name)
    if not (data / source).is_dir():
        raise DatasetError(f"the folder of images {data.name}/{name} is missing; restore it")
    if (start := _STARTS[set_name].get(name)) is not None:
        return source, (start, start + count - 1)
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
