"""What the node's tests share: a moving target, and the node as a process of its own."""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

Frame = NDArray[np.uint8]

ROS_MISSING = [
    name
    for name in ("rclpy", "sensor_msgs", "vision_msgs", "siam_tracker_interfaces.srv")
    if importlib.util.find_spec(name.split(".")[0]) is None
]
if ROS_MISSING:
    collect_ignore_glob = ["test_*.py"]

WAIT = 30.0  # seconds after which a test gives up; it never waits that long where all is well


def pytest_report_header() -> str | None:
    return f"tests of the ROS side left out, missing: {', '.join(ROS_MISSING)}" if ROS_MISSING else None


def wait_until(condition: Callable[[], Any], what: str, timeout: float = WAIT) -> Any:
    """What ``condition`` gives once it is true; the test fails, naming ``what``, if that takes too long."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout:.0f} s for {what}")
        time.sleep(0.002)
    return value


class Scene:
    """A textured square that moves over a textured background; where it is in each frame is known exactly."""

    def __init__(self, width: int = 640, height: int = 480, side: int = 56) -> None:
        random = np.random.default_rng(7)
        coarse = random.integers(60, 150, (height // 16, width // 16, 3), dtype=np.uint8)
        self.background: Frame = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        cells = random.integers(0, 256, (7, 7, 3), dtype=np.uint8)
        self.texture: Frame = cv2.resize(cells, (side, side), interpolation=cv2.INTER_NEAREST)
        self.texture[:4], self.texture[-4:], self.texture[:, :4], self.texture[:, -4:] = 255, 255, 255, 255

    def box(self, i: int) -> tuple[int, int, int, int]:
        """The target in frame ``i``: x, y, w, h."""
        side = self.texture.shape[0]
        return 120 + 3 * (i % 120), 160 + round(40 * np.sin(i / 12)), side, side

    def frame(self, i: int, *, hidden: bool = False) -> Frame:
        """BGR uint8 [H, W, 3]; ``hidden``: without the target."""
        picture = self.background.copy()
        if not hidden:
            x, y, w, h = self.box(i)
            picture[y : y + h, x : x + w] = self.texture
        return picture


@pytest.fixture(scope="session")
def scene() -> Scene:
    return Scene()


class TrackerProcess:
    """tracker_node as a process of its own (or ``script`` in its place), its output read line by line."""

    def __init__(self, *parameters: str, namespace: str = "", script: str = "") -> None:
        arguments = [word for parameter in parameters for word in ("-p", parameter)]
        if namespace:
            arguments += ["-r", f"__ns:=/{namespace}"]
        program = ["-c", script] if script else ["-m", "siam_tracker_ros.nodes.tracker_node"]
        command = [sys.executable, *program, "--ros-args", *arguments]
        root = Path(__file__).resolve().parents[2]
        environment = os.environ | {"PYTHONUNBUFFERED": "1", "RCUTILS_LOGGING_USE_STDOUT": "0"}
        self.process = subprocess.Popen(
            command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_ready(self, timeout: float = 90.0) -> "TrackerProcess":
        def ready() -> bool:
            assert self.process.poll() is None, f"tracker_node ended early:\n{self.output}"
            return "ready after" in self.output

        wait_until(ready, f"tracker_node to be ready; it said:\n{self.output}", timeout)
        return self

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait_exit(self, timeout: float = WAIT) -> int:
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT)
        self._reader.join(WAIT)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="session")
def wait() -> Callable[..., Any]:
    """``wait(condition, what)``: what the condition gives once it is true; the test fails if that takes too long."""
    return wait_until


@pytest.fixture(scope="module")
def tracker_process() -> type[TrackerProcess]:
    return TrackerProcess


@pytest.fixture
def start_node() -> Iterator[Callable[..., TrackerProcess]]:
    """Starts tracker_node processes, and sees to it that none outlives the test."""
    started: list[TrackerProcess] = []

    def start(*parameters: str, **options: str) -> TrackerProcess:
        started.append(TrackerProcess(*parameters, **options))
        return started[-1]

    yield start
    for process in started:
        process.close()


class Operator:
    """A camera, an operator and a controller in one: a node of the test's own process, with its own DDS participant."""

    def __init__(self, node_name: str = "/siam_tracker", image_topic: str = "/image") -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.qos import QoSProfile, qos_profile_sensor_data
        from sensor_msgs.msg import Image
        from std_srvs.srv import Trigger
        from vision_msgs.msg import Detection2D, Detection2DArray

        from siam_tracker_interfaces.msg import TrackerStatus
        from siam_tracker_interfaces.srv import InitTarget

        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("operator", context=self.context)
        self.detection: list[Detection2D] = []
        self.detections: list[Detection2DArray] = []
        self.status: list[TrackerStatus] = []
        for kind, name, kept in (
            (Detection2D, "detection", self.detection),
            (Detection2DArray, "detections", self.detections),
            (TrackerStatus, "status", self.status),
        ):
            self.node.create_subscription(kind, f"{node_name}/{name}", kept.append, QoSProfile(depth=100))
        self.camera = self.node.create_publisher(Image, image_topic, qos_profile_sensor_data)
        self.init_client = self.node.create_client(InitTarget, f"{node_name}/init_target")
        self.clear_client = self.node.create_client(Trigger, f"{node_name}/clear_targets")
        self.node_name = node_name
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        while not self._stop.is_set():
            self._executor.spin_once(timeout_sec=0.1)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(WAIT)
        self._executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()

    def listen(self, kind: type, topic: str) -> list[Any]:
        """The messages of a topic, as they arrive."""
        from rclpy.qos import QoSProfile

        kept: list[Any] = []
        self.node.create_subscription(kind, topic, kept.append, QoSProfile(depth=10))
        return kept

    def now(self) -> int:
        """The clock, nanoseconds."""
        return self.node.get_clock().now().nanoseconds

    def publish(self, frame: Frame, *, stamp: int | None = None, encoding: str = "bgr8") -> int:
        """Publish a frame as the camera does. Returns its stamp, nanoseconds; the present by default."""
        import array

        from builtin_interfaces.msg import Time
        from sensor_msgs.msg import Image
        from std_msgs.msg import Header

        stamp = self.now() if stamp is None else stamp
        header = Header(stamp=Time(sec=stamp // 10**9, nanosec=stamp % 10**9), frame_id="camera_optical")
        height, width = frame.shape[:2]
        data = array.array("B", frame.tobytes())
        step = len(data) // height
        message = Image(header=header, height=height, width=width, encoding=encoding, step=step, data=data)
        self.camera.publish(message)
        return stamp

    def status_of(self, stamp: int) -> Any:
        """The status of the frame with this stamp, waited for."""
        return wait_until(lambda: self._of(self.status, stamp), f"the status of frame {stamp}")

    def detections_of(self, stamp: int) -> Any:
        """The detection array of the frame with this stamp, waited for."""
        return wait_until(lambda: self._of(self.detections, stamp), f"the detections of frame {stamp}")

    def detection_of(self, stamp: int) -> Any:
        """The detection of the frame with this stamp, if one has arrived. The status comes after it."""
        return self._of(self.detection, stamp)

    @staticmethod
    def _of(messages: list[Any], stamp: int) -> Any:
        def is_it(header: Any) -> bool:
            return header.stamp.sec * 10**9 + header.stamp.nanosec == stamp

        return next((each for each in reversed(messages) if is_it(each.header)), None)

    def process(self, frame: Frame, **options: Any) -> int:
        """Publish a frame and wait until the node has processed it. Returns its stamp."""
        stamp = self.publish(frame, **options)
        self.status_of(stamp)
        self.detections_of(stamp)
        return stamp

    def connect(self, frame: Frame) -> int:
        """Publish the frame, each time with a new stamp, until the node gets it: discovery takes a moment."""
        from siam_tracker_interfaces.msg import TrackerStatus

        sent: list[int] = []

        def arrived() -> int | None:
            if not sent or self.now() - sent[-1] > 50_000_000:
                sent.append(self.publish(frame))
            statuses = (self._of(self.status, stamp) for stamp in sent)
            seen = next((s for s in statuses if s is not None and s.state != TrackerStatus.STALE), None)
            return sent[-1] if seen is not None and self._of(self.detections, sent[-1]) else None

        return int(wait_until(arrived, "the node to get the camera's images"))

    def call(self, client: Any, request: Any) -> Any:
        """A service's answer, waited for."""
        wait_until(client.service_is_ready, f"the service {client.srv_name}")
        future = client.call_async(request)
        return wait_until(lambda: future.result() if future.done() else None, f"an answer of {client.srv_name}")

    def init_request(self, box: Any, stamp: int = 0, target_id: str = "", class_id: str = "") -> Any:
        """The request of init_target for a box x, y, w, h."""
        from siam_tracker_interfaces.srv import InitTarget

        request = InitTarget.Request(target_id=target_id, class_id=class_id)
        request.header.stamp.sec, request.header.stamp.nanosec = stamp // 10**9, stamp % 10**9
        x, y, w, h = (float(value) for value in box)
        request.bbox.center.position.x, request.bbox.center.position.y = x + w / 2, y + h / 2
        request.bbox.size_x, request.bbox.size_y = w, h
        return request

    def init(self, box: Any, **options: Any) -> Any:
        """Call init_target and wait for the answer. The options are those of the request."""
        return self.call(self.init_client, self.init_request(box, **options))

    def clear(self) -> Any:
        """Call clear_targets."""
        from std_srvs.srv import Trigger

        return self.call(self.clear_client, Trigger.Request())


@pytest.fixture(scope="session", autouse=True)
def shared_memory_profile() -> None:
    """Camera frames get through to other processes: Fast DDS reads its profile once, when a process first uses it."""
    from siam_tracker_ros.nodes.dds import use_shared_memory_profile

    use_shared_memory_profile()


@pytest.fixture(scope="session")
def operator_class() -> type[Operator]:
    return Operator


@pytest.fixture
def connect(operator_class: type[Operator]) -> Iterator[Callable[..., Operator]]:
    """Makes operators, and takes them down after the test."""
    made: list[Operator] = []

    def make(node_name: str = "/siam_tracker", image_topic: str = "/image") -> Operator:
        made.append(operator_class(node_name, image_topic))
        return made[-1]

    yield make
    for operator in made:
        operator.close()
