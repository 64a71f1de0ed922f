"""The node as it runs: a process of its own, real images in and real detections out over DDS."""

import math
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from calibrated import calibrated
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import Vector3Stamped
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, SetParameters, SetParametersAtomically
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from siam_tracker_interfaces.msg import TrackerStatus
from siam_tracker_interfaces.srv import InitTarget
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.networks.weights import save_weights
from siam_tracker_ros.nodes.image_message import to_bgr
from siam_tracker_ros.nodes.messages import to_box
from siam_tracker_ros.tracking.presets import preset

pytestmark = pytest.mark.ros

CODES = InitTarget.Response
SHORT = "image_timeout:=0.3"


def assert_ended_cleanly(node) -> None:
    """The process has ended by itself with exit code 0, and complained of nothing."""
    try:
        assert node.wait_exit() == 0, node.output
        for word in ("Traceback", "ERROR", "FATAL", "leaked"):
            assert word not in node.output, node.output
    finally:
        node.close()


@pytest.fixture(scope="module")
def shared_node(request) -> Iterator[object]:
    """One node for the tests that leave it as they found it: starting one loads torch, which takes seconds."""
    process = request.getfixturevalue("tracker_process")(SHORT, "device:=cpu", namespace="shared")
    process.wait_ready()
    yield process
    process.send(signal.SIGINT)
    assert_ended_cleanly(process)


@pytest.fixture(scope="module")
def shared_operator(shared_node, operator_class, scene):
    """The operator of the shared node, whose camera has been found: discovery takes a second."""
    made = operator_class("/shared/siam_tracker", "/shared/image")
    made.connect(scene.frame(0))
    yield made
    made.close()


@pytest.fixture
def operator(shared_node, shared_operator, scene):
    """The shared operator, following nothing, after a first image."""
    shared_operator.clear()
    shared_operator.first = shared_operator.process(scene.frame(0))
    yield shared_operator
    assert shared_node.process.poll() is None, shared_node.output


def iou(detection, scene, i: int) -> float:
    return to_box(detection.bbox).iou(Box(*map(float, scene.box(i))))


def test_a_target_is_followed_with_the_images_own_headers(operator, scene):
    answer = operator.init(scene.box(0), class_id="square")
    assert (answer.success, answer.code, answer.message) == (True, CODES.OK, "")
    assert answer.stamp.sec * 10**9 + answer.stamp.nanosec == operator.first
    overlaps = []
    for i in range(1, 40):
        stamp = operator.process(scene.frame(i))
        status, seen, array = (
            operator.status_of(stamp),
            operator.detection_of(stamp),
            operator.detections_of(stamp),
        )
        assert status.header.frame_id == array.header.frame_id == "camera_optical"
        assert status.state == TrackerStatus.TRACKING, status.reason
        assert status.target_id == answer.target_id
        assert seen is not None
        assert array.detections == [seen]
        assert seen.header == status.header
        assert seen.id == answer.target_id
        assert seen.bbox.center.theta == 0
        assert [result.hypothesis.class_id for result in seen.results] == ["square"]
        assert seen.results[0].hypothesis.score == pytest.approx(status.confidence, abs=1e-6)
        assert 0 < status.confidence <= 1
        assert (status.model, status.device) == ("afsn_mobile", "cpu")
        assert 0 <= status.image_age_ms < status.pipeline_latency_ms
        assert 0 < status.conversion_time_ms < status.tracking_time_ms < status.processing_time_ms
        assert status.processing_time_ms < status.pipeline_latency_ms
        assert [each.target_id for each in status.targets] == [answer.target_id]
        overlaps.append(iou(seen, scene, i))
    assert np.mean(overlaps) > 0.6, overlaps


