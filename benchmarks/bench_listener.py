"""A listener that does nothing with the pictures of bench_camera.py but note when each one's callback was called.

When the last one has arrived, or when it is told to end, it writes ``log``: number, stamp and arrival of each picture
(nanoseconds), and the seconds of CPU time that receiving took.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image

from benchmarks.bench_camera import RELIABILITIES, write
from siam_tracker_ros.nodes.process import ros, spinning
from siam_tracker_ros.nodes.stamps import to_nanoseconds


class BenchListener(Node):
    """The listener; its parameters are frames (the number of the last one), reliability, depth, jpeg and log."""

    def __init__(self) -> None:
        super().__init__("bench_listener")
        values = {"frames": 0, "reliability": "best_effort", "depth": 1, "jpeg": False, "log": ""}
        for name, value in values.items():
            setattr(self, name, self.declare_parameter(name, value).value)
        self.arrivals: list[tuple[int, int, int]] = []
        self.complete = threading.Event()
        self._begun: float | None = None
        self._spent = 0.0
        qos = QoSProfile(depth=self.depth, reliability=RELIABILITIES[self.reliability])
        kind, topic = (CompressedImage, "image/compressed") if self.jpeg else (Image, "image")
        self.create_subscription(kind, topic, self._on_image, qos)

    def _on_image(self, message: Image | CompressedImage) -> None:
        now, number = time.time_ns(), int(message.header.frame_id)
        if self._begun is None and number >= 0:
            self._begun = time.process_time()
        if number > 0:
            self.arrivals.append((number, to_nanoseconds(message.header.stamp), now))
            self._spent = time.process_time() - (self._begun or 0.0)
        if number == self.frames:
            self.complete.set()

    def finish(self) -> None:
        """Write the log."""
        write(Path(self.log), {"arrivals": list(self.arrivals), "cpu": self._spent})


def main() -> int:
    """Run the listener until SIGINT or SIGTERM."""
    with ros() as stop:
        listener = BenchListener()
        with spinning(listener):
            while not (listener.complete.wait(0.05) or stop.is_set()):
                pass
            listener.finish()
            stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
