"""Which parameters are trained, when, and at which rate."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from siam_tracker_ros.training.criterion import UNTRAINED
from siam_tracker_ros.training.recipe import RecipeError
from siam_tracker_ros.training.recipe_schedule import ScheduleRecipe

BACKBONE = "backbone."
# The weights that sum the levels up are trained as if they were new: their start is a plain number.
FUSION = "fusion."


def backbone_parameters(network: nn.Module, schedule: ScheduleRecipe) -> list[nn.Parameter]:
    """The backbone's parameters that are trained at some time.

    Raises:
        RecipeError: ``backbone_layers`` names what the backbone does not have.
    """
    named = [(n[len(BACKBONE) :], p) for n, p in network.named_parameters() if n.startswith(BACKBONE)]
    layers = schedule.backbone_layers
    for layer in layers:
        if not any(name.startswith(f"{layer}.") for name, _ in named):
            raise RecipeError(f"schedule.backbone_layers: the backbone has no {layer}")
    return [p for name, p in named if not layers or name.startswith(tuple(f"{layer}." for layer in layers))]


def freeze_for_good(network: nn.Module, schedule: ScheduleRecipe) -> None:
    """Mark the parameters that are never trained, in place. Raises RecipeError as above."""
    trained = {id(p) for p in backbone_parameters(network, schedule)}
    for name, parameter in network.named_parameters():
        if name.startswith(UNTRAINED) or (name.startswith(BACKBONE) and id(parameter) not in trained):
            parameter.requires_grad_(False)


def make_optimizer(network: nn.Module, schedule: ScheduleRecipe, fresh: frozenset[str]) -> torch.optim.Optimizer:
    """The recipe's optimiser over all parameters that are ever trained, in up to three groups.

    Args:
        fresh: names of the parameters that begin at random; all others were filled by the start.
    """
    factors = {"fresh": 1.0, "started": schedule.started_factor, "backbone": schedule.backbone_factor}
    groups: dict[str, list[nn.Parameter]] = {name: [] for name in factors}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith(BACKBONE):
            groups["backbone"].append(parameter)
        else:
            groups["fresh" if name in fresh or name.startswith(FUSION) else "started"].append(parameter)
    settings: list[dict[str, Any]] = [
        {"params": parameters, "lr": schedule.rate * factors[name], "name": name}
        for name, parameters in groups.items()
        if parameters
    ]
    if schedule.optimizer == "adamw":
        return torch.optim.AdamW(settings, weight_decay=schedule.weight_decay)
    return torch.optim.SGD(settings, momentum=schedule.momentum, weight_decay=schedule.weight_decay)
