"""The picture for the operator: the frame with box, confidence and state drawn on it, while someone looks."""

from __future__ import annotations

import time

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.publisher import Publisher

from siam_tracker_ros.drawing import draw_track
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.image_message import to_image_message
from siam_tracker_ros.nodes.worker import FrameReport


class DebugImage:
    """Publishes drawn frames at most ``max_rate`` times a second and ``max_width`` pixels wide.

    Nothing is drawn while nobody listens. Both limits may be changed at any time.
    """

    def __init__(self, publisher: Publisher, max_rate: float, max_width: int) -> None:
        self._publisher = publisher
        self.max_rate, self.max_width = max_rate, max_width
        self._next = 0.0  # time.monotonic() from which the next one is due

    def offer(self, report: FrameReport) -> bool:
        """Publish the frame if one is due and someone listens. Returns whether it was."""
        now = time.monotonic()
        if report.pixels is None or now < self._next or self._publisher.get_subscription_count() == 0:
            return False
        self._next = now + 1.0 / self.max_rate
        self._publisher.publish(to_image_message(draw(report, self.max_width), report.frame.message.header))
        return True


def draw(report: FrameReport, max_width: int) -> NDArray[np.uint8]:
    """The frame, at most ``max_width`` pixels wide, with what is known of the target: BGR uint8 [h, w, 3]."""
    assert report.pixels is not None
    frame, box = report.pixels, report.result.box if report.result is not None and report.seen else None
    height, width = frame.shape[:2]
    if width > max_width:
        factor = max_width / width
        size = (max_width, max(round(height * factor), 1))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        box = Box(*(value * factor for value in box.as_tuple())) if box else None
    confidence = report.result.confidence if report.result is not None else 0.0
    return draw_track(frame, box, confidence, report.state, report.target.id if report.target else "")
