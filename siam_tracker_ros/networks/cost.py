"""What a network costs: parameters, and operations for one search patch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from siam_tracker_ros.networks.response import Geometry, SiameseNetwork


def count_parameters(network: nn.Module) -> int:
    """Numbers that training sets."""
    return sum(parameter.numel() for parameter in network.parameters())


@dataclass(frozen=True)
class SearchCost:
    """What one search takes.

    Attributes:
        flop: floating-point operations of convolutions and matrix products, a multiplication and an addition each.
        moved: bytes that its operations read and write when each is run by itself.
        least: bytes that have to be moved in any case: the network's numbers, kernels and patch read, the maps written.
    """

    flop: int
    moved: int
    least: int


def count_search_flop(build: Callable[[], nn.Module]) -> int:
    """:attr:`SearchCost.flop` of the network that ``build`` makes, at its own size."""
    return count_search(build).flop


def count_search(
    build: Callable[[], nn.Module], search_size: int = 0, dtype: torch.dtype = torch.float32
) -> SearchCost:
    """The cost of one ``search``, on tensors without memory: nothing is computed.

    Args:
        build: makes the network.
        search_size: side of the patch, pixels; 0: the network's own.
        dtype: number format of parameters and features.
    """
    with torch.device("meta"), torch.no_grad():
        module = build().eval().to("meta", dtype)
        network = cast(SiameseNetwork, module)
        geometry: Geometry = network.geometry
        sides = (geometry.template_size, search_size or geometry.search_size)
        template, search = (torch.empty(1, 3, side, side, dtype=dtype) for side in sides)
        kernels = network.kernels(network.template(template))
        flops: Any = FlopCounterMode(display=False)
        moved = _BytesMoved()
        with flops, moved:
            response = network.search(kernels, search)
    given = [*module.parameters(), *module.buffers(), *kernels, search]
    made = tree_leaves((response.scores, response.distances, response.centerness, response.levels))
    least = sum(each.numel() * each.element_size() for each in (*given, *made) if isinstance(each, Tensor))
    return SearchCost(int(flops.get_total_flops()), moved.bytes, least)


class _BytesMoved(TorchDispatchMode):
    """Adds up what operations read and write; a view of a tensor moves nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        read = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        written = [each for each in tree_leaves(out) if isinstance(each, Tensor)]
        stores = {each.untyped_storage()._cdata for each in read}
        inplace = func._schema.is_mutable
        if inplace or not all(each.untyped_storage()._cdata in stores for each in written):
            self.bytes += sum(each.numel() * each.element_size() for each in (*read, *written))
        return out
