"""What is known after one frame, as the worker hands it to who publishes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.nodes.mailbox import Frame
from siam_tracker_ros.tracking.contract import TrackResult
from siam_tracker_ros.tracking.state import TrackState


@dataclass(frozen=True)
class Target:
    """What the operator calls a thing that is followed."""

    id: str
    class_id: str


@dataclass(frozen=True)
class TargetReport:
    """One target after one frame. ``result``: the tracker's; None where the target was not looked for."""

    target: Target
    state: TrackState
    reason: str
    result: TrackResult | None

    @property
    def seen(self) -> bool:
        """Whether the target may be published as seen in this frame."""
        return self.result is not None and self.result.seen


@dataclass(frozen=True)
class FrameReport:
    """What is known after one frame. ``state``, ``reason``, ``target`` and ``result`` are the primary target's.

    Attributes:
        pixels: BGR, for the debug image; None where the frame could not be read.
        state: IDLE without a target; LOST also where the frame was refused or the tracker failed.
        reason: a sentence; empty while TRACKING.
        target: the primary one, which is followed longest; None without a target.
        result: the tracker's; None without a target, or where there was no update.
        refused: whether the frame could not be used.
        started: the clock when its processing started, nanoseconds.
        processing: seconds that the processing took.
        others: the other targets, the one that is followed longest first.
        conversion: seconds of the processing in which the message became pixels.
        tracking: seconds of the processing in which the targets were looked for.
    """

    frame: Frame
    pixels: NDArray[np.uint8] | None
    state: TrackState
    reason: str
    target: Target | None
    result: TrackResult | None
    refused: bool
    started: int
    processing: float
    others: tuple[TargetReport, ...] = ()
    conversion: float = 0.0
    tracking: float = 0.0

    @property
    def seen(self) -> bool:
        """Whether the primary target may be published as seen in this frame."""
        return self.result is not None and self.result.seen

    @property
    def targets(self) -> tuple[TargetReport, ...]:
        """All targets, the primary one first."""
        if self.target is None:
            return ()
        return TargetReport(self.target, self.state, self.reason, self.result), *self.others
