"""From a network's response to the numbers that the tracker reads."""

import numpy as np
import torch
from torch import nn

from siam_tracker_ros.networks.response import Geometry, Response
from siam_tracker_ros.runtime.passes import SearchPass, TemplatePass, maps_of


class Answers(nn.Module):
    """Answers one point with known numbers; keeps the picture that it was given."""

    geometry = Geometry(4, 8, 8, 1)

    def __init__(self, centerness):
        super().__init__()
        self.centerness, self.given = centerness, None

    def template(self, patch):
        self.given = patch
        return (patch.sum(1, keepdim=True),)

    def search(self, kernels, patch):
        self.given = patch
        score = torch.tensor([0.0, np.log(3.0)]).reshape(1, 2, 1, 1)
        level = torch.tensor([0.5, 2.0]).reshape(1, 2, 1, 1)
        sides = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1, 1)
        return Response(score, sides, self.centerness, (level, score), kernels[0])


def test_the_rows_are_probabilities_distances_and_levels():
    network = Answers(torch.zeros(1, 1, 1, 1))
    patch = torch.arange(8 * 8 * 3, dtype=torch.uint8).reshape(1, 8, 8, 3)
    rows, features = SearchPass(network)(patch, torch.ones(1, 1, 2, 2))
    expected = [0.75, 0.5, 1.0, 2.0, 3.0, 4.0, 1.5, np.log(3.0)]
    torch.testing.assert_close(rows[0, :, 0], torch.tensor(expected, dtype=torch.float32))
    assert features.shape == (1, 1, 2, 2)
    # The network is given what it is trained with: BGR planes, 0 to 255.
    torch.testing.assert_close(network.given[0, 2, 0], patch[0, 0, :, 2].float())


def test_a_network_without_centerness_has_one_everywhere():
    rows, _ = SearchPass(Answers(None))(torch.zeros(1, 8, 8, 3, dtype=torch.uint8), torch.ones(1, 1, 2, 2))
    assert rows[0, 1].tolist() == [1.0]


def test_templates_come_as_the_picture_is():
    (feature,) = TemplatePass(Answers(None))(torch.full((1, 4, 4, 3), 7, dtype=torch.uint8))
    assert feature.tolist() == [[[[21.0] * 4] * 4]]


def test_a_points_box_is_its_place_and_its_distances():
    rows = np.array([[0.9, 0.1], [1.0, 0.5], [1, 2], [3, 4], [5, 6], [7, 8], [0.25, 0.5]], np.float32)
    points = np.array([[100.0, 200.0], [50.0, 60.0]], np.float32)
    maps = maps_of(rows, points, torch.zeros(1))
    assert maps.boxes.tolist() == [[99.0, 47.0, 105.0, 57.0], [198.0, 56.0, 206.0, 68.0]]
    np.testing.assert_array_equal(maps.foreground, rows[0])
    np.testing.assert_array_equal(maps.centerness, rows[1])
    np.testing.assert_array_equal(maps.levels, rows[6:])
