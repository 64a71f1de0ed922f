"""The weights that ship: the running mean of the trained ones, with a share of the start."""

from __future__ import annotations

import copy
from pathlib import Path

from torch import Tensor, nn

from siam_tracker_ros.networks.weights import save_weights
from siam_tracker_ros.training.module import TrackerModule


def blend(network: nn.Module, start: dict[str, Tensor], keep: float) -> None:
    """Move the weights that a start filled back towards it, in place: ``(1 - keep) trained + keep start``.

    Between the two, the network keeps the start's robustness on what the training data does not show, and most of
    what the training taught (WiSE-FT, Wortsman et al. 2022, section 3). Layers that began at random stay as trained.
    """
    own = network.state_dict()
    for name, tensor in start.items():
        if tensor.is_floating_point():
            own[name].lerp_(tensor.to(own[name].device), keep)  # the dictionary's tensors are the network's own


class Shipping:
    """Makes the network that would ship now, and saves it.

    Args:
        module: that is trained; not yet at its first step, since its network is remembered as the start.
        keep_start: share of the start.
        metadata: of every file that is saved.
    """

    def __init__(self, module: TrackerModule, keep_start: float, metadata: dict[str, str]) -> None:
        self.module, self.keep_start, self.metadata = module, keep_start, metadata
        own, fresh = module.network.state_dict(), module.fresh
        # The fusion's weights begin as plain numbers of ours, of which the same share is kept.
        started = [n for n in own if n not in fresh or n.startswith("fusion.")] if len(fresh) < len(own) else []
        self._start = {name: own[name].clone() for name in started} if keep_start else {}

    def network(self) -> nn.Module:
        """A copy: the running mean, blended with the start, on the module's device, in evaluation mode."""
        network = copy.deepcopy(self.module.averaged.module).eval()
        blend(network, self._start, self.keep_start)
        return network

    def save(self, network: nn.Module, path: Path, **more: str) -> Path:
        """Write weights that name their model, recipe and start, and ``more``; returns ``path``."""
        save_weights(network, path, {**self.metadata, **more})
        return path
