import math

import pytest
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray

from siam_tracker_interfaces.msg import TargetStatus, TrackerStatus
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes import messages
from siam_tracker_ros.nodes.mailbox import Frame
from siam_tracker_ros.nodes.messages import Engine, FrameCounts
from siam_tracker_ros.nodes.report import FrameReport, Target, TargetReport
from siam_tracker_ros.tracking.contract import TrackResult
from siam_tracker_ros.tracking.state import TrackState

MS = 10**6
HEADER = Header(stamp=Time(sec=3, nanosec=5), frame_id="camera")
STAMP = 3 * 10**9 + 5
COUNTS = FrameCounts(received=10, processed=7, dropped=2, refused=1)
BOX = Box(10, 20, 30, 40)
ENGINE = Engine("afsn_mobile", "cuda:0")


def found(state: TrackState, confidence: float = 0.8, box: Box = BOX) -> TrackResult:
    reason = "" if state is TrackState.TRACKING else "because"
    return TrackResult(box, confidence, 55.0, 0.9, state, reason, 3, False, score=0.7)


def report(
    state: TrackState,
    confidence: float = 0.8,
    *,
    result: bool = True,
    stamp: int = STAMP,
    others: tuple[TargetReport, ...] = (),
) -> FrameReport:
    return FrameReport(
        frame=Frame(1, stamp, Image(header=HEADER)),
        pixels=None,
        state=state,
        reason="" if state is TrackState.TRACKING else "because",
        target=Target("target-1", "car") if state is not TrackState.IDLE else None,
        result=found(state, confidence) if result else None,
        refused=False,
        started=STAMP + 4 * MS,
        processing=0.012,
        others=others,
        conversion=0.002,
        tracking=0.009,
    )


def detections(report: FrameReport) -> tuple[Detection2D | None, Detection2DArray]:
    """What is published of a frame: the primary target's box, and all boxes."""
    seen = messages.primary_detection(report)
    return seen, messages.detections(report, seen)


def other(name: str, state: TrackState, box: Box = BOX) -> TargetReport:
    return TargetReport(Target(name, "boat"), state, found(state).reason, found(state, box=box))


@pytest.mark.parametrize("state", [TrackState.TRACKING, TrackState.UNCERTAIN])
def test_a_seen_target_is_one_detection_with_the_images_header(state):
    seen, array = detections(report(state))
    assert seen.header == HEADER
    assert seen.id == "target-1"
    assert (seen.bbox.center.position.x, seen.bbox.center.position.y, seen.bbox.center.theta) == (25.0, 40.0, 0.0)
    assert (seen.bbox.size_x, seen.bbox.size_y) == (30.0, 40.0)
    assert [(r.hypothesis.class_id, r.hypothesis.score) for r in seen.results] == [("car", 0.8)]
    assert (array.header, array.detections) == (HEADER, [seen])


@pytest.mark.parametrize(
    "unseen",
    [
        report(TrackState.LOST),
        report(TrackState.SEARCHING),
        report(TrackState.LOST, result=False),
        report(TrackState.IDLE, result=False),
    ],
    ids=lambda each: each.state.name,
)
def test_what_is_not_seen_is_not_published_as_seen(unseen):
    seen, array = detections(unseen)
    assert seen is None
    assert (array.header, array.detections) == (HEADER, [])


def test_of_several_targets_the_seen_ones_are_in_the_array_and_the_first_is_the_primary_one():
    others = (other("b", TrackState.LOST), other("c", TrackState.UNCERTAIN, Box(5, 6, 7, 8)))
    seen, array = detections(report(TrackState.TRACKING, others=others))
    assert (seen.id, [each.id for each in array.detections]) == ("target-1", ["target-1", "c"])
    assert messages.to_box(array.detections[1].bbox).as_tuple() == (5, 6, 7, 8)

    seen, array = detections(report(TrackState.LOST, others=others))
    assert seen is None, "another target never takes the primary one's place"
    assert [each.id for each in array.detections] == ["c"]


