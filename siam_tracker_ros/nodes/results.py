"""The publishers of what the tracker found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray

from siam_tracker_interfaces.msg import TrackerStatus
from siam_tracker_ros.nodes import messages
from siam_tracker_ros.nodes.bearing import Bearing
from siam_tracker_ros.nodes.debug_image import DebugImage
from siam_tracker_ros.nodes.messages import Engine, FrameCounts
from siam_tracker_ros.nodes.report import FrameReport, Target

RESULTS_KEPT = 30  # results that DDS keeps for a reliable listener that is slow for a while: about one second


class Results:
    """Publishes every frame's result; from any thread, as ``rcl_publish`` allows."""

    def __init__(self, node: Node, values: Mapping[str, Any]) -> None:
        """Args: values: the node's parameters."""
        self._detection = node.create_publisher(Detection2D, "~/detection", RESULTS_KEPT)
        self._detections = node.create_publisher(Detection2DArray, "~/detections", RESULTS_KEPT)
        self._status = node.create_publisher(TrackerStatus, "~/status", RESULTS_KEPT)
        raw = node.create_publisher(Image, "~/debug_image", 1)
        compressed = node.create_publisher(CompressedImage, "~/debug_image/compressed", 1)
        self._debug = DebugImage(raw, compressed, values["debug_image.max_rate"], values["debug_image.max_width"])
        self.bearing = Bearing(node, values["bearing.rectified"])

    def configure(self, values: Mapping[str, Any]) -> None:
        """Take parameters that changed."""
        self._debug.max_rate, self._debug.max_width = values["debug_image.max_rate"], values["debug_image.max_width"]

    def publish(self, report: FrameReport, counts: FrameCounts, engine: Engine, now: int) -> TrackerStatus:
        """Publish a frame's result, the primary target's box first, which a controller waits for, the status last.

        Args:
            now: nanoseconds of the stamps' clock.

        Returns:
            The status.
        """
        if not report.refused:
            seen = messages.primary_detection(report)
            if seen is not None:
                self._detection.publish(seen)
            self._detections.publish(messages.detections(report, seen))
            if report.result is not None and report.seen:
                size = report.pixels.shape[:2] if report.pixels is not None else None
                self.bearing.publish(report.frame.message.header, report.result.box, size)
        status = messages.status(report, counts, engine, now)
        self._status.publish(status)
        self._debug.offer(report)
        return status

    def publish_stale(
        self, header: Header, reason: str, targets: Iterable[Target], counts: FrameCounts, engine: Engine, now: int
    ) -> None:
        """Publish that nothing is known any more, and why; no box is repeated."""
        self._status.publish(messages.stale_status(header, reason, targets, counts, engine, now))
