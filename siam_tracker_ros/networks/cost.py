"""What a network costs: parameters, and operations for one search patch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from siam_tracker_ros.networks.response import Geometry, SiameseNetwork


def count_parameters(network: nn.Module) -> int:
    """Numbers that training sets."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_search_flop(build: Callable[[], nn.Module]) -> int:
    """Floating-point operations of one ``search`` at the network's own size, a multiplication and an addition each.

    Counted are convolutions and matrix products, on tensors without memory: nothing is computed.

    Args:
        build: makes the network.
    """
    with torch.device("meta"), torch.no_grad():
        module = build().eval()
        network = cast(SiameseNetwork, module)
        geometry: Geometry = network.geometry
        template, search = (torch.empty(1, 3, side, side) for side in (geometry.template_size, geometry.search_size))
        kernels = network.kernels(network.template(template))
        counter: Any = FlopCounterMode(display=False)
        with counter:
            network.search(kernels, search)
    return int(counter.get_total_flops())