def test_before_a_target_and_after_clear_nothing_is_published_as_seen(operator, scene):
    stamp = operator.process(scene.frame(0))
    assert operator.status_of(stamp).state == TrackerStatus.IDLE
    assert operator.detections_of(stamp).detections == []
    assert operator.detection_of(stamp) is None

    name = operator.init(scene.box(0)).target_id
    assert operator.detections_of(operator.process(scene.frame(1))).detections
    answer = operator.clear()
    assert answer.success
    assert name in answer.message
    stamp = operator.process(scene.frame(2))
    status = operator.status_of(stamp)
    assert (status.state, status.target_id, status.confidence) == (TrackerStatus.IDLE, "", 0)
    assert operator.detections_of(stamp).detections == []
    assert operator.detection_of(stamp) is None
    assert "no target" in operator.clear().message


def test_a_hidden_target_is_lost_and_not_published_as_seen_until_it_is_back(operator, scene):
    covered = np.full_like(scene.background, 90)
    name = operator.init(scene.box(0)).target_id
    sure = operator.status_of(operator.process(scene.frame(1))).targets[0].score
    unsure = operator.status_of(operator.process(covered)).targets[0].score
    assert unsure < sure
    # Between the two, whatever the weights: this is about what the node publishes.
    middle = (sure + unsure) / 2
    thresholds = ("confidence_uncertain", "confidence_lost")
    usual = preset("afsn_mobile")
    try:
        assert set_together(operator, **dict.fromkeys(thresholds, middle)).successful
        for _ in range(10):
            stamp = operator.process(covered)
        status = operator.status_of(stamp)
        assert status.state == TrackerStatus.LOST
        assert status.reason
        assert status.target_id == name
        assert operator.detections_of(stamp).detections == []
        assert operator.detection_of(stamp) is None
        for _ in range(10):
            stamp = operator.process(scene.frame(1))
        assert operator.status_of(stamp).state in (TrackerStatus.TRACKING, TrackerStatus.UNCERTAIN)
        assert operator.detection_of(stamp).id == name
    finally:
        assert set_together(operator, **{name: getattr(usual, name) for name in thresholds}).successful


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("box", "code", "words"),
    [
        ((NAN, 10, 50, 50), CODES.BOX_NOT_FINITE, "finite"),
        ((10, 10, 50, INF), CODES.BOX_NOT_FINITE, "finite"),
        ((2000, 10, 50, 50), CODES.BOX_OUTSIDE_IMAGE, "outside"),
        ((10, -90, 50, 50), CODES.BOX_OUTSIDE_IMAGE, "outside"),
        ((10, 10, 3, 50), CODES.BOX_TOO_SMALL, "4 pixels"),
        ((10, 10, 0, 0), CODES.BOX_TOO_SMALL, "4 pixels"),
    ],
)
def test_a_refused_box_leaves_the_running_target_as_it_was(operator, scene, box, code, words):
    name = operator.init(scene.box(0)).target_id
    operator.process(scene.frame(1))
    refused = operator.init(box)
    assert (refused.success, refused.code, refused.target_id) == (False, code, "")
    assert words in refused.message
    for i in (2, 3, 4):
        seen = operator.detection_of(operator.process(scene.frame(i)))
        assert seen is not None
        assert seen.id == name
        assert iou(seen, scene, i) > 0.5


def test_stamps_that_mean_no_image_are_refused_and_the_target_stays(operator, scene):
    name = operator.init(scene.box(0)).target_id
    stamp = operator.process(scene.frame(1))
    old = operator.init(scene.box(0), stamp=stamp - 3600 * 10**9)
    assert (old.success, old.code) == (False, CODES.STAMP_TOO_OLD)
    assert "older than the history" in old.message
    assert old.stamp.sec > 0, "the oldest stamp that could have been used"
    unknown = operator.init(scene.box(0), stamp=stamp + 10**9)
    assert (unknown.success, unknown.code) == (False, CODES.STAMP_UNKNOWN)
    assert operator.detection_of(operator.process(scene.frame(2))).id == name


def test_a_box_drawn_on_a_past_image_starts_there_and_catches_up(operator, scene):
    stamps = [operator.process(scene.frame(i)) for i in range(20)]
    answer = operator.init(scene.box(2), stamp=stamps[2] + 1_000_000)  # within the slop
    assert answer.success, answer.message
    assert answer.stamp.sec * 10**9 + answer.stamp.nanosec == stamps[2]
    seen = operator.detection_of(operator.process(scene.frame(20)))
    assert seen is not None
    # Without catching up the target would have left the search region's centre by 54 pixels, its own width.
    assert iou(seen, scene, 20) > 0.5


