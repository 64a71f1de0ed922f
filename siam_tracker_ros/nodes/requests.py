"""What the operator may ask of the worker, and what it answers."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeAlias

from siam_tracker_interfaces.srv import InitTarget
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.report import Target
from siam_tracker_ros.tracking.settings import TrackerSettings


@dataclass(frozen=True)
class InitOutcome:
    """The answer to an InitRequest. ``stamp``: of the frame used, or of the oldest one kept; nanoseconds."""

    code: int
    message: str
    target_id: str = ""
    stamp: int = 0

    @property
    def success(self) -> bool:
        """Whether the target is followed."""
        return self.code == InitTarget.Response.OK


STOPPING = InitOutcome(InitTarget.Response.NODE_STOPPING, "the node is shutting down")
NOT_ACTIVE = InitOutcome(
    InitTarget.Response.NOT_ACTIVE, "the node is not active and gets no images: activate it (~/change_state) first"
)


@dataclass(frozen=True)
class InitRequest:
    """Start on ``box`` in the frame of ``stamp`` (nanoseconds; 0: the newest)."""

    box: Box
    stamp: int
    target_id: str
    class_id: str
    answer: Future[InitOutcome] = field(default_factory=Future)


@dataclass(frozen=True)
class RemoveRequest:
    """Stop following the target of this name; None: all. The answer is those that were followed until then."""

    target_id: str | None = None
    answer: Future[tuple[Target, ...]] = field(default_factory=Future)


@dataclass(frozen=True)
class SettingsRequest:
    """Track with other thresholds from the next frame on."""

    settings: TrackerSettings


Request: TypeAlias = InitRequest | RemoveRequest | SettingsRequest


def turn_down(request: Request) -> None:
    """Answer a request that nobody will do any more."""
    if isinstance(request, InitRequest):
        request.answer.set_result(STOPPING)
    elif isinstance(request, RemoveRequest):
        request.answer.set_result(())
