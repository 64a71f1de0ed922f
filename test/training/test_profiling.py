"""Where time goes, in words and in a picture."""

import cv2
import pytest

from siam_tracker_ros.training.profiling import Profile, Stopwatch

PAIR = {"draw": 0.001, "decode": 0.006, "crop": 0.002, "augment": 0.001}


def profile_of(waiting):
    step = {"wait for the loader": waiting, "forward and loss": 0.04, "backward": 0.06}
    return Profile(step, PAIR, batch=32, workers=1)


def test_a_loader_that_keeps_up_is_said_to():
    assert profile_of(0.005).verdict() == "The loader is not the bottleneck: 5% of a step is waiting for pairs."


def test_a_loader_that_does_not_is_told_how_many_workers_it_needs():
    # 32 pairs of 10 ms in the 100 ms that the rest of a step takes: four workers.
    words = profile_of(0.1).verdict()
    assert words.startswith("The loader is the bottleneck: 50% of a step is waiting for pairs.")
    assert "(--workers 4; now 1)" in words
    assert "Most of a pair's time is decode: store the pictures smaller" in words


def test_the_table_has_every_part_and_its_share():
    table = profile_of(0.1).table().splitlines()
    assert table[0] == "one step of 32 pairs"
    assert table[1].split() == ["wait", "for", "the", "loader", "100.0", "ms", "50%"]
    assert table[4].split() == ["together", "200.0", "ms"]
    assert [line.split()[0] for line in table[6:]] == ["draw", "decode", "crop", "augment", "together"]


def test_the_bars_are_drawn(tmp_path):
    profile_of(0.1).plot(tmp_path / "new" / "profile.png")
    assert cv2.imread(str(tmp_path / "new" / "profile.png")).shape[:2] == (440, 990)


def test_the_first_steps_are_not_counted():
    watch = Stopwatch()
    watch.recorded_durations["[Strategy]Single.backward"] = [9.0, 9.0, 9.0, 1.0, 3.0]
    watch.recorded_durations["[Strategy]Single.training_step"] = [5.0]
    assert watch.seconds(".backward") == 2
    assert watch.seconds(".training_step") == pytest.approx(5), "of a short run all that there is"
    assert watch.seconds(".none") == 0
