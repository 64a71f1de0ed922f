"""What cameras, operators and machines do wrong, each to a node that runs: it lives, says what happened, and a target
that was fine is still followed.

Two nodes serve nearly all tests: "faults", as it is by default, and "strict", which asks for compressed images from a
reliable publisher. What test_tracker_node.py has is not here again: a best-effort camera (all of its tests), a stall,
a change of resolution, an init before the first frame, refused boxes, and Ctrl-C in the middle of the stream.
"""

import array
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.qos import QoSProfile, QoSReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from siam_tracker_interfaces.msg import TrackerStatus
from siam_tracker_interfaces.srv import InitTarget, RemoveTarget
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.messages import to_box
from siam_tracker_ros.pixels import RAW_ENCODINGS

pytestmark = pytest.mark.ros

CODES = InitTarget.Response
PLACES = 3  # max_targets of the node "faults"
RELIABLE = QoSProfile(depth=10, reliability=QoSReliabilityPolicy.RELIABLE)
STRICT = (
    "image_transport:=compressed",
    "image_qos.profile:=reliable",
    "image_qos.depth:=30",  # so that images that come at once wait, and none is overwritten
    "image_timeout:=0.3",
)


@pytest.fixture(scope="module")
def node(request) -> Iterator[object]:
    process = request.getfixturevalue("tracker_process")(
        "image_timeout:=0.3", f"max_targets:={PLACES}", namespace="faults"
    )
    process.wait_ready()
    yield process
    process.close()


@pytest.fixture(scope="module")
def module_operator(node, operator_class, scene) -> Iterator[object]:
    made = operator_class("/faults/siam_tracker", "/faults/image")
    made.connect(scene.frame(0))
    made.remove_client = made.node.create_client(RemoveTarget, "/faults/siam_tracker/remove_target")
    yield made
    made.close()


@pytest.fixture
def operator(node, module_operator, scene) -> Iterator[object]:
    """The operator of the node "faults", after a first picture, following nothing."""
    module_operator.clear()
    module_operator.process(scene.frame(0))
    yield module_operator
    assert node.process.poll() is None, node.output


def assert_followed(operator, scene, frames, name: str, least: float = 0.5) -> None:
    """The target is seen in each of the frames, under its name and where it is."""
    for i in frames:
        seen = operator.detection_of(operator.process(scene.frame(i)))
        assert seen is not None, operator.status[-1].reason
        assert seen.id == name
        assert to_box(seen.bbox).iou(Box(*map(float, scene.box(i)))) > least


# Cameras -----------------------------------------------------------------------------------------------


def test_a_reliable_camera_is_followed_as_well(operator, scene, wait, monkeypatch):
    camera = operator.node.create_publisher(Image, "/faults/image", RELIABLE)
    try:
        wait(lambda: camera.get_subscription_count() == 1, "the node to subscribe to the reliable camera")
        monkeypatch.setattr(operator, "camera", camera)
        operator.connect(scene.frame(0))
        name = operator.init(scene.box(0)).target_id
        assert_followed(operator, scene, range(1, 5), name)
    finally:
        operator.node.destroy_publisher(camera)


