"""Every model of the zoo: shapes, sizes, and the equations that can be seen from outside."""

import pytest
import torch
import torchvision

from siam_tracker_ros.networks.afsn import AFSN, concatenate_levels
from siam_tracker_ros.networks.afsn_mobile import AFSNMobile
from siam_tracker_ros.networks.backbones import MobileNetV3Stride16, ResNet50Stride8
from siam_tracker_ros.networks.heads import PredictionFusion
from siam_tracker_ros.networks.response import point_grid
from siam_tracker_ros.networks.zoo import MODELS

PARAMETERS = {"afsn_r50": 28_370_014, "afsn_mobile": 586_590}
TEMPLATE_CHANNELS = {"afsn_r50": [768, 512, 256], "afsn_mobile": [192, 144, 96]}


@pytest.fixture(scope="module", params=sorted(MODELS))
def named_network(request):
    torch.manual_seed(0)
    return request.param, MODELS[request.param].build().eval()


@torch.inference_mode()
def test_shapes(named_network):
    name, network = named_network
    g = network.geometry
    features = network.template(torch.rand(1, 3, g.template_size, g.template_size) * 255)
    assert [f.shape[1] for f in features] == TEMPLATE_CHANNELS[name]  # R~2, R~3, R4 (equations 1 and 2)
    response = network.search(network.kernels(features), torch.rand(1, 3, g.search_size, g.search_size) * 255)
    n = g.map_size
    assert response.scores.shape == (1, 2, n, n)
    assert response.distances.shape == (1, 4, n, n)
    assert response.centerness.shape == (1, 1, n, n)
    assert [level.shape for level in response.levels] == [(1, 2, n, n)] * 3
    assert (response.distances > 0).all()
    for part in (response.scores, response.distances, response.centerness):
        assert part.isfinite().all()


def test_parameter_count(named_network):
    name, network = named_network
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[name]


@torch.inference_mode()
def test_a_batch_is_the_same_as_its_members(named_network):
    _, network = named_network
    g = network.geometry
    torch.manual_seed(1)
    z, x = (
        torch.rand(2, 3, g.template_size, g.template_size) * 255,
        torch.rand(2, 3, g.search_size, g.search_size) * 255,
    )
    both = network.search(network.kernels(network.template(z)), x)
    for i in range(2):
        one = network.search(network.kernels(network.template(z[i : i + 1])), x[i : i + 1])
        torch.testing.assert_close(both.scores[i : i + 1], one.scores, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(both.distances[i : i + 1], one.distances, rtol=1e-3, atol=1e-3)


@torch.inference_mode()
def test_resnet_levels_have_stride_8_and_take_imagenet_names():
    backbone = ResNet50Stride8().eval()
    for side, expected in ((127, 15), (255, 31)):
        levels = backbone(torch.rand(1, 3, side, side))
        assert [tuple(level.shape) for level in levels] == [(1, c, expected, expected) for c in (512, 1024, 2048)]
    theirs = torchvision.models.resnet50(weights=None).state_dict()
    for name, tensor in backbone.state_dict().items():
        assert theirs[name].shape == tensor.shape


@torch.inference_mode()
def test_resnet_shortcut_lines_up_with_the_unpadded_convolution():
    block = ResNet50Stride8().eval().layer2[0]
    x = torch.zeros(1, 256, 31, 31)
    x[:, :, 11, 21] = 1.0
    assert block.conv2(block.conv1(x) * 0 + x[:, :128]).shape[-1] == 15
    mapped = block.downsample[0](x)[0].abs().sum(0)
    assert mapped.nonzero().tolist() == [[5, 10]]  # output i looks at input 2 i + 1


@torch.inference_mode()
def test_mobilenet_levels_have_stride_16():
    backbone = MobileNetV3Stride16().eval()
    for side, expected in ((127, 8), (255, 16)):
        levels = backbone(torch.rand(1, 3, side, side))
        assert [tuple(level.shape) for level in levels] == [(1, c, expected, expected) for c in (40, 48, 96)]


def test_feature_fusion_concatenates_deep_before_shallow():
    r2, r3, r4 = (torch.full((1, 1, 2, 2), float(v)) for v in (2, 3, 4))
    fused2, fused3, deep = concatenate_levels(r2, r3, r4)
    assert fused3[0, :, 0, 0].tolist() == [4, 3]  # equation 1: Cat(R4, R3)
    assert fused2[0, :, 0, 0].tolist() == [4, 3, 2]  # equation 2: Cat(R~3, R2)
    assert deep is r4


def test_prediction_fusion_is_the_weighted_sum_of_equation_5():
    fusion = PredictionFusion((0.2, 0.3, 0.5), unit=8)
    outputs = tuple(torch.full((1, 1, 1, 1), v) for v in (1.0, 2.0, 4.0))
    response = fusion(outputs, outputs, outputs)
    assert response.scores.item() == pytest.approx(0.2 + 0.6 + 2.0)
    assert response.centerness.item() == pytest.approx(2.8)
    assert response.distances.item() == pytest.approx(8 * torch.tensor(2.8).exp().item())
    assert {name for name, _ in fusion.named_parameters()} == {"alpha", "beta", "lamda"}


def test_points_are_spaced_by_the_stride_around_the_patch_centre():
    for network in (AFSN, AFSNMobile):
        g = network.geometry
        points = point_grid(g)
        assert points.shape == (2, g.map_size, g.map_size)
        middle = g.map_size // 2
        assert points[:, middle, middle].tolist() == [g.search_size / 2] * 2
        assert (points[0, 0, 1:] - points[0, 0, :-1]).unique().tolist() == [g.stride]
