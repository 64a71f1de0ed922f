"""One-pass evaluation: the tracker gets the first true box, then only frames, to the end of the sequence.

This is the protocol of OTB, UAV123 and LaSOT: no second start after a failure. The clock runs while the
tracker works and stands while a frame is decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.sequences import Sequence

__all__ = ["SequenceTracker", "Track", "TrackerFailure", "track_sequence"]

BoxTuple = tuple[float, float, float, float]


class SequenceTracker(Protocol):
    """What can be evaluated: `siam_tracker_ros.Tracker`, and OpenCV's trackers in `peers`."""

    def init(self, frame: NDArray[np.uint8], box: BoxTuple, /) -> None:
        """Start on a BGR frame with a box x, y, w, h in pixels."""

    def update(self, frame: NDArray[np.uint8], /) -> Any:
        """The next BGR frame; the result has a `box` with x, y, w and h in pixels."""


class TrackerFailure(RuntimeError):
    """A tracker raised an error; the message says at which frame and what."""


@dataclass(frozen=True, eq=False)
class Track:
    """What a tracker made of one sequence.

    boxes: [N, 4] float64, x, y, w, h, pixels; the first row is the box it was given.
    times: [N] seconds that the tracker worked; the first is its initialisation.
    """

    boxes: NDArray[np.float64]
    times: NDArray[np.float64]

    @property
    def seconds(self) -> float:
        """Time of all updates, without the initialisation."""
        return float(self.times[1:].sum())


def track_sequence(tracker: SequenceTracker, sequence: Sequence, on_frame: Callable[[], None] | None = None) -> Track:
    """Run `tracker` once over `sequence`; `on_frame` is called after every frame, outside the measured time.

    Raises TrackerFailure when the tracker raises, and DatasetError when a frame cannot be decoded.
    """
    boxes = np.full((len(sequence), 4), np.nan)
    times = np.zeros(len(sequence))
    boxes[0] = sequence.boxes[0]
    first: BoxTuple = tuple(float(value) for value in sequence.boxes[0])  # type: ignore[assignment]
    for index, frame in enumerate(sequence.frames()):
        start = perf_counter()
        try:
            if index == 0:
                tracker.init(frame, first)
            else:
                box = tracker.update(frame).box
        except Exception as error:
            raise TrackerFailure(f"frame {index}: {type(error).__name__}: {error}") from error
        times[index] = perf_counter() - start
        if index > 0:
            boxes[index] = box.x, box.y, box.w, box.h
        if on_frame is not None:
            on_frame()
    return Track(boxes, times)
