"""Which parameters are trained, and at which rate."""

import pytest
import torch
from small_runs import small_recipe

from siam_tracker_ros.networks.afsn_mobile import AFSNMobile
from siam_tracker_ros.networks.ocean import OceanOnline
from siam_tracker_ros.training.groups import freeze_for_good, make_optimizer
from siam_tracker_ros.training.recipe import RecipeError


def test_every_parameter_is_trained_at_its_own_rate():
    network = AFSNMobile()
    fresh = frozenset(k for k in network.state_dict() if k.startswith("head2."))
    schedule = small_recipe(rate=1e-3, started_factor=0.02, backbone_factor=0.01).schedule
    groups = make_optimizer(network, schedule, fresh).param_groups
    assert [group["name"] for group in groups] == ["fresh", "started", "backbone"]
    assert sum(len(g["params"]) for g in groups) == len(list(network.parameters()))
    rate = {id(p): g["lr"] for g in groups for p in g["params"]}
    named = dict(network.named_parameters())
    assert rate[id(named["backbone.features.0.0.weight"])] == pytest.approx(1e-5)
    assert rate[id(named["head4.score.weight"])] == pytest.approx(2e-5)
    assert rate[id(named["head2.score.weight"])] == 1e-3
    assert rate[id(named["fusion.alpha"])] == 1e-3


@pytest.mark.parametrize(("name", "kind"), [("sgd", torch.optim.SGD), ("adamw", torch.optim.AdamW)])
def test_optimisers_get_the_recipes_numbers(name, kind):
    schedule = small_recipe(optimizer=name, weight_decay=0.03, momentum=0.8).schedule
    network = AFSNMobile()
    optimizer = make_optimizer(network, schedule, frozenset(network.state_dict()))
    assert type(optimizer) is kind
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.03}
    assert name == "adamw" or {group["momentum"] for group in optimizer.param_groups} == {0.8}


def test_layers_that_are_never_trained_are_frozen_for_good():
    network = OceanOnline("1x1")
    freeze_for_good(network, small_recipe(backbone_layers=["layer2", "layer3"]).schedule)
    frozen = {".".join(n.split(".")[:2]) for n, p in network.named_parameters() if not p.requires_grad}
    assert {name for name in frozen if name.startswith("backbone")} == {
        "backbone.conv1",
        "backbone.bn1",
        "backbone.layer1",
    }
    assert {name for name in frozen if not name.startswith("backbone")} == {f"online_stage.{i}" for i in range(6)}


def test_a_layer_that_the_backbone_does_not_have_is_named():
    with pytest.raises(RecipeError, match=r"schedule\.backbone_layers: the backbone has no layer2"):
        freeze_for_good(AFSNMobile(), small_recipe(backbone_layers=["layer2"]).schedule)
