"""The picture for the operator: the frame with every target drawn on it, raw and as JPEG, while someone looks."""

from __future__ import annotations

import array
import time

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.publisher import Publisher
from sensor_msgs.msg import CompressedImage

from siam_tracker_ros.drawing import draw_track
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.image_message import to_image_message
from siam_tracker_ros.nodes.report import FrameReport

JPEG_QUALITY = 80


class DebugImage:
    """Publishes drawn frames at most ``max_rate`` times a second and ``max_width`` pixels wide.

    Nothing is drawn while nobody listens, nor compressed while nobody listens to that. Both limits may be changed at
    any time.
    """

    def __init__(self, raw: Publisher, compressed: Publisher, max_rate: float, max_width: int) -> None:
        """Args: raw, compressed: publishers of sensor_msgs/Image and sensor_msgs/CompressedImage."""
        self._raw, self._compressed = raw, compressed
        self.max_rate, self.max_width = max_rate, max_width
        self._next = 0.0  # time.monotonic() from which the next one is due

    def offer(self, report: FrameReport) -> bool:
        """Publish the frame if one is due and someone listens. Returns whether it was."""
        now = time.monotonic()
        if report.pixels is None or now < self._next:
            return False
        listeners = [each for each in (self._raw, self._compressed) if each.get_subscription_count() > 0]
        if not listeners:
            return False
        self._next = now + 1.0 / self.max_rate
        drawn, header = draw(report, self.max_width), report.frame.message.header
        if self._raw in listeners:
            self._raw.publish(to_image_message(drawn, header))
        if self._compressed in listeners:
            jpeg = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
            message = CompressedImage(header=header, format="bgr8; jpeg compressed bgr8")
            message.data = array.array("B", jpeg.tobytes())
            self._compressed.publish(message)
        return True


def draw(report: FrameReport, max_width: int) -> NDArray[np.uint8]:
    """The frame, at most ``max_width`` pixels wide, with what is known of the targets: BGR uint8 [h, w, 3]."""
    assert report.pixels is not None
    frame = report.pixels
    height, width = frame.shape[:2]
    factor = min(1.0, max_width / width)
    if factor < 1:
        size = (max_width, max(round(height * factor), 1))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    for other in report.others:
        if other.result is not None and other.seen:
            box = _scaled(other.result.box, factor)
            frame = draw_track(frame, box, other.result.confidence, other.state, other.target.id)
    # The primary target last, over the others; only its loss is said across the picture.
    seen = report.result is not None and report.seen
    primary = _scaled(report.result.box, factor) if report.result is not None and seen else None
    confidence = report.result.confidence if report.result is not None else 0.0
    return draw_track(frame, primary, confidence, report.state, report.target.id if report.target else "")


def _scaled(box: Box, factor: float) -> Box:
    return Box(*(value * factor for value in box.as_tuple()))
