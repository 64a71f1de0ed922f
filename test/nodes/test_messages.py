import math

import pytest
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from siam_tracker_interfaces.msg import TrackerStatus
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes import messages
from siam_tracker_ros.nodes.mailbox import Frame
from siam_tracker_ros.nodes.messages import Engine, FrameCounts
from siam_tracker_ros.nodes.worker import FrameReport, Target
from siam_tracker_ros.tracking.state import TrackState
from siam_tracker_ros.tracking.tracker import TrackResult

MS = 10**6
HEADER = Header(stamp=Time(sec=3, nanosec=5), frame_id="camera")
STAMP = 3 * 10**9 + 5
COUNTS = FrameCounts(received=10, processed=7, dropped=2, refused=1)
ENGINE = Engine("afsn_mobile", "cuda:0")


def report(state: TrackState, confidence: float = 0.8, *, result: bool = True, stamp: int = STAMP) -> FrameReport:
    reason = "" if state is TrackState.TRACKING else "because"
    found = TrackResult(Box(10, 20, 30, 40), confidence, 55.0, 0.9, state, reason, 3, False)
    return FrameReport(
        frame=Frame(1, stamp, Image(header=HEADER)),
        pixels=None,
        state=state,
        reason=reason,
        target=Target("target-1", "car") if state is not TrackState.IDLE else None,
        result=found if result else None,
        refused=False,
        started=STAMP + 4 * MS,
        processing=0.012,
    )


@pytest.mark.parametrize("state", [TrackState.TRACKING, TrackState.UNCERTAIN])
def test_a_seen_target_is_one_detection_with_the_images_header(state):
    seen = messages.detection(report(state))
    assert seen.header == HEADER
    assert seen.id == "target-1"
    assert (seen.bbox.center.position.x, seen.bbox.center.position.y, seen.bbox.center.theta) == (25.0, 40.0, 0.0)
    assert (seen.bbox.size_x, seen.bbox.size_y) == (30.0, 40.0)
    assert [(r.hypothesis.class_id, r.hypothesis.score) for r in seen.results] == [("car", 0.8)]
    array = messages.detections(report(state), seen)
    assert (array.header, array.detections) == (HEADER, [seen])


@pytest.mark.parametrize(
    "unseen",
    [report(TrackState.LOST), report(TrackState.SEARCHING), report(TrackState.IDLE, result=False)],
    ids=lambda each: each.state.name,
)
def test_what_is_not_seen_is_not_published_as_seen(unseen):
    assert messages.detection(unseen) is None
    array = messages.detections(unseen, None)
    assert (array.header, array.detections) == (HEADER, [])


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
    assert status.processing_time_ms == pytest.approx(12)
    assert status.pipeline_latency_ms == pytest.approx(20)


def test_a_status_without_a_target_names_none():
    status = messages.status(report(TrackState.IDLE, result=False), COUNTS, ENGINE, STAMP)
    assert (status.state, status.target_id, status.confidence) == (TrackerStatus.IDLE, "", 0)


def test_the_age_of_an_image_without_a_stamp_is_not_known():
    status = messages.status(report(TrackState.TRACKING, stamp=0), COUNTS, ENGINE, STAMP)
    assert math.isnan(status.image_age_ms)
    assert math.isnan(status.pipeline_latency_ms)


def test_a_stale_status_carries_the_last_images_header_and_age():
    target = Target("target-1", "car")
    status = messages.stale_status(HEADER, STAMP, "no new image", target, COUNTS, ENGINE, STAMP + 700 * MS)
    assert (status.state, status.reason, status.header) == (TrackerStatus.STALE, "no new image", HEADER)
    assert (status.target_id, status.confidence) == ("target-1", 0)
    assert status.image_age_ms == pytest.approx(700)


@pytest.mark.parametrize("confidence", [-0.1, 1.2])
def test_a_score_stays_from_0_to_1(confidence):
    seen = messages.detection(report(TrackState.TRACKING, confidence))
    assert 0 <= seen.results[0].hypothesis.score <= 1


def test_the_states_have_the_numbers_of_the_message():
    for state in TrackState:
        assert getattr(TrackerStatus, state.name) == state.value
