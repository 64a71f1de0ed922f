"""SiamBAN's equations."""

import pytest
import torch
import torch.nn.functional as F

from siam_tracker_ros.networks.branches import CorrelationBranch, LevelHeads, central
from siam_tracker_ros.networks.siamban import MultiLevelFusion


@torch.no_grad()
def test_equation_1_correlates_the_adapted_features():
    torch.manual_seed(0)
    branch = CorrelationBranch(3, torch.nn.Identity()).eval()
    z, x = torch.randn(1, 3, 7, 7), torch.randn(1, 3, 31, 31)
    kernel = branch.kernel(z)
    assert kernel.shape == (1, 3, 5, 5)
    response = branch(kernel, x)
    assert response.shape == (1, 3, 25, 25)
    feature = branch.search(x)
    for channel in range(3):
        expected = F.conv2d(feature[:, channel : channel + 1], kernel[:, channel : channel + 1])
        torch.testing.assert_close(response[:, channel : channel + 1], expected)


def test_equation_2_fuses_scores_and_distances_with_weights_that_sum_to_1():
    fusion = MultiLevelFusion().eval()
    with torch.no_grad():
        fusion.alpha.copy_(torch.tensor([0.0, 1.0, 2.0]))
        fusion.beta.copy_(torch.tensor([2.0, 0.0, 0.0]))
        fusion.scale.copy_(torch.tensor([1.0, 0.5, 2.0]))
    outputs = tuple(torch.full((1, 1, 1, 1), v) for v in (1.0, 2.0, 3.0))
    response = fusion(outputs, outputs, outputs[0])
    alpha, beta = torch.tensor([0.0, 1.0, 2.0]).softmax(0), torch.tensor([2.0, 0.0, 0.0]).softmax(0)
    assert response.scores.item() == pytest.approx(float(alpha @ torch.tensor([1.0, 2.0, 3.0])))
    # exp(scale P) on each level, before the sum: a weighted mean of distances, not of logarithms.
    assert response.distances.item() == pytest.approx(float(beta @ torch.tensor([1.0, 1.0, 6.0]).exp()))
    assert response.centerness is None


def test_template_features_are_cut_to_their_centre():
    feature = torch.arange(225.0).view(1, 1, 15, 15)
    assert torch.equal(central(feature), feature[:, :, 4:11, 4:11])


def test_heads_keep_each_levels_kernels_apart():
    class Head(torch.nn.Module):
        def kernels(self, z):
            return z * 10, z * 100

        def forward(self, kernels, x):
            return kernels[0] + x, kernels[1] + x

    heads = LevelHeads([Head(), Head()])
    z = (torch.tensor(1.0), torch.tensor(2.0))
    scores, boxes = heads(heads.kernels(z), (torch.tensor(0.1), torch.tensor(0.2)))
    assert [float(v) for v in scores] == pytest.approx([10.1, 20.2])
    assert [float(v) for v in boxes] == pytest.approx([100.1, 200.2])
