"""Ocean's equations."""

import math

import pytest
import torch
import torch.nn.functional as F

from siam_tracker_ros.networks.ocean import OBJECT_AWARE_WEIGHT, DilatedCombination, Ocean, OceanOnline, mixed_logits


@torch.no_grad()
def test_equation_9_sums_the_correlations_of_three_dilations():
    torch.manual_seed(0)
    combination = DilatedCombination(4).eval()
    combination.weight.copy_(torch.tensor([0.3, -0.2, 0.5]))
    template, search = torch.randn(1, 4, 7, 7), torch.randn(1, 4, 31, 31)
    shares = combination.weight.softmax(0)
    expected = torch.zeros(1, 4, 25, 25)
    # Dilations across, down of (1, 1), (1, 2), (2, 1); PyTorch has them down, across.
    for share, phi_e, phi_s, dilation in zip(
        shares, combination.kernel, combination.search, ((1, 1), (2, 1), (1, 2)), strict=True
    ):
        kernel, feature = (
            phi[1](F.conv2d(x, phi[0].weight, dilation=dilation)).relu()
            for phi, x in ((phi_e, template), (phi_s, search))
        )
        for channel in range(4):
            expected[:, channel : channel + 1] += share * F.conv2d(
                feature[:, channel : channel + 1], kernel[:, channel : channel + 1]
            )
    torch.testing.assert_close(combination(combination.kernels(template), search), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("regular", [-3.0, 0.0, 2.5])
@pytest.mark.parametrize("aware", [-1.0, 4.0])
def test_equation_10_mixes_the_probabilities(regular, aware):
    logits = mixed_logits(torch.full((1, 1, 1, 1), aware), torch.full((1, 1, 1, 1), regular), 0.07)
    expected = 0.07 / (1 + math.exp(-aware)) + 0.93 / (1 + math.exp(-regular))
    assert logits.softmax(1)[0, 1].item() == pytest.approx(expected, rel=1e-5)
    assert logits.exp().sum(1).item() == pytest.approx(1, rel=1e-5)


def test_mixed_logits_stay_finite_where_probabilities_round_to_0_and_1():
    for value in (-300.0, 300.0):
        assert mixed_logits(torch.full((1, 1, 1, 1), value), torch.full((1, 1, 1, 1), value), 0.07).isfinite().all()


def test_the_papers_weight():
    assert OBJECT_AWARE_WEIGHT == 0.07


@torch.no_grad()
def test_the_online_stage_is_a_second_fourth_stage_on_the_shared_ones():
    torch.manual_seed(0)
    network = OceanOnline("1x1").eval()
    names = {name for name, _ in network.named_parameters()} - {name for name, _ in Ocean("1x1").named_parameters()}
    assert names
    assert all(name.startswith("online_stage.") for name in names)
    z, x = torch.rand(1, 3, 127, 127), torch.rand(1, 3, 159, 159)
    kernels = network.kernels(network.template(z))
    before = network.search(kernels, x)
    assert before.features.shape == (1, 1024, 19, 19)
    for parameter in network.online_stage.parameters():
        parameter.mul_(1.5)
    after = network.search(kernels, x)
    assert torch.equal(before.scores, after.scores)  # the offline part does not know of it
    assert not torch.equal(before.features, after.features)
