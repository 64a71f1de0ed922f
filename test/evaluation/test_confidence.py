"""Diagrams and counts by hand, and what holds for all of them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from siam_tracker_ros.evaluation.confidence import LostDetection, lost_detection, reliability

NAN_BOX = [np.nan] * 4
BOX = [0, 0, 10, 10]


def test_a_diagram_by_hand():
    diagram = reliability([0.0, 0.25, 0.5, 0.75, 0.9, 1.0], [0.6, 0.5, 0.1, 0.7, 0.8, np.nan], bins=4)
    assert diagram.edges.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert diagram.frames.tolist() == [2, 1, 1, 2]  # an upper edge belongs to its bin
    np.testing.assert_allclose(diagram.confidence, [0.125, 0.5, 0.75, 0.95])
    np.testing.assert_allclose(diagram.right, [0.5, 0, 1, 0.5])  # 0.5 does not exceed 0.5; absent is not right
    assert diagram.expected_error == pytest.approx((2 * 0.375 + 0.5 + 0.25 + 2 * 0.45) / 6)
    assert diagram.largest_error == pytest.approx(0.5)


def test_empty_bins_and_frames_without_a_confidence():
    diagram = reliability([np.nan, 0.95, 0.95], [0.9, 0.9, 0.9])
    assert diagram.frames.tolist() == [0] * 9 + [2]
    assert np.isnan(diagram.right[:9]).all()
    assert diagram.expected_error == pytest.approx(0.05)


def test_a_calibrated_confidence_has_no_error():
    rng = np.random.default_rng(1)
    confidences = rng.uniform(0, 1, 50_000)
    ious = np.where(rng.uniform(0, 1, 50_000) < confidences, 0.9, 0.1)
    assert reliability(confidences, ious).expected_error < 0.02
    # One that is always sure is as wrong as it is often wrong.
    assert reliability(np.ones(50_000), ious).expected_error == pytest.approx(0.5, abs=0.01)


@given(
    arrays(np.float64, 30, elements=st.floats(0, 1)),
    arrays(np.float64, 30, elements=st.floats(0, 1)),
    st.integers(1, 20),
)
def test_diagrams(confidences, ious, bins):
    diagram = reliability(confidences, ious, bins=bins)
    assert diagram.frames.sum() == 30
    held = diagram.frames > 0
    assert (diagram.confidence[held] >= diagram.edges[:-1][held] - 1e-12).all()
    assert (diagram.confidence[held] <= diagram.edges[1:][held] + 1e-12).all()
    # Bins can only hide differences.
    overall = abs(confidences.mean() - (ious > 0.5).mean())
    assert overall - 1e-12 <= diagram.expected_error <= diagram.largest_error + 1e-12 <= 1 + 2e-12


@pytest.mark.parametrize(
    ("confidences", "ious", "bins", "sentence"),
    [
        ([0.5], [0.5, 0.5], 10, r"\[1\] and \[2\]"),
        ([1.5], [0.5], 10, "outside"),
        ([np.nan], [0.5], 10, "no frame"),
        ([], [], 10, "no frame"),
        ([0.5], [0.5], 0, "bins"),
    ],
)
def test_what_makes_no_diagram_is_refused(confidences, ious, bins, sentence):
    with pytest.raises(ValueError, match=sentence):
        reliability(confidences, ious, bins=bins)


def test_lost_frames_by_hand():
    truth = [BOX, BOX, NAN_BOX, NAN_BOX, NAN_BOX, BOX]
    counts = lost_detection([True, True, False, True, True, False], truth)
    assert counts == LostDetection(hits=2, false_alarms=1, misses=1, agreed=1)
    assert (counts.precision, counts.recall, counts.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    both = counts + LostDetection(hits=0, false_alarms=1, misses=2, agreed=10)
    assert (both.precision, both.recall, both.agreed) == (0.5, 0.4, 11)
    with pytest.raises(ValueError, match=r"\[1\] and \[2, 4\]"):
        lost_detection([True], [BOX, BOX])


def test_nothing_to_find_has_no_share():
    never = lost_detection([False, False], [BOX, BOX])
    assert math.isnan(never.precision)
    assert math.isnan(never.recall)
    assert math.isnan(never.f1)
    alarm = lost_detection([False, True], [BOX, BOX])
    assert (alarm.precision, alarm.f1) == (0, 0)
