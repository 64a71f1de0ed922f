"""The worker with a small genuine tracker: OpenCV's template matching over the whole frame."""

import array
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image

from siam_tracker_interfaces.srv import InitTarget
from siam_tracker_ros.geometry import Box, check_box, check_frame
from siam_tracker_ros.nodes.history import FrameHistory
from siam_tracker_ros.nodes.mailbox import Frame, FrameMailbox
from siam_tracker_ros.nodes.worker import (
    ClearRequest,
    FrameReport,
    InitRequest,
    Request,
    SettingsRequest,
    TrackingWorker,
)
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.state import TrackState

CODES = InitTarget.Response
MS = 10**6
WAIT = 20


@dataclass(frozen=True)
class Found:
    box: Box
    confidence: float
    state: TrackState
    reason: str = ""
    apce: float = 30.0
    apce_ratio: float = 1.0
    template_updates: int = 0

    @property
    def seen(self) -> bool:
        return self.state is TrackState.TRACKING


class TemplateMatching:
    """Normalised cross-correlation with the first frame's template; under 0.9 the target is lost."""

    device, model_name = "cpu", "template-matching"

    def __init__(self) -> None:
        self.settings = TrackerSettings()
        self.updated: list[np.ndarray] = []
        self.gate = threading.Event()  # an update waits for it, so that a test can act in the middle of one
        self.gate.set()
        self.entered = threading.Event()
        self.fail: Exception | None = None
        self.reset()

    def reset(self) -> None:
        self.template: np.ndarray | None = None

    def configure(self, settings: TrackerSettings) -> None:
        self.settings = settings

    def init(self, frame, box) -> None:
        box = check_box(box, frame.shape[1], frame.shape[0])
        x, y, w, h = (round(value) for value in box.as_tuple())
        self.template = check_frame(frame)[max(y, 0) : y + h, max(x, 0) : x + w].copy()

    def update(self, frame) -> Found:
        self.entered.set()
        assert self.gate.wait(WAIT)
        self.updated.append(frame)
        if self.fail is not None:
            raise self.fail
        assert self.template is not None
        scores = cv2.matchTemplate(frame, self.template, cv2.TM_CCOEFF_NORMED)
        _, best, _, (x, y) = cv2.minMaxLoc(scores)
        h, w = self.template.shape[:2]
        if best < 0.9:
            return Found(Box(x, y, w, h), max(best, 0.0), TrackState.LOST, "no place looks like the template")
        return Found(Box(x, y, w, h), min(best, 1.0), TrackState.TRACKING)


class Bench:
    """A worker with its mailbox and history, fed by a test as the executor thread would."""

    def __init__(self, tracker: TemplateMatching, max_frames: int = 100) -> None:
        self.tracker = tracker
        self.mailbox: FrameMailbox[Request] = FrameMailbox()
        self.history = FrameHistory(max_frames, 10**9)
        self.reports: list[FrameReport] = []
        self.errors: list[str] = []
        self.published = threading.Condition()
        self.publish_error: Exception | None = None
        self.worker = TrackingWorker(
            tracker,
            self.mailbox,
            self.history,
            publish=self._publish,
            clock=lambda: 5000 * MS,
            report_error=self.errors.append,
            stamp_slop=0.005,
        )
        self.worker.start()
        self.sent = 0

    def _publish(self, report: FrameReport) -> None:
        with self.published:
            self.reports.append(report)
            self.published.notify_all()
        if self.publish_error is not None:
            raise self.publish_error

    def put(self, pixels: np.ndarray, *, encoding: str = "bgr8", mailbox: bool = True) -> Frame:
        """The next frame, 33 ms after the last; without ``mailbox`` it goes into the history only."""
        self.sent += 1
        height, width = pixels.shape[:2]
        message = Image(height=height, width=width, encoding=encoding, step=pixels[0].size)
        message.data = array.array("B", pixels.tobytes())
        frame = Frame(self.sent, 1000 * MS + 33 * MS * self.sent, message)
        self.history.add(frame)
        if mailbox:
            self.mailbox.put(frame)
        return frame

    def process(self, pixels: np.ndarray, **options) -> FrameReport:
        """Put a frame and wait for its report."""
        frame = self.put(pixels, **options)
        return self.report_of(frame)

    def report_of(self, frame: Frame) -> FrameReport:
        with self.published:
            assert self.published.wait_for(lambda: self.reports and self.reports[-1].frame is frame, WAIT)
            return self.reports[-1]

    def init(self, box, stamp: int = 0, target_id: str = "", class_id: str = "square"):
        request = InitRequest(Box(*map(float, box)), stamp, target_id, class_id)
        self.worker.ask(request)
        return request.answer.result(WAIT)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench(TemplateMatching())
    yield made
    made.tracker.gate.set()
    assert made.worker.stop(WAIT)


