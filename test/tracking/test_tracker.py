"""The tracker with its shipped weights on drawn pictures."""

import itertools

import cv2
import numpy as np
import pytest

from siam_tracker_ros import Box, BoxError, FrameError, TrackerSettings, TrackState, load_tracker
from siam_tracker_ros.tracking.load import loaded
from siam_tracker_ros.tracking.prediction import HOP
from siam_tracker_ros.tracking.tracker import Tracker


def ground(seed=0, width=640, height=480):
    rng = np.random.default_rng(seed)
    noise = rng.integers(60, 140, (height // 16, width // 16, 3), dtype=np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def target(size=60):
    """A face-like sign: coloured disc with marks on it."""
    image = np.full((size, size, 3), (30, 60, 220), np.uint8)
    cv2.circle(image, (size // 2, size // 2), size // 3, (240, 240, 240), -1)
    cv2.circle(image, (size // 3, size // 3), size // 9, (200, 40, 20), -1)
    cv2.rectangle(image, (size // 2, size // 2), (size - 8, size - 14), (20, 160, 20), -1)
    return image


def scene(x, y, size=60, seed=0):
    frame = ground(seed)
    frame[y : y + size, x : x + size] = cv2.resize(target(), (size, size), interpolation=cv2.INTER_AREA)
    return frame


@pytest.fixture(scope="module")
def shared_tracker():
    return load_tracker("afsn_mobile", device="cpu")


@pytest.fixture
def tracker(shared_tracker):
    shared_tracker.reset()
    shared_tracker.configure(TrackerSettings())
    return shared_tracker


def test_a_moving_growing_target_is_followed(tracker):
    tracker.init(scene(200, 200), (200, 200, 60, 60))
    for i in range(1, 40):
        x, y, size = 200 + 4 * i, 200 + 2 * (i % 10), 60 + i // 2
        result = tracker.update(scene(x, y, size))
        assert result.box.iou(Box(x, y, size, size)) > 0.6
        assert 0 <= result.confidence <= 1
        assert result.apce > 1
    assert result.state is TrackState.TRACKING
    assert result.seen
    assert result.reason == ""
    assert result.template_updates > 0


def test_the_target_is_not_seen_when_it_is_gone_and_seen_again_when_it_is_back(tracker):
    tracker.init(scene(200, 200), (200, 200, 60, 60))
    for _ in range(5):
        tracker.update(scene(200, 200))
    gone = [tracker.update(ground()) for _ in range(40)]
    assert TrackState.LOST in {result.state for result in gone}
    assert gone[-1].state is TrackState.SEARCHING
    assert not gone[-1].seen
    assert gone[-1].reason
    for before, after in itertools.pairwise(gone):
        if after.box == before.box:  # it waits where the target was: an old box is never told as a new one
            assert not after.measured
            assert not after.seen
    assert not all(result.measured for result in gone)
    updates = gone[-1].template_updates
    assert updates == gone[0].template_updates  # nothing of the empty ground became a template
    back = [tracker.update(scene(210, 205)) for _ in range(15)]
    assert back[-1].state is TrackState.TRACKING
    assert back[-1].box.iou(Box(210, 205, 60, 60)) > 0.5


@pytest.mark.parametrize("frame", [None, np.zeros((480, 640), np.uint8), np.zeros((480, 640, 3), np.float32)])
def test_a_bad_frame_is_refused_and_harms_nothing(tracker, frame):
    tracker.init(scene(200, 200), (200, 200, 60, 60))
    before = tracker.update(scene(204, 200))
    with pytest.raises(FrameError):
        tracker.update(frame)
    after = tracker.update(scene(204, 200))
    assert after.box.iou(before.box) > 0.8


@pytest.mark.parametrize("box", [(float("nan"), 0, 9, 9), (900, 10, 50, 50), (10, 10, 2, 50)])
def test_a_refused_init_leaves_the_running_target(tracker, box):
    tracker.init(scene(200, 200), (200, 200, 60, 60))
    tracker.update(scene(204, 200))
    with pytest.raises(BoxError):
        tracker.init(scene(0, 0), box)
    assert tracker.update(scene(208, 200)).box.iou(Box(208, 200, 60, 60)) > 0.6


def test_update_before_init_says_what_to_do(tracker):
    with pytest.raises(RuntimeError, match="call init"):
        tracker.update(ground())


def test_the_same_frames_give_the_same_boxes(tracker):
    def run():
        tracker.init(scene(200, 200), (200, 200, 60, 60))
        return [tracker.update(scene(200 + 3 * i, 200)).box for i in range(10)]

    assert run() == run()


def test_frames_that_cannot_be_written_to_are_fine(tracker):
    frame = scene(200, 200)
    frame.flags.writeable = False
    tracker.init(frame, (200, 200, 60, 60))
    assert tracker.update(frame).box.iou(Box(200, 200, 60, 60)) > 0.8


def test_a_target_cut_by_the_border_and_a_tiny_frame(tracker):
    tracker.init(scene(0, 200), (-20, 200, 60, 60))
    assert tracker.update(scene(0, 200)).box.is_finite
    tracker.init(ground(0, 64, 48), (10, 10, 12, 12))
    assert tracker.update(ground(0, 64, 48)).box.is_finite


def test_settings_change_while_it_runs(tracker):
    tracker.init(scene(200, 200), (200, 200, 60, 60))
    tracker.configure(TrackerSettings(confidence_uncertain=1.0, confidence_lost=0.0))
    assert tracker.update(scene(200, 200)).state is TrackState.UNCERTAIN


def test_a_target_that_jumps_is_looked_at_twice_in_the_same_frame(monkeypatch):
    tracker, looks = load_tracker("afsn_mobile", device="cpu", runtime="eager"), []
    plain = type(tracker._runtime).search_many

    def counted(runtime, kernels, patches):
        looks.append(len(patches))
        return plain(runtime, kernels, patches)

    monkeypatch.setattr(type(tracker._runtime), "search_many", counted)
    tracker.init(scene(200, 200), (200, 200, 60, 60))
    tracker.update(scene(202, 200))
    assert looks == [1]  # two pixels are no jump
    jumped = tracker.update(scene(262, 200))
    assert looks == [1, 1, 1]
    assert jumped.box.iou(Box(262, 200, 60, 60)) > 0.8
    tracker.configure(TrackerSettings(second_look=0.0))
    tracker.update(scene(322, 200))
    assert looks == [1, 1, 1, 1]


EVERY_FRAME = TrackerSettings(template_interval=1, template_confidence=0.0, apce_relative=0.0, calm_search_size=0)


class Counting:
    """A runtime that counts the passes of a template, and fails in those that it is told to."""

    def __init__(self, runtime):
        self.name, self.geometry, self.device = runtime.name, runtime.geometry, runtime.device
        self.kernels, self.search, self.search_many = runtime.kernels, runtime.search, runtime.search_many
        self._template, self.templates, self.error = runtime.template, 0, None

    def template(self, patch):
        self.templates += 1
        if self.error is not None:
            raise self.error
        return self._template(patch)


def counting(settings=EVERY_FRAME):
    choices = {"device": "cpu", "precision": "float32", "runtime": "eager", "weights": None, "settings": None}
    runtime, name, _, calibration = loaded("afsn_mobile", **choices, preset="", online=None)
    return Tracker(counted := Counting(runtime), name, settings, calibration), counted


def test_a_template_update_waits_until_the_frame_rests_or_the_next_one_comes():
    tracker, runtime = counting()
    tracker.init(scene(200, 200), (200, 200, 60, 60))
    passes = []
    for x, rests in ((202, True), (204, False), (206, True)):
        result = tracker.update(scene(x, 200))
        assert result.template_updated
        passes.append(runtime.templates)
        if rests:
            tracker.rest()
            tracker.rest()  # there is nothing left
        passes.append(runtime.templates)
    assert passes == [1, 2, 2, 2, 3, 4]
    assert result.template_updates == 3


def test_rest_changes_no_result_even_if_the_frame_is_overwritten_after_it():
    results = {}
    for rests in (True, False):
        tracker, _ = counting()
        buffer = scene(200, 200)
        tracker.init(buffer, (200, 200, 60, 60))
        results[rests] = []
        for number in range(1, 16):
            buffer[:] = scene(200 + 3 * number, 200, 60 + number)
            results[rests].append(tracker.update(buffer))
            if rests:
                tracker.rest()
            buffer[:] = 0
    assert results[True] == results[False]
    assert results[True][-1].template_updates == 15


def test_a_frame_that_was_overwritten_by_the_next_one_is_not_looked_at_any_more():
    tracker, _ = counting()
    tracker.init(scene(200, 200), (200, 200, 60, 60))
    for number in range(1, HOP):
        tracker.update(scene(200 + 2 * number, 200))
    buffer = scene(200 + 2 * HOP, 200)
    tracker.update(buffer)
    glance = tracker._target._prediction._now
    buffer[:] = scene(202 + 2 * HOP, 200)
    tracker.update(buffer)
    assert not glance.is_made


def test_an_update_that_fails_while_the_frame_rests_is_not_tried_again():
    tracker, runtime = counting()
    tracker.init(scene(200, 200), (200, 200, 60, 60))
    tracker.update(scene(202, 200))
    runtime.error = RuntimeError("out of memory")
    with pytest.raises(RuntimeError, match="out of memory"):
        tracker.rest()
    tracker.rest()
    runtime.error = None
    result = tracker.update(scene(204, 200))
    assert result.box.iou(Box(204, 200, 60, 60)) > 0.6


def test_a_target_that_is_forgotten_leaves_nothing_to_be_done():
    tracker, runtime = counting()
    tracker.init(scene(200, 200), (200, 200, 60, 60))
    tracker.update(scene(202, 200))
    tracker.reset()
    tracker.rest()
    assert runtime.templates == 1
