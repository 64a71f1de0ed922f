"""Timetables by hand, and what holds for all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slides import Scripted, slides

from siam_tracker_ros.evaluation import one_pass
from siam_tracker_ros.evaluation.real_time import boxes_in_time, schedule, track_in_real_time

TIMES = st.lists(st.floats(0, 0.5), min_size=1, max_size=40)
RATES = st.floats(1, 120)
GRACES = st.floats(0, 3)


def test_a_tracker_as_fast_as_the_camera_sees_every_frame():
    plan = schedule([9.0, 0.25, 0.25, 0.25], rate=4)
    assert plan.seen.tolist() == plan.standing.tolist() == [0, 1, 2, 3]
    assert plan.ready.tolist() == [0, 0.5, 0.75, 1.0]
    assert plan.dropped == 0


def test_a_slow_tracker_by_hand():
    # Frame 1 is done at 1 + 2.5 = 3.5 frames: it takes 3 then, and is done at 6, when 6 comes.
    plan = schedule(np.full(8, 2.5), rate=1)
    assert plan.seen.tolist() == [0, 1, 3, 6]
    assert plan.ready.tolist() == [0, 3.5, 6, 8.5]
    assert plan.dropped == 4
    assert plan.standing.tolist() == [0, 0, 0, 1, 1, 3, 3, 3]
    at_once = schedule(np.full(8, 2.5), rate=1, grace=0)
    assert at_once.standing.tolist() == [0, 0, 0, 0, 1, 1, 3, 3]


def test_the_start_may_cost_time():
    plan = schedule([2.5, 0, 0, 0], rate=1, start_is_free=False)
    assert plan.seen.tolist() == [0, 2, 3]
    assert plan.ready.tolist() == [2.5, 2.5, 3]
    assert plan.standing.tolist() == [0, 0, 2, 3]


def test_boxes_stand_until_the_next_is_ready():
    boxes = np.arange(8)[:, None] * np.ones(4)
    boxes[[2, 4, 5, 7]] = np.nan  # never seen
    plan = schedule(np.full(8, 2.5), rate=1)
    assert boxes_in_time(boxes, plan)[:, 0].tolist() == [0, 0, 0, 1, 1, 3, 3, 3]
    with pytest.raises(ValueError, match=r"\[8, 4\]"):
        boxes_in_time(boxes[1:], plan)


@given(TIMES, RATES, GRACES, st.booleans())
def test_timetables(times, rate, grace, start_is_free):
    plan = schedule(times, rate, grace=grace, start_is_free=start_is_free)
    assert plan.seen[0] == 0
    assert (np.diff(plan.seen) > 0).all()
    assert (np.diff(plan.ready) >= 0).all()
    # Nothing is done before it was taken, and work is never shorter than it takes.
    assert (plan.ready >= plan.seen / rate - 1e-9).all()
    work = np.array(times)[plan.seen]
    assert (np.diff(plan.ready) >= work[1:] - 1e-9).all()
    assert len(plan.standing) == len(times)
    assert set(plan.standing.tolist()) <= set(plan.seen.tolist())
    # No box comes from the future, and none is older than the one before it.
    assert (plan.standing <= np.arange(len(times))).all()
    assert (np.diff(plan.standing) >= 0).all()


@given(TIMES, RATES)
def test_a_tracker_within_the_frame_time_is_scored_as_if_it_took_none(times, rate):
    plan = schedule(np.minimum(times, 0.999 / rate), rate)
    assert plan.standing.tolist() == plan.seen.tolist() == list(range(len(times)))


@given(st.floats(0, 0.5), st.floats(0, 0.5), st.integers(1, 40), RATES)
def test_a_steadily_faster_tracker_sees_no_fewer_frames(one, other, frames, rate):
    fast, slow = (schedule(np.full(frames, seconds), rate) for seconds in sorted([one, other]))
    assert len(fast.seen) >= len(slow.seen)


@given(TIMES, RATES, GRACES)
def test_a_longer_grace_never_gives_an_older_box(times, rate, grace):
    strict, lenient = schedule(times, rate, grace=0), schedule(times, rate, grace=grace)
    assert (lenient.standing >= strict.standing).all()
    np.testing.assert_array_equal(lenient.seen, strict.seen)


@pytest.mark.parametrize(
    ("times", "rate", "grace", "word"),
    [
        ([], 30, 1, "times"),
        ([0.1, -0.1], 30, 1, "times"),
        ([np.nan], 30, 1, "times"),
        ([0.1], 0, 1, "rate"),
        ([0.1], np.inf, 1, "rate"),
        ([0.1], 30, -1, "grace"),
    ],
)
def test_what_makes_no_timetable_is_refused(times, rate, grace, word):
    with pytest.raises(ValueError, match=word):
        schedule(times, rate, grace=grace)


class Clock:
    """Time that passes only when somebody works."""

    def __init__(self, monkeypatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(one_pass, "perf_counter", lambda: self.now)


class Slow(Scripted):
    """Takes `seconds` for an update, and ten times as long to start."""

    def __init__(self, clock, seconds, boxes, **more) -> None:
        super().__init__(boxes, **more)
        self.clock, self.seconds = clock, seconds

    def init(self, frame, box) -> None:
        self.clock.now += 10 * self.seconds
        super().init(frame, box)

    def update(self, frame):
        self.clock.now += self.seconds
        return super().update(frame)


def test_a_slow_tracker_gets_only_the_frames_that_it_is_free_for(monkeypatch):
    """The plan of `test_a_slow_tracker_by_hand`, in which the start is free."""
    sequence = slides([[i, 0, 10, 10] for i in range(8)])
    boxes = [[i, 0, 10, 10] for i in range(8)]
    confidences, lost = np.arange(8) / 10, [index == 3 for index in range(8)]
    tracker = Slow(Clock(monkeypatch), 2.5, boxes, confidences=confidences, lost=lost)
    seen = []
    track = track_in_real_time(tracker, sequence, rate=1, on_frame=lambda: seen.append(1))
    assert tracker.updates == [1, 3, 6]
    assert len(seen) == 8
    np.testing.assert_array_equal(track.boxes[:, 0], [0, 0, 0, 1, 1, 3, 3, 3])
    np.testing.assert_array_equal(track.confidences, [np.nan, np.nan, np.nan, 0.1, 0.1, 0.3, 0.3, 0.3])
    assert track.lost.tolist() == [False] * 5 + [True] * 3
    np.testing.assert_array_equal(np.isfinite(track.times), [True, True, False, True, False, False, True, False])
    assert (track.updates, track.seconds, track.fps) == (3, 7.5, 0.4)
    assert track.init_seconds == 25


@given(seconds=st.floats(0, 3), count=st.integers(1, 12))
def test_run_as_planned(seconds, count):
    sequence = slides([[i, 0, 10, 10] for i in range(count)])
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(patch)
        # A clock that starts at 0 and adds the same loses nothing that a plan would not.
        tracker = Slow(clock, seconds, [[i, 0, 10, 10] for i in range(count)])
        track = track_in_real_time(tracker, sequence, rate=1)
    plan = schedule(np.nan_to_num(track.times), rate=1)
    assert [0, *tracker.updates] == plan.seen.tolist()
    np.testing.assert_array_equal(track.boxes[:, 0], plan.standing)


def test_real_time_names_what_is_wrong():
    sequence = slides([[0, 0, 10, 10]] * 3)
    with pytest.raises(ValueError, match="rate must be a positive number"):
        track_in_real_time(Scripted([]), sequence, rate=0)
    with pytest.raises(one_pass.TrackerFailure, match="frame 1: RuntimeError: lost my way"):
        track_in_real_time(Scripted([[0, 0, 1, 1]] * 3, failing=1), sequence, rate=0.001)
