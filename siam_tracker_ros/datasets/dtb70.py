"""DTB70: ``NAME/img/00001.jpg`` and ``NAME/groundtruth_rect.txt``, one line ``x,y,w,h`` per frame.

Li and Yeung, "Visual Object Tracking for Unmanned Aerial Vehicles", AAAI 2017. The boxes are taken as they are written.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from siam_tracker_ros.datasets.published import make_sequence, read_rows, subfolders, survey_each
from siam_tracker_ros.datasets.sequences import Sequence, SequenceSurvey

__all__ = ["recognise", "survey"]


def recognise(folder: Path) -> bool:
    """Whether most sequences have groundtruth_rect.txt and images of five digits (OTB100's have four)."""
    digits = [
        len(next((image.stem for image in (path / "img").iterdir()), ""))
        for path in subfolders(folder)
        if (path / "groundtruth_rect.txt").is_file() and (path / "img").is_dir()
    ]
    return bool(digits) and sum(number == 5 for number in digits) * 2 > len(digits)


def survey(folder: Path) -> SequenceSurvey:
    """Check every sequence in `folder`. Raises DatasetError when it holds none."""
    paths = [p for p in subfolders(folder) if (p / "img").is_dir() or (p / "groundtruth_rect.txt").is_file()]
    return survey_each("dtb70", [(path.name, partial(_load, path)) for path in paths], folder)


def _load(path: Path) -> Sequence:
    truth = path / "groundtruth_rect.txt"
    return make_sequence(path.name, path, path / "img", read_rows(truth), layout="dtb70", truth=truth.name)