def test_images_that_cannot_be_used_are_counted_and_do_not_harm_the_target(operator, scene):
    name = operator.init(scene.box(0)).target_id
    before = operator.status_of(operator.process(scene.frame(1)))
    operator.publish(np.zeros((48, 64, 4), np.uint8), encoding="32FC1")
    broken = Image(height=480, width=640, step=1920, encoding="bgr8", data=b"\x00" * 100)
    operator.camera.publish(broken)
    stamp = operator.process(scene.frame(2))
    operator.publish(scene.frame(2), stamp=stamp)
    operator.publish(scene.frame(1), stamp=stamp - 10**7)
    after = operator.status_of(operator.process(scene.frame(3)))
    assert after.frames_refused - before.frames_refused == 4
    assert after.frames_received - before.frames_received == 6
    assert after.frames_processed - before.frames_processed == 2
    assert after.frames_dropped == before.frames_dropped
    assert (after.state, after.target_id) == (TrackerStatus.TRACKING, name)


def test_an_image_of_another_aspect_ratio_is_refused_and_said_in_the_status(operator, scene):
    name = operator.init(scene.box(0)).target_id
    operator.process(scene.frame(1))
    stamp = operator.publish(scene.frame(2)[:240])
    status = operator.status_of(stamp)
    assert status.state == TrackerStatus.LOST
    assert "640x240" in status.reason
    assert operator.detection_of(stamp) is None
    assert operator.detection_of(operator.process(scene.frame(2))).id == name


def test_a_camera_that_changes_its_resolution_is_followed_in_the_new_one(operator, scene):
    name = operator.init(scene.box(0)).target_id
    operator.process(scene.frame(1))
    before = operator.status[-1].frames_refused
    for i in range(2, 6):
        stamp = operator.process(np.ascontiguousarray(scene.frame(i)[::2, ::2]))
        seen = operator.detection_of(stamp)
        assert seen is not None
        assert (seen.id, operator.status_of(stamp).frames_refused) == (name, before)
    assert to_box(seen.bbox).iou(Box(*(value / 2 for value in scene.box(5)))) > 0.5
    assert iou(operator.detection_of(operator.process(scene.frame(6))), scene, 6) > 0.5


@pytest.mark.parametrize("encoding", ["rgb8", "bgra8", "rgba8", "mono8"])
def test_every_encoding_is_tracked_in(operator, scene, encoding):
    def encoded(i: int) -> np.ndarray:
        frame = scene.frame(i)
        if encoding == "mono8":
            return frame[..., 1:2]
        ordered = frame[..., ::-1] if encoding.startswith("rgb") else frame
        alpha = np.full((*frame.shape[:2], 1), 255, np.uint8)
        return np.concatenate([ordered, alpha], axis=2) if encoding.endswith("a8") else ordered

    operator.process(encoded(0), encoding=encoding)
    assert operator.init(scene.box(0)).success
    for i in range(1, 6):
        stamp = operator.process(encoded(i), encoding=encoding)
    seen = operator.detection_of(stamp)
    assert seen is not None
    assert iou(seen, scene, 5) > 0.5


def test_a_clock_that_was_set_back_is_followed(operator, scene):
    operator.init(scene.box(0))
    stamp = operator.process(scene.frame(1))
    for i in range(2, 6):
        back = operator.process(scene.frame(i), stamp=stamp - 600 * 10**9 + i * 33_000_000)
    assert operator.detection_of(back) is not None
    assert operator.init(scene.box(5), stamp=stamp).code == CODES.STAMP_UNKNOWN, "that time line is forgotten"
    assert operator.init(scene.box(5), stamp=back).success


