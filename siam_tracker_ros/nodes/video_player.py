"""The executable ``video_player``: publishes a video as a camera does, at the video's own rate.

The stamp of a frame is the time of its publication. Frames are decoded before the first one is published,
as far as memory allows, since a camera needs no processor either. With ``hold_first_frame`` the camera
looks at a still scene, the video's first frame published over and over, until ``~/play`` is called.

Exit codes: 0 at the end and after Ctrl-C, 2 for a video or a parameter that cannot be used.
"""

from __future__ import annotations

import array
import gc
import itertools
import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from siam_tracker_ros.nodes.process import ros, spinning
from siam_tracker_ros.nodes.stamps import to_nanoseconds
from siam_tracker_ros.video import FrameSource, VideoError, open_source


class VideoPlayer(Node):
    """Publishes a video's frames on ``image`` (sensor_msgs/Image, bgr8, best effort)."""

    def __init__(self) -> None:
        """Raises: VideoError, ParameterException."""
        super().__init__("video_player")
        self._video = str(self._parameter("video", "", "Video file or folder of images to publish."))
        self._rate = float(self._parameter("rate", 0.0, "Frames a second; 0: the video's own."))
        self._frame_id = str(self._parameter("frame_id", "camera", "frame_id of the images' headers."))
        self._megabytes = int(
            self._parameter("preload_megabytes", 2000, "Memory for frames decoded ahead (10^6 bytes).")
        )
        self._hold = bool(self._parameter("hold_first_frame", False, "Publish the first frame until ~/play is called."))
        self._subscribers = int(self._parameter("wait_for_subscribers", 0, "Subscribers to wait for."))
        self._log = str(self._parameter("log", "", "JSON file for what was published and when; empty: none."))
        if not self._video:
            raise VideoError("parameter 'video' is empty: name a video file or a folder of images")
        self._publisher = self.create_publisher(Image, "image", qos_profile_sensor_data)
        self.create_service(Trigger, "~/play", self._on_play)
        self._play = threading.Event()
        self._published: list[tuple[int, int, bool]] = []  # index in the video, stamp, whether it was held
        self._worst_lateness = 0.0

    def run(self, stop: threading.Event) -> None:
        """Publish everything; returns at the end, or soon after ``stop`` is set. Raises VideoError."""
        source = open_source(self._video)
        period = 1.0 / (self._rate or source.fps)
        try:
            messages = self._messages(source)
            first = next(messages)
            gc.collect()
            gc.freeze()
            while self._publisher.get_subscription_count() < self._subscribers and not stop.wait(0.02):
                pass
            self.get_logger().info(f"publishing {source.name} on {self._publisher.topic_name}")
            self._publish_at_rate(first, messages, period, stop)
        finally:
            self._write_log(source, 1.0 / period)

    def _publish_at_rate(self, first: Image, messages: Iterator[Image], period: float, stop: threading.Event) -> None:
        due = time.monotonic()
        while self._hold and not self._play.is_set() and not stop.is_set():
            self._publish(first, 0, held=True)
            due += period
            self._play.wait(max(0.0, due - time.monotonic()))
        if not self._hold:
            messages = itertools.chain([first], messages)
        start = 1 if self._hold else 0
        for index, message in enumerate(messages, start):
            late = time.monotonic() - due
            if stop.wait(-late) if late < 0 else stop.is_set():
                return
            self._worst_lateness = max(self._worst_lateness, late)
            self._publish(message, index, held=False)
            # A camera that was held up does not send what it missed in a burst.
            due = max(due, time.monotonic() - period) + period

    def _publish(self, message: Image, index: int, *, held: bool) -> None:
        message.header.stamp = self.get_clock().now().to_msg()
        self._publisher.publish(message)
        self._published.append((index, to_nanoseconds(message.header.stamp), held))

    def _messages(self, source: FrameSource) -> Iterator[Image]:
        """The video's frames as messages, as many as may be in memory made ahead."""
        frames = (self._message(frame) for frame in source)
        many = max(1, int(self._megabytes * 10**6 / (source.size[0] * source.size[1] * 3)))
        ahead = list(itertools.islice(frames, many))
        return itertools.chain(iter(ahead), frames)

    def _message(self, frame: NDArray[np.uint8]) -> Image:
        height, width = frame.shape[:2]
        message = Image(height=height, width=width, encoding="bgr8", step=3 * width)
        message.header.frame_id = self._frame_id
        # Anything but an array.array would be looked at byte by byte.
        data = array.array("B")
        data.frombytes(np.ascontiguousarray(frame).data.cast("B"))
        message.data = data
        return message

    def _on_play(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = True, "playing"
        self._play.set()
        return response

    def _write_log(self, source: FrameSource, fps: float) -> None:
        if not self._log:
            return
        log = {
            "video": self._video,
            "fps": fps,
            "size": list(source.size),
            "worst_lateness_ms": self._worst_lateness * 1e3,
            "published": [{"index": i, "stamp": stamp, "held": held} for i, stamp, held in self._published],
        }
        # Renamed when it is whole, so that who waits for it never reads half of it.
        unfinished = Path(self._log + ".part")
        unfinished.write_text(json.dumps(log), encoding="utf-8")
        unfinished.replace(self._log)

    def _parameter(self, name: str, default: object, text: str) -> Any:
        return self.declare_parameter(name, default, ParameterDescriptor(description=text)).value


def main(args: Sequence[str] | None = None) -> int:
    """Run the player. ``args``: ROS arguments; by default the command line's."""
    with ros(args) as stop:
        try:
            player = VideoPlayer()
        except (VideoError, ParameterException) as error:
            return _refuse(error)
        with spinning(player):
            try:
                player.run(stop)
            except VideoError as error:
                return _refuse(error)
            # What was published last is still on its way: the process stays until it is told to end.
            if player.get_parameter("log").value:
                stop.wait()
    return 0


def _refuse(error: Exception) -> int:
    print(f"video_player: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
