"""Every model of the zoo: shapes, sizes, and the equations that can be seen from outside."""

import copy

import pytest
import torch
import torchvision

from siam_tracker_ros.networks.afsn import AFSN, concatenate_levels
from siam_tracker_ros.networks.afsn_mobile import AFSNMobile
from siam_tracker_ros.networks.backbones import MobileNetV3Stride16, ResNet50Stride8
from siam_tracker_ros.networks.cost import count_parameters, count_search_flop
from siam_tracker_ros.networks.heads import PredictionFusion
from siam_tracker_ros.networks.response import point_grid
from siam_tracker_ros.networks.weights import load_weights, save_weights
from siam_tracker_ros.networks.zoo import MODELS

# Parameters, GFLOP of one search (each as counted by torch), and the shapes of what `template` gives.
ZOO = {
    "afsn_mobile": (586_590, 0.238, [(192, 8), (144, 8), (96, 8)]),
    "afsn_r50": (28_370_014, 53.6, [(768, 7)]),
    "siam_sae_r50": (32_282_968, 57.2, [(256, 7)] * 3),
    "siamban_r50": (53_932_123, 97.4, [(256, 7)] * 3),
    "ocean_r50": (26_459_217, 41.1, [(256, 7)]),
    "ocean_online_r50": (37_751_889, 62.7, [(256, 7)]),
    "siam_hne_r50": (36_110_142, 58.1, [(256, 7)] * 3),
}
WITHOUT_CENTERNESS = {"siam_sae_r50", "siamban_r50", "ocean_r50", "ocean_online_r50"}
LEVELS = {"ocean_r50": 2, "ocean_online_r50": 2}  # the regular and the object-aware classification


def patches(network, batch=1, seed=1):
    torch.manual_seed(seed)
    g = network.geometry
    return tuple(torch.rand(batch, 3, side, side) * 255 for side in (g.template_size, g.search_size))


def outputs(response):
    center = () if response.centerness is None else (response.centerness,)
    return (response.scores, response.distances, response.features, *center, *response.levels)


def test_every_model_is_measured_here():
    assert set(MODELS) == set(ZOO)


@torch.inference_mode()
def test_shapes(named_network):
    name, network = named_network
    g = network.geometry
    template, search = patches(network)
    features = network.template(template)
    assert [(f.shape[1], f.shape[2]) for f in features] == ZOO[name][2]
    response = network.search(network.kernels(features), search)
    n = g.map_size
    assert (g.stride, n) == ((16, 15) if name == "afsn_mobile" else (8, 25))
    assert response.scores.shape == (1, 2, n, n)
    assert response.distances.shape == (1, 4, n, n)
    assert response.features.shape[-1] == (16 if name == "afsn_mobile" else 31)
    assert (response.centerness is None) == (name in WITHOUT_CENTERNESS)
    assert response.centerness is None or response.centerness.shape == (1, 1, n, n)
    assert [level.shape for level in response.levels] == [(1, 2, n, n)] * LEVELS.get(name, 3)
    assert (response.distances > 0).all()
    assert all(part.isfinite().all() for part in outputs(response))


@pytest.mark.parametrize("more", [-96, 32])
@torch.inference_mode()
def test_other_search_sizes_give_the_map_that_the_geometry_says(named_network, more):
    _, network = named_network
    g = network.geometry.at(network.geometry.search_size + more)
    assert g.search_size == network.geometry.search_size + more
    template, _ = patches(network)
    search = torch.rand(1, 3, g.search_size, g.search_size) * 255
    response = network.search(network.kernels(network.template(template)), search)
    assert response.scores.shape[-2:] == response.distances.shape[-2:] == (g.map_size, g.map_size)


def test_parameters_and_operations(named_network):
    name, network = named_network
    parameters, gflop, _ = ZOO[name]
    assert count_parameters(network) == parameters
    assert count_search_flop(MODELS[name].build) / 1e9 == pytest.approx(gflop, rel=2e-3)