def test_images_without_stamps_are_tracked_in(operator, scene):
    assert operator.init(scene.box(0)).success
    before = len(operator.detection)
    for i in range(1, 4):
        operator.publish(scene.frame(i), stamp=0)
        wanted = before + i
        deadline = time.monotonic() + 20
        while len(operator.detection) < wanted and time.monotonic() < deadline:
            time.sleep(0.002)
    assert len(operator.detection) == before + 3
    assert math.isnan(operator.status_of(0).pipeline_latency_ms)


def test_a_camera_that_stalls_is_stale_and_recovers(operator, scene, wait):
    name = operator.init(scene.box(0)).target_id
    stamp = operator.process(scene.frame(1))
    seen, arrays = len(operator.detection), len(operator.detections)
    stale = wait(lambda: operator.status[-1] if operator.status[-1].state == TrackerStatus.STALE else None, "STALE")
    assert "no new image on /shared/image" in stale.reason
    assert stale.header.stamp.sec * 10**9 + stale.header.stamp.nanosec == stamp
    assert stale.image_age_ms >= 300
    assert (stale.target_id, stale.confidence) == (name, 0)
    assert (len(operator.detection), len(operator.detections)) == (seen, arrays), "no box is repeated"
    back = operator.process(scene.frame(2))
    assert operator.status_of(back).state == TrackerStatus.TRACKING
    assert operator.detection_of(back).id == name


def test_the_debug_image_is_drawn_for_who_listens(operator, scene, wait):
    images = operator.listen(Image, "/shared/siam_tracker/debug_image")
    operator.init(scene.box(0))

    def drawn() -> Image | None:
        operator.process(scene.frame(1))
        return images[-1] if images else None

    image = wait(drawn, "a debug image")
    assert image.header.frame_id == "camera_optical"
    picture = to_bgr(image)
    assert picture.shape == (480, 640, 3)
    assert np.any(picture != scene.frame(1))


def test_the_debug_image_is_there_as_a_jpeg_too(operator, scene, wait):
    images = operator.listen(CompressedImage, "/shared/siam_tracker/debug_image/compressed")

    def drawn() -> CompressedImage | None:
        operator.process(scene.frame(1))
        return images[-1] if images else None

    assert to_bgr(wait(drawn, "a compressed debug image")).shape == (480, 640, 3)


def test_the_line_of_sight_is_published_while_the_target_is_seen(operator, scene, wait):
    bearings = operator.listen(Vector3Stamped, "/shared/siam_tracker/bearing")
    sizes = operator.listen(Vector3Stamped, "/shared/siam_tracker/angular_size")
    calibrations = operator.node.create_publisher(CameraInfo, "/shared/camera_info", 1)
    info = CameraInfo(width=640, height=480, distortion_model="plumb_bob", d=[0.0] * 5)
    info.k = [500.0, 0.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0]
    operator.init(scene.box(0))

    def seen() -> Vector3Stamped | None:
        calibrations.publish(info)
        operator.process(scene.frame(0))
        return bearings[-1] if bearings and sizes else None

    bearing = wait(seen, "a bearing")
    assert bearing.header.frame_id == "camera_optical"
    x, y, w, h = scene.box(0)
    expected = np.array([(x + w / 2 - 320) / 500, (y + h / 2 - 240) / 500, 1.0])
    expected /= np.linalg.norm(expected)
    assert (bearing.vector.x, bearing.vector.y, bearing.vector.z) == pytest.approx(expected, abs=0.02)
    assert (sizes[-1].vector.x, sizes[-1].vector.y) == pytest.approx((w / 500, h / 500), rel=0.2)


def test_diagnostics_tell_rate_and_state(operator, scene, wait):
    arrays = operator.listen(DiagnosticArray, "/diagnostics")
    operator.init(scene.box(0))

    def healthy() -> DiagnosticStatus | None:
        operator.process(scene.frame(1))
        entries = [entry for array in arrays for entry in array.status]
        return next((entry for entry in entries if entry.level == DiagnosticStatus.OK), None)

    entry = wait(healthy, "a diagnostic that says OK")
    values = {each.key: each.value for each in entry.values}
    assert entry.name == "siam_tracker: tracking"
    assert values["state"] in ("TRACKING", "IDLE")
    assert values["model"] == "afsn_mobile"
    assert float(values["image rate (Hz)"]) > 0
    assert float(values["latency p95 (ms)"]) > 0