def test_without_a_target_frames_are_processed_and_nothing_is_seen(bench, scene):
    report = bench.process(scene.frame(0))
    assert (report.state, report.seen, report.target) == (TrackState.IDLE, False, None)
    assert "init_target" in report.reason
    assert bench.worker.processed == 1


def test_a_target_is_followed_under_one_id(bench, scene):
    first = bench.put(scene.frame(0))
    outcome = bench.init(scene.box(0))
    assert (outcome.code, outcome.message, outcome.target_id) == (CODES.OK, "", "target-1")
    assert outcome.stamp == first.stamp
    for i in range(1, 8):
        report = bench.process(scene.frame(i))
        assert report.seen
        assert report.result.box.as_tuple() == scene.box(i)
        assert (report.target.id, report.target.class_id) == ("target-1", "square")
        assert (report.started, report.processing > 0) == (5000 * MS, True)


def test_a_new_target_has_a_new_id_unless_the_operator_names_it(bench, scene):
    bench.put(scene.frame(0))
    assert bench.init(scene.box(0)).target_id == "target-1"
    assert bench.init(scene.box(0)).target_id == "target-2"
    assert bench.init(scene.box(0), target_id="boat").target_id == "boat"
    assert bench.process(scene.frame(1)).target.id == "boat"


def test_what_is_hidden_is_not_seen_and_is_found_again(bench, scene):
    bench.put(scene.frame(0))
    bench.init(scene.box(0))
    hidden = bench.process(scene.frame(1, hidden=True))
    assert (hidden.state, hidden.seen) == (TrackState.LOST, False)
    assert hidden.target.id == "target-1"
    assert bench.process(scene.frame(2)).seen


@pytest.mark.parametrize(
    ("box", "code", "sentence"),
    [
        ((float("nan"), 10, 50, 50), CODES.BOX_NOT_FINITE, "not finite"),
        ((10, 10, float("inf"), 50), CODES.BOX_NOT_FINITE, "not finite"),
        ((700, 10, 50, 50), CODES.BOX_OUTSIDE_IMAGE, "outside the 640x480 image"),
        ((-60, 10, 50, 50), CODES.BOX_OUTSIDE_IMAGE, "outside the 640x480 image"),
        ((10, 10, 3.9, 50), CODES.BOX_TOO_SMALL, "under 4 pixels"),
        ((10, 10, 50, -5), CODES.BOX_TOO_SMALL, "under 4 pixels"),
    ],
)
def test_a_refused_box_says_why_and_leaves_the_target_as_it_was(bench, scene, box, code, sentence):
    bench.put(scene.frame(0))
    bench.init(scene.box(0))
    outcome = bench.init(box)
    assert outcome.code == code
    assert sentence in outcome.message
    after = bench.process(scene.frame(1))
    assert (after.target.id, after.result.box.as_tuple()) == ("target-1", scene.box(1))


def test_stamps_and_their_refusals(scene):
    bench = Bench(TemplateMatching(), max_frames=3)
    assert bench.init(scene.box(0)).code == CODES.NO_FRAME
    frames = [bench.put(scene.frame(i)) for i in range(5)]
    old = bench.init(scene.box(0), stamp=frames[0].stamp)
    assert (old.code, old.stamp) == (CODES.STAMP_TOO_OLD, frames[2].stamp)
    assert bench.init(scene.box(0), stamp=frames[4].stamp + 500 * MS).code == CODES.STAMP_UNKNOWN
    assert bench.init(scene.box(3), stamp=frames[3].stamp + 2 * MS).stamp == frames[3].stamp
    assert bench.worker.stop(WAIT)


def test_a_past_frame_is_caught_up_with_before_anything_is_published(bench, scene):
    frames = [bench.put(scene.frame(i), mailbox=False) for i in range(6)]
    outcome = bench.init(scene.box(2), stamp=frames[2].stamp)
    assert outcome.stamp == frames[2].stamp
    report = bench.process(scene.frame(6))
    assert report.result.box.as_tuple() == scene.box(6)
    np.testing.assert_array_equal(bench.tracker.updated, [scene.frame(i) for i in (3, 4, 5, 6)])
    assert [each.frame.number for each in bench.reports] == [7]


