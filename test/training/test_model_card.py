"""The model card says what went in and what came out."""

import hashlib

from small_runs import small_recipe

from siam_tracker_ros.training.model_card import Card

CURVES = {
    "loss": ([10, 20], [3.0, 1.25]),
    "validation/auc": ([0, 10, 20], [0.2, 0.6, 0.5]),
    "validation/bag": ([0, 10, 20], [0.2, 0.6, 0.5]),
}


def card(tmp_path, **changes):
    weights = tmp_path / "afsn_mobile.safetensors"
    weights.write_bytes(b"weights")
    values = {
        "recipe": small_recipe(keep_start=0.25),
        "weights": weights,
        "start": None,
        "fresh": 3,
        "data": "stills.csv: 6 objects\n  left out: 1 views: broken (a.jpg)\n",
        "curves": {"loss": CURVES["loss"]},
        "best": None,
        "seconds": 1800.0,
        "machine": "2 cores of a machine",
    }
    return Card(**(values | changes)).text()


def test_a_run_from_nothing_without_validation(tmp_path):
    text = card(tmp_path)
    assert text.startswith("# Model card: afsn_mobile\n\n`afsn_mobile.safetensors` (0.0 MiB, SHA-256 `")
    assert hashlib.sha256(b"weights").hexdigest() in text
    assert "**Start.** Random weights." in text
    assert "  left out: 1 views: broken (a.jpg)\n```" in text
    assert "5 steps of 2 pairs, adamw" in text
    assert "0.50 hours on 2 cores of a machine" in text
    assert "Last values: loss 1.25." in text
    assert "None: the recipe names no sequences." in text
    assert "**Unknown.**" in text


def test_a_run_from_public_weights_with_validation(tmp_path):
    start, best = tmp_path / "start.pth", tmp_path / "best.safetensors"
    start.write_bytes(b"start")
    text = card(tmp_path, start=start, best=best, curves=CURVES)
    assert f"`start.pth` (SHA-256 `{hashlib.sha256(b'start').hexdigest()}`). 3 tensors" in text
    assert "the start in these weights: 0.25." in text
    assert "| auc | 0.200 | 0.600 | 0.500 |" in text
    assert "| bag | 0.200 | 0.600 | 0.500 |" in text
    assert "(step 10) are `best.safetensors`" in text
    assert "validation/" not in text
