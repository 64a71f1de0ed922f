"""The real-time protocol: a tracker slower than the camera sees only the frames that it is free for.

The camera takes frame i at ``i / rate`` seconds and keeps only its newest. A tracker that becomes free takes
the newest frame that it has not seen, or waits for the next one. At the moment at which frame i is taken, the
box that stands for it is the last one that is ready, so that a slow tracker is scored on all frames with old
boxes. The idea is that of VOT2017's real-time experiment (Kristan et al., ICCV workshops 2017), where the last
box is taken likewise while a tracker is late, and of streaming perception (Li, Wang and Ramanan, ECCV 2020).

The functions are pure: they take times that were measured, so that a score can be made for any camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Schedule", "boxes_in_time", "schedule"]


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
    if not (np.isfinite(rate) and rate > 0):
        raise ValueError(f"rate must be a positive number of frames a second, not {rate}")
    if not grace >= 0:
        raise ValueError(f"grace must be 0 frames or more, not {grace}")
    if start_is_free:
        seconds[0] = 0.0
    # In frames of the camera: frame i comes at the moment i, exactly.
    lengths = seconds * rate
    count = len(lengths)
    seen, ready = [], []
    index, free = 0, 0.0
    while index < count:
        free = max(free, float(index)) + float(lengths[index])
        seen.append(index)
        ready.append(free)
        if free >= count:
            break
        # The newest that has come; where that was seen already, the one to come.
        index = max(index + 1, int(free))
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
