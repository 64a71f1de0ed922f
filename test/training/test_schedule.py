"""Learning rates step by step, against values worked out by hand and against SiamBAN's own."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import small_recipe

from siam_tracker_ros.training.recipe import read_recipe
from siam_tracker_ros.training.schedule import backbone_trains, rate_at

FOLDER = Path(__file__).resolve().parents[2] / "config" / "train"


def rates(**changes):
    schedule = small_recipe(**{"rate": 1.0, "final_rate": 0.01, **changes}).schedule
    return [rate_at(schedule, step) for step in range(schedule.steps)]


def test_exponential_decay_has_equal_factors_and_ends_at_the_final_rate():
    assert rates(epochs=3) == pytest.approx([1, 0.1, 0.01])


def test_cosine_decay_has_its_middle_in_the_middle():
    assert rates(epochs=3, decay="cosine", final_rate=0.0) == pytest.approx([1, 0.5, 0])


def test_a_constant_rate_stays():
    assert rates(epochs=3, decay="constant") == [1, 1, 1]


def test_a_linear_warm_up_nears_the_rate():
    assert rates(epochs=6, warmup_epochs=4, warmup_from=0.2) == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 0.01])


def test_a_warm_up_may_be_constant():
    assert rates(epochs=4, warmup_epochs=2, warmup_from=0.3, warmup_to=0.3) == pytest.approx([0.3, 0.3, 1, 0.01])


def test_rates_of_epochs_hold_for_all_their_steps():
    per_epoch = rates(epochs=3, pairs_per_epoch=4, change="epoch")
    assert per_epoch == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_siambans_rates_are_those_of_its_authors_code():
    schedule = read_recipe(FOLDER / "siamban_r50.yaml").schedule
    steps = 1_000_000 // 28
    first = [rate_at(schedule, epoch * steps) for epoch in range(20)]
    # Its StepScheduler's factor is 5 ** (1 / 5); its LogScheduler is numpy.logspace over the remaining 15 epochs.
    assert first[:6] == pytest.approx([0.001, 0.0013797, 0.0019037, 0.0026265, 0.0036239, 0.005], rel=1e-4)
    assert first[6] / first[5] == pytest.approx(0.01 ** (1 / 14))
    assert first[19] == pytest.approx(0.00005)
    assert rate_at(schedule, 20 * steps - 1) == first[19]
    assert not backbone_trains(schedule, 10 * steps - 1)
    assert backbone_trains(schedule, 10 * steps)


@given(
    st.sampled_from(["exponential", "cosine", "constant"]),
    st.sampled_from(["step", "epoch"]),
    st.integers(4, 6),
    st.floats(0, 1.9),
)
def test_rates_stay_between_the_ones_that_are_named(decay, change, epochs, warmup_epochs):
    found = rates(
        epochs=epochs, pairs_per_epoch=6, decay=decay, change=change, warmup_epochs=warmup_epochs, warmup_from=0.05
    )
    assert min(found) >= 0.01 - 1e-12
    assert max(found) <= 1 + 1e-12
    assert found[-1] == pytest.approx(1 if decay == "constant" else 0.01)
