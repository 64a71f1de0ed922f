"""A score turned into a probability."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros import load_tracker
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.tracking.calibration import (
    Calibration,
    CalibrationError,
    calibration_path,
    features,
    fit,
    logistic,
    read_calibration,
    write_calibration,
)


def test_the_formula():
    assert Calibration(0.0, 1.0, 0.0).probability(0.8, 0.3) == pytest.approx(0.8)
    assert Calibration(0.0, 0.0, 1.0).probability(0.8, 1.0) == pytest.approx(0.5)
    assert Calibration(0.0, 0.0, 2.0).probability(0.8, 0.5) == pytest.approx(0.2)  # odds of a quarter
    assert Calibration(1.0, 0.0, 0.0).probability(0.0, 0.0) == pytest.approx(1 / (1 + np.exp(-1)))


@pytest.mark.parametrize("score", [0.0, 0.2, 0.9, 1.0])
@pytest.mark.parametrize("ratio", [0.0, 0.7, 5.0])
def test_one_frame_has_the_probability_that_many_have(score, ratio):
    one = Calibration(-0.4, 1.3, 0.8)
    expected = logistic(features([score], [ratio]) @ (one.bias, one.score, one.apce))[0]
    assert one.probability(score, ratio) == pytest.approx(expected, rel=1e-12)


@given(
    score=st.floats(0, 1),
    ratio=st.floats(0, 10),
    more=st.floats(0, 1),
    bias=st.floats(-10, 10),
    a=st.floats(0, 10),
    b=st.floats(0, 10),
)
def test_it_is_a_probability_that_grows_with_the_evidence(score, ratio, more, bias, a, b):
    one = Calibration(bias, a, b)
    low = one.probability(score, ratio)
    assert 0 <= low <= 1
    assert one.probability(min(score + more, 1.0), ratio) >= low
    assert one.probability(score, ratio + more) >= low


def test_a_fit_finds_what_the_data_were_made_of():
    random = np.random.default_rng(1)
    scores, ratios = random.uniform(0.05, 0.95, 20000), random.uniform(0.2, 1.5, 20000)
    chance = logistic(-1.0 + 1.5 * np.log(scores / (1 - scores)) + 2.0 * np.log(ratios))
    found = fit(scores, ratios, random.random(20000) < chance)
    assert (found.bias, found.score, found.apce) == pytest.approx((-1.0, 1.5, 2.0), abs=0.1)


def test_a_feature_that_would_count_backwards_is_left_out():
    random = np.random.default_rng(2)
    scores, ratios = random.uniform(0.05, 0.95, 5000), random.uniform(0.2, 1.5, 5000)
    chance = logistic(np.log(scores / (1 - scores)) - np.log(ratios))
    right = random.random(5000) < chance
    found = fit(scores, ratios, right)
    assert found.apce == 0
    assert found.score > 0


def test_separable_data_have_a_finite_fit():
    found = fit([0.1, 0.2, 0.8, 0.9], [1, 1, 1, 1], [False, False, True, True])
    assert np.isfinite([found.bias, found.score, found.apce]).all()


def test_weights_count_like_copies():
    scores, ratios, right = [0.2, 0.4, 0.6, 0.8], [0.5, 1, 0.7, 1], [False, True, False, True]
    twice = fit(scores + scores[:2], ratios + ratios[:2], right + right[:2])
    weighted = fit(scores, ratios, right, weights=[2, 2, 1, 1])
    assert (twice.bias, twice.score, twice.apce) == pytest.approx((weighted.bias, weighted.score, weighted.apce))


@pytest.mark.parametrize(
    ("scores", "right"), [([0.5, 0.6], [True, True]), ([0.5, 0.6], [False, False]), ([0.5], [True, False]), ([], [])]
)
def test_what_cannot_be_fitted_is_refused(scores, right):
    with pytest.raises(ValueError, match=r"calibration|equally long"):
        fit(scores, np.ones(len(scores)), right)


@pytest.mark.parametrize(("name", "value"), [("score", -1.0), ("apce", -0.1), ("bias", float("nan")), ("score", "1")])
def test_impossible_weights_are_refused(name, value):
    with pytest.raises(CalibrationError, match=name):
        Calibration(**{"bias": 0.0, "score": 1.0, "apce": 1.0, name: value})


def test_it_lies_beside_the_weights(tmp_path):
    weights = tmp_path / "mine.safetensors"
    assert read_calibration(weights) is None
    given_one = Calibration(-0.5, 1.25, 0.75, "ten videos")
    assert write_calibration(weights, given_one) == tmp_path / "mine.calibration.json"
    assert read_calibration(weights) == given_one


@pytest.mark.parametrize("text", ["{", "[]", '{"bias": 1}', '{"bias": 1, "score": -1, "apce": 0}', '{"bias": "a"}'])
def test_a_broken_file_is_named(tmp_path, text):
    weights = tmp_path / "mine.safetensors"
    calibration_path(weights).write_text(text, encoding="utf-8")
    with pytest.raises(CalibrationError, match=r"mine\.calibration\.json"):
        read_calibration(weights)


def test_the_shipped_ones_say_where_they_come_from():
    found = [read_calibration(model.weights_path) for model in MODELS.values() if model.weights_path]
    assert any(found)
    for calibration in filter(None, found):
        assert "videos" in calibration.source
        assert json.dumps(calibration.source)


def test_a_result_has_both_the_score_and_the_confidence(tmp_path):
    frame = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    shipped = MODELS["afsn_mobile"].weights_path
    plain = tmp_path / "mine.safetensors"
    plain.write_bytes(shipped.read_bytes())
    results = []
    for weights in (shipped, plain):
        tracker = load_tracker("afsn_mobile", weights=weights, device="cpu")
        tracker.init(frame, (100, 80, 60, 60))
        results.append(tracker.update(frame))
    calibrated, identity = results
    expected = read_calibration(shipped).probability(calibrated.score, calibrated.apce_ratio)
    assert calibrated.confidence == pytest.approx(expected)
    assert identity.confidence == identity.score == calibrated.score  # no calibration beside these weights
    assert identity.box == calibrated.box  # no rule uses it
