"""What is timed: trackers of ours by model, device, precision and runtime, and OpenCV's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.evaluation.trackers import TrackerSpec, parse_tracker

__all__ = ["Entrant", "EntrantSpec", "peer_spec"]

BoxTuple = tuple[float, float, float, float]


class Entrant(Protocol):
    """A tracker that takes part."""

    def init(self, frame: NDArray[np.uint8], box: BoxTuple) -> None:
        """Start on a BGR frame with a box x, y, w, h in pixels."""

    def update(self, frame: NDArray[np.uint8]) -> object:
        """The next BGR frame."""

    def rest(self) -> object:
        """What the last frame left to be done."""

    def again(self) -> int:
        """Do a part of the last frame's work once more; what is the same work has the same number. 0: it cannot."""

    def stages(self) -> dict[str, float]:
        """Seconds of each stage since the last call; nothing where only the whole is known."""


@dataclass(frozen=True)
class EntrantSpec:
    """A tracker to be timed, as plain data that can be sent to another process and built there.

    Attributes:
        name: what tables call it.
        model: of the zoo, or a path to weights or to exported files.
        runtime, precision, device: as of ``load_tracker``; ``runtime`` may be ``as_written``, for untrained models.
        targets: followed at once, each in every frame.
        untrained: random weights, whose boxes mean nothing.
        peer: one of OpenCV's instead of a model; None for ours.
        weights: a file instead of the shipped weights.
    """

    name: str
    model: str = ""
    runtime: str = "auto"
    precision: str = "float32"
    device: str = "auto"
    targets: int = 1
    untrained: bool = False
    peer: str = ""
    weights: Path | None = None

    def build(self) -> Entrant:
        """The tracker. Raises ValueError when the model, its files, the runtime or the device are missing."""
        return _Peer(self.tracker.build()) if self.peer else _Ours(self)

    @property
    def tracker(self) -> TrackerSpec:
        """The same for an evaluation."""
        return parse_tracker(self.peer) if self.peer else TrackerSpec(self.name, self.model, device=self.device)


def peer_spec(text: str) -> EntrantSpec:
    """One of OpenCV's trackers as ``siam-track eval`` names it. Raises ValueError for another or without its files."""
    spec = parse_tracker(text)
    if not spec.is_peer:
        raise ValueError(
            f"peer '{text}' is not one of OpenCV's: csrt, kcf, mil, nano=BACKBONE.onnx,HEAD.onnx, vit=MODEL"
        )
    return EntrantSpec(spec.name, peer=text, device="cpu")


@dataclass
class _Peer:
    tracker: Any

    def init(self, frame: NDArray[np.uint8], box: BoxTuple) -> None:
        self.tracker.init(frame, box)

    def update(self, frame: NDArray[np.uint8]) -> object:
        return self.tracker.update(frame)

    def rest(self) -> None:
        pass

    def again(self) -> int:
        return 0

    def stages(self) -> dict[str, float]:
        return {}


@dataclass
class _Ours:
    spec: EntrantSpec
    trackers: Any = field(init=False)
    clock: Any = field(init=False)

    def __post_init__(self) -> None:
        from siam_tracker_ros.tracking.stages import StageClock, timed_trackers

        self.clock = StageClock()
        self.trackers = timed_trackers(
            self.spec.model,
            self.clock,
            untrained=self.spec.untrained,
            weights=self.spec.weights,
            device=self.spec.device,
            precision=self.spec.precision,
            runtime=self.spec.runtime,
            settings=None,
            preset="",
            online=None,
        )

    @property
    def runtime(self) -> str:
        return str(self.trackers.runtime)

    @property
    def device(self) -> str:
        return str(self.trackers.device)

    def init(self, frame: NDArray[np.uint8], box: BoxTuple) -> None:
        self.trackers.clear()
        self.trackers.prepare(*frame.shape[:2], self.spec.targets)
        for number, own in enumerate(_beside(box, self.spec.targets, frame.shape[1])):
            self.trackers.add(str(number), frame, own)

    def update(self, frame: NDArray[np.uint8]) -> object:
        return self.trackers.update(frame)

    def rest(self) -> object:
        return self.trackers.rest()

    def again(self) -> int:
        return int(self.trackers.again())

    def stages(self) -> dict[str, float]:
        return dict(self.clock.take())

    @property
    def searched(self) -> dict[int, int]:
        """How many search patches of each side there were."""
        return dict(self.clock.searched)


def _beside(box: BoxTuple, count: int, width: int) -> Sequence[BoxTuple]:
    """The box, and others of its size spread over its row of the picture."""
    x, y, w, h = box
    room = max(width - w, 1.0)
    return [((x + room * number / count) % room if number else x, y, w, h) for number in range(count)]
