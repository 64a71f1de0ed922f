"""Which object comes next: sources by their weights, collections by the square root of their sizes, look-alikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.tracks import TrackSet

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class PairSource:
    """A data set to draw from.

    Attributes:
        tracks: its objects.
        weight: its share of the pairs, relative to the other sources.
        frame_gap: largest distance of a pair's two views in a video, frames.
    """

    tracks: TrackSet
    weight: float = 1.0
    frame_gap: int = 100


class Groups:
    """Numbers 0 to n - 1 in groups of equal keys.

    Args:
        keys: [n], any whole numbers.
    """

    def __init__(self, keys: NDArray[np.int64]) -> None:
        self._order: Indices = np.argsort(keys, kind="stable")
        _, self._group, self.sizes = np.unique(keys, return_inverse=True, return_counts=True)
        self._starts = np.concatenate(([0], np.cumsum(self.sizes)))

    def members(self, group: int) -> Indices:
        """The numbers in a group, rising."""
        return self._order[self._starts[group] : self._starts[group + 1]]

    def others(self, number: int) -> Indices:
        """The other numbers of the group that has ``number``."""
        members = self.members(int(self._group[number]))
        return members[members != number]

    def draw_other(self, number: int, rng: np.random.Generator) -> int | None:
        """Another one of the group that has ``number``; None if there is none."""
        members = self.members(int(self._group[number]))
        if len(members) < 2:
            return None
        place = int(rng.integers(len(members) - 1))
        return int(members[place + (place >= int(np.searchsorted(members, number)))])

    def crowd(self) -> Indices:
        """The numbers that are not alone in their group."""
        return np.flatnonzero(self.sizes[self._group] > 1)


class Balanced:
    """Draws numbers so that a group counts by the square root of its size: else the largest would drown the others.

    Args:
        numbers: what is drawn. keys: the group of each.
    """

    def __init__(self, numbers: Indices, keys: NDArray[np.int64]) -> None:
        self._numbers, self._groups = numbers, Groups(keys)
        self._bounds = np.cumsum(np.sqrt(self._groups.sizes))

    def __len__(self) -> int:
        return len(self._numbers)

    def draw(self, rng: np.random.Generator) -> int:
        """One of the numbers."""
        group = int(np.searchsorted(self._bounds, rng.random() * self._bounds[-1], side="right"))
        members = self._groups.members(min(group, len(self._bounds) - 1))
        return int(self._numbers[members[rng.integers(len(members))]])


class Pool:
    """The objects of one source. A collection is a category; objects of no known category form one per scene.

    Attributes:
        source: the source.
        objects: draws any object. crowded: draws objects that have a look-alike in their own scene; may be empty.
        scenes, categories, mates: the objects in groups of one scene, one collection, both.
    """

    def __init__(self, source: PairSource) -> None:
        tracks = source.tracks
        if not len(tracks):
            raise DatasetError(f"{tracks.name}: no usable object to make pairs of; see what was left out above")
        scenes, categories = (np.asarray(v, np.int64) for v in (tracks.scenes, tracks.categories))
        most = int(categories.max()) + 1
        collections = np.where(categories >= 0, categories, most + scenes)
        self.source = source
        self.scenes, self.categories = Groups(scenes), Groups(collections)
        self.mates = Groups(scenes * (most + 1) + categories + 1)
        self.objects = Balanced(np.arange(len(tracks)), collections)
        crowd = self.mates.crowd()
        self.crowded = Balanced(crowd, collections[crowd])


class Mixture:
    """Draws the source of a pair by the sources' weights."""

    def __init__(self, sources: Sequence[PairSource]) -> None:
        if not sources:
            raise DatasetError("no source to make pairs of; name at least one in the recipe")
        self.pools = [Pool(source) for source in sources]
        self._bounds = np.cumsum([source.weight for source in sources])

    def draw(self, rng: np.random.Generator) -> int:
        """The place of one of the pools."""
        place = int(np.searchsorted(self._bounds, rng.random() * self._bounds[-1], side="right"))
        return min(place, len(self.pools) - 1)
