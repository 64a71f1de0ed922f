"""LaSOT: ``CLASS/CLASS-N/img/00000001.jpg``, ``groundtruth.txt``, ``full_occlusion.txt`` and ``out_of_view.txt``.

Fan et al., "LaSOT: A High-quality Benchmark for Large-scale Single Object Tracking", CVPR 2019. The target is absent
where one of the two flags is set, or the box is 0,0,0,0. Where ``testing_set.txt`` names sequences, only those are
taken. The class folders may be left out, as some copies do.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.published import (
    attributes_from_flags,
    make_sequence,
    mark_absent,
    read_flags,
    read_rows,
    subfolders,
    survey_each,
)
from siam_tracker_ros.datasets.sequences import Sequence, SequenceSurvey

__all__ = ["ATTRIBUTES", "recognise", "survey"]

# In the order of the benchmark's own att/NAME.txt, which is used where it lies beside the classes.
ATTRIBUTES = ("IV", "POC", "DEF", "MB", "CM", "ROT", "BC", "VC", "SV", "FOC", "FM", "OV", "LR", "ARC")
_FLAGS = ("full_occlusion.txt", "out_of_view.txt")


def recognise(folder: Path) -> bool:
    """Whether a sequence, in a class folder or not, has LaSOT's flags of occlusion or of leaving the view."""
    return any((path / flag).is_file() for path in _found(folder) for flag in _FLAGS)


def survey(folder: Path) -> SequenceSurvey:
    """Check the test sequences in `folder`, or all where no list names them. Raises DatasetError when it holds none."""
    found = {path.name: path for path in _found(folder)}
    listed = folder / "testing_set.txt"
    names = listed.read_text(encoding="utf-8").split() if listed.is_file() else sorted(found)
    loaders = [(name, partial(_load, name, found.get(name), folder)) for name in names]
    return survey_each("lasot", loaders, folder)


def _found(folder: Path) -> list[Path]:
    """The folders NAME-N of `folder` and of the folders in it."""
    near = subfolders(folder)
    candidates = [*near, *(path for parent in near if not (parent / "img").is_dir() for path in subfolders(parent))]
    return [path for path in candidates if (path / "img").is_dir() or (path / "groundtruth.txt").is_file()]


def _load(name: str, path: Path | None, folder: Path) -> Sequence:
    if path is None:
        raise DatasetError("testing_set.txt names it, but its folder is missing; restore it")
    truth = path / "groundtruth.txt"
    boxes = read_rows(truth)
    absent = np.zeros(len(boxes), dtype=np.bool_)
    for flag in _FLAGS:
        absent |= read_flags(path / flag, len(boxes)) > 0
    return make_sequence(
        name,
        path,
        path / "img",
        mark_absent(boxes, absent),
        layout="lasot",
        truth=truth.name,
        attributes=attributes_from_flags(folder / "att" / f"{name}.txt", ATTRIBUTES),
    )
