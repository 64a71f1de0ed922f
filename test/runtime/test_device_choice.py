"""The choice on the device is the host's, point for point."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.networks.response import Geometry, point_grid
from siam_tracker_ros.runtime.device_choice import choice_numbers, choice_of, chosen
from siam_tracker_ros.runtime.passes import maps_of
from siam_tracker_ros.tracking import scoring
from siam_tracker_ros.tracking.apce import summed_apce
from siam_tracker_ros.tracking.settings import TrackerSettings

SIDE = 7
GEOMETRY = Geometry(template_size=63, search_size=127, stride=8, map_size=SIDE)
POINTS = point_grid(GEOMETRY).flatten(1)
N = SIDE * SIDE

options = st.builds(
    TrackerSettings,
    window_influence=st.floats(0, 1),
    score_power=st.floats(0.25, 8),
    penalty_k=st.floats(0, 0.5),
    centerness_power=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    box_agreement=st.sampled_from([0.0, 0.4, 0.6, 0.9, 1.0]),
)


def drawn(seed, broken=0.0, levels=3):
    """Rows [6 + L, N] of a made-up response, of which a share of the points is not finite somewhere, and a window."""
    rng = np.random.default_rng(seed)
    rows = np.empty((6 + levels, N), np.float32)
    rows[:2] = rng.uniform(0, 1, (2, N))
    rows[2:6] = rng.uniform(5, 40) * rng.uniform(0.6, 1.4, (4, N))
    rows[6:] = rng.normal(0, 3, (levels, N))
    for point in np.flatnonzero(rng.uniform(size=N) < broken):
        rows[rng.integers(6), point] = rng.choice([np.nan, np.inf, -np.inf])
    return rows, rng.uniform(0, 1, N).astype(np.float32)


def on_host(rows, window, last, options):
    maps = maps_of(rows, POINTS.numpy(), torch.zeros(1))
    choice = scoring.choose(maps.foreground, maps.centerness, maps.boxes, last, window, options)
    return choice, summed_apce(maps.levels)


def on_device(many, last, options):
    """The rows [B, 9] of targets with their rows, windows, last boxes and settings."""
    rows, windows = (torch.from_numpy(np.stack(parts)) for parts in zip(*many, strict=True))
    numbers = torch.tensor([choice_numbers(*own) for own in zip(last, options, strict=True)])
    return chosen(rows, POINTS, windows, numbers).numpy()


def assert_same(row, expected):
    choice, apce = expected
    own = choice_of(row)
    assert row[7] == pytest.approx(apce, rel=1e-4, abs=1e-4)
    assert (own is None) == (choice is None)
    if own is not None:
        assert own.box.as_tuple() == pytest.approx(choice.box.as_tuple(), rel=1e-4, abs=1e-3)
        assert (own.score, own.penalty, own.confidence) == pytest.approx(
            (choice.score, choice.penalty, choice.confidence), rel=1e-4, abs=1e-4
        )


@given(
    st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.97, 1.0]), options), min_size=1, max_size=4
    ),
    st.floats(8, 80),
    st.floats(8, 80),
)
@settings(max_examples=150, deadline=None)
def test_each_of_a_batch_is_chosen_as_the_host_chooses(targets, w, h):
    many = [drawn(seed, broken) for seed, broken, _ in targets]
    last, own = [Box(3.0, 5.0, w, h)] * len(many), [settings for *_, settings in targets]
    with np.errstate(all="ignore"):
        for row, target, *rest in zip(on_device(many, last, own), many, last, own, strict=True):
            assert_same(row, on_host(*target, *rest))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_no_finite_point_is_no_choice_and_no_energy(value):
    rows, window = drawn(1)
    rows[:] = value
    (row,) = on_device([(rows, window)], [Box(0, 0, 20, 20)], [TrackerSettings()])
    assert choice_of(row) is None
    assert row[7] == 0


def test_of_equal_points_the_first_is_taken():
    rows, window = drawn(2)
    rows[:2], rows[2:6], window[:] = 0.5, 10.0, 1.0
    options = TrackerSettings(box_agreement=1.0)
    (row,) = on_device([(rows, window)], [Box(0, 0, 20, 20)], [options])
    assert_same(row, on_host(rows, window, Box(0, 0, 20, 20), options))
    assert row[:2].tolist() == (POINTS[:, 0] - 10).tolist()


@pytest.mark.parametrize(
    "distances", [(0.0, 0.0, 0.0, 0.0), (-5.0, 3.0, 1.0, 3.0), (3e4, 6e4, 2e4, 1e5), (1e38, 1, 1, 1)]
)
def test_boxes_without_an_area_and_huge_ones(distances):
    rows, window = drawn(3)
    rows[2:6] = np.array(distances, np.float32)[:, None]
    last, options = Box(0, 0, 20, 20), TrackerSettings(penalty_k=0.0)
    with np.errstate(all="ignore"):
        assert_same(on_device([(rows, window)], [last], [options])[0], on_host(rows, window, last, options))


def test_a_flat_map_has_no_energy():
    rows, window = drawn(4, levels=2)
    rows[6] = 1.5
    (row,) = on_device([(rows, window)], [Box(0, 0, 20, 20)], [TrackerSettings()])
    assert row[7] == pytest.approx(summed_apce(rows[7:]), rel=1e-4)


def test_a_scored_point_without_penalty_is_what_the_settings_say():
    """By hand: 0.81 times the square root of 0.64, for the score and for the confidence."""
    rows, window = drawn(5)
    rows[:2] = 0.01
    rows[0, 30], rows[1, 30], window[:] = 0.81, 0.64, 0.0
    rows[2:6] = 10.0
    options = replace(TrackerSettings(), centerness_power=0.5, box_agreement=1.0)
    (row,) = on_device([(rows, window)], [Box(0, 0, 20, 20)], [options])
    choice = choice_of(row)
    assert choice.box.cx == pytest.approx(float(POINTS[0, 30]))
    assert (choice.penalty, choice.score, choice.confidence) == pytest.approx((1.0, 0.81 * 0.8, 0.81 * 0.8), rel=1e-5)