def set_parameter(operator, name: str, **value):
    client = operator.node.create_client(SetParameters, "/shared/siam_tracker/set_parameters")
    parameter = Parameter(name=name, value=ParameterValue(**value))
    answer = operator.call(client, SetParameters.Request(parameters=[parameter]))
    return answer.results[0]


def set_together(operator, **thresholds: float):
    """Set several of the tracker's thresholds, which only make sense together."""
    client = operator.node.create_client(SetParametersAtomically, "/shared/siam_tracker/set_parameters_atomically")
    parameters = [
        Parameter(name=f"tracker.{name}", value=ParameterValue(type=DOUBLE, double_value=value))
        for name, value in thresholds.items()
    ]
    return operator.call(client, SetParametersAtomically.Request(parameters=parameters)).result


DOUBLE, STRING = ParameterType.PARAMETER_DOUBLE, ParameterType.PARAMETER_STRING


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("image_timeout", {"type": DOUBLE, "double_value": -1.0}, "out of range"),
        ("image_timeout", {"type": DOUBLE, "double_value": NAN}, "out of range"),
        ("image_timeout", {"type": STRING, "string_value": "long"}, "type"),
        ("model", {"type": STRING, "string_value": "afsn_r50"}, "read-only"),
        ("tracker.size_lr", {"type": DOUBLE, "double_value": 1.5}, "out of range"),
        ("tracker.confidence_lost", {"type": DOUBLE, "double_value": 0.9}, "above confidence_uncertain"),
    ],
)
def test_a_bad_parameter_is_refused_with_the_reason(operator, name, value, words):
    result = set_parameter(operator, name, **value)
    assert not result.successful
    assert words in result.reason


def test_thresholds_change_while_the_node_runs(operator, scene):
    operator.init(scene.box(0))
    assert operator.status_of(operator.process(scene.frame(1))).state == TrackerStatus.TRACKING
    try:
        changed = set_parameter(operator, "tracker.apce_uncertain", type=DOUBLE, double_value=10.0)
        assert changed.successful, changed.reason
        assert operator.status_of(operator.process(scene.frame(2))).state == TrackerStatus.UNCERTAIN
        assert operator.detection_of(operator.process(scene.frame(3))) is not None, "uncertain is still seen"
    finally:
        assert set_parameter(operator, "tracker.apce_uncertain", type=DOUBLE, double_value=0.4).successful
    assert operator.status_of(operator.process(scene.frame(4))).state == TrackerStatus.TRACKING


def test_thresholds_that_contradict_each_other_are_refused_together(operator):
    refused = set_together(operator, confidence_lost=0.99, confidence_uncertain=0.98)
    assert (refused.successful, "above confidence_uncertain" in refused.reason) == (False, True)


def test_the_image_timeout_changes_while_the_node_runs(operator, scene, wait):
    try:
        assert set_parameter(operator, "image_timeout", type=DOUBLE, double_value=30.0).successful
        statuses = len(operator.status)
        operator.process(scene.frame(1))
        assert set_parameter(operator, "image_timeout", type=DOUBLE, double_value=0.05).successful
        new = wait(lambda: [s for s in operator.status[statuses:] if s.state == TrackerStatus.STALE], "STALE")
        assert "no new image" in new[0].reason
    finally:
        assert set_parameter(operator, "image_timeout", type=DOUBLE, double_value=0.3).successful


def test_parameters_describe_themselves(operator):
    client = operator.node.create_client(DescribeParameters, "/shared/siam_tracker/describe_parameters")
    names = ["model", "image_timeout", "tracker.size_lr", "history_frames"]
    answer = operator.call(client, DescribeParameters.Request(names=names))
    model, timeout, rate, history = answer.descriptors
    assert all(each.description for each in answer.descriptors)
    assert model.read_only
    assert not timeout.read_only
    assert (rate.floating_point_range[0].from_value, rate.floating_point_range[0].to_value) == (0.0, 1.0)
    assert history.integer_range[0].from_value == 1


