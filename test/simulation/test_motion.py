"""Curves over time: they pass through their keys, have no jumps, and way is the integral of speed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros.simulation.motion import Curve, Shake, Travelled


def test_curve_passes_through_its_keys_and_rests_outside():
    curve = Curve(((0, 1.0), (2, 5.0), (3, -1.0)))
    np.testing.assert_allclose(curve([0, 2, 3, -4, 9]), [1, 5, -1, 1, -1])
    assert curve(1.0) == pytest.approx(3.0)


def test_curve_with_one_key_is_constant():
    np.testing.assert_allclose(Curve(((1, 4.0),))([0, 1, 2]), 4.0)


@given(st.floats(0, 5))
def test_curve_stays_between_its_keys_without_a_jump(time):
    curve = Curve(((0, 0.0), (2, 3.0), (5, 1.0)))
    assert 0 <= curve(time) <= 3
    assert abs(curve(time + 1e-4) - curve(time)) < 1e-3


def test_way_is_the_integral_of_speed():
    way = Travelled(Curve(((0, 100.0),)), length=4.0, start=20.0)
    np.testing.assert_allclose(way([0, 1, 4]), [20, 120, 420], rtol=1e-6)
    # An eased change from 0 to 100 in 2 s covers as much as a linear one.
    assert Travelled(Curve(((0, 0.0), (2, 100.0))), length=2.0)(2.0) == pytest.approx(100.0, rel=1e-3)


def test_shake_is_small_and_the_same_for_the_same_seed():
    shakes = [Shake(1, 5.0)(t) for t in np.linspace(0, 10, 50)]
    assert max(np.abs(shakes)) <= 7.0
    assert shakes == [Shake(1, 5.0)(t) for t in np.linspace(0, 10, 50)]
    assert shakes != [Shake(2, 5.0)(t) for t in np.linspace(0, 10, 50)]
