"""The worker with a small genuine tracker: OpenCV's template matching over the whole frame."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from template_matching import MS, WAIT, Bench, Found, TemplateMatching

from siam_tracker_interfaces.srv import InitTarget
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.requests import InitRequest, RemoveRequest, SettingsRequest
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.state import TrackState

CODES = InitTarget.Response


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

        def update(self, frame, only=None) -> dict[str, Found]:
            if len(self.updated) < 60:  # while one frame is worked on, two arrive
                for _ in range(2):
                    self.bench.put(scene.frame(0), mailbox=False)
            return super().update(frame, only)

    tracker = Slow()
    bench = tracker.bench = Bench(tracker)
    start, *_ = [bench.put(scene.frame(0), mailbox=False) for _ in range(9)]
    assert bench.init(scene.box(0), stamp=start.stamp).code == CODES.OK
    assert bench.remove() == ["target-1"]
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
    request = RemoveRequest()
    bench.worker.ask(request)
    assert not request.answer.done()
    bench.tracker.gate.set()
    assert [target.id for target in request.answer.result(WAIT)] == ["target-1"]
    assert bench.report_of(last).state is TrackState.IDLE
    assert bench.mailbox.dropped == dropped + 2


def test_a_failing_update_is_reported_and_the_next_frame_is_tracked(bench, scene):
    bench.put(scene.frame(0))
    bench.init(scene.box(0))
    bench.tracker.fail = RuntimeError("no kernel image")
    report = bench.process(scene.frame(1))
    assert (report.state, report.seen, report.refused) == (TrackState.LOST, False, False)
    assert "RuntimeError: no kernel image" in report.reason
    assert any("no kernel image" in error for error in bench.errors)
    bench.tracker.fail = None
    assert bench.process(scene.frame(2)).target.id == "target-1"
    assert bench.reports[-1].seen


def test_what_a_frame_leaves_to_be_done_is_done_after_its_result_is_out(bench, scene, monkeypatch):
    bench.put(scene.frame(0))
    bench.init(scene.box(0))
    published: list[int] = []

    def rest():
        published.append(len(bench.reports))
        if len(published) == 2:
            raise RuntimeError("no template")

    monkeypatch.setattr(bench.tracker, "rest", rest)
    before = len(bench.reports)
    for number in range(1, 5):
        assert bench.process(scene.frame(number)).seen
    assert published[:3] == [before + 1, before + 2, before + 3]
    assert [error for error in bench.errors if "no template" in error] == [
        "the tracker failed: RuntimeError: no template"
    ]


def test_a_frame_that_cannot_be_used_is_refused_and_counted_and_harms_nothing(bench, scene):
    bench.process(scene.frame(0))
    bench.init(scene.box(0))
    processed = bench.worker.processed
    other_size = bench.process(scene.frame(1)[:200])
    assert (other_size.refused, other_size.seen, other_size.state) == (True, False, TrackState.LOST)
    assert "640x200, but the target was drawn on 640x480" in other_size.reason
    assert "another aspect ratio" in other_size.reason
    unreadable = bench.process(scene.frame(2), encoding="ayuv")
    assert unreadable.refused
    assert "ayuv" in unreadable.reason
    after = bench.process(scene.frame(3))
    assert (after.result.box.as_tuple(), after.target.id) == (scene.box(3), "target-1")
    assert bench.worker.refused == 2
    assert bench.worker.processed == processed + 1


def test_out_of_memory_is_freed_and_told_and_the_target_is_tried_again(bench, scene):
    bench.put(scene.frame(0))
    bench.init(scene.box(0))
    bench.tracker.fail = MemoryError()
    reports = [bench.process(scene.frame(i)) for i in (1, 2)]
    assert [(r.state, r.target.id, r.refused) for r in reports] == [(TrackState.LOST, "target-1", False)] * 2
    assert "out of memory on cpu" in reports[0].reason
    assert (len(bench.out_of_memory), bench.errors) == (2, [])
    bench.tracker.fail = None
    assert bench.process(scene.frame(3)).result.box.as_tuple() == scene.box(3)
    assert bench.worker.processed == 4


def half(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    return cv2.resize(frame, (width // 2, height // 2), interpolation=cv2.INTER_AREA)


def test_another_resolution_is_said_and_the_target_is_followed_in_it(bench, scene):
    bench.process(scene.frame(0))
    bench.init(scene.box(0))
    bench.process(scene.frame(1))
    smaller = bench.process(half(scene.frame(2)))
    assert (smaller.seen, smaller.refused) == (True, False)
    assert smaller.result.box.iou(Box(*(v / 2 for v in scene.box(2)))) > 0.8
    assert bench.changes == ["the camera's images changed from 640x480 bgr8 to 320x240 bgr8"]
    back = bench.process(scene.frame(3))
    assert back.result.box.iou(Box(*map(float, scene.box(3)))) > 0.8
    assert (len(bench.changes), bench.worker.refused) == (2, 0)


def test_the_tracker_makes_ready_for_each_size_of_the_images_before_it_follows_anything(scene):
    bench = Bench(TemplateMatching(), max_targets=3)
    try:
        for pixels in (scene.frame(0), scene.frame(1), scene.frame(2)[:240], scene.frame(3)[:240]):
            bench.process(pixels)
        assert bench.tracker.prepared == [(480, 640, 3), (240, 640, 3)]
    finally:
        bench.worker.stop(WAIT)


def test_another_encoding_is_said_and_the_target_is_followed_in_it(bench, scene):
    bench.process(scene.frame(0))
    bench.init(scene.box(0))
    assert bench.process(scene.frame(1)[..., ::-1], encoding="rgb8").result.box.as_tuple() == scene.box(1)
    assert bench.changes == ["the camera's images changed from 640x480 bgr8 to 640x480 rgb8"]


def test_after_another_aspect_ratio_a_new_box_or_the_old_size_is_needed(bench, scene):
    bench.process(scene.frame(0))
    bench.init(scene.box(0))
    crop = [scene.frame(i)[:360] for i in range(4)]
    assert [bench.process(each).state for each in crop[:2]] == [TrackState.LOST] * 2
    assert bench.process(scene.frame(2)).seen, "the old size is back"
    bench.process(crop[3])
    assert bench.init(scene.box(3)).code == CODES.OK
    assert bench.process(crop[3]).seen
    assert bench.process(scene.frame(4)).state is TrackState.LOST


def test_a_box_on_a_past_image_of_another_resolution_is_caught_up_with(bench, scene):
    past = [bench.put(scene.frame(i), mailbox=False) for i in range(3)]
    for i in (3, 4):
        bench.put(half(scene.frame(i)), mailbox=False)
    assert bench.init(scene.box(1), stamp=past[1].stamp).code == CODES.OK
    report = bench.process(half(scene.frame(5)))
    assert report.result.box.iou(Box(*(v / 2 for v in scene.box(5)))) > 0.8


def test_each_stage_is_timed(bench, scene):
    report = bench.process(scene.frame(0))
    assert report.tracking == 0
    bench.init(scene.box(0))
    report = bench.process(scene.frame(1), encoding="rgb8")
    assert min(report.conversion, report.tracking) > 0
    assert report.conversion + report.tracking == pytest.approx(report.processing, abs=1e-9)


def test_without_a_target_the_reason_tells_the_last_refusal_until_a_box_is_accepted(bench, scene):
    bench.process(scene.frame(0))
    bench.init((10, 10, 3, 50))
    assert "under 4 pixels" in bench.worker.refusal
    assert "the last box was refused: " in bench.process(scene.frame(0)).reason
    bench.init(scene.box(0))
    bench.remove()
    assert (bench.worker.refusal, bench.process(scene.frame(0)).reason) == ("", "no target: call init_target")


def test_an_init_that_fails_says_so_and_leaves_the_target(bench, scene, monkeypatch):
    bench.put(scene.frame(0))
    bench.init(scene.box(0))

    def fail(target_id, frame, box):
        raise RuntimeError("device lost")

    monkeypatch.setattr(bench.tracker, "add", fail)
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
