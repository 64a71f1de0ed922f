"""The SAE block against its equations written out."""

import math

import torch

from siam_tracker_ros.networks.attention import SpatialAttentionExtraction


def block(channels=8):
    torch.manual_seed(0)
    block = SpatialAttentionExtraction(channels).eval()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    norm = block.transform[1]
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    return block


def matrix(conv):
    return conv.weight[:, :, 0, 0]


@torch.no_grad()
def test_it_is_equations_2_to_5_position_by_position():
    sae = block()
    x = torch.randn(2, 8, 3, 4)
    out = sae(x)
    for b in range(2):
        positions = x[b].flatten(1).T  # [N, C]
        m, n, s = (positions @ matrix(conv).T + conv.bias for conv in (sae.m, sae.n, sae.s))
        for i, position in enumerate(positions):
            scores = [float(m[i] @ n[j]) for j in range(12)]
            top = max(scores)
            shares = [math.exp(score - top) for score in scores]
            context = sum(share * s[j] for j, share in enumerate(shares)) / sum(shares)  # equations 2, 3
            first, norm, _, last = sae.transform
            hidden = matrix(first) @ context
            hidden = (hidden - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias
            expected = position + matrix(last) @ hidden.relu() + last.bias  # equations 4, 5
            torch.testing.assert_close(out[b].flatten(1)[:, i], expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_every_position_sees_every_other_and_order_does_not_matter():
    sae = block()
    x = torch.randn(1, 8, 4, 4)
    changed = x.clone()
    changed[..., 3, 3] += 1
    assert (sae(changed) - sae(x))[..., 0, 0].abs().max() > 1e-4
    order = torch.randperm(16)
    torch.testing.assert_close(
        sae(x.flatten(2)[:, :, order].reshape(1, 8, 4, 4)).flatten(2), sae(x).flatten(2)[:, :, order]
    )


@torch.no_grad()
def test_it_begins_as_the_identity():
    x = torch.randn(1, 256, 7, 7)
    assert torch.equal(SpatialAttentionExtraction().eval()(x), x)
