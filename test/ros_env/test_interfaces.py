"""The interfaces that this environment has: those of a real robot's graph."""

import subprocess
import sys
from pathlib import Path

import pytest

from siam_tracker_ros.tracking.state import TrackState

rclpy = pytest.importorskip("rclpy", reason="needs ROS 2")

# The type hashes of vision_msgs 4.1.1, generated from the released package's own definitions.
RELEASED = {
    "Point2D": "RIHS01_eab0e83f44ab4de92ceaf76dd7d0e7638f2bdd1d16ffbe16c7a136c48e407247",
    "Pose2D": "RIHS01_b0b5d1d7b4c20dd4fcde3ed1d4b289a919290572007d67a97043814db25d3648",
    "BoundingBox2D": "RIHS01_008eacbb0cf8f26e83795547bed013eec3675485ef386ec056d80eaaf1c1ce2f",
    "ObjectHypothesis": "RIHS01_51da43cec11c01957a64d1e05a24acd18aae7745ec30b74348ad5f6d634f7f90",
    "ObjectHypothesisWithPose": "RIHS01_41c12344c0396c48b81df12467c192d99b2a0eb1463c5c37194e4223251c80bc",
    "Detection2D": "RIHS01_0d12b69df5c593b3455b7346fac8205437a7d4bcb09b9e0e0b2dde787ded38ea",
    "Detection2DArray": "RIHS01_214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968",
}

# Order and types of the fields, as the released package has them.
FIELDS = {
    "Point2D": {"x": "double", "y": "double"},
    "Pose2D": {"position": "vision_msgs/Point2D", "theta": "double"},
    "BoundingBox2D": {"center": "vision_msgs/Pose2D", "size_x": "double", "size_y": "double"},
    "ObjectHypothesis": {"class_id": "string", "score": "double"},
    "ObjectHypothesisWithPose": {
        "hypothesis": "vision_msgs/ObjectHypothesis",
        "pose": "geometry_msgs/PoseWithCovariance",
    },
    "Detection2D": {
        "header": "std_msgs/Header",
        "results": "sequence<vision_msgs/ObjectHypothesisWithPose>",
        "bbox": "vision_msgs/BoundingBox2D",
        "id": "string",
    },
    "Detection2DArray": {"header": "std_msgs/Header", "detections": "sequence<vision_msgs/Detection2D>"},
}


@pytest.mark.parametrize("name", FIELDS)
def test_fields_of_vision_msgs(name: str) -> None:
    import vision_msgs.msg

    fields = getattr(vision_msgs.msg, name).get_fields_and_field_types()
    assert list(fields.items()) == list(FIELDS[name].items())


@pytest.mark.ros
def test_type_hashes_equal_the_released_packages() -> None:
    import vision_msgs.msg

    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("type_hashes", context=context)
    try:
        found = {}
        for name in RELEASED:
            publisher = node.create_publisher(getattr(vision_msgs.msg, name), name, 1)
            (info,) = node.get_publishers_info_by_topic(publisher.topic_name)
            if not hasattr(info, "topic_type_hash"):
                pytest.skip("this distribution (Humble) has no type hashes")
            found[name] = str(info.topic_type_hash)
        assert found == RELEASED
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


def test_status_has_the_states_of_the_tracker() -> None:
    from siam_tracker_interfaces.msg import TrackerStatus

    assert {state.name: getattr(TrackerStatus, state.name) for state in TrackState} == {
        state.name: state.value for state in TrackState
    }


def test_init_target_has_a_code_for_each_reason() -> None:
    from siam_tracker_interfaces.srv import InitTarget

    names = [
        "OK",
        "NO_FRAME",
        "BOX_NOT_FINITE",
        "BOX_OUTSIDE_IMAGE",
        "BOX_TOO_SMALL",
        "STAMP_TOO_OLD",
        "STAMP_UNKNOWN",
        "TRACKER_FAILED",
        "TOO_MANY_TARGETS",
        "NODE_STOPPING",
        "NOT_ACTIVE",
    ]
    assert [getattr(InitTarget.Response, name) for name in names] == list(range(len(names)))


@pytest.mark.ros
def test_interfaces_are_published_with_nothing_sourced(tmp_path: Path) -> None:
    """A process whose environment has no variable of ROS or of the loader publishes and receives them."""
    program = """
import time, rclpy
from vision_msgs.msg import Detection2D
from siam_tracker_interfaces.msg import TrackerStatus
from siam_tracker_interfaces.srv import InitTarget

rclpy.init()
node = rclpy.create_node("one")
received = {}
for kind in (Detection2D, TrackerStatus):
    node.create_subscription(kind, kind.__name__, lambda message: received.update({type(message).__name__: message}), 1)
publishers = [
    (node.create_publisher(Detection2D, "Detection2D", 1), Detection2D(id="7")),
    (node.create_publisher(TrackerStatus, "TrackerStatus", 1), TrackerStatus(state=TrackerStatus.LOST)),
]
node.create_service(InitTarget, "init", lambda request, response: response)
end = time.monotonic() + 30
while len(received) < 2 and time.monotonic() < end:
    for publisher, message in publishers:
        publisher.publish(message)
    rclpy.spin_once(node, timeout_sec=0.1)
print(received["Detection2D"].id, received["TrackerStatus"].state)
"""
    if "site-packages" not in str(Path(rclpy.__file__)) or ".venv" not in rclpy.__file__:
        pytest.skip("a distribution is to be sourced")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "ROS_DOMAIN_ID": "101"}
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env=env | {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.stdout.split() == ["7", "3"], answer.stderr
