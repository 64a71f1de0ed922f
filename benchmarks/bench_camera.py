"""A camera that costs as little as a camera in Python can: one picture, made once, published at a rate.

A node with the topic ``image`` (``image/compressed`` with ``jpeg``). The header's frame_id is the picture's number, its
stamp the moment before it is published. It waits for a listener; the first ``WARM_UP`` pictures have the numbers up to
0 and do not count, since best effort loses what comes before the two sides know one another. After ``frames`` pictures
it writes ``log`` and stays until it is told to end: the shared memory in which the last pictures lie is its own.
"""

from __future__ import annotations

import array
import json
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from siam_tracker_ros.nodes.process import ros, spinning
from siam_tracker_ros.nodes.stamps import to_stamp

WARM_UP = 30  # pictures that do not count
RELIABILITIES = {"best_effort": QoSReliabilityPolicy.BEST_EFFORT, "reliable": QoSReliabilityPolicy.RELIABLE}


def picture(width: int, height: int) -> NDArray[np.uint8]:
    """A picture with some texture, BGR uint8 [height, width, 3]: a JPEG of it has a usual size."""
    coarse = np.random.default_rng(7).integers(30, 220, (height // 20 + 1, width // 20 + 1, 3), dtype=np.uint8)
    return np.ascontiguousarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


class BenchCamera(Node):
    """The camera; its parameters are width and height in pixels, rate in Hz, frames (0: until it is ended),
    reliability, depth, jpeg and log.
    """

    def __init__(self) -> None:
        super().__init__("bench_camera")
        values = {"width": 640, "height": 480, "rate": 30.0, "frames": 0, "reliability": "best_effort", "depth": 1}
        for name, value in (values | {"jpeg": False, "log": ""}).items():
            setattr(self, name, self.declare_parameter(name, value).value)
        pixels = picture(self.width, self.height)
        if self.jpeg:
            self.message = CompressedImage(format="bgr8; jpeg compressed bgr8")
            self.message.data = array.array("B", cv2.imencode(".jpg", pixels)[1].tobytes())
        else:
            self.message = Image(width=self.width, height=self.height, encoding="bgr8", step=3 * self.width)
            self.message.data = array.array("B", pixels.tobytes())
        qos = QoSProfile(depth=self.depth, reliability=RELIABILITIES[self.reliability])
        self.publisher = self.create_publisher(type(self.message), "image" + "/compressed" * self.jpeg, qos)

    def run(self, stop: threading.Event) -> None:
        """Publish until ``stop`` is set, or all pictures are published and ``stop`` is set."""
        while self.publisher.get_subscription_count() == 0 and not stop.wait(0.01):
            pass
        calls, cpu, number = [], 0.0, -WARM_UP
        due = time.monotonic()
        while not stop.wait(max(due - time.monotonic(), 0.0)) and (self.frames == 0 or number < self.frames):
            number, due = number + 1, due + 1 / self.rate
            if number == 1:
                cpu = time.process_time()
            self.message.header.frame_id = str(number)
            self.message.header.stamp = to_stamp(time.time_ns())
            begun = time.perf_counter()
            self.publisher.publish(self.message)
            if self.frames and number > 0:
                calls.append(time.perf_counter() - begun)
        if self.log:
            spent = time.process_time() - cpu
            log = {"published": max(number, 0), "bytes": len(self.message.data), "cpu": spent, "calls": calls}
            write(Path(self.log), log)
        stop.wait()


def write(path: Path, log: dict[str, object]) -> None:
    """Write a log that whoever waits for it finds whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(log), encoding="utf-8")
    part.rename(path)


def main() -> int:
    """Run the camera until SIGINT or SIGTERM."""
    with ros() as stop:
        camera = BenchCamera()
        with spinning(camera):
            camera.run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
