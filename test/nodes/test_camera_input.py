"""The camera's side of the node, with real publishers over real DDS."""

import array
import os
import time
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy, qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from siam_tracker_ros.nodes.camera_input import CameraInput, image_qos, mismatches, topic_of
from siam_tracker_ros.nodes.image_message import to_bgr
from siam_tracker_ros.nodes.parameters import NODE_ENTRIES

pytestmark = pytest.mark.ros

DEFAULTS = {entry.name: entry.default for entry in NODE_ENTRIES}
S = 10**9
RELIABLE = {"image_qos.profile": "reliable", "image_qos.depth": 100}
BEST_EFFORT, VOLATILE = QoSReliabilityPolicy.BEST_EFFORT, QoSDurabilityPolicy.VOLATILE
TRANSIENT_LOCAL = QoSDurabilityPolicy.TRANSIENT_LOCAL


@pytest.mark.parametrize(
    ("values", "reliability", "durability"),
    [
        ({}, "BEST_EFFORT", "VOLATILE"),
        ({"image_qos.profile": "reliable"}, "RELIABLE", "VOLATILE"),
        ({"image_qos.profile": "default"}, "RELIABLE", "VOLATILE"),
        ({"image_qos.profile": "system_default"}, "SYSTEM_DEFAULT", "SYSTEM_DEFAULT"),
        ({"image_qos.reliability": "reliable"}, "RELIABLE", "VOLATILE"),
        ({"image_qos.profile": "reliable", "image_qos.reliability": "best_effort"}, "BEST_EFFORT", "VOLATILE"),
        ({"image_qos.durability": "transient_local"}, "BEST_EFFORT", "TRANSIENT_LOCAL"),
        ({"image_qos.profile": "system_default", "image_qos.durability": "volatile"}, "SYSTEM_DEFAULT", "VOLATILE"),
    ],
)
def test_the_quality_of_service_is_the_profile_with_its_overrides(values, reliability, durability):
    qos = image_qos(DEFAULTS | values | {"image_qos.depth": 7})
    assert (qos.reliability.name, qos.durability.name, qos.depth) == (reliability, durability, 7)
    assert qos.history.name == "KEEP_LAST"


def test_what_a_publisher_must_offer():
    def words(asked: dict, offered: dict) -> list[str]:
        return [sentence.split()[1] for sentence in mismatches(QoSProfile(**asked), QoSProfile(**offered))]

    best_effort, latched = {"depth": 1, "reliability": BEST_EFFORT}, {"depth": 1, "durability": TRANSIENT_LOCAL}
    plain = {"depth": 1}  # reliable, volatile
    assert words(plain, plain) == words(best_effort, plain) == words(plain, latched) == []
    assert words(plain, best_effort) == ["reliability"]
    assert words(latched, plain) == ["durability"]
    assert words(latched, best_effort) == ["reliability", "durability"]


