"""The box that a target starts from: as a person types it, and as a ground-truth file beside a video has
it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.sequences import read_boxes
from siam_tracker_ros.geometry import Box, check_box

GROUND_TRUTH = "groundtruth.txt"


def parse_box(text: str) -> Box:
    """``"x,y,w,h"`` in pixels, top-left corner. Raises ValueError with a sentence."""
    try:
        values = [float(word) for word in text.split(",")]
    except ValueError:
        values = []
    if len(values) != 4:
        raise ValueError(f"the box '{text}' is not x,y,w,h: four numbers, separated by commas, in pixels")
    return Box(*values)


def find_truth(video: str | Path) -> NDArray[np.float64] | None:
    """The true boxes [N, 4] (x, y, w, h; nan where absent) of ``groundtruth.txt`` beside a video file or a
    folder ``img`` of images, or in the folder of images itself; None where there is no such file.

    Raises ValueError: the file is there, but is not in that format or holds no box.
    """
    path = Path(video)
    for folder in (path, path.parent) if path.is_dir() else (path.parent,):
        file = folder / GROUND_TRUTH
        if path.exists() and file.is_file():
            try:
                boxes = read_boxes(file)
            except DatasetError as error:
                raise ValueError(f"{file}: {error}") from error
            if not len(boxes) or not np.isfinite(boxes[0]).all():
                raise ValueError(f"{file}: its first line has no box; the target must be seen in the first frame")
            return boxes
    return None


def choose_box(text: str | None, truth: NDArray[np.float64] | None, size: tuple[int, int]) -> Box:
    """The box to start from: ``text`` if given, else the first true box; checked against a picture of
    ``size`` (width, height).

    Raises ValueError: neither is there, or the box is malformed, outside the picture or too small.
    """
    if text:
        box = parse_box(text)
    elif truth is not None:
        box = Box(*map(float, truth[0]))
    else:
        raise ValueError(
            f"where is the target in the first frame? Give its box as x,y,w,h, or put a {GROUND_TRUTH} beside the video"
        )
    return check_box(box, *size)


def agreeing_truth(truth: NDArray[np.float64] | None, start: Box) -> NDArray[np.float64] | None:
    """The true boxes, unless the target was started somewhere else than they say: then they are another's."""
    if truth is None or Box(*map(float, truth[0])).iou(start) < 0.5:
        return None
    return truth
