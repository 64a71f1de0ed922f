"""What a tracker is to those who use one: its methods and its result. Needs no torch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.state import TrackState


@dataclass(frozen=True)
class TrackResult:
    """What one frame gave.

    Attributes:
        box: where the target is, pixels of the original image; where it should be while it is not found.
        confidence: 0..1, the probability that the box is right (IoU over 0.5); the score where none was fitted.
        apce: average peak-to-correlation energy, summed over the levels (AFSN equation 6).
        apce_ratio: that over its running mean; 1 is usual.
        state: TRACKING, UNCERTAIN, LOST or SEARCHING (docs/states.md).
        reason: why the state is not TRACKING, a sentence; empty while it is.
        template_updates: template updates accepted since the initialisation.
        template_updated: whether this frame was one; it counts from the next frame on.
        measured: whether the box was found in this frame; False while it waits for a target that is not found.
        score: the network's own score of the place chosen, 0..1, which the thresholds are of.
    """

    box: Box
    confidence: float
    apce: float
    apce_ratio: float
    state: TrackState
    reason: str
    template_updates: int
    template_updated: bool
    measured: bool = True
    score: float = 0.0

    @property
    def seen(self) -> bool:
        """Whether the target may be told to a controller as seen in this frame: never an old box as a new one."""
        return self.measured and self.state in (TrackState.TRACKING, TrackState.UNCERTAIN)


class FollowsOne(Protocol):
    """The tracker contract; :class:`siam_tracker_ros.Tracker` says what each method does and raises."""

    @property
    def device(self) -> str: ...
    @property
    def model_name(self) -> str: ...
    def init(self, frame: NDArray[np.uint8], box: Box | Sequence[float]) -> None: ...
    def update(self, frame: NDArray[np.uint8]) -> TrackResult: ...
    def rest(self) -> None: ...
    def configure(self, settings: TrackerSettings) -> None: ...
    def reset(self) -> None: ...


class FollowsSeveral(Protocol):
    """The contract for several targets; :class:`siam_tracker_ros.tracking.multi.MultiTracker` says what each does."""

    @property
    def device(self) -> str: ...
    @property
    def model_name(self) -> str: ...
    @property
    def ids(self) -> tuple[str, ...]: ...
    def add(self, target_id: str, frame: NDArray[np.uint8], box: Box | Sequence[float]) -> None: ...
    def remove(self, target_id: str) -> bool: ...
    def clear(self) -> None: ...
    def update(self, frame: NDArray[np.uint8], only: Collection[str] | None = None) -> dict[str, TrackResult]: ...
    def rest(self) -> None: ...
    def rescale(self, factor_x: float, factor_y: float) -> None: ...
    def configure(self, settings: TrackerSettings) -> None: ...
    def prepare(self, height: int, width: int, targets: int) -> None: ...
    def release(self) -> None: ...
