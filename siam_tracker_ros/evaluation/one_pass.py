"""One-pass evaluation: the tracker gets the first true box, then only frames, to the end of the sequence.

This is the protocol of OTB, UAV123 and LaSOT: no second start after a failure. The clock runs while the
tracker works and stands while a frame is decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siam_tracker_ros.datasets.sequences import Sequence

__all__ = ["Recorder", "SequenceTracker", "Track", "TrackerFailure", "track_sequence"]

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

    boxes: [N, 4] float64, x, y, w, h, pixels; the first row is the box it was given. nan where there is none:
        in a protocol that starts trackers anew, the frames of a start, of a failure and between the two.
    times: [N] seconds that the tracker worked, the first its initialisation; nan where it never got the frame.
    confidences: [N], 0..1, nan where the tracker gave none (as in the first frame); None for a tracker without.
    lost: [N] bool, whether the tracker said that it lost the target; None for a tracker that never says.
    starts, failures: indices of the frames, ascending, in which it was started and in which it failed.
    """

    boxes: NDArray[np.float64]
    times: NDArray[np.float64]
    confidences: NDArray[np.float64] | None = None
    lost: NDArray[np.bool_] | None = None
    starts: tuple[int, ...] = (0,)
    failures: tuple[int, ...] = ()

    @property
    def updates(self) -> int:
        """Number of frames that the tracker was given beside those of its starts."""
        return int(np.isfinite(self.update_times).sum())

    @property
    def seconds(self) -> float:
        """Time of all updates, without the initialisations."""
        return float(np.nansum(self.update_times))

    @property
    def init_seconds(self) -> float:
        """Mean time of an initialisation."""
        return float(self.times[list(self.starts)].mean())

    @property
    def fps(self) -> float:
        """Frames a second of tracking itself, 0 where unknown."""
        return self.updates / self.seconds if self.seconds > 0 else 0.0

    @property
    def update_times(self) -> NDArray[np.float64]:
        """Seconds of each frame that was not a start; nan where the tracker never got it."""
        times: NDArray[np.float64] = np.delete(self.times, list(self.starts))
        return times


def track_sequence(tracker: SequenceTracker, sequence: Sequence, on_frame: Callable[[], None] | None = None) -> Track:
    """Run `tracker` once over `sequence`; `on_frame` is called after every frame, outside the measured time.

    Raises TrackerFailure when the tracker raises, and DatasetError when a frame cannot be decoded.
    """
    recorder = Recorder(tracker, sequence)
    for index, frame in enumerate(sequence.frames()):
        if index == 0:
            recorder.start(index, frame, sequence.boxes[0])
        else:
            recorder.update(index, frame)
        if on_frame is not None:
            on_frame()
    return recorder.track()


class Recorder:
    """Calls a tracker frame by frame and keeps what it says, whatever the protocol."""

    def __init__(self, tracker: SequenceTracker, sequence: Sequence) -> None:
        count = len(sequence)
        self.tracker = tracker
        self.boxes = np.full((count, 4), np.nan)
        self.times = np.full(count, np.nan)
        self.confidences = np.full(count, np.nan)
        self.lost = np.zeros(count, dtype=np.bool_)
        self.starts: list[int] = []
        self.failures: list[int] = []
        self._tells_lost = False

    def start(self, index: int, frame: NDArray[np.uint8], box: ArrayLike) -> None:
        """Start the tracker on a frame. Raises TrackerFailure when it raises."""
        x, y, w, h = (float(value) for value in np.asarray(box))
        with _naming_the_frame(index):
            begun = perf_counter()
            self.tracker.init(frame, (x, y, w, h))
            self.times[index] = perf_counter() - begun
        self.boxes[index] = x, y, w, h
        self.starts.append(index)

    def update(self, index: int, frame: NDArray[np.uint8]) -> None:
        """Let the tracker follow to a frame. Raises TrackerFailure when it raises."""
        with _naming_the_frame(index):
            begun = perf_counter()
            result = self.tracker.update(frame)
            self.times[index] = perf_counter() - begun
            box = result.box
            self.boxes[index] = box.x, box.y, box.w, box.h
            self.confidences[index] = getattr(result, "confidence", np.nan)
            lost = _lost(result)
        self._tells_lost |= lost is not None
        self.lost[index] = bool(lost)

    def track(self) -> Track:
        """What was kept."""
        return Track(
            self.boxes,
            self.times,
            None if np.isnan(self.confidences).all() else self.confidences,
            self.lost if self._tells_lost else None,
            tuple(self.starts),
            tuple(self.failures),
        )


def _lost(result: Any) -> bool | None:
    """Whether a result says that the target is lost: by its state, or by OpenCV's word; None where it cannot."""
    if hasattr(result, "state"):
        return result.state.name in ("LOST", "SEARCHING")
    return not result.found if hasattr(result, "found") else None


@contextmanager
def _naming_the_frame(index: int) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        what = " ".join(str(error).split())  # OpenCV's ends in empty lines
        raise TrackerFailure(f"frame {index}: {type(error).__name__}: {what}") from error
