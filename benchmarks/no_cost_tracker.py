"""The node as it is shipped, with a tracker that costs nothing: what is left is the node's own cost.

The moments are a file of int64 [N, 3] that node_cost.py makes: in the row of a picture's number (its header's frame_id)
the node notes, in nanoseconds, when the picture's callback was called, when the tracker got it, and when its detection
was handed to the middleware. no_cost_node.py is the executable.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.node import SiamTrackerNode
from siam_tracker_ros.tracking.contract import TrackResult
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.state import TrackState

ARRIVED, TRACKED, SENT = range(3)  # the columns of MOMENTS


class NoCostTracker:
    """Follows several targets, all of which stay where they were drawn; looks at no pixel. A FollowsSeveral."""

    device, model_name = "cpu", "no-cost"

    def __init__(self) -> None:
        self._found: dict[str, TrackResult] = {}
        self.called = 0  # time.time_ns() of the last update

    @property
    def ids(self) -> tuple[str, ...]:
        """The targets' names."""
        return tuple(self._found)

    def add(self, target_id: str, frame: NDArray[np.uint8], box: Box | Sequence[float]) -> None:
        """Follow a target of that name."""
        box = box if isinstance(box, Box) else Box(*box)
        self._found[target_id] = TrackResult(box, 0.9, 50.0, 1.0, TrackState.TRACKING, "", 0, False, score=0.9)

    def remove(self, target_id: str) -> bool:
        """Stop following a target; whether there was one of that name."""
        return self._found.pop(target_id, None) is not None

    def clear(self) -> None:
        """Stop following all of them."""
        self._found.clear()

    def update(self, frame: NDArray[np.uint8], only: Collection[str] | None = None) -> dict[str, TrackResult]:
        """Where the targets were drawn."""
        self.called = time.time_ns()
        return {name: found for name, found in self._found.items() if only is None or name in only}

    def rest(self) -> None:
        """Nothing: nothing was left to be done."""

    def rescale(self, factor_x: float, factor_y: float) -> None:
        """Nothing: the pictures have one size."""

    def configure(self, settings: TrackerSettings) -> None:
        """Nothing: there is nothing to set."""

    def prepare(self, height: int, width: int, targets: int) -> None:
        """Nothing: nothing has to be ready."""

    def release(self) -> None:
        """Forget the targets."""
        self._found.clear()


class TimedNode(SiamTrackerNode):
    """The node, which notes when a picture comes in and when its detection goes out. Nothing else is changed."""

    def __init__(self, moments: NDArray[np.int64]) -> None:
        """Args: moments: see above."""
        self._moments = moments
        self._no_cost = NoCostTracker()
        super().__init__(load=self._load_no_cost)

    def _load_no_cost(self, values: Mapping[str, Any], settings: TrackerSettings) -> NoCostTracker:
        return self._no_cost

    def create_subscription(self, msg_type: Any, topic: str, callback: Any, *args: Any, **kwargs: Any) -> Any:
        """As Node has it; the image's callback is timed."""

        def timed(message: Image) -> None:
            self._note(message.header.frame_id, ARRIVED, time.time_ns())
            callback(message)

        chosen = timed if msg_type is Image else callback
        return super().create_subscription(msg_type, topic, chosen, *args, **kwargs)

    def create_publisher(self, msg_type: Any, topic: str, *args: Any, **kwargs: Any) -> Any:
        """As Node has it; the publishing of the detection is timed."""
        publisher = super().create_publisher(msg_type, topic, *args, **kwargs)
        if msg_type is Detection2D:
            publish = publisher.publish

            def timed(message: Detection2D) -> None:
                # Before, not after: once it is out other threads may run first.
                now, number = time.time_ns(), message.header.frame_id
                self._note(number, TRACKED, self._no_cost.called)
                self._note(number, SENT, now)
                publish(message)

            publisher.publish = timed
        return publisher

    def _note(self, number: str, column: int, moment: int) -> None:
        row = int(number)
        if 0 < row < len(self._moments):
            self._moments[row, column] = moment


def open_moments(path: Path | str, rows: int | None = None) -> NDArray[np.int64]:
    """The file of moments, int64 [N, 3], which is shared with whoever else opens it. ``rows``: make it anew."""
    if rows is not None:
        np.zeros((rows, 3), np.int64).tofile(path)
    return np.asarray(np.memmap(path, np.int64, "r+")).reshape(-1, 3)


def no_moments() -> NDArray[np.int64]:
    """A file of moments in which nothing is noted."""
    return np.zeros((0, 3), np.int64)