def test_a_slow_tracker_catches_up_by_taking_fewer_frames_each_round(scene):
    class Slow(TemplateMatching):
        bench: "Bench"

        def update(self, frame) -> Found:
            if len(self.updated) < 60:  # while one frame is worked on, two arrive
                for _ in range(2):
                    self.bench.put(scene.frame(0), mailbox=False)
            return super().update(frame)

    tracker = Slow()
    bench = tracker.bench = Bench(tracker)
    start, *_ = [bench.put(scene.frame(0), mailbox=False) for _ in range(9)]
    assert bench.init(scene.box(0), stamp=start.stamp).code == CODES.OK
    cleared = ClearRequest()
    bench.worker.ask(cleared)
    assert cleared.answer.result(WAIT).id == "target-1"
    assert len(tracker.updated) <= 8 + 4 + 2 + 1  # rounds, each at most half of the one before
    assert bench.worker.stop(WAIT)


def test_a_call_in_the_middle_of_an_update_is_answered_after_it_and_newer_frames_replace_older_ones(bench, scene):
    bench.put(scene.frame(0))
    bench.init(scene.box(0))
    bench.report_of(bench.put(scene.frame(1)))
    bench.tracker.gate.clear()
    bench.tracker.entered.clear()
    bench.put(scene.frame(2))
    assert bench.tracker.entered.wait(WAIT)
    dropped = bench.mailbox.dropped
    for i in (3, 4, 5):
        last = bench.put(scene.frame(i))
    request = ClearRequest()
    bench.worker.ask(request)
    assert not request.answer.done()
    bench.tracker.gate.set()
    assert request.answer.result(WAIT).id == "target-1"
    assert bench.report_of(last).state is TrackState.IDLE
    assert bench.mailbox.dropped == dropped + 2


def test_a_failing_update_is_reported_and_the_next_frame_is_tracked(bench, scene):
    bench.put(scene.frame(0))
    bench.init(scene.box(0))
    bench.tracker.fail = RuntimeError("out of memory")
    report = bench.process(scene.frame(1))
    assert (report.state, report.seen, report.refused) == (TrackState.LOST, False, False)
    assert "RuntimeError: out of memory" in report.reason
    assert any("out of memory" in error for error in bench.errors)
    bench.tracker.fail = None
    assert bench.process(scene.frame(2)).target.id == "target-1"
    assert bench.reports[-1].seen


def test_a_frame_that_cannot_be_used_is_refused_and_counted_and_harms_nothing(bench, scene):
    bench.process(scene.frame(0))
    bench.init(scene.box(0))
    processed = bench.worker.processed
    other_size = bench.process(scene.frame(1)[:200])
    assert (other_size.refused, other_size.seen, other_size.state) == (True, False, TrackState.LOST)
    assert "640x200, but the target was drawn on 640x480" in other_size.reason
    unreadable = bench.process(scene.frame(2), encoding="bayer_rggb8")
    assert unreadable.refused
    assert "bayer_rggb8" in unreadable.reason
    after = bench.process(scene.frame(3))
    assert (after.result.box.as_tuple(), after.target.id) == (scene.box(3), "target-1")
    assert bench.worker.refused == 2
    assert bench.worker.processed == processed + 1


def test_an_init_that_fails_says_so_and_leaves_the_target(bench, scene, monkeypatch):
    bench.put(scene.frame(0))
    bench.init(scene.box(0))

    def fail(frame, box):
        raise RuntimeError("device lost")

    monkeypatch.setattr(bench.tracker, "init", fail)
    outcome = bench.init(scene.box(0))
    assert outcome.code == CODES.TRACKER_FAILED
    assert "device lost" in outcome.message
    assert bench.process(scene.frame(1)).target.id == "target-1"


def test_an_error_while_publishing_does_not_end_the_worker(bench, scene):
    bench.publish_error = RuntimeError("publisher is invalid")
    bench.process(scene.frame(0))
    bench.publish_error = None
    assert bench.process(scene.frame(1)).state is TrackState.IDLE
    assert any("publisher is invalid" in error for error in bench.errors)


def test_new_settings_reach_the_tracker(bench, scene):
    settings = TrackerSettings(size_lr=0.9)
    bench.worker.ask(SettingsRequest(settings))
    bench.process(scene.frame(0))
    assert bench.tracker.settings == settings


def test_stopping_answers_who_still_waits_and_who_comes_later(bench, scene):
    bench.put(scene.frame(0))
    bench.init(scene.box(0))
    bench.tracker.gate.clear()
    bench.tracker.entered.clear()
    bench.put(scene.frame(1))
    assert bench.tracker.entered.wait(WAIT)
    waiting = InitRequest(Box(0, 0, 50, 50), 0, "", "")
    bench.worker.ask(waiting)
    assert not bench.worker.stop(0.0), "the update is still in progress"
    assert waiting.answer.result(WAIT).code == CODES.NODE_STOPPING
    assert bench.init(scene.box(0)).code == CODES.NODE_STOPPING
    bench.tracker.gate.set()
    assert bench.worker.stop(WAIT)
