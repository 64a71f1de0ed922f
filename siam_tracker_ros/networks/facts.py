"""What can be told of a model without weights and without computing anything: its sizes and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch

from siam_tracker_ros.networks.backbones import Shortcuts
from siam_tracker_ros.networks.cost import count_parameters, count_search_flop
from siam_tracker_ros.networks.response import Geometry, SiameseNetwork
from siam_tracker_ros.networks.zoo import ModelEntry


@dataclass(frozen=True)
class Variant:
    """A model as it can be built.

    Attributes:
        shortcuts: the kind of its backbone's shortcuts, None where there is no choice.
        parameters: numbers that training sets.
        search_flop: operations of one search at the network's own size, see ``count_search_flop``.
        geometry: its sizes.
    """

    shortcuts: Shortcuts | None
    parameters: int
    search_flop: int
    geometry: Geometry


def variants(entry: ModelEntry) -> tuple[Variant, ...]:
    """The ways in which a model can be built, the usual one first; built without memory, in a fraction of a second."""
    return tuple(_variant(entry, kind) for kind in entry.shortcuts or (None,))


def _variant(entry: ModelEntry, kind: Shortcuts | None) -> Variant:
    with torch.device("meta"):
        network = entry.build(kind)
    flop = count_search_flop(lambda: network)
    return Variant(kind, count_parameters(network), flop, cast(SiameseNetwork, network).geometry)
