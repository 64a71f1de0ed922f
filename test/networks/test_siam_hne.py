"""The hard-negative-emphasis tracker's heads and embedding."""

import torch
from calibrated import calibrated

from siam_tracker_ros.networks.embedding import RegionEmbedding
from siam_tracker_ros.networks.siam_hne import FCOSHead


def test_a_head_has_four_convolutions_in_each_branch_and_the_centreness_beside_the_score():
    head = FCOSHead()
    for branch in (head.classification, head.regression):
        convolutions = [m for m in branch.predict.modules() if isinstance(m, torch.nn.Conv2d)]
        assert [m.kernel_size for m in convolutions] == [(3, 3)] * 4
    assert head.centerness.kernel_size == (1, 1)
    kernels = head.kernels(torch.rand(1, 256, 7, 7))
    shapes = [tuple(out.shape) for out in head(kernels, torch.rand(1, 256, 31, 31))]
    assert shapes == [(1, 2, 25, 25), (1, 1, 25, 25), (1, 4, 25, 25)]


@torch.no_grad()
def test_regions_are_taken_from_where_they_lie_in_the_patch():
    embedding = RegionEmbedding(2, stride=8, width=2)
    embedding.layers = torch.nn.Identity()
    side, patch = 31, 255
    # Each feature holds its own place in the patch: the middle feature is the patch's middle.
    line = patch / 2 + (torch.arange(side) - (side - 1) / 2) * 8
    places = torch.stack((line.expand(side, side), line[:, None].expand(side, side)))[None]
    region = torch.tensor([[0, 60.0, 100.0, 140.0, 150.0], [0, 127.5 - 30, 127.5 - 20, 127.5 + 30, 127.5 + 20]])
    pooled = embedding((places[:, :1], places[:, 1:]), region, patch).view(2, 2, 5, 5)
    torch.testing.assert_close(pooled[0, 0, 2], torch.tensor([68.0, 84.0, 100.0, 116.0, 132.0]))
    torch.testing.assert_close(pooled[0, 1, :, 2], torch.tensor([105.0, 115.0, 125.0, 135.0, 145.0]))
    torch.testing.assert_close(pooled[1, :, 2, 2], torch.tensor([127.5, 127.5]))


@torch.no_grad()
def test_the_embedding_is_computed_only_if_asked_for():
    network = calibrated("siam_hne_r50")
    calls = []
    hook = network.embedding.register_forward_hook(lambda *_: calls.append(1))
    z, x = torch.rand(1, 3, 127, 127) * 255, torch.rand(2, 3, 159, 159) * 255
    network.search(network.kernels(network.template(z)), x[:1])
    assert not calls
    regions = torch.tensor([[0, 20.0, 20.0, 90.0, 90.0], [1, 20.0, 20.0, 90.0, 90.0]])
    vectors = network.embed(network.features(x), regions, 159)
    hook.remove()
    assert calls == [1]
    assert vectors.shape == (2, 256)
    assert (vectors[0] - vectors[1]).norm() > 0
