"""Joined convolutions, and the network made of them, are the same function."""

import copy

import pytest
import torch
from calibrated import calibrated
from torch import nn

from siam_tracker_ros.networks.afsn_mobile_joined import JoinedAFSNMobile
from siam_tracker_ros.networks.folding import fold_batch_norm
from siam_tracker_ros.networks.heads import separable_tower
from siam_tracker_ros.networks.joined import (
    columns,
    convolutions,
    dense,
    grouped,
    joined_towers,
    scaled,
    side_by_side,
)
from siam_tracker_ros.networks.running import for_running
from siam_tracker_ros.networks.weights import load_weights
from siam_tracker_ros.networks.zoo import MODELS

X, Y = torch.rand(2, 6, 9, 9), torch.rand(2, 6, 9, 9)


@pytest.fixture(autouse=True)
def _no_gradients():
    torch.manual_seed(0)
    with torch.inference_mode():
        yield


def same(ours, expected):
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)


def test_layers_of_one_input_become_one():
    layers = [nn.Conv2d(6, 4, 3, padding=1), nn.Conv2d(6, 5, 3, padding=1, bias=False)]
    same(side_by_side(layers)(X), torch.cat([layer(X) for layer in layers], 1))


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_layers_of_different_inputs_become_one(groups):
    layers = [nn.Conv2d(6, 6, 3, stride=2, dilation=2, groups=groups), nn.Conv2d(6, 6, 3, 2, 0, 2, groups, bias=False)]
    same(grouped(layers)(torch.cat((X, Y), 1)), torch.cat((layers[0](X), layers[1](Y)), 1))


def test_blocks_add_up_where_they_overlap():
    a, b, c = nn.Conv2d(6, 2, 1), nn.Conv2d(6, 2, 1), nn.Conv2d(3, 1, 1, bias=False)
    whole = dense([(0, 0, a), (1, 6, b), (3, 9, c)], 12, 4)(torch.cat((X, Y), 1))
    same(whole[:, :1], a(X)[:, :1])
    same(whole[:, 1:2], a(X)[:, 1:] + b(Y)[:, :1])
    same(whole[:, 2:3], b(Y)[:, 1:])
    same(whole[:, 3:], c(Y[:, 3:]))


def test_parts_and_multiples_of_a_layer():
    layer = nn.Conv2d(6, 3, 1)
    same(scaled(layer, -2.5)(X), -2.5 * layer(X))
    same(columns(layer, 0, 2, bias=False)(X[:, :2]) + columns(layer, 2, 6, bias=True)(X[:, 2:]), layer(X))


def test_towers_side_by_side():
    towers = [fold_batch_norm(separable_tower(6, 3).eval()) for _ in range(2)]
    joined = joined_towers(towers)
    assert len(convolutions(joined)) == 6
    same(joined(torch.cat((X, Y), 1)), torch.cat((towers[0](X), towers[1](Y)), 1))


def shipped():
    network = MODELS["afsn_mobile"].build()
    load_weights(network, MODELS["afsn_mobile"].weights_path, "afsn_mobile")
    return network.eval()


@pytest.mark.parametrize("make", [shipped, lambda: calibrated("afsn_mobile")], ids=["shipped", "drawn"])
@pytest.mark.parametrize("search_size", [255, 159])
def test_the_joined_network_is_the_trained_one(make, search_size):
    # In float64, where only a fault can be seen: sums of another order are rounded differently. What is left is that
    # the joined weights were made in float32.
    trained = copy.deepcopy(make()).double()
    # Weights of the levels that all matter, or a fault in one of them would not show.
    for name in ("alpha", "beta", "lamda"):
        getattr(trained.fusion, name).copy_(torch.tensor([0.3, -0.2, 0.9]))
    joined = JoinedAFSNMobile(trained).double()
    z = [torch.rand(2, 3, 127, 127, dtype=torch.float64) * 255 for _ in range(2)]
    x = torch.rand(2, 3, search_size, search_size, dtype=torch.float64) * 255
    templates = [[network.template(patch) for patch in z] for network in (trained, joined)]
    # As the multi-template update blends them (AFSN equation 7).
    kernels = [
        network.kernels(tuple(0.6 * a + 0.4 * b for a, b in zip(*own, strict=True)))
        for network, own in zip((trained, joined), templates, strict=True)
    ]
    expected, ours = (network.search(k, x) for network, k in zip((trained, joined), kernels, strict=True))
    for name in ("features", "scores", "centerness", "distances", "levels"):
        a, b = getattr(ours, name), getattr(expected, name)
        for one, other in zip(a, b, strict=True) if isinstance(a, tuple) else [(a, b)]:
            torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6 * float(other.abs().max()))
    assert len(convolutions(joined)) < 0.65 * len(convolutions(trained))


def test_what_runs_is_a_copy():
    trained = copy.deepcopy(calibrated("afsn_mobile")).train()
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    running = for_running(trained)
    assert not running.training
    assert trained.training
    for parameter in running.parameters():
        parameter.zero_()
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())