@pytest.mark.parametrize(
    ("name", "shortcuts"),
    [
        ("afsn_mobile", None),
        ("afsn_r50", None),
        ("siam_sae_r50", None),
        ("siam_hne_r50", None),
        ("siamban_r50", "1x1"),
        ("ocean_r50", "1x1"),
        ("ocean_online_r50", "1x1"),
    ],
)
def test_what_is_ours_costs_at_most_60_gflop(name, shortcuts):
    assert count_search_flop(lambda: MODELS[name].build(shortcuts)) <= 60e9


@torch.inference_mode()
def test_a_batch_is_the_same_as_its_members(named_network):
    _, network = named_network
    template, _ = patches(network, batch=2)
    side = network.geometry.at(159).search_size
    search = torch.rand(2, 3, side, side) * 255
    both = outputs(network.search(network.kernels(network.template(template)), search))
    for i in range(2):
        one = outputs(network.search(network.kernels(network.template(template[i : i + 1])), search[i : i + 1]))
        for many, single in zip(both, one, strict=True):
            torch.testing.assert_close(many[i : i + 1], single, rtol=1e-3, atol=1e-3 * float(single.abs().max()))


@torch.inference_mode()
def test_saved_and_loaded_it_is_the_same(named_network, tmp_path):
    name, network = named_network
    path = tmp_path / "weights.safetensors"
    save_weights(network, path, {"model": name})
    other = MODELS[name].build()
    load_weights(other, path, name)
    saved, loaded = network.state_dict(), other.state_dict()
    assert saved.keys() == loaded.keys()
    assert all(torch.equal(saved[key], loaded[key]) for key in saved)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@torch.inference_mode()
def test_cuda_gives_what_the_cpu_gives(named_network):
    _, network = named_network
    template, search = patches(network)
    host = outputs(network.search(network.kernels(network.template(template)), search))
    copy_ = copy.deepcopy(network).cuda()
    device = outputs(copy_.search(copy_.kernels(copy_.template(template.cuda())), search.cuda()))
    for ours, theirs in zip(host, device, strict=True):
        torch.testing.assert_close(theirs.cpu(), ours, rtol=1e-3, atol=1e-3 * float(ours.abs().max()))


def test_shortcuts_can_be_chosen_where_there_are_two_kinds():
    for name, channels in (("siamban_r50", 2048), ("ocean_r50", 1024)):
        for kind, side in (("3x3", 3), ("1x1", 1)):
            last = "layer4" if channels == 2048 else "layer3"
            weight = dict(MODELS[name].build(kind).named_parameters())[f"backbone.{last}.0.downsample.0.weight"]
            assert weight.shape == (channels, channels // 2, side, side)
    with pytest.raises(ValueError, match="afsn_r50 has no shortcuts '3x3'"):
        MODELS["afsn_r50"].build("3x3")
    with pytest.raises(ValueError, match="3x3 or 1x1"):
        MODELS["siamban_r50"].build("5x5")


@pytest.mark.parametrize("shortcuts", ["1x1", "3x3"])
@pytest.mark.parametrize("stages", [3, 4])
@torch.inference_mode()
def test_resnet_levels_have_stride_8(shortcuts, stages):
    backbone = ResNet50Stride8(shortcuts, stages).eval()
    channels = (512, 1024, 2048)[: stages - 1]
    for side, expected in ((127, 15), (255, 31), (271, 33)):
        levels = backbone(torch.rand(1, 3, side, side))
        assert [tuple(level.shape) for level in levels] == [(1, c, expected, expected) for c in channels]


def test_dilations_are_half_in_a_stages_first_block():
    for shortcuts in ("1x1", "3x3"):
        backbone = ResNet50Stride8(shortcuts)
        for stage, dilation in ((backbone.layer2, 1), (backbone.layer3, 2), (backbone.layer4, 4)):
            convolutions = [block.conv2 for block in stage]
            assert convolutions[0].dilation[0] == max(dilation // 2, 1)
            assert {c.dilation[0] for c in convolutions[1:]} == {dilation}
            assert convolutions[0].stride[0] == (2 if dilation == 1 else 1)


def test_resnet_takes_imagenet_names():
    backbone = ResNet50Stride8()
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
    response = fusion(outputs, outputs, outputs, outputs[0])
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
