"""The protocol: what the tracker is given, what is timed, and what happens when it fails."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from slides import Scripted, slides

from siam_tracker_ros.datasets import Sequence
from siam_tracker_ros.evaluation.one_pass import Track, TrackerFailure, track_sequence
from siam_tracker_ros.geometry import Box


class Slideshow(Sequence):
    """Frames that are made when they are asked for, slowly."""

    def frames(self) -> Iterator[np.ndarray]:
        for index in range(len(self)):
            time.sleep(0.002)
            yield np.full((4, 4, 3), index, np.uint8)


def slideshow(count: int) -> Slideshow:
    boxes = np.column_stack([np.arange(count), np.arange(count), np.full(count, 5), np.full(count, 6)])
    return Slideshow("slides", Path("slides"), boxes.astype(float), Path("slides"))


class Recorder:
    """Notes what it is given; its box is the number of the frame."""

    def __init__(self, fail_at: int = -1) -> None:
        self.calls: list[tuple[str, int]] = []
        self.given: tuple[float, ...] = ()
        self.fail_at = fail_at

    def init(self, frame, box) -> None:
        self.given = box
        self.calls.append(("init", int(frame[0, 0, 0])))
        if self.fail_at == 0:
            raise ValueError("no such box")

    def update(self, frame):
        index = int(frame[0, 0, 0])
        self.calls.append(("update", index))
        if index == self.fail_at:
            raise RuntimeError("lost my way")
        return SimpleNamespace(box=Box(float(index), 1.0, 2.0, 3.0))


def test_the_first_true_box_is_given_and_nothing_else():
    tracker, seen = Recorder(), []
    track = track_sequence(tracker, slideshow(4), lambda: seen.append(len(tracker.calls)))
    assert tracker.given == (0.0, 0.0, 5.0, 6.0)
    assert tracker.calls == [("init", 0), ("update", 1), ("update", 2), ("update", 3)]
    np.testing.assert_array_equal(track.boxes, [[0, 0, 5, 6], [1, 1, 2, 3], [2, 1, 2, 3], [3, 1, 2, 3]])
    assert seen == [1, 2, 3, 4]


def test_only_the_tracker_is_timed():
    started = time.perf_counter()
    track = track_sequence(Recorder(), slideshow(20))
    elapsed = time.perf_counter() - started
    assert track.times.shape == (20,)
    assert (track.times > 0).all()
    assert track.seconds == pytest.approx(track.times[1:].sum())
    assert track.times.sum() < elapsed - 20 * 0.002  # which making the frames took


@pytest.mark.parametrize(
    ("fail_at", "said"),
    [(0, "frame 0: ValueError: no such box"), (2, "frame 2: RuntimeError: lost my way")],
)
def test_a_tracker_that_raises_is_named_with_the_frame(fail_at, said):
    with pytest.raises(TrackerFailure, match=said):
        track_sequence(Recorder(fail_at), slideshow(4))


def test_ctrl_c_is_no_failure_of_the_tracker():
    tracker = Recorder()
    tracker.update = lambda frame: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        track_sequence(tracker, slideshow(3))


def test_what_a_tracker_says_of_itself_is_kept():
    sequence = slides([[0, 0, 10, 10]] * 3)
    told = track_sequence(Scripted([[0, 0, 9, 9]] * 3, confidences=[1, 0.5, 0.25], lost=[0, 0, 1]), sequence)
    np.testing.assert_array_equal(told.confidences, [np.nan, 0.5, 0.25])
    assert told.lost.tolist() == [False, False, True]
    silent = track_sequence(Scripted([[0, 0, 9, 9]] * 3), sequence)
    assert (silent.confidences, silent.lost) == (None, None)


def test_times_of_a_track():
    track = Track(np.zeros((5, 4)), np.array([3.0, 0.5, np.nan, 1.0, 0.5]), starts=(0, 3))
    assert (track.updates, track.seconds, track.fps, track.init_seconds) == (2, 1.0, 2.0, 2.0)
    unknown = Track(np.zeros((3, 4)), np.full(3, np.nan))
    assert (unknown.updates, unknown.seconds, unknown.fps) == (0, 0.0, 0.0)
    assert np.isnan(unknown.init_seconds)
