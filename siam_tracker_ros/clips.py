"""Some frames to try something on, with the target in the first: of a video, or of a drawn flight."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.start_box import choose_box, find_truth
from siam_tracker_ros.video import open_source

BoxTuple = tuple[float, float, float, float]


def read_clip(source: str, box: str | None, most: int) -> tuple[list[NDArray[np.uint8]], BoxTuple]:
    """The first frames, BGR uint8 [H, W, 3], and the target's box x, y, w, h in the first, pixels.

    Args:
        source: a video file, a folder of images or a folder of one sequence; empty: a drawn flight, 1280x720.
        box: ``"x,y,w,h"``; None: of the ground truth beside the video.
        most: frames, at most.

    Raises:
        ValueError, OSError: the video or the box cannot be used. ImportError: what draws the flight is not installed.
    """
    if not source:
        from siam_tracker_ros.simulation.clip import drawn_frames

        if box is not None:
            raise ValueError("--box is of the frames of a video, and none is named")
        return drawn_frames(most)
    path = source if not (Path(source) / "video.mp4").is_file() else str(Path(source) / "video.mp4")
    video = open_source(path)
    start = choose_box(box, find_truth(path), video.size)
    frames = []
    for frame in video:
        frames.append(frame)
        if len(frames) == most:
            break
    return frames, start.as_tuple()
