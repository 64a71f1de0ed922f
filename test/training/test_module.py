"""The Lightning module: what it trains when, what it keeps, and what it says of a loss that is not finite."""

import pytest
import torch
from small_runs import small_recipe
from torch import nn

from siam_tracker_ros.datasets.track_layouts import read_tracks
from siam_tracker_ros.networks.afsn_mobile import AFSNMobile
from siam_tracker_ros.training.module import BrokenBatch, TrackerModule
from siam_tracker_ros.training.pairs import PairDataset, PairSource
from siam_tracker_ros.training.recipe_pairs import AugmentRecipe, PairRecipe


def module_of(fresh_prefix="", **schedule):
    torch.manual_seed(0)
    network = AFSNMobile()
    fresh = frozenset(k for k in network.state_dict() if k.startswith(fresh_prefix))
    module = TrackerModule(network, small_recipe(**schedule), fresh)
    module.log_dict = module.log = lambda *_, **__: None  # without a trainer there is no log
    return module


def training_norms(module):
    """Parts of the network with normalisation that trains its statistics."""
    norms = {k: m.training for k, m in module.network.named_modules() if isinstance(m, nn.BatchNorm2d)}
    return {name.split(".")[0] for name, training in norms.items() if training}


@pytest.fixture
def batch(stills_folder):
    source = PairSource(read_tracks(stills_folder / "stills.csv", "stills"))
    dataset = PairDataset([source], PairRecipe(negative=0, distractor=0), AugmentRecipe(), 4, 0)
    samples = [dataset[i] for i in range(2)]
    return {k: torch.stack([torch.as_tensor(s[k]) for s in samples]) for k in samples[0]}


def test_norms_that_the_start_filled_keep_their_statistics():
    assert training_norms(module_of("head2.").train()) == {"head2"}


def test_norms_that_the_start_filled_are_trained_where_the_recipe_says_so():
    parts = training_norms(module_of("head2.", norms="trained").train())
    assert {"backbone", "head2", "head4", "neck2"} <= parts


def test_the_backbone_is_frozen_and_unfrozen_by_the_step(monkeypatch):
    module = module_of(norms="trained", backbone_frozen_epochs=2).train()
    now = 0
    monkeypatch.setattr(TrackerModule, "global_step", property(lambda self: now))
    parameters = [p for n, p in module.network.named_parameters() if n.startswith("backbone.")]
    for step, trains in ((0, False), (1, False), (2, True), (3, True)):
        now = step
        module.on_train_batch_start({}, 0)
        assert {p.requires_grad for p in parameters} == {trains}
        assert ("backbone" in training_norms(module)) == trains
    assert all(p.requires_grad for n, p in module.network.named_parameters() if not n.startswith("backbone."))
    assert not any(p.requires_grad for p in module.averaged.parameters())


def test_a_step_brings_the_loss_and_a_gradient_for_every_parameter(batch):
    module = module_of().train()
    loss = module.training_step(batch, 0)
    loss.backward()
    assert loss > 0
    assert all(p.grad is not None for p in module.network.parameters())


def test_a_loss_that_is_not_finite_names_its_pairs(batch):
    module = module_of()
    with torch.no_grad():
        module.network.head4.score.bias.fill_(float("nan"))
    with pytest.raises(
        BrokenBatch, match=r"the loss is nan \(score nan, .*\) at step 0, with the pairs 0-1$"
    ) as raised:
        module.training_step(batch, 7)
    assert raised.value.pairs == [0, 1]


@pytest.mark.parametrize(("precision", "stops"), [("32-true", True), ("bf16-mixed", True), ("16-mixed", False)])
def test_a_gradient_that_is_not_finite_stops_the_run_but_where_a_scaler_leaves_it_out(precision, stops):
    module = module_of(precision=precision)
    optimizer = module.configure_optimizers()["optimizer"]
    parameter = module.network.head4.score.bias
    parameter.grad = torch.full_like(parameter, float("inf"))
    if stops:
        with pytest.raises(BrokenBatch, match="its gradient has the norm inf at step 0, with the pairs 0-1"):
            module.on_before_optimizer_step(optimizer)
    else:
        module.on_before_optimizer_step(optimizer)


def test_scattered_numbers_are_listed():
    assert str(BrokenBatch("it broke", 3, [4, 6, 9])) == "it broke at step 3, with the pairs 4, 6, 9"
