from dataclasses import replace

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.debug_image import DebugImage, draw
from siam_tracker_ros.nodes.image_message import to_bgr
from siam_tracker_ros.nodes.mailbox import Frame
from siam_tracker_ros.nodes.report import FrameReport, Target, TargetReport
from siam_tracker_ros.tracking.contract import TrackResult
from siam_tracker_ros.tracking.state import TrackState


class Publisher:
    """Counts listeners and keeps what is published, as rclpy's publisher would send it."""

    def __init__(self, listeners: int) -> None:
        self.listeners = listeners
        self.sent: list[Image] = []

    def get_subscription_count(self) -> int:
        return self.listeners

    def publish(self, message: Image) -> None:
        self.sent.append(message)


@pytest.fixture
def report() -> FrameReport:
    result = TrackResult(Box(80, 60, 40, 40), 0.9, 50.0, 1.0, TrackState.TRACKING, "", 0, False)
    return FrameReport(
        frame=Frame(1, 1, Image(header=Header(frame_id="camera"))),
        pixels=np.full((240, 320, 3), 100, np.uint8),
        state=TrackState.TRACKING,
        reason="",
        target=Target("target-1", ""),
        result=result,
        refused=False,
        started=0,
        processing=0.0,
    )


def debug(raw: Publisher, compressed: Publisher | None = None, rate: float = 100.0) -> DebugImage:
    return DebugImage(raw, compressed or Publisher(listeners=0), rate, 960)


def test_nothing_is_drawn_while_nobody_listens(report):
    raw, compressed = Publisher(listeners=0), Publisher(listeners=0)
    assert not debug(raw, compressed).offer(report)
    assert raw.sent == compressed.sent == []


def test_who_listens_gets_the_frame_with_the_box_and_the_images_header(report):
    publisher = Publisher(listeners=1)
    assert debug(publisher).offer(report)
    (message,) = publisher.sent
    assert message.header.frame_id == "camera"
    picture = to_bgr(message)
    assert picture.shape == (240, 320, 3)
    assert np.any(picture[58:63, 100] != 100), "the box's upper edge"
    assert np.all(report.pixels == 100), "the frame itself stays as it was"


def test_who_listens_to_the_compressed_one_gets_a_jpeg_and_the_raw_one_is_not_sent(report):
    raw, compressed = Publisher(listeners=0), Publisher(listeners=1)
    assert debug(raw, compressed).offer(report)
    (message,) = compressed.sent
    assert raw.sent == []
    assert (message.header.frame_id, message.format) == ("camera", "bgr8; jpeg compressed bgr8")
    assert bytes(message.data[:2]) == b"\xff\xd8", "a JPEG's first bytes"
    picture = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(picture.astype(int) - draw(report, 960)).mean() < 3


def test_all_targets_that_are_seen_are_drawn(report):
    def target(name: str, box: Box, state: TrackState) -> TargetReport:
        return TargetReport(Target(name, ""), state, "", TrackResult(box, 0.9, 50.0, 1.0, state, "", 0, False))

    others = (
        target("b", Box(200, 150, 50, 50), TrackState.TRACKING),
        target("c", Box(20, 190, 40, 40), TrackState.LOST),
    )
    picture = draw(replace(report, others=others), 960)
    assert np.any(picture[58:63, 100] != 100), "the primary target"
    assert np.any(picture[148:153, 225] != 100), "the second one"
    assert np.all(picture[188:193, 40] == 100), "a lost one is nowhere"


def test_the_rate_is_bounded_and_can_be_changed(report):
    image = debug(Publisher(listeners=1), rate=0.1)
    assert [image.offer(report) for _ in range(5)] == [True, False, False, False, False]


def test_a_frame_that_could_not_be_read_is_not_drawn(report):
    assert not debug(Publisher(listeners=1)).offer(replace(report, pixels=None))


def test_a_wide_frame_is_drawn_smaller_with_the_box_in_its_place(report):
    small = draw(report, 160)
    assert small.shape == (120, 160, 3)
    changed = np.argwhere(np.any(small != 100, axis=2))
    assert np.any((changed[:, 1] >= 38) & (changed[:, 1] <= 62) & (changed[:, 0] >= 48) & (changed[:, 0] <= 52))


@pytest.mark.parametrize("state", [TrackState.LOST, TrackState.IDLE])
def test_states_without_a_box_are_drawn_too(report, state):
    without = replace(report, state=state, result=None, target=None)
    assert draw(without, 960).shape == (240, 320, 3)
