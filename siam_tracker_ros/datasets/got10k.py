"""GOT-10k: ``val/GOT-10k_Val_000001/00000001.jpg``, ``groundtruth.txt``, ``absence.label`` and ``cover.label``.

Huang, Zhao and Huang, "GOT-10k: A Large High-Diversity Benchmark for Generic Object Tracking in the Wild", TPAMI 2019.
The target is absent where absence.label is 1 or cover.label is 0. Its tool kit (got10k 0.1.3) leaves the frames with
cover 0 out of the scores on val, and does not look at absence.label; how its server scores test is not published.
Of the test set only the first box is published: the others are nan, and the sequence says so in `first_box_only`.
"""

from __future__ import annotations

import configparser
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.published import (
    image_numbers,
    make_sequence,
    mark_absent,
    read_flags,
    read_rows,
    subfolders,
    survey_each,
)
from siam_tracker_ros.datasets.sequences import Sequence, SequenceSurvey

__all__ = ["recognise", "survey"]


def recognise(folder: Path) -> bool:
    """Whether `folder` is the data set (with val/ or test/) or one of its sets."""
    return bool(_found(folder))


def survey(folder: Path) -> SequenceSurvey:
    """Check every sequence of the set `folder`, or of val/ (without it, of test/) in it.

    Raises DatasetError when it holds none.
    """
    paths = _found(folder)
    listed = paths[0].parent / "list.txt" if paths else folder / "list.txt"
    found = {path.name: path for path in paths}
    names = listed.read_text(encoding="utf-8").split() if listed.is_file() else sorted(found)
    return survey_each("got10k", [(name, partial(_load, name, found.get(name))) for name in names], folder)


def _found(folder: Path) -> list[Path]:
    for place in (folder, folder / "val", folder / "test"):
        if paths := [path for path in subfolders(place) if path.name.startswith("GOT-10k_")]:
            return paths
    return []


def _load(name: str, path: Path | None) -> Sequence:
    if path is None:
        raise DatasetError("list.txt names it, but its folder is missing; restore it")
    boxes = read_rows(path / "groundtruth.txt")
    first_box_only = "_Test_" in name and len(boxes) == 1
    if first_box_only:
        known = boxes
        boxes = np.full((len(image_numbers(path)), 4), np.nan)
        boxes[0] = known[0]
    else:
        boxes = mark_absent(boxes, _absent(path, len(boxes)))
    return make_sequence(
        name,
        path,
        path,
        boxes,
        layout="got10k",
        truth="groundtruth.txt",
        attributes=_classes(path / "meta_info.ini"),
        first_box_only=first_box_only,
    )


def _absent(path: Path, count: int) -> NDArray[np.bool_]:
    absent = read_flags(path / "absence.label", count) > 0
    if (path / "cover.label").is_file():
        absent |= read_flags(path / "cover.label", count) == 0
    return absent


def _classes(path: Path) -> tuple[str, ...]:
    """What moves and how, as meta_info.ini tells: the benchmark compares trackers by these."""
    if not path.is_file():
        return ()
    meta = configparser.ConfigParser(interpolation=None)
    try:
        meta.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        raise DatasetError(f"{path.name} is not an ini file; restore it") from None
    classes = []
    for section in meta.sections():
        classes += [meta[section][key] for key in ("object_class", "motion_class") if key in meta[section]]
    return tuple(classes)
