"""What GOT-10k and LaSOT share: a text file with a box a line, and the pictures 00000001.jpg and on, one for each."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.picture_files import first_size, names_in
from siam_tracker_ros.datasets.sequences import read_lines
from siam_tracker_ros.datasets.view_rows import ABSENT, MISSING, UNREADABLE_LINE, ViewRows

__all__ = ["add_sequence", "read_boxes_line_by_line"]


def read_boxes_line_by_line(path: Path) -> NDArray[np.float64]:
    """[N, 4] float64, the numbers of each line; a row of nan for a line that is not four numbers.

    A line that is damaged costs its frame, not the sequence. Raises DatasetError when the file cannot be read.
    """
    boxes = [_four_numbers(line) for line in read_lines(path)]
    return np.array(boxes, np.float64).reshape(-1, 4)


def _four_numbers(line: str) -> tuple[float, ...]:
    try:
        values = tuple(float(word) for word in re.split(r"[,\s]+", line.strip()))
    except ValueError:
        values = ()
    return values if len(values) == 4 else (np.nan,) * 4


def add_sequence(
    rows: ViewRows, scene: str, category: str, pictures: Path, boxes: NDArray[np.float64], absent: NDArray[np.bool_]
) -> None:
    """Add the frames of a sequence in which its one object can be seen; the survey counts the others.

    pictures: folder of the images. boxes: [N, 4] x, y, w, h, row i of image i + 1. absent: [N].

    Raises DatasetError when no image that is left can be read.
    """
    there = names_in(pictures)
    present = np.array([f"{number:08d}.jpg" in there for number in range(1, len(boxes) + 1)], np.bool_)
    unreadable = np.isnan(boxes).any(axis=1)
    for reason, fault in (
        (ABSENT, absent),
        (UNREADABLE_LINE, ~absent & unreadable),
        (MISSING, ~absent & ~unreadable & ~present),
    ):
        where = [f"{scene} frame {number + 1}" for number in np.flatnonzero(fault)[:3]]
        rows.survey.leave_out(reason, *where, count=int(fault.sum()))
    kept = np.flatnonzero(~absent & ~unreadable & present)
    if not len(kept):
        return
    width, height = first_size([pictures / f"{number + 1:08d}.jpg" for number in kept])
    rows.extend(rows.scene(scene, width, height), rows.category(category), 0, kept + 1, boxes[kept])
