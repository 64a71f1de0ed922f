"""APCE against equation 6 written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros.tracking.apce import RunningApce, apce, summed_apce


def test_by_hand():
    response = np.array([[0.0, 1.0], [2.0, 5.0]])
    assert apce(response) == pytest.approx(25 / ((0 + 1 + 4 + 25) / 4))


def test_one_peak_on_flat_ground_gives_the_number_of_points():
    response = np.full((15, 15), -3.0)
    response[4, 9] = 8.0
    assert apce(response) == pytest.approx(225)


def test_a_second_peak_halves_it():
    response = np.zeros((15, 15))
    response[4, 9] = response[10, 2] = 1.0
    assert apce(response) == pytest.approx(225 / 2)


def test_flat_and_broken_maps_have_none():
    assert apce(np.ones((5, 5))) == 0
    assert apce(np.array([0.0, np.nan])) == 0
    assert apce(np.array([0.0, np.inf])) == 0


@given(st.integers(0, 1000), st.floats(0.1, 100), st.floats(-50, 50))
def test_scale_and_offset_do_not_change_it(seed, scale, offset):
    response = np.random.default_rng(seed).normal(size=(9, 9))
    assert apce(response * scale + offset) == pytest.approx(apce(response), rel=1e-6)
    assert 1 <= apce(response) <= 81


def test_levels_are_summed():
    levels = np.random.default_rng(0).normal(size=(3, 81))
    assert summed_apce(levels) == pytest.approx(sum(apce(level) for level in levels))


def test_running_mean():
    running = RunningApce(rate=0.1)
    assert running.ratio(7.0) == 1.0
    running.add(10.0)
    assert running.ratio(5.0) == pytest.approx(0.5)
    running.add(20.0)
    assert running.mean == pytest.approx(11.0)
