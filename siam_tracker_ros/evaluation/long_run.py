"""One tracker for ten thousand frames: whether a frame now and then takes long, and whether memory grows.

How even a machine is cannot be told apart from how even a tracker is by one number. So the frame's last search is done
once more after each frame: the same work each time, whose times differ by what else the machine did.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.evaluation.entrants import Entrant
from siam_tracker_ros.evaluation.race import Clip, arriving
from siam_tracker_ros.memory import resident_memory

__all__ = ["LongRun", "long_run"]

EVERY = 50  # frames between two looks at memory
WARM_UP = 100  # frames that are not counted


@dataclass(frozen=True, eq=False)
class LongRun:
    """What was seen.

    Attributes:
        times: seconds of every frame until its box is there, [N].
        rests: seconds of what it left to be done after that, [N].
        again: seconds of the search done once more, where it was of the usual kind, [M]; none for OpenCV's trackers.
        memory: bytes of main memory every 50 frames, [N / 50].
        interrupted: whether Ctrl-C ended it early.
    """

    times: NDArray[np.float64]
    rests: NDArray[np.float64]
    again: NDArray[np.float64]
    memory: NDArray[np.int64]
    interrupted: bool

    @property
    def tail(self) -> float:
        """The 99th percentile over the median, until the box is there; 1 is as even as can be."""
        return _tail(self.times)

    @property
    def whole_tail(self) -> float:
        """The same of all that a frame takes."""
        return _tail(self.times + self.rests)

    @property
    def machine_tail(self) -> float | None:
        """The same of the same search again and again: what an even tracker would have on this machine."""
        return _tail(self.again) if len(self.again) else None

    @property
    def growth(self) -> float:
        """Bytes that memory grew by from the run's third quarter to its last, medians of each."""
        quarter = len(self.memory) // 4
        if not quarter:
            return float("nan")
        return float(np.median(self.memory[-quarter:]) - np.median(self.memory[-2 * quarter : -quarter]))


def long_run(entrant: Entrant, clip: Clip, frames: int, progress: Callable[[int], object] = lambda _: None) -> LongRun:
    """Follow the clip forwards and backwards, so that the target never jumps, until there are ``frames``.

    Ctrl-C (KeyboardInterrupt) ends it, and what was measured until then is returned.

    Args:
        frames: counted ones, 1 or more.
        progress: told how many frames were added.
    """
    last = len(clip.frames) - 1
    order = [*range(1, last + 1), *range(last - 1, -1, -1)]
    times, rests, again = np.zeros((3, frames))
    kinds, memory = np.zeros(frames, np.int64), np.zeros(frames // EVERY, np.int64)
    count, interrupted = 0, False
    gc.collect()
    gc.freeze()
    try:
        entrant.init(clip.frames[0], clip.box)
        wanted = (clip.frames[order[number % len(order)]] for number in range(WARM_UP + frames))
        for number, frame in enumerate(arriving(wanted), start=-WARM_UP):
            start = perf_counter()
            entrant.update(frame)
            seen = perf_counter()
            kind = entrant.again()
            searched = perf_counter()
            entrant.rest()
            end = perf_counter()
            if number < 0:
                continue
            times[number], again[number], rests[number] = seen - start, searched - seen, end - searched
            kinds[number], count = kind, number + 1
            if count % EVERY == 0:
                memory[count // EVERY - 1] = resident_memory()
                progress(EVERY)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        gc.unfreeze()
    kinds = kinds[:count]
    usual = (kinds > 0) & (kinds == np.bincount(kinds, minlength=1).argmax())
    return LongRun(times[:count], rests[:count], again[:count][usual], memory[: count // EVERY], interrupted)


def _tail(times: NDArray[np.float64]) -> float:
    return float(np.percentile(times, 99) / np.median(times))