def test_no_image_yet_is_said_by_init_and_by_the_status(start_node, connect, scene, wait):
    node = start_node(SHORT, namespace="dark").wait_ready()
    operator = connect("/dark/siam_tracker", "/dark/image")
    refused = operator.init(scene.box(0))
    assert (refused.success, refused.code) == (False, CODES.NO_FRAME)
    assert "no frame has arrived" in refused.message
    stale = wait(lambda: operator.status[-1] if operator.status else None, "a status without a camera")
    assert stale.state == TrackerStatus.STALE
    assert "no usable image on /dark/image" in stale.reason
    node.send(signal.SIGTERM)
    assert_ended_cleanly(node)


def test_ctrl_c_ends_it_at_once_in_the_middle_of_the_stream(start_node, connect, scene):
    node = start_node(namespace="ending").wait_ready()
    operator = connect("/ending/siam_tracker", "/ending/image")
    operator.connect(scene.frame(0))
    assert operator.init(scene.box(0)).success
    for i in range(1, 6):
        operator.publish(scene.frame(i))
    node.send(signal.SIGINT)
    node.send(signal.SIGINT)  # as from a terminal and from ros2 launch
    start = time.monotonic()
    assert_ended_cleanly(node)
    assert time.monotonic() - start < 5


HANGING_TRACKER = """
import time
import siam_tracker_ros
from siam_tracker_ros.nodes import tracker_node

class Hangs:
    device, model_name = "cpu", "hanging"
    updates = None
    def add(self, target_id, frame, box):
        pass
    def update(self, frame, only=None):
        if self.updates is None:
            return
        self.updates += 1
        if self.updates == 1:
            raise MemoryError()
        if self.updates == 2:
            raise RuntimeError("no kernel image")
        print("in the update", flush=True)
        time.sleep(600)
    def rest(self):
        pass
    def prepare(self, height, width, targets):
        pass
    def clear(self):
        self.updates = 0  # the warm-up is over

siam_tracker_ros.load_trackers = lambda *arguments, **options: Hangs()
tracker_node.main()
"""


def test_a_tracker_that_fails_or_hangs_is_said_and_images_are_received_and_ctrl_c_ends_it(
    start_node, connect, scene, wait
):
    node = start_node("image_timeout:=20.0", namespace="hanging", script=HANGING_TRACKER).wait_ready()
    operator = connect("/hanging/siam_tracker", "/hanging/image")
    arrays = operator.listen(DiagnosticArray, "/diagnostics")
    operator.connect(scene.frame(0))
    assert operator.init(scene.box(0), target_id="a").success

    for words, key in (("out of memory on cpu", "out of memory"), ("no kernel image", "tracker failures")):
        status = operator.status_of(operator.process(scene.frame(1)))
        assert (status.state, status.target_id) == (TrackerStatus.LOST, "a")
        assert words in status.reason
        assert status.frames_received == status.frames_processed + status.frames_dropped

        def told(key: str = key) -> DiagnosticStatus | None:
            entries = [entry for array in arrays for entry in array.status]
            return next((e for e in entries if {v.key: v.value for v in e.values}[key] == "1"), None)

        entry = wait(told, f"the diagnostics to count {key}")
        assert entry.level == DiagnosticStatus.ERROR
        assert words in entry.message

    operator.publish(scene.frame(1))
    wait(lambda: "in the update" in node.output, "an update")

    waiting = operator.init_client.call_async(operator.init_request(scene.box(0)))

    def received() -> int:
        return int({each.key: each.value for each in arrays[-1].status[0].values}["frames received"])

    def hangs() -> bool:
        operator.publish(scene.frame(2))
        return bool(arrays) and "busy with one frame" in arrays[-1].status[0].message

    wait(hangs, "the diagnostics to say that the tracker hangs")
    before = received()
    wait(lambda: hangs() and received() > before + 5, "images to be received while a call waits for its answer")

    node.send(signal.SIGINT)
    start = time.monotonic()
    assert node.wait_exit() == 0, node.output
    assert time.monotonic() - start < 5
    wait(waiting.done, "the answer to the call that waited")
    assert waiting.result().code == CODES.NODE_STOPPING


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_it_starts(start_node, number, wait):
    node = start_node()
    wait(lambda: _handles(node.process.pid, number), "the process to handle signals")
    node.send(number)
    assert_ended_cleanly(node)


