"""VOT's supervision: where a tracker is started anew, and what is scored."""

import numpy as np
import pytest
from slides import Scripted, slides

from siam_tracker_ros.evaluation import vot
from siam_tracker_ros.evaluation.one_pass import TrackerFailure
from siam_tracker_ros.evaluation.supervised import supervised_run, track_supervised, true_regions

SIZE = (200, 200)


def test_a_failure_starts_the_tracker_anew_five_frames_later():
    """The overlaps, accuracies and failures are vot-toolkit 0.9.0's on the same boxes."""
    sequence = slides(np.tile([10.0, 10.0, 40.0, 40.0], (30, 1)))
    boxes = [(10 + i, 10, 40, 40) for i in range(14 + 1)] + [(14, 10, 40, 40)] * 15
    boxes[15] = (100, 100, 10, 10)
    tracker, seen = Scripted(boxes), []
    track = track_supervised(tracker, sequence, lambda: seen.append(1))
    assert tracker.starts == [(0, (10, 10, 40, 40)), (20, (10, 10, 40, 40))]
    assert (track.starts, track.failures, len(seen)) == ((0, 20), (15,), 30)
    assert np.isnan(track.boxes[[0, 15, 16, 17, 18, 19, 20]]).all()
    assert np.isfinite(np.delete(track.boxes, [0, 15, 16, 17, 18, 19, 20], axis=0)).all()
    assert np.isnan(track.times[[16, 17, 18, 19]]).all()
    assert track.updates == 15 + 9
    run = supervised_run(track, sequence, SIZE)
    assert (run.starts, run.failures) == ((0, 20), (15,))
    assert np.isnan(run.overlaps[[0, 16, 17, 18, 19, 20]]).all()
    assert np.isfinite(np.delete(run.overlaps, [0, 16, 17, 18, 19, 20])).all()
    np.testing.assert_allclose(
        run.overlaps[[1, 2, 14, 15, 21, 29]], [0.95122, 0.904762, 0.481481, 0, 0.818182, 0.818182], atol=1e-6
    )
    assert vot.accuracy(run) == pytest.approx(0.5396008866375126, abs=1e-6)
    assert vot.accuracy(run, burn_in=5) == pytest.approx(0.6871512749415111, abs=1e-6)


def test_polygons_and_a_failure_too_late_to_start_anew():
    diamond = np.tile([10.0, 0, 20, 10, 10, 20, 0, 10], (4, 1))
    sequence = slides([[2, 2, 16, 16]] * 4, polygons=diamond)
    tracker = Scripted([(0, 0, 20, 20)] * 3 + [(90, 90, 5, 5)])
    track = track_supervised(tracker, sequence)
    assert tracker.starts == [(0, (2, 2, 16, 16))]  # the box of the layout, not the one around the polygon
    assert (track.starts, track.failures) == ((0,), (3,))  # no frame is left to start in
    run = supervised_run(track, sequence, SIZE)
    np.testing.assert_allclose(run.overlaps, [np.nan, 0.5, 0.5, 0])
    assert vot.accuracy(run) == 0  # all is burn-in


def test_boxes_of_nan_are_failures():
    sequence = slides([[10, 10, 40, 40]] * 3)
    track = track_supervised(Scripted([(10, 10, 40, 40), (np.nan,) * 4, (10, 10, 40, 40)]), sequence)
    assert track.failures == (1,)
    assert supervised_run(track, sequence, SIZE).overlaps[1] == 0


def test_nothing_counts_outside_of_the_image():
    """A box that leaves the image overlaps the rest of the target within it."""
    sequence = slides([[180, 0, 40, 40]] * 2)
    track = track_supervised(Scripted([(180, 0, 40, 40), (180, 0, 400, 40)]), sequence)
    assert supervised_run(track, sequence, SIZE).overlaps[1] == pytest.approx(1)


def test_restarting_sooner():
    sequence = slides([[10, 10, 40, 40]] * 6)
    tracker = Scripted([(100, 100, 10, 10)] * 6)
    track = track_supervised(tracker, sequence, restart_after=1)
    assert (track.starts, track.failures) == ((0, 2, 4), (1, 3, 5))
    with pytest.raises(ValueError, match="restart_after must be 1 or more, not 0"):
        track_supervised(tracker, sequence, restart_after=0)


def test_what_it_cannot_do_is_said():
    absent = slides([[10, 10, 40, 40], [np.nan] * 4, [10, 10, 40, 40]])
    with pytest.raises(ValueError, match="absent in 1, first in frame 1; measure this sequence in one pass"):
        track_supervised(Scripted([(10, 10, 40, 40)] * 3), absent)
    with pytest.raises(ValueError, match="absent in 1"):
        true_regions(absent)
    sequence = slides([[10, 10, 40, 40]] * 3)
    track = track_supervised(Scripted([(10, 10, 40, 40)] * 3), sequence)
    with pytest.raises(ValueError, match="the track has 3 frames, and the sequence 2"):
        supervised_run(track, slides([[10, 10, 40, 40]] * 2), SIZE)
    with pytest.raises(TrackerFailure, match="frame 2: RuntimeError: lost my way"):
        track_supervised(Scripted([(10, 10, 40, 40)] * 3, failing=2), sequence)