class World:
    """A node with a CameraInput, and a camera with its own DDS participant."""

    def __init__(self, wait, name: str) -> None:
        self._wait, self.space = wait, name
        self._contexts = [rclpy.Context(), rclpy.Context()]
        for context in self._contexts:
            rclpy.init(context=context)
        own_clock = ["--ros-args", "-r", f"/clock:={name}/clock"]
        self.node = rclpy.create_node("tracker", context=self._contexts[0], namespace=name, cli_args=own_clock)
        self.camera = rclpy.create_node("camera", context=self._contexts[1], namespace=name)
        self.executor = SingleThreadedExecutor(context=self._contexts[0])
        self.executor.add_node(self.node)
        self.events: list = []  # frames, and "jump"

    def input(self, **values) -> CameraInput:
        """Opened, with these parameters in place of the defaults."""
        made = CameraInput(self.node, DEFAULTS | values, self.events.append, lambda: self.events.append("jump"))
        made.open()
        return made

    def publisher(self, kind=Image, topic="image", qos=None, connect=True):
        """A camera's publisher, by default once it has found its subscriber."""
        made = self.camera.create_publisher(kind, topic, qos or QoSProfile(depth=100))
        if connect:
            self.until(made.get_subscription_count, "the subscriber")
        return made

    def until(self, condition, what: str):
        def spun():
            self.executor.spin_once(timeout_sec=0.005)
            return condition()

        return self._wait(spun, what)

    def spin(self, seconds: float) -> None:
        """For what must not happen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.005)

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        self.camera.destroy_node()
        for context in self._contexts:
            context.try_shutdown()


@pytest.fixture
def world(wait, request):
    made = World(wait, f"/input_{os.getpid()}_{abs(hash(request.node.name)) % 10**6}")
    yield made
    made.close()


def header(stamp: int) -> Header:
    return Header(stamp=Time(sec=stamp // S, nanosec=stamp % S), frame_id="camera_optical")


def raw(stamp: int, encoding: str = "bgr8", **fields) -> Image:
    image = Image(header=header(stamp), height=4, width=6, encoding=encoding, step=18, data=array.array("B", bytes(72)))
    for name, value in fields.items():
        setattr(image, name, value)
    return image


def counts(camera: CameraInput) -> tuple[int, ...]:
    return camera.received, camera.refused, camera.unreadable, camera.late, camera.duplicates, camera.clock_jumps


def test_images_are_handed_on_and_counted(world):
    camera = world.input(**RELIABLE)
    assert camera.topic == f"{world.space}/image"
    assert camera.last_header == Header()
    publisher = world.publisher()
    for i in range(3):
        publisher.publish(raw(7 * S + i))
    world.until(lambda: len(world.events) == 3, "three frames")
    assert [(frame.number, frame.stamp) for frame in world.events] == [(1, 7 * S), (2, 7 * S + 1), (3, 7 * S + 2)]
    assert camera.last_header == header(7 * S + 2)
    assert counts(camera) == (3, 0, 0, 0, 0, 0)
    assert camera.stale_reason(0.5) == ""
    assert camera.qos_trouble == ""


def test_what_cannot_be_used_is_refused_counted_and_said(world, capfd):
    camera = world.input(**RELIABLE)
    publisher = world.publisher()
    images = [raw(7 * S), raw(8 * S, "32FC1"), raw(8 * S, step=3), raw(7 * S), raw(7 * S - S // 2), raw(0), raw(8 * S)]
    for image in images:
        publisher.publish(image)
    world.until(lambda: camera.received == len(images), "the images")
    assert [frame.number for frame in world.events] == [1, 6, 7]
    assert counts(camera) == (7, 4, 2, 2, 1, 0)
    assert camera.refused_by == {"unreadable": 2, "same stamp": 1, "older stamp": 1}
    assert "image refused: encoding '32FC1' is not read here" in capfd.readouterr().err
    assert camera.last_refusal == "image refused: its stamp is older than that of the image before it"
    assert "refused" not in camera.stale_reason(0.0), "the newest image was fine"
    publisher.publish(raw(9 * S, step=3))
    world.until(lambda: camera.received == 8, "one more")
    assert "step is 3 bytes, but a row of 6 bgr8 pixels takes 18" in camera.stale_reason(0.0)
    assert camera.last_header == header(8 * S)


def test_a_clock_that_is_set_is_followed(world):
    camera = world.input(**RELIABLE, clock_jump=2.0)
    publisher = world.publisher()
    for stamp in (100 * S, 5 * S, 5 * S + 1, 300 * S):
        publisher.publish(raw(stamp))
    world.until(lambda: camera.received == 4, "the images")
    told = [event if event == "jump" else event.stamp for event in world.events]
    assert told == [100 * S, "jump", 5 * S, 5 * S + 1, 300 * S], "told before the first frame of the new time line"
    assert counts(camera) == (4, 0, 0, 0, 0, 2)


def test_simulated_time_that_goes_back_starts_a_new_time_line(world):
    world.node.set_parameters([Parameter("use_sim_time", value=True)])
    camera = world.input(**RELIABLE)
    clock, publisher = world.camera.create_publisher(Clock, "clock", 10), world.publisher()

    def set_clock(stamp: int) -> None:
        def is_set() -> bool:
            clock.publish(Clock(clock=Time(sec=stamp // S, nanosec=stamp % S)))
            return world.node.get_clock().now().nanoseconds == stamp

        world.until(is_set, "the clock")

    # A bag of half a second that starts again, less than clock_jump: without the clock its images would all be late.
    for stamp in (10 * S, 10 * S + S // 2):
        set_clock(stamp)
        publisher.publish(raw(stamp))
        world.until(lambda stamp=stamp: camera.last_header == header(stamp), "a frame")
    set_clock(10 * S)
    assert world.events[-1] == "jump"
    publisher.publish(raw(10 * S))
    world.until(lambda: camera.last_header == header(10 * S), "the first frame again")
    assert counts(camera) == (3, 0, 0, 0, 0, 1)
    # Time that goes on, however fast, is no jump.
    set_clock(5000 * S)
    publisher.publish(raw(5000 * S))
    world.until(lambda: camera.received == 4, "a frame")
    assert counts(camera) == (4, 0, 0, 0, 0, 1)


def test_compressed_images_come_from_the_topic_beside_and_broken_ones_are_refused(world):
    camera = world.input(**RELIABLE, image_transport="compressed")
    assert camera.topic == f"{world.space}/image/compressed"
    publisher = world.publisher(CompressedImage, "image/compressed")
    frame = np.random.default_rng(3).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    png = array.array("B", cv2.imencode(".png", frame)[1].tobytes())
    jpeg = array.array("B", cv2.imencode(".jpg", frame)[1].tobytes())
    for i, (name, data) in enumerate(
        [("png", png), ("jpeg", jpeg), ("jpeg", jpeg[:-100]), ("png", array.array("B")), ("h264", jpeg[4:]), ("", png)]
    ):
        publisher.publish(CompressedImage(header=header(7 * S + i), format=name, data=data))
    world.until(lambda: camera.received == 6, "the images")
    assert [each.number for each in world.events] == [1, 2, 6]
    assert counts(camera) == (6, 3, 3, 0, 0, 0)
    assert "format 'h264' cannot be decoded: neither" in camera.last_refusal
    np.testing.assert_array_equal(to_bgr(world.events[0].message), frame)
    assert to_bgr(world.events[1].message).shape == frame.shape


def test_it_is_subscribed_only_while_it_is_open(world):
    camera = world.input(**RELIABLE)
    publisher = world.publisher()
    publisher.publish(raw(7 * S))
    world.until(lambda: world.events, "a frame")
    world.spin(0.2)
    before = camera.quiet()
    assert before >= 0.2
    camera.close()
    camera.close()
    world.until(lambda: publisher.get_subscription_count() == 0, "the subscriber to be gone")
    assert (camera.quiet(), camera.stale_reason(0.0), camera.qos_trouble) == (0.0, "", "")
    publisher.publish(raw(7 * S + 1))
    world.spin(0.2)
    assert camera.received == 1
    camera.open()
    camera.open()
    assert camera.quiet() < before
    world.until(lambda: publisher.get_subscription_count() == 1, "the subscriber")
    publisher.publish(raw(7 * S + 2))
    world.until(lambda: camera.received == 2, "a frame")
    assert counts(camera) == (2, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("profile", ["sensor_data", "reliable", "default", "system_default"])
def test_every_profile_gets_images_of_a_reliable_camera(world, profile):
    camera = world.input(**{"image_qos.profile": profile})
    publisher = world.publisher()
    publisher.publish(raw(7 * S))
    world.until(lambda: world.events, "a frame")
    assert camera.qos_trouble == ""


@pytest.mark.parametrize(
    ("values", "offered", "words"),
    [
        (RELIABLE, qos_profile_sensor_data, "offers reliability best_effort where reliable is asked for"),
        (
            {"image_qos.durability": "transient_local"},
            QoSProfile(depth=1, durability=VOLATILE),
            "offers durability volatile where transient_local is asked for",
        ),
    ],
    ids=["reliability", "durability"],
)
def test_a_publisher_that_does_not_match_is_named_once(world, capfd, values, offered, words):
    camera = world.input(**values)
    bad = world.publisher(qos=offered, connect=False)
    named = f"nothing arrives of {world.space}/camera on {camera.topic}: it {words}"
    world.until(lambda: named in camera.qos_trouble, "the mismatch with its node's name")
    assert named in camera.stale_reason(0.0)
    assert "(1 publisher)" in camera.stale_reason(0.0)
    world.spin(0.1)
    said = capfd.readouterr().err
    assert said.count(words) == 1, said
    # Another camera, which matches: images arrive, and the first one is still in trouble.
    good = world.publisher(qos=QoSProfile(depth=10, durability=TRANSIENT_LOCAL))
    good.publish(raw(7 * S))
    world.until(lambda: world.events, "a frame")
    assert camera.stale_reason(5.0) == ""
    assert named in camera.qos_trouble
    world.camera.destroy_publisher(bad)
    world.until(lambda: camera.qos_trouble == "", "the trouble to be over")


def test_the_event_alone_tells_of_a_mismatch(world, monkeypatch):
    """Of a policy that nobody compares here, or where the publisher's is not known."""
    camera = world.input(**RELIABLE)
    monkeypatch.setattr("siam_tracker_ros.nodes.camera_input.mismatches", lambda asked, offered: [])
    world.publisher(qos=qos_profile_sensor_data, connect=False)
    world.until(lambda: camera.qos_trouble, "the event")
    assert "its reliability does not match what image_qos asks for" in camera.qos_trouble


