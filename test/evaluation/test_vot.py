"""Cases computed by hand, golden numbers of the VOT tool kit, and the tool kit itself where it is installed."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slides import Scripted, slides

from siam_tracker_ros.datasets.vot import bounding_boxes
from siam_tracker_ros.evaluation import metrics, vot
from siam_tracker_ros.evaluation.supervised import supervised_run, track_supervised


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


def test_the_box_around_one_region():
    assert vot.bounding_box([10, 0, 20, 10, 10, 20, 0, 10]) == (0, 0, 20, 20)
    with pytest.raises(ValueError, match="corners"):
        vot.bounding_box([1, 2, 3])


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
    for name in ("failures", "failures_percent", "eao"):
        low, high = getattr(scores, f"{name}_interval")
        assert low < getattr(scores, name) < high
    assert scores.eao_interval == pytest.approx((0.5, 0.8))  # both are the first, or both the second
    assert np.isnan(vot.score(runs, (100, 200)).eao_interval).all()
    assert vot.reliability(1, 100, sensitivity=100) == pytest.approx(np.exp(-1))
    with pytest.raises(ValueError, match="no run"):
        vot.score([], (5, 10))


def test_intervals_of_the_years():
    assert vot.EAO_INTERVALS == {2016: (108, 371), 2017: (100, 356), 2018: (100, 356), 2019: (46, 291)}


@pytest.fixture(scope="module")
def tool_kit():
    """Asks vot-toolkit for its figures: of this interpreter, or of the one that SIAM_TRACKER_VOT_PYTHON names.

    It requires opencv-python, which overwrites the cv2 of opencv-contrib-python-headless, so that the environment of
    `make setup` cannot have it. ros_env/requirements/golden.txt makes one that can.
    """
    python = os.environ.get("SIAM_TRACKER_VOT_PYTHON") or (sys.executable if importlib.util.find_spec("vot") else None)
    if python is None:
        pytest.skip("no interpreter has vot-toolkit (SIAM_TRACKER_VOT_PYTHON names one)")

    def ask(**question):
        script = Path(__file__).with_name("vot_tool_kit.py")
        answer = subprocess.run(
            [python, str(script)], input=json.dumps(question), capture_output=True, text=True, timeout=300
        )
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    return ask


def supervised_example(seed: int, frames: int, polygons: bool = False):
    """A wandering box and a tracker that drifts off it: regions, the tracker's boxes, and the run."""
    rng = np.random.default_rng(seed)
    truth = np.column_stack([rng.integers(40, 80, (frames, 2)), rng.integers(40, 70, (frames, 2))]).astype(float)
    boxes = truth + rng.integers(-25, 26, (frames, 4))
    boxes[rng.random(frames) < 0.04] = (150, 150, 20, 20)
    if polygons:
        x, y, w, h = truth.T
        truth = np.column_stack([x + w / 4, y, x + w, y + h / 4, x + 3 * w / 4, y + h, x, y + 3 * h / 4])
    sequence = slides(bounding_boxes(truth), polygons=truth if polygons else None)
    track = track_supervised(Scripted(boxes), sequence)
    return truth, boxes, supervised_run(track, sequence, (200, 200))


def as_tool_kit(truth, boxes, run):
    regions = boxes.tolist()
    for index in np.flatnonzero(np.isnan(run.overlaps)):
        regions[index] = [0]
    for code, indices in ((1, run.starts), (2, run.failures)):
        for index in indices:
            regions[index] = [code]
    return {"size": [200, 200], "truth": truth.tolist(), "tracks": regions}


def test_the_vot_tool_kit_says_the_same(tool_kit):
    """Whole pixels, so that counting them gives the areas. It computes in single precision."""
    examples = [supervised_example(seed, frames) for seed, frames in ((1, 120), (2, 90), (3, 200), (4, 31))]
    runs = [run for *_, run in examples]
    assert sum(len(run.failures) for run in runs) > 5
    interval = (20, 90)
    answer = tool_kit(sequences=[as_tool_kit(*one) for one in examples], low=interval[0], high=interval[1])
    for run, overlaps in zip(runs, answer["overlaps"], strict=True):
        ours = np.where(np.isnan(run.overlaps), 0, run.overlaps)
        np.testing.assert_allclose(ours, overlaps, atol=1e-6)
    np.testing.assert_allclose([vot.accuracy(run) for run in runs], answer["accuracies"], atol=1e-6)
    assert [len(run.failures) for run in runs] == answer["failures"]
    scores = vot.score(runs, interval)
    assert scores.accuracy == pytest.approx(answer["accuracy"], abs=1e-6)
    assert scores.failures == pytest.approx(answer["mean_failures"], abs=1e-9)
    assert scores.reliability == pytest.approx(answer["robustness"], abs=1e-9)
    # Entry 0, of no frame, is 1 here and 0 there; no interval has it.
    np.testing.assert_allclose(vot.eao_curve(runs)[1:], answer["curve"][1:], atol=1e-6)
    assert scores.eao == pytest.approx(answer["eao"], abs=1e-6)


def test_the_vot_tool_kit_says_much_the_same_of_polygons(tool_kit):
    """It counts the pixels that a polygon's edges cross, so that overlaps differ by what a border is of an area."""
    examples = [supervised_example(seed, 60, polygons=True) for seed in (5, 6)]
    answer = tool_kit(sequences=[as_tool_kit(*one) for one in examples], low=10, high=40)
    for (*_, run), overlaps in zip(examples, answer["overlaps"], strict=True):
        ours = np.where(np.isnan(run.overlaps), 0, run.overlaps)
        np.testing.assert_allclose(ours, overlaps, atol=0.03)
    np.testing.assert_allclose([vot.accuracy(run) for *_, run in examples], answer["accuracies"], atol=0.02)
    assert vot.eao([run for *_, run in examples], (10, 40)) == pytest.approx(answer["eao"], abs=0.02)