def _handles(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal that is not Python's own for SIGINT: SIGTERM tells it."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
    return bool(caught >> (signal.SIGTERM - 1) & 1) and bool(caught >> (number - 1) & 1)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (["image_timeout:=-1.0"], ["image_timeout", "from 0.02 to 60"]),
        (["image_timeout:=1"], ["image_timeout", "double", "written 1.0"]),
        (["device:=gpu"], ["device", "'gpu'", "cuda:N"]),
        (["precision:=int8"], ["precision", "'int8'", "float32, float16"]),
        (["weights:=/does/not/exist.safetensors"], ["weights", "/does/not/exist.safetensors", "no such file"]),
        (["tracker.size_lr:=fast"], ["tracker.size_lr", "double"]),
        (["tracker.confidence_lost:=0.9"], ["confidence_lost", "confidence_uncertain"]),
        (["autostart:=maybe"], ["autostart", "bool"]),
        (["max_targets:=0"], ["max_targets", "from 1 to 100"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and ":=" in value[0] else "",
)
def test_a_bad_parameter_at_start_is_one_sentence_and_an_exit_code(start_node, parameters, words):
    node = start_node(*parameters)
    assert node.wait_exit(60) == 2, node.output
    said = [line for line in node.lines if line.startswith("tracker_node: ")]
    assert len(said) == 1, node.output
    for word in words:
        assert word in said[0]
    assert "Traceback" not in node.output


def test_an_unknown_parameter_is_named_with_the_one_that_was_meant(start_node):
    node = start_node("imag_timeout:=1.0", "device:=gpu")
    assert node.wait_exit(60) == 2
    assert "parameter 'imag_timeout' is unknown and has no effect; did you mean 'image_timeout'?" in node.output


def test_weights_that_are_none_are_refused(start_node, tmp_path):
    weights = tmp_path / "noise.safetensors"
    weights.write_bytes(os.urandom(1000))
    node = start_node(f"weights:={weights}")
    assert node.wait_exit(60) == 2, node.output
    assert "noise.safetensors" in node.lines[-1]
    assert "Traceback" not in node.output


@pytest.mark.parametrize("name", ["ocean_online_r50", pytest.param("siamban_r50", marks=pytest.mark.slow)])
def test_a_published_tracker_runs_by_the_path_of_its_weights_with_its_own_settings(
    name, start_node, connect, scene, tmp_path
):
    """Untrained weights: this is about the node, which follows whatever the network says."""
    weights = tmp_path / "weights.safetensors"
    save_weights(calibrated(name), weights, {"model": name})
    quick = ("tracker.search_size:=143", "tracker.small_target_search_size:=0", "image_timeout:=20.0", "runtime:=eager")
    node = start_node(f"model:={weights}", *quick, namespace=name).wait_ready()
    operator = connect(f"/{name}/siam_tracker", f"/{name}/image")
    operator.connect(scene.frame(0))
    get = operator.node.create_client(GetParameters, f"/{name}/siam_tracker/get_parameters")
    names = ["online", "window_influence", "search_size", "lost_logic", "template_update"]
    values = operator.call(get, GetParameters.Request(names=[f"tracker.{n}" for n in names])).values
    expected = preset(name)
    assert values[0].bool_value == expected.online
    assert values[1].double_value == expected.window_influence
    assert values[2].integer_value == 143
    assert (values[3].bool_value, values[4].bool_value) == (False, False)
    assert operator.init(scene.box(0)).success
    for i in range(1, 4):
        stamp = operator.process(scene.frame(i))
        status = operator.status_of(stamp)
        assert (status.model, status.state) == (name, TrackerStatus.TRACKING)
        assert operator.detection_of(stamp) is not None
    node.send(signal.SIGINT)
    assert_ended_cleanly(node)
