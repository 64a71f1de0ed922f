"""Operations and bytes of a search, counted by hand for a network of two layers."""

import torch
from torch import nn

from siam_tracker_ros.networks.cost import count_parameters, count_search
from siam_tracker_ros.networks.response import Geometry, Response


class Small(nn.Module):
    """One convolution of the search patch, and a view of what it gives."""

    geometry = Geometry(template_size=15, search_size=31, stride=8, map_size=31)

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 2, 1, bias=False)

    def template(self, patch):
        return (patch,)

    def kernels(self, features):
        return features

    def search(self, kernels, patch):
        maps = self.layer(patch)
        return Response(maps, maps.flatten(2).view_as(maps), None, (maps,), maps)


def test_a_convolution_by_hand():
    cost = count_search(Small)
    points = 31 * 31
    assert cost.flop == 2 * points * 3 * 2
    # The convolution reads patch and weights and writes its maps; the views move nothing.
    assert cost.moved == 4 * (3 * points + 6 + 2 * points)
    # Weights, the template that is its own kernel, the patch; the maps, which are scores, distances and a level.
    assert cost.least == 4 * (6 + 3 * 15 * 15 + 3 * points + 3 * 2 * points)
    assert count_parameters(Small()) == 6


def test_another_size_and_number_format():
    half, usual = count_search(Small, 63, torch.float16), count_search(Small)
    assert half.flop == usual.flop // 31**2 * 63**2
    assert half.moved == 2 * (5 * 63 * 63 + 6)
