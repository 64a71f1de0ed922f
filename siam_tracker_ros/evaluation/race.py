"""Trackers that take turns on the same frames, every frame's time and that of its stages written down.

They take turns so that whatever else the machine does meanwhile, its clock speed included, is shared by all: the
ratios of two trackers are those of turns that lie side by side.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.evaluation.entrants import BoxTuple, Entrant

__all__ = ["Clip", "Laps", "arriving", "race"]

BUFFERS = 4
"""Frames that a driver holds."""


@dataclass(frozen=True, eq=False)
class Clip:
    """What all of them follow.

    Attributes:
        name: of the video.
        frames: BGR uint8 [H, W, 3], two at least.
        box: x, y, w, h of the target in the first, pixels.
    """

    name: str
    frames: Sequence[NDArray[np.uint8]]
    box: BoxTuple

    def __post_init__(self) -> None:
        if len(self.frames) < 2:
            raise ValueError(f"{self.name} has {len(self.frames)} frames; two are needed at least")

    def resized(self, width: int, height: int) -> Clip:
        """The same in frames of another size, pixels."""
        rows, columns = self.frames[0].shape[:2]
        x, y, w, h = self.box
        across, down = width / columns, height / rows
        frames = [cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in self.frames]
        return Clip(self.name, frames, (x * across, y * down, w * across, h * down))  # type: ignore[arg-type]


def arriving(frames: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """The frames as a driver or decoder hands them out: written just now, into one of a few buffers that are reused."""
    buffers: list[NDArray[np.uint8]] = []
    for number, frame in enumerate(frames):
        if len(buffers) < BUFFERS:
            buffers.append(np.empty_like(frame))
        buffer = buffers[number % BUFFERS]
        np.copyto(buffer, frame)
        yield buffer


@dataclass(eq=False)
class Laps:
    """One tracker's times.

    Attributes:
        inits: seconds of each initialisation.
        turns: seconds of each frame, a list for each turn.
        stages: the same by stage.
        trouble: why it stopped, a sentence; empty while all is well.
    """

    inits: list[float] = field(default_factory=list)
    turns: list[list[float]] = field(default_factory=list)
    stages: dict[str, list[list[float]]] = field(default_factory=dict)
    trouble: str = ""

    @property
    def count(self) -> int:
        """Frames so far."""
        return sum(len(turn) for turn in self.turns)

    @property
    def spent(self) -> float:
        """Seconds so far."""
        return sum(sum(turn) for turn in self.turns)

    def total(self) -> NDArray[np.float64]:
        """Seconds of every frame, [count]."""
        return np.concatenate([np.asarray(turn) for turn in self.turns]) if self.turns else np.empty(0)

    def stage(self, name: str) -> NDArray[np.float64]:
        """Seconds of a stage in every frame, [count]."""
        return np.concatenate([np.asarray(turn) for turn in self.stages[name]])


def race(
    entrants: Mapping[str, Entrant],
    clip: Clip,
    frames: int,
    seconds: float,
    progress: Callable[[int], object] = lambda _: None,
) -> dict[str, Laps]:
    """Let them take turns until each has its frames.

    A turn is the clip once, from the initialisation. The first turn of each warms it up and is not counted. Nobody
    rests: the next frame comes at once, and what the last one left to be done counts in its time. Ctrl-C
    (KeyboardInterrupt) ends it, and what was measured until then is returned.

    Args:
        frames: for each, at least.
        seconds: for each, at most, of its own time; a third of it for its first turn.
        progress: told how many frames were added.
    """
    laps = {name: Laps() for name in entrants}
    gc.collect()
    gc.freeze()  # as the node does: the collector does not look through the networks in the middle of a frame
    try:
        for name, entrant in entrants.items():
            _turn(entrant, clip, warm := Laps(), seconds / 3)
            laps[name].trouble = warm.trouble
        while waiting := [name for name, own in laps.items() if _wants_more(own, frames, seconds)]:
            for name in waiting:
                before = laps[name].count
                _turn(entrants[name], clip, laps[name], seconds - laps[name].spent)
                progress(laps[name].count - before)
    except KeyboardInterrupt:
        pass
    finally:
        gc.unfreeze()
    return laps


def _wants_more(laps: Laps, frames: int, seconds: float) -> bool:
    return not laps.trouble and laps.count < frames and laps.spent < seconds


def _turn(entrant: Entrant, clip: Clip, laps: Laps, seconds: float) -> None:
    """Follow the clip once, for so many seconds at most."""
    times: list[float] = []
    stages: list[dict[str, float]] = []
    try:
        start = perf_counter()
        entrant.init(clip.frames[0], clip.box)
        laps.inits.append(perf_counter() - start)
        entrant.stages()
        for frame in arriving(clip.frames[1:]):
            start = perf_counter()
            entrant.update(frame)
            times.append(perf_counter() - start)
            stages.append(entrant.stages())
            if (seconds := seconds - times[-1]) <= 0:
                break
    except Exception as error:  # noqa: BLE001 - one tracker's failure is told, and the others go on
        laps.trouble = f"{type(error).__name__} at frame {len(times) + 1}: {error}"
        return
    laps.turns.append(times)
    for name in stages[0] if stages else ():
        laps.stages.setdefault(name, []).append([each[name] for each in stages])
