"""In which order a frame's results go out."""

from typing import Any

from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D, Detection2DArray

from siam_tracker_interfaces.msg import TrackerStatus
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.mailbox import Frame
from siam_tracker_ros.nodes.messages import Engine, FrameCounts
from siam_tracker_ros.nodes.report import FrameReport, Target, TargetReport
from siam_tracker_ros.nodes.results import Results
from siam_tracker_ros.tracking.contract import TrackResult
from siam_tracker_ros.tracking.state import TrackState

COUNTS, ENGINE = FrameCounts(1, 1, 0, 0), Engine("none", "cpu")
VALUES = {"debug_image.max_rate": 10.0, "debug_image.max_width": 640, "bearing.rectified": False}


class Node:
    """What Results asks of a node; what is published is kept in order."""

    def __init__(self) -> None:
        self.published: list[Any] = []

    def create_publisher(self, kind: type, topic: str, qos: int) -> "Node":
        return self

    def publish(self, message: Any) -> None:
        self.published.append(message)

    def get_subscription_count(self) -> int:
        return 0

    def resolve_topic_name(self, name: str) -> str:
        return name


def report(state: TrackState, *, refused: bool = False) -> FrameReport:
    result = TrackResult(Box(1, 2, 3, 4), 0.8, 50.0, 1.0, state, "", 0, False)
    others = (TargetReport(Target("b", ""), TrackState.TRACKING, "", result),)
    frame = Frame(1, 5, Image())
    return FrameReport(frame, None, state, "", Target("a", ""), result, refused, 5, 0.0, others)


def publish(frame: FrameReport) -> list[Any]:
    node = Node()
    Results(node, VALUES).publish(frame, COUNTS, ENGINE, 10)
    return node.published


def test_the_primary_targets_box_goes_out_first_and_the_status_last():
    seen, array, status = publish(report(TrackState.TRACKING))
    assert (type(seen), type(array), type(status)) == (Detection2D, Detection2DArray, TrackerStatus)
    assert (seen.id, array.detections[0]) == ("a", seen)
    assert [each.id for each in array.detections] == ["a", "b"]


def test_a_lost_target_has_no_box():
    array, status = publish(report(TrackState.LOST))
    assert [each.id for each in array.detections] == []
    assert status.state == TrackerStatus.LOST


def test_of_a_refused_frame_only_the_status_is_published():
    assert [type(each) for each in publish(report(TrackState.LOST, refused=True))] == [TrackerStatus]
