"""Cases computed by hand, and golden numbers of the VOT tool kit."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros.evaluation import metrics, vot


class Scripted:
    """Gives the boxes of a list, and notes where it was started."""

    def __init__(self, boxes):
        self.boxes, self.starts = boxes, []

    def init(self, frame, box):
        self.starts.append((int(frame[0, 0, 0]), box))

    def update(self, frame):
        x, y, w, h = self.boxes[int(frame[0, 0, 0])]
        return SimpleNamespace(box=SimpleNamespace(x=x, y=y, w=w, h=h))


def clip(frames: int):
    """Frames that say their number."""
    pictures = [np.full((200, 200, 3), index, np.uint8) for index in range(frames)]
    return SimpleNamespace(name="clip", frames=lambda: iter(pictures))


def piece(overlaps, failed=False) -> vot.SupervisedRun:
    """A run with one start, and a failure in its last frame."""
    values = np.array([np.nan, *overlaps, *([0.0] if failed else [])])
    return vot.SupervisedRun(values, (0,), (len(values) - 1,) if failed else ())


@pytest.mark.parametrize(
    ("box", "region", "size", "expected"),
    [
        ([0, 0, 10, 10], [5, 0, 10, 10], None, 1 / 3),
        ([0, 0, 10, 10], [20, 0, 10, 10], None, 0),
        ([0, 0, 10, 10], [5, 0, 15, 0, 15, 10, 5, 10], None, 1 / 3),
        ([0, 0, 2, 2], [1, 0, 2, 1, 1, 2, 0, 1], None, 0.5),  # a diamond in its square
        ([1, 0, 1, 2], [1, 0, 2, 1, 1, 2, 0, 1], None, 1 / 3),  # half of the diamond, of 2 + 2 - 1
        ([-5, 0, 10, 10], [0, 0, 5, 10], (100, 100), 1),
        ([0, 0, 4, 4], [0, 0, 4, 0, 4, 1, 1, 1, 1, 4, 0, 4], None, 7 / 16),  # an L
        ([0, 0, 0, 4], [0, 0, 4, 4], None, 0),
        ([np.nan, 0, 4, 4], [0, 0, 4, 4], None, 0),
    ],
)
def test_overlap_by_hand(box, region, size, expected):
    assert vot.overlap(box, region, size) == pytest.approx(expected)


@given(*[st.tuples(*[st.floats(0, 80)] * 2, *[st.floats(1, 80)] * 2)] * 2)
def test_overlap_of_boxes_is_their_iou(box, region):
    assert vot.overlap(box, region) == pytest.approx(metrics.iou([box], [region])[0], abs=1e-9)


def test_start_boxes_by_hand():
    diamond = [10, 0, 20, 10, 10, 20, 0, 10]
    assert vot.bounding_box(diamond) == (0, 0, 20, 20)
    x, y, w, h = vot.same_area_box(diamond)
    assert (x + w / 2, y + h / 2, w, h) == pytest.approx((10, 10, 200**0.5, 200**0.5))
    with pytest.raises(ValueError, match="corners"):
        vot.bounding_box([1, 2, 3])


def test_a_failure_starts_the_tracker_anew_five_frames_later():
    """The overlaps, accuracies and failures are vot-toolkit 0.9.0's on the same boxes."""
    truth = np.tile([10.0, 10.0, 40.0, 40.0], (30, 1))
    boxes = [(10 + i, 10, 40, 40) for i in range(14 + 1)] + [(14, 10, 40, 40)] * 15
    boxes[15] = (100, 100, 10, 10)
    tracker = Scripted(boxes)
    run = vot.run_supervised(tracker, clip(30), truth)
    assert tracker.starts == [(0, (10, 10, 40, 40)), (20, (10, 10, 40, 40))]
    assert (run.starts, run.failures) == ((0, 20), (15,))
    assert np.isnan(run.overlaps[[0, 16, 17, 18, 19, 20]]).all()
    assert np.isfinite(np.delete(run.overlaps, [0, 16, 17, 18, 19, 20])).all()
    np.testing.assert_allclose(
        run.overlaps[[1, 2, 14, 15, 21, 29]], [0.95122, 0.904762, 0.481481, 0, 0.818182, 0.818182], atol=1e-6
    )
    assert vot.accuracy(run) == pytest.approx(0.5396008866375126, abs=1e-6)
    assert vot.accuracy(run, burn_in=5) == pytest.approx(0.6871512749415111, abs=1e-6)


