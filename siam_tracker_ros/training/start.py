"""Where a training starts: the network, with public weights put into it, every tensor accounted for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from siam_tracker_ros.networks.afsn_mobile import AFSNMobile
from siam_tracker_ros.networks.checkpoint import CheckpointError
from siam_tracker_ros.networks.convert import map_checkpoint
from siam_tracker_ros.networks.layouts import LAYOUTS, NANOTRACK_WITH_HEAD
from siam_tracker_ros.networks.ocean import OceanOnline
from siam_tracker_ros.networks.weights import load_part
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.training.recipe import Recipe, RecipeError

# Of red, green, blue, as torchvision's weights were trained with.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def build_network(recipe: Recipe) -> nn.Module:
    """The recipe's network, untrained. Raises RecipeError where there is none such."""
    if recipe.model not in MODELS:
        raise RecipeError(f"unknown model '{recipe.model}'; use one of {', '.join(MODELS)}")
    try:
        return MODELS[recipe.model].build(recipe.shortcuts)
    except ValueError as error:
        raise RecipeError(str(error)) from error


def fill(network: nn.Module, start: Path | None, say: Callable[[str], None]) -> frozenset[str]:
    """Put the start, if there is one, into ``network``; returns the names of what begins at random.

    Ocean's online stage begins as a copy of the stage whose structure it has (section 4.2).

    Raises:
        CheckpointError, WeightsError: as :func:`start_from`.
    """
    names = network.state_dict()
    fresh = frozenset(names)
    if start is not None:
        fresh = frozenset(start_from(network, start))
        say(f"start: {len(names) - len(fresh)} tensors from {start.name}, {len(fresh)} at random")
    if isinstance(network, OceanOnline):
        network.online_stage.load_state_dict(network.backbone.layer3.state_dict())
    return fresh


def start_from(network: nn.Module, path: Path) -> list[str]:
    """Put public weights into ``network``: a starting point of ``siam-track convert``, or NanoTrack v3's own file.

    Returns:
        The names of the parameters and buffers that keep their initial values.

    Raises:
        CheckpointError, WeightsError: the file cannot be read or does not fit; nothing is loaded then.
    """
    if path.suffix == ".safetensors":
        metadata, left = load_part(network, path)
        if metadata.get("image") == LAYOUTS["resnet50"].image:
            take_raw_pictures(network)
        return left
    if not isinstance(network, AFSNMobile):
        raise CheckpointError(
            f"{path}: only afsn_mobile starts from NanoTrack's weights; "
            "others start from what `siam-track convert resnet50 CHECKPOINT OUT.safetensors` writes"
        )
    return start_from_nanotrack(network, path)


def start_from_nanotrack(network: AFSNMobile, path: Path) -> list[str]:
    """Put NanoTrack v3's backbone and head into ``network``; the rest keeps its initial values.

    Returns:
        The names of the parameters and buffers that the checkpoint does not have (levels 2 and 3, centre-ness).

    Raises:
        CheckpointError: a tensor is missing, left over or has another shape; nothing is loaded then.
    """
    own = network.state_dict()
    tensors = map_checkpoint(NANOTRACK_WITH_HEAD, path, own).tensors
    network.load_state_dict(tensors, strict=False)
    return [k for k in own if k not in tensors]


@torch.no_grad()
def take_raw_pictures(network: nn.Module) -> None:
    """Fold ImageNet's normalisation into the first layer, in place.

    Its weights were trained on RGB pictures of 0 to 1, less a mean and divided by a deviation for each channel; ours
    get BGR of 0 to 255. The unpadded stem makes the folding exact: what is subtracted is the same at every pixel.
    """
    state: dict[str, Tensor] = network.state_dict()  # its tensors are the network's own
    weight, mean = state["backbone.conv1.weight"], state["backbone.bn1.running_mean"]
    scaled = weight / torch.tensor(IMAGENET_DEVIATION)[:, None, None]
    mean += (scaled.sum((2, 3)) * torch.tensor(IMAGENET_MEAN)).sum(1)
    weight.copy_(scaled.flip(1) / 255)
