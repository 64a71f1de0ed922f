"""One tracker for ten thousand frames: whether a frame now and then takes long, and whether memory grows."""

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
        times: seconds of every frame, [N].
        memory: bytes of main memory every 50 frames, [N / 50].
        interrupted: whether Ctrl-C ended it early.
    """

    times: NDArray[np.float64]
    memory: NDArray[np.int64]
    interrupted: bool

    @property
    def tail(self) -> float:
        """The 99th percentile over the median; 1 is as even as can be."""
        return float(np.percentile(self.times, 99) / np.median(self.times))

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
    times, memory, interrupted = np.full(frames, np.nan), np.zeros(frames // EVERY, np.int64), False
    count = 0
    gc.collect()
    gc.freeze()
    try:
        entrant.init(clip.frames[0], clip.box)
        wanted = (clip.frames[order[number % len(order)]] for number in range(WARM_UP + frames))
        for number, frame in enumerate(arriving(wanted), start=-WARM_UP):
            start = perf_counter()
            entrant.update(frame)
            took = perf_counter() - start
            if number < 0:
                continue
            times[number], count = took, number + 1
            if count % EVERY == 0:
                memory[count // EVERY - 1] = resident_memory()
                progress(EVERY)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        gc.unfreeze()
    return LongRun(times[:count], memory[: count // EVERY], interrupted)