def test_polygons_a_late_failure_and_an_absence():
    diamond = np.tile([10.0, 0, 20, 10, 10, 20, 0, 10], (4, 1))
    tracker = Scripted([(0, 0, 20, 20)] * 3 + [(90, 90, 5, 5)])
    run = vot.run_supervised(tracker, clip(4), diamond, start_box=vot.same_area_box)
    assert (run.starts, run.failures) == ((0,), (3,))  # no frame is left to start in
    np.testing.assert_allclose(run.overlaps, [np.nan, 0.5, 0.5, 0])
    assert vot.accuracy(run) == 0  # all is burn-in
    with pytest.raises(ValueError, match="no absence"):
        vot.run_supervised(tracker, clip(2), [[0, 0, 1, 1], [np.nan] * 4])
    for frames in (3, 5):
        with pytest.raises(ValueError, match="not as many frames"):
            vot.run_supervised(tracker, clip(frames), diamond)


def test_eao_by_hand():
    """vot-toolkit 0.9.0's `compute_eao_curve` gives the same, in single precision."""
    runs = [piece([0.5, 0.25], failed=True), piece([0.8, 0.6, 0.4, 0.2]), piece([0.9])]
    curve = vot.eao_curve(runs)
    # The failed piece goes on as 0: 0.75 / 3 and 0.75 / 4. The third counts at the length 1 only.
    np.testing.assert_allclose(
        curve, [1, (0.5 + 0.8 + 0.9) / 3, (0.375 + 0.7) / 2, (0.25 + 0.6) / 2, (0.1875 + 0.5) / 2]
    )
    assert vot.eao(runs, (2, 3)) == pytest.approx((0.5375 + 0.425) / 2)
    assert vot.eao(runs, (3, 99)) == pytest.approx((0.425 + 0.34375) / 2)
    assert np.isnan(vot.eao(runs, (46, 291)))


def test_golden_eao_of_the_vot_tool_kit():
    """vot-toolkit 0.9.0, `compute_eao_curve` on these four pieces; it works in single precision."""
    values = [np.random.default_rng(seed).uniform(0.1, 1, n - 1) for seed, n in ((1, 30), (2, 80), (3, 12), (4, 50))]
    runs = [piece(v, failed) for v, failed in zip(values, (True, False, True, False), strict=True)]
    curve = vot.eao_curve(runs)
    assert len(curve) == 80
    assert curve[20] == pytest.approx(0.482270747423172, abs=1e-6)
    assert curve[79] == pytest.approx(0.2748028635978699, abs=1e-6)
    assert vot.eao(runs, (10, 60)) == pytest.approx(0.4314447951083089, abs=1e-6)


def test_scores_over_sequences_by_hand():
    runs = [piece([0.5] * 19), piece([0.8] * 38, failed=True)]
    scores = vot.score(runs, (5, 10))
    assert scores.accuracy == pytest.approx((0.5 * 20 + 0.8 * 40) / 60)
    assert scores.failures == pytest.approx(40 / 60)
    assert scores.failures_percent == pytest.approx(100 / 60)
    assert scores.reliability == pytest.approx(np.exp(-30 * (40 / 60) / 30))
    assert scores.eao == pytest.approx(0.65)
    assert 0.5 - 1e-9 <= scores.accuracy_interval[0] <= scores.accuracy_interval[1] <= 0.8 + 1e-9
    assert vot.reliability(1, 100, sensitivity=100) == pytest.approx(np.exp(-1))
    with pytest.raises(ValueError, match="no run"):
        vot.score([], (5, 10))


def test_intervals_of_the_years():
    assert vot.EAO_INTERVALS == {2016: (108, 371), 2017: (100, 356), 2018: (100, 356), 2019: (46, 291)}
