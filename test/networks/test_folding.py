"""Folded batch normalisation is the same function."""

import pytest
import torch
from torch import nn

from siam_tracker_ros.networks.folding import fold_batch_norm
from siam_tracker_ros.networks.zoo import MODELS


@pytest.mark.parametrize("name", sorted(MODELS))
@torch.inference_mode()
def test_folding_keeps_the_output_and_leaves_no_norm_behind_a_convolution(name):
    torch.manual_seed(0)
    network = MODELS[name].build()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            module.weight.uniform_(0.2, 0.6)  # small, or what 16 blocks add up overflows
            module.bias.normal_(0, 0.2)
    network.eval()
    g = network.geometry.at(159)
    z, x = torch.rand(1, 3, g.template_size, g.template_size), torch.rand(1, 3, g.search_size, g.search_size)
    before = network.search(network.kernels(network.template(z)), x)
    fold_batch_norm(network)
    after = network.search(network.kernels(network.template(z)), x)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in network.modules())
    scale = before.scores.abs().max()
    assert float((before.scores - after.scores).abs().max() / scale) < 1e-3
    torch.testing.assert_close(before.distances.log(), after.distances.log(), rtol=1e-3, atol=1e-2)