@given(*(st.floats(-1e5, 1e5) for _ in range(4)))
def test_a_box_goes_into_a_message_and_comes_back(x, y, w, h):
    back = messages.to_box(messages.to_bbox(Box(x, y, w, h)))
    assert back.as_tuple() == pytest.approx((x, y, w, h), abs=1e-6)


def test_a_status_says_everything_about_the_frame():
    status = messages.status(report(TrackState.UNCERTAIN), COUNTS, ENGINE, STAMP + 20 * MS)
    assert (status.header, status.state, status.reason) == (HEADER, TrackerStatus.UNCERTAIN, "because")
    assert (status.target_id, status.model, status.device) == ("target-1", "afsn_mobile", "cuda:0")
    assert (status.apce, status.template_updates) == (55.0, 3)
    assert (status.confidence, status.apce_ratio) == (pytest.approx(0.8), pytest.approx(0.9))
    assert (status.frames_received, status.frames_processed) == (10, 7)
    assert (status.frames_dropped, status.frames_refused) == (2, 1)
    assert status.image_age_ms == pytest.approx(4)
    assert (status.conversion_time_ms, status.tracking_time_ms) == (pytest.approx(2), pytest.approx(9))
    assert status.processing_time_ms == pytest.approx(12)
    assert status.pipeline_latency_ms == pytest.approx(20)


def test_a_status_without_a_target_names_none():
    status = messages.status(report(TrackState.IDLE, result=False), COUNTS, ENGINE, STAMP)
    assert (status.state, status.target_id, status.confidence) == (TrackerStatus.IDLE, "", 0)


def test_a_status_has_every_target_the_primary_one_first():
    status = messages.status(
        report(TrackState.TRACKING, others=(other("b", TrackState.LOST),)), COUNTS, ENGINE, STAMP + 20 * MS
    )
    first, second = status.targets
    assert isinstance(first, TargetStatus)
    assert (first.target_id, first.class_id, first.state, first.reason) == ("target-1", "car", TrackState.TRACKING, "")
    assert (first.confidence, first.score) == (pytest.approx(0.8), pytest.approx(0.7))
    assert (first.apce, first.apce_ratio, first.template_updates) == (55.0, pytest.approx(0.9), 3)
    assert (status.target_id, status.confidence, status.apce) == ("target-1", first.confidence, first.apce)
    assert (second.target_id, second.class_id, second.state, second.reason) == ("b", "boat", TrackState.LOST, "because")


def test_the_age_of_an_image_without_a_stamp_is_not_known():
    status = messages.status(report(TrackState.TRACKING, stamp=0), COUNTS, ENGINE, STAMP)
    assert math.isnan(status.image_age_ms)
    assert math.isnan(status.pipeline_latency_ms)


def test_a_stale_status_carries_the_last_images_header_and_age():
    targets = [Target("target-1", "car"), Target("b", "boat")]
    status = messages.stale_status(HEADER, "no new image", targets, COUNTS, ENGINE, STAMP + 700 * MS)
    assert (status.state, status.reason, status.header) == (TrackerStatus.STALE, "no new image", HEADER)
    assert (status.target_id, status.confidence) == ("target-1", 0)
    assert [(each.target_id, each.state) for each in status.targets] == [
        ("target-1", TrackState.STALE),
        ("b", TrackState.STALE),
    ]
    assert status.image_age_ms == pytest.approx(700)


@pytest.mark.parametrize("confidence", [-0.1, 1.2])
def test_a_score_stays_from_0_to_1(confidence):
    seen, _ = detections(report(TrackState.TRACKING, confidence))
    assert 0 <= seen.results[0].hypothesis.score <= 1


def test_the_states_have_the_numbers_of_the_message():
    for state in TrackState:
        assert getattr(TrackerStatus, state.name) == state.value