def bayer(frame: np.ndarray, pattern: str) -> np.ndarray:
    """What a sensor behind colour filters sees; ``pattern``: the colours of the first two rows, from the left."""
    seen = np.empty(frame.shape[:2], np.uint8)
    for place, colour in enumerate(pattern):
        seen[place // 2 :: 2, place % 2 :: 2] = frame[place // 2 :: 2, place % 2 :: 2, "bgr".index(colour)]
    return seen


def yuv(frame: np.ndarray, *, luma_first: bool) -> np.ndarray:
    """YUV 4:2:2: two bytes a pixel, neighbours share their colour."""
    y, u, v = (plane.astype(np.float32) for plane in cv2.split(cv2.cvtColor(frame, cv2.COLOR_BGR2YUV)))
    luma, colour = 16 + y * 219 / 255, np.empty_like(y)
    colour[:, 0::2], colour[:, 1::2] = u[:, 0::2], v[:, 0::2]
    planes = (luma, colour) if luma_first else (colour, luma)
    return np.stack(planes, axis=2).clip(0, 255).astype(np.uint8)


def two_planes(frame: np.ndarray, *, u_first: bool) -> np.ndarray:
    """A plane of Y, and one of half the height with U and V in turn: uint8 [1.5 H, W]."""
    height, width = frame.shape[:2]
    planar = cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420)
    u, v = planar[height:].reshape(2, height // 2, width // 2)
    pair = (u, v) if u_first else (v, u)
    return np.concatenate([planar[:height], np.stack(pair, axis=2).reshape(height // 2, width)])


def encoded(frame: np.ndarray, encoding: str) -> np.ndarray:
    """A BGR frame's bytes in an encoding: uint8 [H, bytes a row]; [1.5 H, ...] with two planes."""
    if encoding in ("nv12", "nv21"):
        return two_planes(frame, u_first=encoding == "nv12")
    if encoding.startswith("bayer_"):
        pixels = bayer(frame, encoding[6:10])
    elif encoding in ("yuv422", "uyvy"):
        pixels = yuv(frame, luma_first=False)
    elif encoding in ("yuv422_yuy2", "yuyv"):
        pixels = yuv(frame, luma_first=True)
    elif encoding in ("mono8", "8UC1"):
        pixels = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    elif encoding == "mono16":  # little endian: the byte that counts comes second
        high = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        pixels = np.stack([np.zeros_like(high), high], axis=2)
    else:
        pixels = frame[..., ::-1] if encoding.startswith("rgb") else frame
        if encoding in ("bgra8", "rgba8", "8UC4"):
            pixels = np.concatenate([pixels, np.full((*frame.shape[:2], 1), 255, np.uint8)], axis=2)
    return pixels.reshape(frame.shape[0], -1)


def show(operator, frame: np.ndarray, encoding: str = "bgr8", padding: int = 0) -> int:
    """Publish a frame in an encoding, with bytes after each row, and wait for its status. Returns its stamp."""
    rows = np.pad(encoded(frame, encoding), ((0, 0), (0, padding)), constant_values=255)
    stamp = operator.now()
    header = Header(stamp=Time(sec=stamp // 10**9, nanosec=stamp % 10**9), frame_id="camera_optical")
    height, width = frame.shape[:2]
    data = array.array("B", rows.tobytes())
    operator.camera.publish(
        Image(header=header, height=height, width=width, encoding=encoding, step=rows.shape[1], data=data)
    )
    operator.status_of(stamp)
    return stamp


@pytest.mark.parametrize("encoding", RAW_ENCODINGS)
def test_every_encoding_is_followed(operator, scene, encoding):
    show(operator, scene.frame(0), encoding)
    answer = operator.init(scene.box(0))
    assert answer.success, answer.message
    for i in range(1, 4):
        stamp = show(operator, scene.frame(i), encoding)
    seen = operator.detection_of(stamp)
    assert seen is not None
    assert to_box(seen.bbox).iou(Box(*map(float, scene.box(3)))) > 0.5


def test_a_camera_that_changes_its_encoding_in_mid_run_is_said_and_followed(operator, scene, node, wait):
    name = operator.init(scene.box(0)).target_id
    for i, encoding in enumerate(("rgb8", "bgra8", "bgr8"), start=1):
        assert operator.detection_of(show(operator, scene.frame(i), encoding)).id == name
    # Of this change or of one before it: the log repeats itself every few seconds at most.
    wait(lambda: "the camera's images changed from 640x480 " in node.output, "the log to say so")
    assert_followed(operator, scene, range(4, 6), name)


def test_rows_with_padding_are_followed(operator, scene):
    show(operator, scene.frame(0), padding=100)
    name = operator.init(scene.box(0)).target_id
    for i in range(1, 5):
        seen = operator.detection_of(show(operator, scene.frame(i), padding=100))
        assert seen.id == name
        assert to_box(seen.bbox).iou(Box(*map(float, scene.box(i)))) > 0.5


def test_stamps_out_of_order_and_twice_are_refused_and_said_and_the_target_stays(operator, scene, node, wait):
    name = operator.init(scene.box(0)).target_id
    before = operator.status_of(operator.process(scene.frame(1)))
    newest = operator.process(scene.frame(2))
    operator.publish(scene.frame(1), stamp=newest - 20_000_000)
    operator.publish(scene.frame(2), stamp=newest)
    assert_followed(operator, scene, range(3, 6), name)
    after = operator.status[-1]
    assert after.frames_refused - before.frames_refused == 2
    sentence = "image refused: its stamp is older than that of the image before it"
    wait(lambda: sentence in node.output, "the log to say so")


def test_a_bag_that_loops_sets_the_time_back_each_time_and_the_target_stays(operator, scene, node, wait):
    begin = operator.now()
    name = operator.init(scene.box(0)).target_id
    said = node.output.count("the images' clock was set back")
    i = 0
    for _ in range(3):
        for k in range(5):
            i += 1
            # A second and a half from one image to the next: what is set back is more than clock_jump.
            stamp = operator.process(scene.frame(i), stamp=begin + i + k * 1_500_000_000)
            seen = operator.detection_of(stamp)
            assert seen is not None, operator.status[-1].reason
            assert seen.id == name
    assert to_box(seen.bbox).iou(Box(*map(float, scene.box(i)))) > 0.5
    wait(lambda: node.output.count("the images' clock was set back") == said + 2, "the log to say so")


# Operators ---------------------------------------------------------------------------------------------


def test_an_init_while_a_target_is_followed_adds_one_and_leaves_the_first(operator, scene):
    first = operator.init(scene.box(0), target_id="first")
    assert_followed(operator, scene, range(1, 4), "first")
    second = operator.init((430, 330, 60, 60), target_id="second")
    assert (first.success, second.success) == (True, True), second.message
    for i in range(4, 8):
        stamp = operator.process(scene.frame(i))
        status = operator.status_of(stamp)
        assert status.target_id == "first", "the primary one is followed longest"
        assert [each.target_id for each in status.targets] == ["first", "second"]
        assert operator.detection_of(stamp).id == "first"
        assert operator.detections_of(stamp).detections[0].id == "first"
    removed = operator.call(operator.remove_client, RemoveTarget.Request(target_id="second"))
    assert removed.success, removed.message
    assert_followed(operator, scene, range(8, 10), "first")


class Camera:
    """Frames at a rate, from a thread of its own, until the block is left."""

    def __init__(self, operator, scene, period: float = 0.03) -> None:
        self._operator, self._scene, self._period = operator, scene, period
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.shown = 0

    def _run(self) -> None:
        while not self._stop.wait(self._period):
            self.shown += 1
            self._operator.publish(self._scene.frame(self.shown))

    def __enter__(self) -> "Camera":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)


def test_a_flood_of_inits_from_four_clients_is_answered_and_the_target_stays(operator, scene, wait):
    clients = [operator.node.create_client(InitTarget, "/faults/siam_tracker/init_target") for _ in range(4)]
    for client in clients:
        wait(client.service_is_ready, "the service")
    assert operator.init(scene.box(0), target_id="steady").success
    with Camera(operator, scene) as camera:
        wait(lambda: camera.shown > 3, "the camera")
        calls = []
        for turn in range(6):
            for number, client in enumerate(clients):
                box = (380 + 20 * number, 300 + 5 * turn, 50, 50)
                calls.append(client.call_async(operator.init_request(box, target_id=f"client-{number}")))
        wait(lambda: all(call.done() for call in calls), "all answers")
    answers = [call.result() for call in calls]
    assert {answer.code for answer in answers} == {CODES.OK, CODES.TOO_MANY_TARGETS}
    assert len({answer.target_id for answer in answers if answer.success}) == PLACES - 1
    assert all(answer.message for answer in answers if not answer.success)
    stamp = operator.process(scene.frame(camera.shown + 1))
    assert_followed(operator, scene, range(camera.shown + 2, camera.shown + 5), "steady")
    status = operator.status_of(stamp)
    assert status.targets[0].target_id == "steady"
    assert len(status.targets) == PLACES


# The strict node ---------------------------------------------------------------------------------------


class Strict:
    """The node "strict", its operator, and its cameras: compressed, one reliable and one that is not."""

    def __init__(self, start: Callable[..., object], operator) -> None:
        self._start, self.operator = start, operator
        self.process = start(*STRICT, namespace="strict")
        create = operator.node.create_publisher
        self.reliable = create(CompressedImage, "/strict/image/compressed", RELIABLE)
        self.diagnostics = operator.listen(DiagnosticArray, "/diagnostics")

    def restart(self) -> None:
        self.process = self._start(*STRICT, namespace="strict").wait_ready()

    def publish(self, data: bytes, camera=None, picture_format: str = "bgr8; jpeg compressed bgr8") -> int:
        stamp = self.operator.now()
        header = Header(stamp=Time(sec=stamp // 10**9, nanosec=stamp % 10**9), frame_id="camera_optical")
        message = CompressedImage(header=header, format=picture_format, data=array.array("B", data))
        (camera or self.reliable).publish(message)
        return stamp

    def process_frame(self, frame: np.ndarray) -> int:
        stamp = self.publish(jpeg(frame))
        self.operator.status_of(stamp)
        return stamp

    def connect(self, frame: np.ndarray, wait) -> None:
        """Publish until the node, and its status, come through: discovery takes a moment."""
        sent: list[int] = []

        def arrived() -> bool:
            if not sent or self.operator.now() - sent[-1] > 50_000_000:
                sent.append(self.publish(jpeg(frame)))
            known = {s.header.stamp.sec * 10**9 + s.header.stamp.nanosec for s in self.operator.status}
            return bool(known & set(sent))

        wait(arrived, f"the strict node to get images; it said:\n{self.process.output}", 60.0)

    def init(self, box, wait, **options):
        """init_target, asked again where no answer comes: a server that was killed is still known for a while."""
        calls: list = []

        def answer():
            if not calls or time.monotonic() - calls[-1][0] > 2.0:
                request = self.operator.init_request(box, **options)
                calls.append((time.monotonic(), self.operator.init_client.call_async(request)))
            return next((call.result() for _, call in calls if call.done()), None)

        return wait(answer, "an answer of init_target", 60.0)


def jpeg(frame: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


@pytest.fixture(scope="module")
def strict(request, operator_class) -> Iterator[Strict]:
    started = []

    def start(*parameters: str, **options: str):
        started.append(request.getfixturevalue("tracker_process")(*parameters, **options))
        return started[-1]

    operator = operator_class("/strict/siam_tracker", "/strict/image")
    made = Strict(start, operator)
    made.process.wait_ready()
    yield made
    operator.close()
    for process in started:
        process.close()


def test_a_camera_whose_quality_of_service_does_not_match_is_named(strict, scene, wait):
    operator = strict.operator
    hasty = operator.node.create_publisher(CompressedImage, "/strict/image/compressed", qos_profile_sensor_data)
    try:

        def said() -> TrackerStatus | None:
            strict.publish(jpeg(scene.frame(0)), hasty)
            return next((s for s in operator.status if "best_effort" in s.reason), None)

        status = wait(said, f"the status to name the mismatch; the node said:\n{strict.process.output}")
        assert status.state == TrackerStatus.STALE
        for words in ("/strict/image/compressed", "reliability", "image_qos.reliability", "/operator"):
            assert words in status.reason
        wait(lambda: "offers reliability best_effort" in strict.process.output, "the log to say so")

        def judged() -> DiagnosticStatus | None:
            entries = [entry for array in strict.diagnostics for entry in array.status]
            wrong = [entry for entry in entries if "best_effort" in entry.message]
            return next((entry for entry in wrong if entry.level == DiagnosticStatus.ERROR), None)

        wait(judged, "the diagnostics to say so")
    finally:
        operator.node.destroy_publisher(hasty)
    strict.connect(scene.frame(0), wait)  # the reliable one


def test_a_corrupt_compressed_frame_is_refused_and_the_target_stays(strict, scene, wait):
    operator = strict.operator
    strict.connect(scene.frame(0), wait)
    name = strict.init(scene.box(0), wait).target_id
    before = operator.status_of(strict.process_frame(scene.frame(1)))
    whole = jpeg(scene.frame(2))
    damaged = bytearray(whole)
    damaged[0:200] = bytes(200)
    for broken in (whole[: len(whole) // 3], bytes(damaged), b"", b"no picture at all"):
        strict.publish(broken)
    strict.publish(whole, picture_format="32FC1; compressedDepth")
    for i in range(2, 5):
        stamp = strict.process_frame(scene.frame(i))
        seen = operator.detection_of(stamp)
        assert seen is not None, operator.status[-1].reason
        assert seen.id == name
        assert to_box(seen.bbox).iou(Box(*map(float, scene.box(i)))) > 0.5
    after = operator.status_of(stamp)
    assert after.frames_refused - before.frames_refused == 5
    wait(lambda: "image refused: " in strict.process.output, "the log to say so")


def test_two_nodes_side_by_side_have_nothing_to_do_with_each_other(operator, strict, scene, wait):
    strict.connect(scene.frame(0), wait)
    assert operator.init(scene.box(0), target_id="mine").success
    assert strict.init(scene.box(0), wait, target_id="theirs").success
    for i in range(1, 4):
        mine, theirs = operator.process(scene.frame(i)), strict.process_frame(scene.frame(i))
        for each, own, foreign, name in ((operator, mine, theirs, "mine"), (strict.operator, theirs, mine, "theirs")):
            assert each.detection_of(own).id == name
            assert each.status_of(own).target_id == name
            assert each.detection_of(foreign) is None
            assert each._of(each.status, foreign) is None
    assert operator.clear().success
    assert strict.operator.detection_of(strict.process_frame(scene.frame(4))).id == "theirs"


def test_a_node_that_was_killed_is_started_again_and_follows_again(strict, scene, wait):
    strict.connect(scene.frame(0), wait)
    assert strict.init(scene.box(0), wait).success
    segments = shared_memory(strict.process.process.pid)
    for i in range(1, 4):
        strict.publish(jpeg(scene.frame(i)))
    strict.process.send(signal.SIGKILL)
    assert strict.process.wait_exit() == -signal.SIGKILL
    for path in left_behind(segments):  # 128 MiB each; who kills a node cleans up after it
        path.unlink()
    strict.restart()
    strict.connect(scene.frame(4), wait)
    assert strict.operator.status[-1].state in (TrackerStatus.IDLE, TrackerStatus.STALE), "it knows nothing of before"
    assert strict.init(scene.box(4), wait, target_id="again").success
    for i in range(5, 8):
        seen = strict.operator.detection_of(strict.process_frame(scene.frame(i)))
        assert seen.id == "again"
        assert to_box(seen.bbox).iou(Box(*map(float, scene.box(i)))) > 0.5


def shared_memory(pid: int) -> set[Path]:
    """The shared-memory segments of Fast DDS that a process has open, but for the ports that all share."""
    maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    paths = {Path(line.split()[-1]) for line in maps if "/dev/shm/fastdds_" in line}
    return {path for path in paths if "port" not in path.name}


def left_behind(segments: set[Path]) -> list[Path]:
    """Those that are still there, though no process has them open."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            segments = segments - shared_memory(int(folder.name))
        except OSError:
            continue
    return [path for path in segments if path.exists()]


def test_sigterm_in_the_middle_of_the_stream_ends_it_at_once(strict, scene, wait):
    """The last one for the strict node."""
    strict.connect(scene.frame(0), wait)
    assert strict.init(scene.box(0), wait).success
    for i in range(1, 6):
        strict.publish(jpeg(scene.frame(i)))
    segments = shared_memory(strict.process.process.pid)
    assert segments
    begun = time.monotonic()
    strict.process.send(signal.SIGTERM)
    assert strict.process.wait_exit() == 0, strict.process.output
    assert time.monotonic() - begun < 5
    assert left_behind(segments) == [], "its shared memory is freed"
    for word in ("Traceback", "ERROR", "FATAL"):
        assert word not in strict.process.output, strict.process.output


# The machine -------------------------------------------------------------------------------------------


def no_cuda() -> bool:
    import torch

    return not torch.cuda.is_available()


@pytest.mark.skipif("not no_cuda()", reason="there is a CUDA device here")
def test_without_cuda_an_explicit_cuda_device_fails_the_configuration_with_a_sentence(start_node, connect, wait):
    process = start_node("device:=cuda", "autostart:=false", namespace="nocuda")
    operator = connect("/nocuda/siam_tracker", "/nocuda/image")
    change = operator.node.create_client(ChangeState, "/nocuda/siam_tracker/change_state")
    state = operator.node.create_client(GetState, "/nocuda/siam_tracker/get_state")
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
    assert not operator.call(change, request).success
    assert process.process.poll() is None, "it lives, and may be asked again"
    wait(lambda: "cannot load the tracker" in process.output, "the sentence")
    assert "cuda" in process.output.lower()
    assert "Traceback" not in process.output
    assert operator.call(state, GetState.Request()).current_state.id == State.PRIMARY_STATE_UNCONFIGURED
    process.send(signal.SIGINT)
    assert process.wait_exit() == 0, process.output