def test_a_camera_that_is_not_there_is_missed(world):
    camera = world.input()
    world.spin(0.1)
    assert camera.stale_reason(60.0) == ""
    reason = camera.stale_reason(0.05)
    assert reason.startswith(f"no usable image on {camera.topic} for 0.")
    assert reason.endswith("s (0 publishers)")
    other = world.publisher(CompressedImage, "image/compressed", connect=False)
    world.until(lambda: "image_transport" in camera.stale_reason(0.05), "the other topic")
    assert f"{camera.topic}/compressed has 1 publisher: image_transport may have to be compressed" in (
        camera.stale_reason(0.05)
    )
    assert other.get_subscription_count() == 0


def test_a_topic_that_carries_something_else_is_told(world):
    camera = world.input()
    world.publisher(CompressedImage, "image", connect=False)
    world.until(lambda: "1 publisher" in camera.stale_reason(0.0), "the publisher")
    assert "sends sensor_msgs/msg/CompressedImage" in camera.stale_reason(0.0)


@pytest.mark.parametrize(
    ("rules", "is_raw", "is_compressed"),
    [
        ([], "/ns/image", "/ns/image/compressed"),
        (["image:=/cam/image_raw"], "/cam/image_raw", "/cam/image_raw/compressed"),
        (["image:=/cam/raw", "image/compressed:=/link/jpeg"], "/cam/raw", "/link/jpeg"),
    ],
)
def test_remapping_the_image_takes_the_compressed_topic_along(rules, is_raw, is_compressed):
    context = rclpy.Context()
    rclpy.init(context=context)
    arguments = [word for rule in rules for word in ("-r", rule)]
    node = rclpy.create_node(
        "remapped", context=context, namespace="ns", cli_args=["--ros-args", *arguments] if rules else None
    )
    assert (topic_of(node, "raw"), topic_of(node, "compressed")) == (is_raw, is_compressed)
    node.destroy_node()
    context.try_shutdown()


def test_an_unknown_node_is_a_publisher(world, monkeypatch):
    """Discovery tells the node after the endpoint: nothing is logged until it has."""
    camera = world.input(**RELIABLE)
    endpoint = SimpleNamespace(
        node_name="_NODE_NAME_UNKNOWN_",
        node_namespace="_NODE_NAMESPACE_UNKNOWN_",
        topic_type="sensor_msgs/msg/Image",
        qos_profile=qos_profile_sensor_data,
    )
    monkeypatch.setattr(world.node, "get_publishers_info_by_topic", lambda topic: [endpoint])
    assert camera.qos_trouble.startswith(f"nothing arrives of a publisher on {camera.topic}: it offers reliability")
