"""UAVDT's single-object task: ``NAME/img000001.jpg`` and ``anno/NAME_gt.txt``, one line ``x,y,w,h`` per frame.

Du et al., "The Unmanned Aerial Vehicle Benchmark: Object Detection and Tracking", ECCV 2018. The two archives unpack
beside each other: the images to ``UAV-benchmark-S/NAME`` (also ``data_seq/NAME``, or ``NAME``), the boxes to
``UAV-benchmark-SOT_v1.0/anno`` (also ``anno``).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.published import make_sequence, mark_absent, read_rows, survey_each
from siam_tracker_ros.datasets.sequences import Sequence, SequenceSurvey

__all__ = ["recognise", "survey"]

_TRUTHS = ("anno", "UAV-benchmark-SOT_v1.0/anno")
_IMAGES = ("UAV-benchmark-S", "data_seq", "data", ".")


def recognise(folder: Path) -> bool:
    """Whether there is a folder anno/ with NAME_gt.txt in it."""
    return bool(_truths(folder))


def survey(folder: Path) -> SequenceSurvey:
    """Check every annotated sequence in `folder`. Raises DatasetError when it holds none."""
    loaders = [
        (name, partial(_load, name, truth, folder))
        for truth in _truths(folder)
        for name in [truth.name.removesuffix("_gt.txt")]
    ]
    return survey_each("uavdt", loaders, folder)


def _truths(folder: Path) -> list[Path]:
    for place in _TRUTHS:
        if found := sorted((folder / place).glob("*_gt.txt")):
            return found
    return []


def _load(name: str, truth: Path, folder: Path) -> Sequence:
    source = next((path for path in (folder / place / name for place in _IMAGES) if path.is_dir()), None)
    if source is None:
        raise DatasetError(f"the folder of images {name} is missing; restore it")
    return make_sequence(name, source, source, mark_absent(read_rows(truth)), layout="uavdt", truth=truth.name)
