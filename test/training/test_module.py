"""The Lightning module: what it trains, what it keeps, and that it learns."""

import pytest
import torch
from torch import nn

from siam_tracker_ros.networks.afsn_mobile import AFSNMobile
from siam_tracker_ros.training.module import BrokenBatch, TrackerModule
from siam_tracker_ros.training.pairs import PairDataset
from siam_tracker_ros.training.recipe import AugmentRecipe, Recipe
from siam_tracker_ros.training.views import instances_of_stills

RECIPE = Recipe.model_validate(
    {
        "model": "afsn_mobile",
        "sources": [{"path": "stills.csv", "weight": 1}],
        "steps": 100,
        "batch_size": 4,
        "backbone_rate": 1e-5,
        "started_rate": 2e-5,
        "fresh_rate": 1e-3,
        "warmup_steps": 10,
        "ema": 0.5,
        "labels": "box",
    }
)


def module_of(fresh_prefix=""):
    torch.manual_seed(0)
    network = AFSNMobile()
    fresh = frozenset(k for k in network.state_dict() if k.startswith(fresh_prefix))
    module = TrackerModule(network, RECIPE, fresh)
    module.log_dict = lambda *_, **__: None  # without a trainer there is no log
    return module


@pytest.fixture
def batch(stills_folder):
    settings = AugmentRecipe(flip=0, grey=0, colour=0, blur=0, occlude=0, negative=0, distractor=0, search_shift=40)
    dataset = PairDataset([(instances_of_stills(stills_folder / "stills.csv"), 1.0)], settings, 4, 0)
    samples = [dataset[i] for i in range(4)]
    return {k: torch.stack([torch.from_numpy(s[k]) for s in samples]) for k in samples[0]}


def test_every_parameter_is_trained_at_its_own_rate():
    module = module_of("head2.")
    groups = module.configure_optimizers()["optimizer"].param_groups
    assert sum(len(g["params"]) for g in groups) == len(list(module.network.parameters()))
    rate = {id(p): g["initial_lr"] for g in groups for p in g["params"]}
    named = dict(module.network.named_parameters())
    assert rate[id(named["backbone.features.0.0.weight"])] == 1e-5
    assert rate[id(named["head4.score.weight"])] == 2e-5
    assert rate[id(named["head2.score.weight"])] == 1e-3
    assert rate[id(named["fusion.alpha"])] == 1e-3


def test_norms_that_the_start_filled_keep_their_statistics():
    module = module_of("head2.").train()
    norms = {k: m.training for k, m in module.network.named_modules() if isinstance(m, nn.BatchNorm2d)}
    assert {k.split(".")[0] for k, training in norms.items() if training} == {"head2"}


def test_a_few_pairs_are_learnt(batch):
    module = module_of().train()
    optimizer = torch.optim.AdamW(module.network.parameters(), 2e-3)
    losses = []
    for i in range(25):
        loss = module.training_step(batch, i)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]


def test_a_loss_that_is_not_finite_stops_the_run(batch):
    module = module_of()
    with torch.no_grad():
        module.network.head4.score.bias.fill_(float("nan"))
    with pytest.raises(BrokenBatch, match="the loss is nan"):
        module.training_step(batch, 7)
