"""How trackers are let loose on a sequence: once, at a camera's pace, or under supervision.

Each protocol is plain data that can be sent to another process, and runs a tracker over one sequence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.evaluation.one_pass import SequenceTracker, Track, track_sequence
from siam_tracker_ros.evaluation.real_time import track_in_real_time
from siam_tracker_ros.evaluation.supervised import track_supervised

__all__ = ["PROTOCOLS", "OnePass", "Protocol", "RealTime", "Supervised", "parse_protocol"]

OnFrame = Callable[[], None] | None


@dataclass(frozen=True)
class OnePass:
    """The tracker gets the first true box and every frame (OTB, UAV123, LaSOT, NfS, GOT-10k)."""

    name: ClassVar[str] = "one-pass"
    supervised: ClassVar[bool] = False
    folder: ClassVar[str] = "results"
    title: ClassVar[str] = "One pass"

    def run(self, tracker: SequenceTracker, sequence: Sequence, on_frame: OnFrame = None) -> Track:
        """See `one_pass.track_sequence`."""
        return track_sequence(tracker, sequence, on_frame)


@dataclass(frozen=True)
class RealTime:
    """One pass, but the tracker gets only the frames for which it is free.

    rate: frames a second of the camera, positive.
    """

    rate: float = 30.0
    name: ClassVar[str] = "real-time"
    supervised: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rate) and self.rate > 0):
            raise ValueError(f"the rate must be a positive number of frames a second, not {self.rate:g}")

    @property
    def folder(self) -> str:
        """Folder of the tracks below the run's."""
        return f"results_real_time_{self.rate:g}"

    @property
    def title(self) -> str:
        """What tables call it."""
        return f"Real time at {self.rate:g} frames a second"

    def run(self, tracker: SequenceTracker, sequence: Sequence, on_frame: OnFrame = None) -> Track:
        """See `real_time.track_in_real_time`."""
        return track_in_real_time(tracker, sequence, self.rate, on_frame)


@dataclass(frozen=True)
class Supervised:
    """VOT's: started anew after each failure (VOT2013 to VOT2019)."""

    name: ClassVar[str] = "vot"
    supervised: ClassVar[bool] = True
    folder: ClassVar[str] = "results_vot"
    title: ClassVar[str] = "VOT, started anew after each failure"

    def run(self, tracker: SequenceTracker, sequence: Sequence, on_frame: OnFrame = None) -> Track:
        """See `supervised.track_supervised`."""
        return track_supervised(tracker, sequence, on_frame)


Protocol = OnePass | RealTime | Supervised
PROTOCOLS = (OnePass.name, RealTime.name, Supervised.name)


def parse_protocol(name: str, rate: float = 30.0) -> Protocol:
    """The protocol that the command line names; rate: frames a second of "real-time". Raises ValueError."""
    if name == OnePass.name:
        return OnePass()
    if name == RealTime.name:
        return RealTime(rate)
    if name == Supervised.name:
        return Supervised()
    raise ValueError(f"there is no protocol '{name}'; there are {', '.join(PROTOCOLS)}")
