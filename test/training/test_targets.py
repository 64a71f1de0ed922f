"""Labels against the papers' equations on a few points."""

import math

import pytest
import torch

from siam_tracker_ros.training.targets import box_distances, centerness, ellipse_labels, inside_labels

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
