"""Labels against the papers' equations on a few points."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros.training.recipe_loss import LabelRecipe
from siam_tracker_ros.training.targets import (
    box_distances,
    centerness,
    disc_labels,
    draw_points,
    ellipse_labels,
    inside_labels,
    iou_of_distances,
    labels_of,
    object_aware_labels,
)

BOX = torch.tensor([[10.0, 20.0, 50.0, 40.0]])  # 40 x 20, centre (30, 30)


def at(*places):
    """Points [2, 1, N] at the given x, y."""
    return torch.tensor(places, dtype=torch.float32).T[:, None]


def test_distances_are_equation_8():
    out = box_distances(at((12, 33), (60, 30)), BOX)
    assert out[0, :, 0, 0].tolist() == [2, 13, 38, 7]
    assert out[0, :, 0, 1].tolist() == [50, 10, -10, 10]


def test_centerness_is_equation_10():
    distances = box_distances(at((30, 30), (20, 30), (12, 33), (60, 30)), BOX)
    expected = [1.0, math.sqrt(10 / 30), math.sqrt(2 / 38 * 7 / 13), 0.0]
    assert centerness(distances)[0, 0, 0].tolist() == pytest.approx(expected, abs=1e-6)


def test_points_in_the_box_are_positive():
    distances = box_distances(at((30, 30), (10.5, 20.5), (9, 30), (30, 41)), BOX)
    assert inside_labels(distances)[0, 0].tolist() == [1, 1, 0, 0]


def test_ellipses_of_siamban():
    # Half axes 20 and 10: the inner ellipse has 10 and 5, between the two nothing is counted.
    places = ((30, 30), (39, 30), (41, 30), (30, 34.9), (30, 35.1), (49, 30), (51, 30), (48, 38))
    assert ellipse_labels(at(*places), BOX)[0, 0].tolist() == [1, 1, -1, 1, -1, -1, 0, 0]


def test_the_disc_of_ocean_reaches_over_a_small_boxs_sides():
    # Equation 7: 16 pixels around the centre (30, 30), whatever the box's size.
    places = ((30, 30), (45.9, 30), (46.1, 30), (30, 45), (42, 42))
    assert disc_labels(at(*places), BOX, 16)[0, 0].tolist() == [1, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("kind", "expected"), [("box", [1, 1, 0, 0]), ("ellipse", [1, -1, 0, 0]), ("disc", [1, 0, 0, 1])]
)
def test_each_paper_labels_its_own_way(kind, expected):
    places = at((30, 30), (47, 30), (60, 30), (30, 45))
    assert labels_of(LabelRecipe(kind=kind), places, BOX)[0, 0].tolist() == expected


def test_at_most_16_positive_and_48_negative_points_are_drawn():
    labels = torch.zeros(2, 25, 25, dtype=torch.long)
    labels[0, 5:15, 5:15] = 1
    labels[0, 0] = -1
    labels[1, 3, 3:8] = 1  # 5 only
    drawn = draw_points(labels, 16, 48, torch.tensor([7, 8]))
    assert [(int((d == 1).sum()), int((d == 0).sum())) for d in drawn] == [(16, 48), (5, 48)]
    kept = drawn >= 0
    assert torch.equal(drawn[kept], labels[kept])


@given(index=st.integers(0, 2**40), most=st.tuples(st.integers(0, 30), st.integers(0, 30)), seed=st.integers(0, 99))
def test_points_are_drawn_by_the_pairs_number_alone(index, most, seed):
    labels = torch.randint(-1, 2, (1, 5, 5), generator=torch.Generator().manual_seed(seed))
    alone = draw_points(labels, *most, torch.tensor([index]))
    beside = draw_points(torch.cat((1 - labels.abs(), labels)), *most, torch.tensor([index + 1, index]))
    assert torch.equal(alone[0], beside[1])
    for value, limit in ((1, most[0]), (0, most[1])):
        there = int((labels == value).sum())
        assert int((alone == value).sum()) == (min(there, limit) if limit else there)
    assert torch.equal(alone[alone >= 0], labels[alone >= 0])


def test_every_point_is_drawn_sooner_or_later():
    labels = torch.ones(64, 4, 4, dtype=torch.long)
    drawn = draw_points(labels, 4, 0, torch.arange(64))
    often = (drawn == 1).sum(0).flatten()
    assert int(often.sum()) == 64 * 4
    assert int(often.min()) >= 5  # 16 is the mean
    assert int(often.max()) <= 30


@pytest.mark.parametrize(
    ("predicted", "target", "iou"),
    [
        ([10, 10, 10, 10], [10, 10, 10, 10], 1.0),
        ([10, 10, 10, 10], [5, 10, 5, 10], 0.5),
        ([0, 0, 20, 20], [10, 10, 10, 10], 100 / 700),
        ([10, 10, 10, 10], [-2, 10, 12, 10], 160 / (400 + 200 - 160)),  # the point lies 2 pixels left of the truth
        ([10, 10, 10, 10], [-10, 10, 30, 10], 0.0),
    ],
)
def test_iou_from_distances(predicted, target, iou):
    out = iou_of_distances(torch.tensor([predicted], dtype=torch.float), torch.tensor([target], dtype=torch.float))
    assert float(out) == pytest.approx(iou)


def test_object_aware_labels_are_the_overlap_of_the_predicted_box():
    predicted = torch.tensor([[10.0, 10, 10, 10], [10, 10, 10, 10]])[..., None, None].requires_grad_()
    target = torch.tensor([[5.0, 10, 5, 10], [10, 10, 10, 10]])[..., None, None]
    labels = object_aware_labels(predicted, target, torch.tensor([True, False]))
    assert labels[:, 0, 0].tolist() == [0.5, 0.0]  # the second pair does not show the target
    assert not labels.requires_grad
