"""Hand-computed values, properties, and an independent implementation (the GOT-10k tool kit)."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from siam_tracker_ros.evaluation import metrics

try:
    from got10k.experiments.otb import ExperimentOTB
    from got10k.utils import metrics as got10k_metrics
except ImportError:
    got10k_metrics = None

NAN_BOX = [np.nan] * 4


def boxes(count: int) -> st.SearchStrategy[np.ndarray]:
    corners = arrays(np.float64, (count, 2), elements=st.floats(-1e4, 1e4))
    sides = arrays(np.float64, (count, 2), elements=st.floats(0.01, 1e4))
    return st.builds(lambda corner, side: np.hstack([corner, side]), corners, sides)


@pytest.mark.parametrize(
    ("pred", "truth", "expected"),
    [
        ([0, 0, 10, 10], [0, 0, 10, 10], 1.0),
        ([5, 0, 10, 10], [0, 0, 10, 10], 50 / 150),
        ([5, 5, 10, 10], [0, 0, 10, 10], 25 / 175),
        ([2, 2, 5, 5], [0, 0, 10, 10], 0.25),
        ([10, 0, 10, 10], [0, 0, 10, 10], 0.0),  # they touch
        ([50, 50, 10, 10], [0, 0, 10, 10], 0.0),
        ([0, 0, 0, 10], [0, 0, 10, 10], 0.0),
        ([15, 15, -10, -10], [0, 0, 10, 10], 0.0),
        (NAN_BOX, [0, 0, 10, 10], 0.0),
        ([0, 0, np.inf, 10], [0, 0, 10, 10], 0.0),
        ([0, 0, 10, 10], NAN_BOX, np.nan),
        (NAN_BOX, NAN_BOX, np.nan),
    ],
)
def test_iou_by_hand(pred, truth, expected):
    np.testing.assert_allclose(metrics.iou([pred], [truth]), [expected], rtol=1e-15)


def test_center_errors_by_hand():
    truth = [[0, 0, 10, 20], [0, 0, 10, 20], NAN_BOX, [0, 0, 10, 20]]
    pred = [[3, 4, 10, 20], [0, 0, 16, 28], [0, 0, 1, 1], NAN_BOX]
    np.testing.assert_allclose(metrics.center_error(pred, truth), [5, 5, np.nan, np.inf])
    np.testing.assert_allclose(
        metrics.normalized_center_error(pred, truth),
        [np.hypot(0.3, 0.2), np.hypot(0.3, 0.2), np.nan, np.inf],
    )


def test_success_is_strict_and_precision_is_not():
    curve = metrics.success_curve([0.0, 0.5, 1.0, np.nan])
    assert len(curve) == 21
    np.testing.assert_allclose(curve[[0, 1, 9, 10, 11, 20]], [2 / 3, 2 / 3, 2 / 3, 1 / 3, 1 / 3, 0])
    # 0.5 exceeds the thresholds 0 to 0.45 (10 of 21), 1.0 exceeds 0 to 0.95 (20 of 21).
    assert metrics.success_auc([0.0, 0.5, 1.0, np.nan]) == pytest.approx((10 + 20) / 21 / 3)
    assert metrics.success_rate([0.5, 0.51, 0.75, 0.9], 0.5) == 0.75
    assert metrics.success_rate([0.5, 0.51, 0.75, 0.9], 0.75) == 0.25
    assert metrics.precision([20.0, 20.1, np.inf, np.nan]) == pytest.approx(1 / 3)
    assert metrics.precision_curve([0, 1.5, 50, 51])[[0, 1, 2, 49, 50]].tolist() == [
        0.25,
        0.25,
        0.5,
        0.5,
        0.75,
    ]


def test_normalized_precision_in_both_definitions():
    errors = [0.0, 0.2, 0.25, 0.6]
    assert metrics.normalized_precision(errors) == 0.5
    # An error e is within the thresholds 0.01 k for k from 100 e to 50: 51, 31, 26 and 0 of 51.
    assert metrics.normalized_precision_auc(errors) == pytest.approx((51 + 31 + 26 + 0) / 51 / 4)


def test_success_rates_are_strict_and_leave_absent_frames_out():
    ious = [0.5, 0.51, 0.75, 0.9, np.nan]
    assert metrics.success_rate(ious, 0.5) == 0.75
    assert metrics.success_rate(ious, 0.75) == 0.25


def test_attributes_are_means_over_the_sequences_that_have_them():
    values = {"car": 0.2, "dog": 0.4, "owl": 0.9}
    attributes = {"car": ["OCC", "SV"], "dog": ["OCC", "OCC"], "ski": ["SV", "MB"]}
    means = metrics.attribute_means(values, attributes, samples=500)
    assert list(means) == ["OCC", "SV"]  # nobody measured ski, and owl has none
    assert (means["OCC"].sequences, means["SV"].sequences) == (2, 1)
    assert means["OCC"].mean == pytest.approx(0.3)
    assert means["OCC"].interval == metrics.bootstrap_interval([0.2, 0.4], samples=500)
    assert means["SV"] == metrics.AttributeMean(1, 0.2, (0.2, 0.2))
    assert metrics.attribute_means({}, attributes) == {}


def test_a_sequence_leaves_out_the_first_frame_and_absences():
    truth = [[0, 0, 10, 10], [0, 0, 10, 10], NAN_BOX, [0, 0, 10, 10]]
    pred = [[0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 10, 10], [5, 0, 10, 10]]
    scores = metrics.score_sequence(pred, truth)
    assert scores.frames == 2
    assert scores.mean_iou == pytest.approx((1 + 1 / 3) / 2)
    assert scores.success_auc == pytest.approx((20 + 7) / 21 / 2)  # 1/3 exceeds 0 to 0.3
    assert (scores.success_50, scores.success_75, scores.precision_20) == (0.5, 0.5, 1.0)
    assert scores.normalized_precision == 0.5
    with_first = metrics.score_sequence(pred, truth, skip_first=False)
    assert with_first.frames == 3
    assert with_first.mean_iou == pytest.approx((1 + 1 + 1 / 3) / 3)


def test_wrong_shapes_and_nothing_to_score_are_refused():
    with pytest.raises(ValueError, match=r"\[2, 4\] and \[3, 4\]"):
        metrics.iou(np.ones((2, 4)), np.ones((3, 4)))
    with pytest.raises(ValueError, match=r"must both be \[N, 4\]"):
        metrics.center_error(np.ones(4), np.ones(4))
    with pytest.raises(ValueError, match="no frame to score"):
        metrics.score_sequence([[0, 0, 1, 1]], [[0, 0, 1, 1]])
    with pytest.raises(ValueError, match="no frame to score"):
        metrics.success_auc([np.nan])


@given(boxes(7), boxes(7))
def test_iou_properties(pred, truth):
    overlap = metrics.iou(pred, truth)
    assert ((overlap >= 0) & (overlap <= 1)).all()
    np.testing.assert_array_equal(overlap, metrics.iou(truth, pred))
    np.testing.assert_allclose(metrics.iou(truth, truth), 1.0, rtol=1e-6)
    # Scaling both is exact in powers of two, and changes nothing.
    np.testing.assert_array_equal(metrics.iou(pred * 4, truth * 4), overlap)


@given(arrays(np.float64, 30, elements=st.floats(0, 1)))
def test_success_properties(ious):
    curve = metrics.success_curve(ious)
    assert (np.diff(curve) <= 0).all()
    assert curve[-1] == 0
    # 21 thresholds sample the exact area, which is the mean IoU, from at most one step off.
    assert abs(metrics.success_auc(ious) - ious.mean()) <= 0.05
    assert metrics.success_auc(np.append(ious, np.nan)) == metrics.success_auc(ious)
    assert metrics.success_auc(np.minimum(ious + 0.1, 1)) >= metrics.success_auc(ious)


@given(boxes(9), boxes(9))
def test_score_properties(pred, truth):
    scores = metrics.score_sequence(pred, truth)
    assert scores.frames == 8
    assert scores.success_75 <= scores.success_50
    absent = truth.copy()
    absent[4] = np.nan
    assert metrics.score_sequence(pred, absent).frames == 7


@given(arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 1)), st.integers(0, 5))
def test_bootstrap_properties(values, seed):
    low, high = metrics.bootstrap_interval(values, samples=200, seed=seed)
    assert values.min() - 1e-12 <= low <= high <= values.max() + 1e-12
    assert (low, high) == metrics.bootstrap_interval(values, samples=200, seed=seed)
    narrow = metrics.bootstrap_interval(values, samples=200, seed=seed, level=0.5)
    assert low <= narrow[0] <= narrow[1] <= high


def test_bootstrap_agrees_with_the_normal_interval():
    values = np.random.default_rng(3).normal(0.6, 0.2, 400)
    low, high = metrics.bootstrap_interval(values)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=0.002)
    assert high == pytest.approx(values.mean() + half, abs=0.002)
    with pytest.raises(ValueError, match="non-empty"):
        metrics.bootstrap_interval([])
    with pytest.raises(ValueError, match="non-empty"):
        metrics.bootstrap_interval([0.5, np.nan])
    with pytest.raises(ValueError, match="level"):
        metrics.bootstrap_interval([0.5], level=95)


def example_track() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(20)
    truth = np.column_stack([rng.uniform(0, 200, (60, 2)), rng.uniform(10, 80, (60, 2))])
    pred = truth + rng.normal(0, 12, (60, 4))
    pred[:, 2:] = np.maximum(pred[:, 2:], 1)
    return pred, truth


def test_golden_numbers_of_the_got10k_tool_kit():
    """Computed with got10k 0.1.3 (`rect_iou`, `center_error`, `ExperimentOTB._calc_curves`) on this track."""
    scores = metrics.score_sequence(*example_track(), skip_first=False)
    assert scores.success_auc == pytest.approx(0.37222222222222223, abs=1e-12)
    assert scores.precision_20 == pytest.approx(0.75, abs=1e-12)
    assert scores.mean_iou == pytest.approx(0.3668173160351274, abs=1e-12)
    assert scores.success_50 == pytest.approx(0.3333333333333333, abs=1e-12)
    assert scores.success_75 == pytest.approx(0.05, abs=1e-12)
    # The released 0.1.3 has no normalised precision; these are its repository's at 956e728 (`ExperimentLaSOT`).
    assert scores.normalized_precision == pytest.approx(0.15, abs=1e-12)
    assert scores.normalized_precision_auc == pytest.approx(0.3058823529411765, abs=1e-12)
    curve = metrics.success_curve(metrics.iou(*example_track())) * 60
    assert curve.round().astype(int).tolist() == [
        *(51, 50, 48, 47, 44, 43, 39, 38, 30, 23, 20, 14, 10, 5, 4, 3, 0, 0, 0, 0, 0)
    ]


@pytest.mark.skipif(got10k_metrics is None, reason="the package got10k is not installed")
@given(boxes(25), boxes(25))
def test_the_got10k_tool_kit_says_the_same(pred, truth):
    ious, errors = got10k_metrics.rect_iou(pred, truth), got10k_metrics.center_error(pred, truth)
    np.testing.assert_allclose(metrics.iou(pred, truth), ious, atol=1e-9)
    np.testing.assert_allclose(metrics.center_error(pred, truth), errors, atol=1e-9)
    bins = SimpleNamespace(nbins_iou=21, nbins_ce=51)
    success, within = ExperimentOTB._calc_curves(bins, ious, errors)
    np.testing.assert_array_equal(metrics.success_curve(ious), success)
    np.testing.assert_array_equal(metrics.precision_curve(errors), within)


@pytest.mark.skipif(got10k_metrics is None, reason="the package got10k is not installed")
def test_the_got10k_tool_kit_says_the_same_of_a_sequence():
    """Its OTB figures, with the first frame in, for whole frames and with the target absent in some."""
    tool_kit = ExperimentOTB.__new__(ExperimentOTB)
    tool_kit.nbins_iou, tool_kit.nbins_ce = 21, 51
    pred, truth = example_track()
    absent = truth.copy()
    absent[[7, 30, 31]] = np.nan
    for boxes, frames in ((truth, 60), (absent, 57)):
        present = ~np.isnan(boxes[:, 0])  # UAV123's experiment scores these only
        success, within = tool_kit._calc_curves(*tool_kit._calc_metrics(pred[present], boxes[present]))
        scores = metrics.score_sequence(pred, boxes, skip_first=False)
        assert scores.frames == frames
        assert scores.success_auc == pytest.approx(success.mean(), abs=1e-12)
        assert scores.success_50 == pytest.approx(success[10], abs=1e-12)
        assert scores.precision_20 == pytest.approx(within[20], abs=1e-12)


@given(
    arrays(np.int64, (6, 4), elements=st.integers(1, 25)),
    arrays(np.int64, (6, 4), elements=st.integers(1, 25)),
)
def test_iou_of_whole_pixels_is_what_counting_them_gives(pred, truth):
    def painted(box: np.ndarray) -> np.ndarray:
        mask = np.zeros((60, 60), bool)
        mask[box[1] : box[1] + box[3], box[0] : box[0] + box[2]] = True
        return mask

    counted = [
        (painted(p) & painted(t)).sum() / (painted(p) | painted(t)).sum() for p, t in zip(pred, truth, strict=True)
    ]
    np.testing.assert_allclose(metrics.iou(pred, truth), counted)
