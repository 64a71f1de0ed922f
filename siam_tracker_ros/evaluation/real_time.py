"""The real-time protocol: a tracker slower than the camera sees only the frames that it is free for.

The camera takes frame i at ``i / rate`` seconds and keeps only its newest. A tracker that becomes free takes
the newest frame that it has not seen, or waits for the next one. At the moment at which frame i is taken, the
box that stands for it is the last one that is ready, so that a slow tracker is scored on all frames with old
boxes. The idea is that of VOT2017's real-time experiment (Kristan et al., ICCV workshops 2017), where the last
box is taken likewise while a tracker is late, and of streaming perception (Li, Wang and Ramanan, ECCV 2020).

`schedule` is pure: it takes times that were measured, so that a plan can be made for any camera. A tracker that
misses frames tracks otherwise, though, so `track_in_real_time` runs it on those that it would get.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.evaluation.one_pass import Recorder, SequenceTracker, Track

__all__ = ["Schedule", "boxes_in_time", "schedule", "track_in_real_time"]


@dataclass(frozen=True, eq=False)
class Schedule:
    """Who saw what, and when.

    seen: indices of the frames that the tracker gets, ascending, from the first on; int64 [M].
    ready: seconds after the first frame at which each of them is done, [M].
    standing: for each of the N frames, the index of the frame of which the last box is; int64 [N].
    """

    seen: NDArray[np.int64]
    ready: NDArray[np.float64]
    standing: NDArray[np.int64]

    @property
    def dropped(self) -> int:
        """How many frames the tracker never saw."""
        return len(self.standing) - len(self.seen)


def schedule(times: ArrayLike, rate: float, *, grace: float = 1.0, start_is_free: bool = True) -> Schedule:
    """Which frames a tracker sees, and whose box stands at each.

    times: [N] seconds that the tracker works on each frame if it gets it, the first its initialisation; of a
    frame that it was never given, what it usually takes. rate: frames a second. grace: the box of a frame is
    in time until so many frames later; 1 is until the next frame comes, so a tracker as fast as the camera
    loses nothing; 0 wants it at once, as streaming perception does. start_is_free: the initialisation takes no
    time (a network that warms up says little of a tracker).
    Raises ValueError when there is no time, one is negative or nan, `rate` is not positive or `grace` negative.
    """
    seconds = np.array(times, dtype=np.float64)
    if seconds.ndim != 1 or len(seconds) == 0 or not (seconds >= 0).all():
        raise ValueError("times must be a list of seconds, one a frame, none negative or nan")
    if not grace >= 0:
        raise ValueError(f"grace must be 0 frames or more, not {grace}")
    if start_is_free:
        seconds[0] = 0.0
    clock = _Clock(rate)
    count = len(seconds)
    seen, ready = [], []
    index = 0
    while index < count:
        seen.append(index)
        index = clock.next_frame(index, float(seconds[index]))
        ready.append(clock.free)
    indices, moments = np.array(seen, dtype=np.int64), np.array(ready)
    # Before the first is ready the box that the tracker was given stands.
    last = np.searchsorted(moments, np.arange(count) + grace, side="right") - 1
    # A box of the future cannot stand for a frame, however long the grace.
    last = np.minimum(last, np.searchsorted(indices, np.arange(count), side="right") - 1)
    return Schedule(indices, moments / rate, indices[np.maximum(last, 0)])


def boxes_in_time(boxes: ArrayLike, plan: Schedule) -> NDArray[np.float64]:
    """The boxes that stand at each frame, [N, 4], to be scored as any other track.

    boxes: [N, 4] with the tracker's box at each frame in `plan.seen` (others are not read).
    """
    given = np.asarray(boxes, dtype=np.float64)
    if given.shape != (len(plan.standing), 4):
        raise ValueError(f"boxes must be [{len(plan.standing)}, 4], not {list(given.shape)}")
    standing: NDArray[np.float64] = given[plan.standing]
    return standing


def track_in_real_time(
    tracker: SequenceTracker, sequence: Sequence, rate: float, on_frame: Callable[[], None] | None = None
) -> Track:
    """Run `tracker` over `sequence` as if a camera took `rate` frames a second and did not wait for it.

    The tracker gets only the frames that it is free for, by the time that it takes here; decoding costs nothing.
    The track has the box, confidence and state that stand at every frame, and a time of nan where the tracker
    never got the frame. `on_frame` is called after every frame.
    Raises ValueError when `rate` is not positive, TrackerFailure and DatasetError as `track_sequence`.
    """
    recorder = Recorder(tracker, sequence)
    clock = _Clock(rate)
    wanted = 0
    for index, frame in enumerate(sequence.frames()):
        if index == 0:
            recorder.start(index, frame, sequence.boxes[0])
            wanted = clock.next_frame(index, 0.0)
        elif index == wanted:
            recorder.update(index, frame)
            wanted = clock.next_frame(index, float(recorder.times[index]))
        if on_frame is not None:
            on_frame()
    track = recorder.track()
    plan = schedule(np.nan_to_num(track.times), rate)
    return replace(
        track,
        boxes=boxes_in_time(track.boxes, plan),
        confidences=None if track.confidences is None else track.confidences[plan.standing],
        lost=None if track.lost is None else track.lost[plan.standing],
    )


class _Clock:
    """When a tracker is free, in frames of the camera: frame i comes at the moment i, exactly."""

    def __init__(self, rate: float) -> None:
        if not (np.isfinite(rate) and rate > 0):
            raise ValueError(f"rate must be a positive number of frames a second, not {rate}")
        self.rate = rate
        self.free = 0.0

    def next_frame(self, index: int, seconds: float) -> int:
        """Work `seconds` on frame `index`; returns the frame to take then: the newest, or the one to come."""
        self.free = max(self.free, float(index)) + seconds * self.rate
        return max(index + 1, int(self.free))
