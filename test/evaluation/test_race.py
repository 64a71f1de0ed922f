"""Trackers that take turns: who gets which frames, and what is written down of them."""

import numpy as np
import pytest

from siam_tracker_ros.evaluation.long_run import EVERY, LongRun, long_run
from siam_tracker_ros.evaluation.race import Clip, Laps, race
from siam_tracker_ros.evaluation.speed import overhead, percentiles, ratio, speed_of

FRAMES = [np.full((8, 12, 3), number, np.uint8) for number in range(5)]
CLIP = Clip("five frames", FRAMES, (1.0, 2.0, 3.0, 4.0))


class Noting:
    """Notes what it was given; raises what it is told to at an update."""

    def __init__(self, log, name, error=None, at=10**9, stages=None):
        self.log, self.name, self.error, self.at, self.given = log, name, error, at, stages or {}
        self.updates = 0

    def init(self, frame, box):
        assert box == CLIP.box
        self.log.append((self.name, "init", int(frame[0, 0, 0])))

    def update(self, frame):
        self.updates += 1
        if self.updates == self.at:
            raise self.error
        self.log.append((self.name, "update", int(frame[0, 0, 0])))

    def again(self):
        self.log.append((self.name, "again", 0))
        return 191

    def rest(self):
        self.log.append((self.name, "rest", 0))

    def stages(self):
        return dict(self.given)


def test_they_take_turns_on_the_same_frames():
    log = []
    laps = race({"a": Noting(log, "a"), "b": Noting(log, "b")}, CLIP, frames=8, seconds=60.0)
    turn = [("init", 0), *(("update", number) for number in range(1, 5))]
    # One turn each to warm up, then two that count.
    assert log == [(name, *step) for _ in range(3) for name in "ab" for step in turn]
    assert [len(own.turns) for own in laps.values()] == [2, 2]
    assert [own.count for own in laps.values()] == [8, 8]
    assert all(len(own.inits) == 2 and (own.total() > 0).all() for own in laps.values())


def test_a_slow_one_ends_when_its_time_is_up():
    laps = race({"a": Noting([], "a")}, CLIP, frames=10**6, seconds=1e-9)
    assert laps["a"].count == 1  # one frame is over the time


def test_one_that_fails_is_told_and_the_others_go_on():
    entrants = {"bad": Noting([], "bad", ValueError("no good"), at=6), "good": Noting([], "good")}
    laps = race(entrants, CLIP, frames=4, seconds=60.0)
    assert laps["bad"].trouble == "ValueError at frame 2: no good"
    assert (laps["bad"].count, laps["good"].count, laps["good"].trouble) == (0, 4, "")


def test_ctrl_c_keeps_what_was_measured():
    entrants = {"a": Noting([], "a"), "b": Noting([], "b", KeyboardInterrupt(), at=6)}
    laps = race(entrants, CLIP, frames=100, seconds=60.0)
    assert (laps["a"].count, laps["b"].count) == (4, 0)


def test_a_clip_is_two_frames_at_least_and_is_scaled_with_its_box():
    with pytest.raises(ValueError, match="five has 1 frames"):
        Clip("five", FRAMES[:1], CLIP.box)
    larger = CLIP.resized(24, 24)
    assert (larger.frames[0].shape, larger.box) == ((24, 24, 3), (2.0, 6.0, 6.0, 12.0))


def laps_of(*turns, **stages):
    return Laps(inits=[0.1], turns=[list(turn) for turn in turns], stages={k: [list(v)] for k, v in stages.items()})


def test_percentiles_are_in_milliseconds():
    values = percentiles(np.arange(1, 101) / 1e3)
    assert values == pytest.approx({"p50": 50.5, "p95": 95.05, "p99": 99.01, "mean": 50.5})


def test_a_ratio_is_of_turns_side_by_side():
    ours, theirs = laps_of([1.0, 1.0, 9.0], [2.0, 2.0, 2.0], [5.0]), laps_of([2.0, 2.0, 2.0], [8.0, 1.0, 8.0])
    found = ratio(ours, theirs)
    assert (found.median, found.low, found.high, found.turns) == (3.0, 2.0, 4.0, 2)


def test_own_part_and_shares_are_of_counted_work():
    own = laps_of([0.01, 0.01], network=[0.006, 0.006], crop=[0.001, 0.001], scoring=[0, 0], template=[0.0, 0.003])
    assert overhead(own) == pytest.approx(1 - 0.015 / 0.02)
    cost, ceiling = {"flop": 6e8, "moved": 9e6, "least": 3e6}, {"flop": 2e11, "bytes": 1e10}
    figures = speed_of(own, cost, ceiling)
    assert figures["share"] == pytest.approx({"matrix": 0.5, "copy": 0.05, "roof": 0.5})
    assert figures["stages_ms"]["other"]["p50"] == pytest.approx(1.5)
    assert (figures["updates"], figures["frames"], figures["fps"]) == (0.5, 2, pytest.approx(100))
    assert "stages_ms" not in speed_of(laps_of([0.01]), None, None)


def test_a_long_run_goes_forwards_and_backwards():
    log, added = [], []
    run = long_run(Noting(log, "a"), CLIP, 2 * EVERY, added.append)
    places = [place for _, step, place in log if step == "update"]
    assert places[:9] == [1, 2, 3, 4, 3, 2, 1, 0, 1]
    assert [step for _, step, _ in log[1:7]] == ["update", "again", "rest"] * 2
    assert (len(run.times), len(run.memory), added, run.interrupted) == (2 * EVERY, 2, [EVERY] * 2, False)
    assert len(run.rests) == len(run.again) == 2 * EVERY
    assert min(run.times.min(), run.rests.min(), run.again.min()) > 0
    assert (run.memory > 0).all()


def test_a_long_run_can_be_interrupted():
    run = long_run(Noting([], "a", KeyboardInterrupt(), at=100 + EVERY + 1), CLIP, 10**4)
    assert (len(run.times), len(run.memory), run.interrupted) == (EVERY, 1, True)


def test_tail_and_growth_of_a_long_run():
    times = np.full(1000, 0.01)
    times[::50] = 0.02
    memory = np.array([9, 9, 5, 5, 5, 5, 7, 7]) * 10**6
    rests = np.where(np.arange(1000) % 10, 0.0, 0.03)
    again = np.where(np.arange(500) % 10, 0.008, 0.010)
    run = LongRun(times, rests, again, memory, False)
    assert (run.tail, run.growth) == (pytest.approx(2.0), 2e6)
    assert (run.whole_tail, run.machine_tail) == (pytest.approx(5.0), pytest.approx(1.25))
    assert LongRun(times, rests, again[:0], memory, False).machine_tail is None


def test_only_the_usual_kind_of_search_tells_how_even_the_machine_is():
    class Alternating(Noting):
        def again(self):
            return 255 if self.updates % 3 else 191

    run = long_run(Alternating([], "a"), CLIP, 3 * EVERY)
    assert len(run.again) == 2 * EVERY

    class Peer(Noting):
        def again(self):
            return 0

    assert len(long_run(Peer([], "a"), CLIP, EVERY).again) == 0
