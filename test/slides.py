"""Sequences without files, and trackers that follow a script: what the protocols' tests share."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from siam_tracker_ros.datasets import Sequence
from siam_tracker_ros.geometry import Box


class Slides(Sequence):
    """Frames of 200x200 pixels that say their number."""

    def frames(self) -> Iterator[np.ndarray]:
        for index in range(len(self)):
            yield np.full((200, 200, 3), index, np.uint8)


def slides(boxes, name: str = "slides", **more) -> Slides:
    """A sequence with these true boxes."""
    return Slides(name, Path(name), np.asarray(boxes, dtype=float), Path(name), **more)


class Scripted:
    """Gives the boxes of a list, one a frame, and notes which frames it gets.

    confidences, lost: told with each box where they are given, as this package's trackers do. failing: raises at that
    frame.
    """

    def __init__(self, boxes, confidences=None, lost=None, failing: int = -1) -> None:
        self.boxes, self.confidences, self.lost, self.failing = boxes, confidences, lost, failing
        self.starts: list[tuple[int, tuple[float, ...]]] = []
        self.updates: list[int] = []

    def init(self, frame, box) -> None:
        self.starts.append((int(frame[0, 0, 0]), box))

    def update(self, frame):
        index = int(frame[0, 0, 0])
        self.updates.append(index)
        if index == self.failing:
            raise RuntimeError("lost my way")
        result = SimpleNamespace(box=Box(*(float(value) for value in self.boxes[index])))
        if self.confidences is not None:
            result.confidence = self.confidences[index]
        if self.lost is not None:
            result.state = SimpleNamespace(name="LOST" if self.lost[index] else "TRACKING")
        return result
