"""The soak's camera: a process of its own that shows a moving target, and does to its images what cameras do wrong.

It works on ``image``. The header's frame_id carries the truth about the picture, ``x,y,w,h`` of the target in it or
``hidden``, so that whoever gets a result knows what it should be. First every fault comes once, then they come at
random, by the parameter ``seed``. ``~/calm`` ends the faults, ``~/stop`` ends the images and answers with what was
published.
"""

from __future__ import annotations

import array
import json
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from siam_tracker_ros.nodes.process import ros, spinning

SIZES = ((640, 480), (320, 240), (800, 600))
ENCODINGS = ("bgr8", "rgb8", "bgra8", "mono8")
PADDING = 64  # bytes after each row, while the rows are padded
TOUR_EVERY, RANDOM_EVERY = 0.35, (0.5, 4.0)  # seconds from one fault to the next
DISCOVERY = 0.5  # seconds by which the node may learn of the camera later than the camera of the node
FIRST_FAULT = 3.0  # seconds after the first picture: the first target is set in peace
SET_BACK = 600 * 10**9  # nanoseconds, as by a bag that starts again


class Scene:
    """A textured square that wanders over a textured ground, the same in every size."""

    def __init__(self) -> None:
        random = np.random.default_rng(7)
        ground = random.integers(60, 150, (30, 40, 3), dtype=np.uint8)
        cells = random.integers(0, 256, (7, 7, 3), dtype=np.uint8)
        self._grounds = {size: cv2.resize(ground, size, interpolation=cv2.INTER_CUBIC) for size in SIZES}
        self._targets = {
            size: cv2.resize(cells, (size[0] // 11, size[0] // 11), interpolation=cv2.INTER_NEAREST) for size in SIZES
        }

    def draw(self, i: int, size: tuple[int, int], *, hidden: bool) -> tuple[NDArray[np.uint8], str]:
        """Frame ``i``, BGR uint8 [H, W, 3], and the truth about it."""
        width, height = size
        picture = self._grounds[size].copy()
        target = self._targets[size]
        side = target.shape[0]
        x = round(width * (0.5 + 0.3 * np.sin(i / 45)) - side / 2)
        y = round(height * (0.5 + 0.25 * np.sin(i / 31)) - side / 2)
        if hidden:
            return picture, "hidden"
        picture[y : y + side, x : x + side] = target
        return picture, f"{x},{y},{side},{side}"


class SoakCamera(Node):
    """Publishes at a rate, with faults in between; every message that it publishes is counted."""

    def __init__(self) -> None:
        super().__init__("soak_camera")
        self._random = np.random.default_rng(int(self._parameter("seed", 0)))
        self._period = 1.0 / float(self._parameter("rate", 30.0))
        log = Path(str(self._parameter("log", "faults.jsonl")))
        self._log = log.open("w", encoding="utf-8", buffering=1)
        qos = QoSProfile(depth=30, reliability=QoSReliabilityPolicy.BEST_EFFORT)
        self._publisher = self.create_publisher(Image, "image", qos)
        self._scene = Scene()
        self.published = 0
        self.faults: Counter[str] = Counter()
        self._frame = 0
        self._set_calm()
        self._calm, self._end, self._ended = threading.Event(), threading.Event(), threading.Event()
        self.create_service(Trigger, "~/calm", self._on_calm)
        self.create_service(Trigger, "~/stop", self._on_stop)
        self._kinds = {
            name.removeprefix("_fault_"): getattr(self, name) for name in dir(self) if name.startswith("_fault_")
        }

    def _parameter(self, name: str, default: object) -> Any:
        return self.declare_parameter(name, default).value

    def run(self, stop: threading.Event) -> None:
        """Publish until ``stop``, or until ``~/stop`` is called."""
        while self._publisher.get_subscription_count() == 0 and not stop.wait(0.02):
            pass
        stop.wait(DISCOVERY)
        tour = list(self._kinds)
        due = time.monotonic()
        next_fault = due + FIRST_FAULT
        while not stop.is_set() and not self._end.is_set():
            if self._calm.is_set():
                self._set_calm()
            elif time.monotonic() > next_fault:
                name = tour.pop(0) if tour else str(self._random.choice(list(self._kinds)))
                self.faults[name] += 1
                self._log.write(json.dumps({"time": time.time(), "fault": name}) + "\n")
                self._kinds[name]()
                due = max(due, time.monotonic())
                next_fault = time.monotonic() + (TOUR_EVERY if tour else self._random.uniform(*RANDOM_EVERY))
            self.publish(self.picture())
            due += self._period
            self._end.wait(max(0.0, due - time.monotonic()))
        self._ended.set()
        stop.wait()  # what was published last is still on its way

    def _set_calm(self) -> None:
        self._size, self._encoding, self._padded, self._set_back, self._hide = SIZES[0], ENCODINGS[0], False, 0, 0

    # One picture ---------------------------------------------------------------------------------------

    def picture(self) -> Image:
        """The next picture, in the size, encoding and time that count now."""
        self._frame += 1
        hidden = self._hide > 0
        self._hide, self._set_back = max(0, self._hide - 1), max(0, self._set_back - 1)
        frame, truth = self._scene.draw(self._frame, self._size, hidden=hidden)
        if self._encoding == "rgb8":
            frame = frame[..., ::-1]
        elif self._encoding == "bgra8":
            frame = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2BGRA), np.uint8)
        elif self._encoding == "mono8":
            frame = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
        height, width = frame.shape[:2]
        rows = frame.reshape(height, -1)
        if self._padded:
            rows = np.pad(rows, ((0, 0), (0, PADDING)), constant_values=255)
        data = array.array("B")
        data.frombytes(rows.tobytes())
        message = Image(height=height, width=width, encoding=self._encoding, step=rows.shape[1], data=data)
        message.header = Header(stamp=self._stamp(), frame_id=truth)
        return message

    def _stamp(self, shift: int = 0) -> Time:
        now = self.get_clock().now().nanoseconds + shift - (SET_BACK if self._set_back else 0)
        return Time(sec=now // 10**9, nanosec=now % 10**9)

    def publish(self, message: Image) -> None:
        """Publish a message and count it."""
        self._publisher.publish(message)
        self.published += 1

    # The faults ----------------------------------------------------------------------------------------

    def _fault_stall(self) -> None:
        self._end.wait(self._random.uniform(0.7, 2.0))

    def _fault_duplicate(self) -> None:
        message = self.picture()
        for _ in range(int(self._random.integers(2, 5))):
            self.publish(message)

    def _fault_out_of_order(self) -> None:
        self.publish(self.picture())
        for _ in range(int(self._random.integers(1, 4))):
            late = self.picture()
            late.header.stamp = self._stamp(-50_000_000)
            self.publish(late)

    def _fault_set_back(self) -> None:
        self._set_back = int(self._random.integers(10, 90))  # then it is set right again

    def _fault_no_stamp(self) -> None:
        for _ in range(3):
            message = self.picture()
            message.header.stamp = Time()
            self.publish(message)
            self._end.wait(self._period)

    def _fault_broken(self) -> None:
        for what in ("data", "encoding", "size", "step"):
            message = self.picture()
            if what == "data":
                message.data = message.data[: len(message.data) // 3]
            elif what == "encoding":
                message.encoding = "h264"
            elif what == "size":
                message.width = message.height = 0
            else:
                message.step = 7
            self.publish(message)

    def _fault_resolution(self) -> None:
        self._size = SIZES[int(self._random.integers(len(SIZES)))]

    def _fault_encoding(self) -> None:
        self._encoding = ENCODINGS[int(self._random.integers(len(ENCODINGS)))]

    def _fault_padding(self) -> None:
        self._padded = not self._padded

    def _fault_burst(self) -> None:
        for _ in range(15):
            self.publish(self.picture())

    def _fault_hidden(self) -> None:
        self._hide = int(self._random.integers(10, 45))

    # Services ------------------------------------------------------------------------------------------

    def _on_calm(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._calm.set()
        response.success = True
        return response

    def _on_stop(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._end.set()
        response.success = self._ended.wait(10.0)
        response.message = json.dumps({"published": self.published, "faults": dict(self.faults)})
        return response


def main() -> int:
    """Run the camera until SIGINT or SIGTERM."""
    with ros() as stop:
        camera = SoakCamera()
        with spinning(camera):
            camera.run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
