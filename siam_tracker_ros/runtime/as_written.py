"""A network run by PyTorch as its code is written: what the other runtimes' gain is measured against."""

from __future__ import annotations

import copy

import torch
from torch import nn

from siam_tracker_ros.runtime.eager import EagerRuntime


class AsWrittenRuntime(EagerRuntime):
    """No batch normalisation folded, no convolutions joined, and PyTorch's usual memory layout (N, C, H, W)."""

    name = "as_written"

    def placed(self, network: nn.Module) -> nn.Module:
        """A copy of the network on the device."""
        own = copy.deepcopy(network).eval().to(device=self.device, dtype=self.dtype)
        return own.to(memory_format=torch.contiguous_format)
