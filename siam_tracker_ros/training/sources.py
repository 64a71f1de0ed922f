"""A recipe's data sets, read and told about, as pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

from torch import nn

from siam_tracker_ros.datasets.track_layouts import read_tracks
from siam_tracker_ros.networks.response import Geometry
from siam_tracker_ros.training.pairs import PairDataset, PairSource
from siam_tracker_ros.training.recipe import Recipe

Say = Callable[[str], None]


def read_sources(recipe: Recipe, data: Path, cache: Path, say: Say) -> list[PairSource]:
    """The recipe's data sets below ``data``, in its order.

    Args:
        cache: folder for what a reader stores.
        say: gets what each data set holds and what is left out, and why.

    Raises:
        DatasetError: a data set is missing or broken, or leaves nothing to train on.
    """
    sources = []
    for source in recipe.sources:
        tracks = read_tracks(
            data / source.path,
            source.layout,
            split=source.split,
            least_side=source.least_side,
            leave_out=source.leave_out,
            cache=cache,
            say=say,
        )
        say(tracks.survey.text())
        sources.append(PairSource(tracks, source.weight, recipe.pairs.gap_of(source.layout)))
    return sources


def make_pairs(recipe: Recipe, sources: list[PairSource], network: nn.Module) -> PairDataset:
    """All pairs of a run; the network's geometry says how large a search patch is."""
    pairs = recipe.schedule.steps * recipe.schedule.batch
    size = cast(Geometry, network.geometry).search_size
    return PairDataset(sources, recipe.pairs, recipe.augment, pairs, recipe.seed, search_size=size)
