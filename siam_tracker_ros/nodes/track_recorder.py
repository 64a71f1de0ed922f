"""The executable ``track_recorder``: writes down what the tracker node says, and when it arrived.

Listens to ``~/detection``, ``~/detections`` and ``~/status`` of the node named by the parameter ``tracker``
and writes one line of JSON per message into the file named by the parameter ``file``. Times are nanoseconds
since the epoch.
"""

from __future__ import annotations

import gc
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from vision_msgs.msg import Detection2D, Detection2DArray

from siam_tracker_interfaces.msg import TrackerStatus
from siam_tracker_ros.nodes.messages import to_box
from siam_tracker_ros.nodes.process import ros, spinning
from siam_tracker_ros.nodes.stamps import to_nanoseconds
from siam_tracker_ros.tracking.state import TrackState

STATUS_FIELDS = (
    "reason",
    "target_id",
    "confidence",
    "apce",
    "apce_ratio",
    "template_updates",
    "frames_received",
    "frames_processed",
    "frames_dropped",
    "frames_refused",
    "image_age_ms",
    "conversion_time_ms",
    "tracking_time_ms",
    "processing_time_ms",
    "pipeline_latency_ms",
    "model",
    "device",
)


class TrackRecorder(Node):
    """Writes every message of a tracker node as a line of JSON, complete as soon as it has arrived."""

    def __init__(self) -> None:
        """Raises OSError: the file cannot be written."""
        super().__init__("track_recorder")
        tracker = str(self._parameter("tracker", "siam_tracker", "Name of the tracker node, with its namespace."))
        path = Path(str(self._parameter("file", "track.jsonl", "File to write, one line of JSON per message.")))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = path.open("w", encoding="utf-8", buffering=1)
        # Everything is kept until it is written, whatever comes in between.
        everything = QoSProfile(depth=1000)
        self.create_subscription(Detection2D, f"{tracker}/detection", self._on_detection, everything)
        self.create_subscription(Detection2DArray, f"{tracker}/detections", self._on_detections, everything)
        self.create_subscription(TrackerStatus, f"{tracker}/status", self._on_status, everything)

    def _on_detection(self, message: Detection2D) -> None:
        self._write(
            "detection",
            message.header,
            box=to_box(message.bbox).as_tuple(),
            score=message.results[0].hypothesis.score if message.results else None,
            id=message.id,
        )

    def _on_detections(self, message: Detection2DArray) -> None:
        self._write("detections", message.header, count=len(message.detections))

    def _on_status(self, message: TrackerStatus) -> None:
        values = {name: _finite(getattr(message, name)) for name in STATUS_FIELDS}
        targets = [
            {"id": t.target_id, "state": TrackState(t.state).name, "confidence": t.confidence, "score": t.score}
            for t in message.targets
        ]
        self._write("status", message.header, state=TrackState(message.state).name, targets=targets, **values)

    def _write(self, topic: str, header: Any, **values: object) -> None:
        received = self.get_clock().now().nanoseconds
        line = {"topic": topic, "stamp": to_nanoseconds(header.stamp), "received": received, **values}
        self._file.write(json.dumps(line) + "\n")

    def _parameter(self, name: str, default: object, text: str) -> object:
        return self.declare_parameter(name, default, ParameterDescriptor(description=text)).value

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def _finite(value: object) -> object:
    """JSON has no nan: it becomes null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def main(args: Sequence[str] | None = None) -> int:
    """Record until Ctrl-C or SIGTERM. ``args``: ROS arguments; by default the command line's."""
    with ros(args) as stop:
        try:
            recorder = TrackRecorder()
        except OSError as error:
            print(f"track_recorder: {error}", file=sys.stderr)
            return 2
        gc.collect()
        gc.freeze()
        with spinning(recorder):
            stop.wait()
        recorder.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
