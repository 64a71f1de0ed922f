"""Pairs of a template and a search patch, each made from its number alone, so that a resumed run sees the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from siam_tracker_ros.geometry import SEARCH_SIZE, Box, Crop, search_crop, template_crop
from siam_tracker_ros.patches import crop_patch
from siam_tracker_ros.training.augment import cover, motion_blur, paste, remove_colour, vary_colour
from siam_tracker_ros.training.recipe import AugmentRecipe
from siam_tracker_ros.training.views import Instance, View


@dataclass(frozen=True)
class Pair:
    """A training sample.

    Attributes:
        template: BGR uint8 [127, 127, 3]. search: BGR uint8 [255, 255, 3].
        box: the target in the search patch, patch pixels.
        positive: whether the search patch shows the template's object.
    """

    template: NDArray[np.uint8]
    search: NDArray[np.uint8]
    box: Box
    positive: bool


class PairDataset(Dataset[dict[str, NDArray[np.generic]]]):
    """Pair number i, the same on every run with the same seed.

    Args:
        sources: lists of instances with their weight.
        settings: the variations.
        length: number of pairs.
        seed: of all random choices.
    """

    def __init__(
        self, sources: Sequence[tuple[list[Instance], float]], settings: AugmentRecipe, length: int, seed: int
    ) -> None:
        self.settings, self.length, self.seed = settings, length, seed
        weights = np.array([weight for _, weight in sources])
        self._shares = weights / weights.sum()
        # Within a source a collection counts by the square root of its size, else the largest would drown the others.
        self._collections: list[list[list[Instance]]] = []
        self._collection_shares: list[NDArray[np.float64]] = []
        for instances, _ in sources:
            groups: dict[str, list[Instance]] = {}
            for instance in instances:
                groups.setdefault(instance.collection, []).append(instance)
            sizes = np.sqrt([float(sum(min(len(i.views), 100) for i in g)) for g in groups.values()])
            self._collections.append(list(groups.values()))
            self._collection_shares.append(sizes / sizes.sum())

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, NDArray[np.generic]]:
        """template uint8 [127, 127, 3], search uint8 [255, 255, 3], box float32 [4] (x0, y0, x1, y1), positive [1]."""
        pair = self.pair(index)
        b = pair.box
        return {
            "template": pair.template,
            "search": pair.search,
            "box": np.array([b.x, b.y, b.right, b.bottom], np.float32),
            "positive": np.array([pair.positive], np.float32),
        }

    def pair(self, index: int) -> Pair:
        """Pair number ``index``."""
        rng = np.random.default_rng((self.seed, index))
        s = self.settings
        group = self._group(rng)
        instance = group[int(rng.integers(len(group)))]
        first, second = self._two_views(instance, rng)
        positive = rng.random() >= s.negative
        if not positive:
            # The object without itself: another one of the same collection half the time, which is the hard half.
            others = group if rng.random() < 0.5 and len(group) > 1 else self._group(rng)
            other = others[int(rng.integers(len(others)))]
            second = other.views[int(rng.integers(len(other.views)))]
            positive = second.path == first.path
            second = first if positive else second

        template = self._template(first, rng)
        search, box = self._search(second, rng)
        if positive and rng.random() < s.distractor:
            other = group[int(rng.integers(len(group)))]
            view = other.views[int(rng.integers(len(other.views)))]
            if other is not instance:
                search = paste(search, box, self._object(view), rng)
        if rng.random() < s.occlude:
            search = cover(search, box, rng)
        if rng.random() < s.flip:
            template, search = template[:, ::-1], search[:, ::-1]
            box = Box(SEARCH_SIZE - box.right, box.y, box.w, box.h)
        if rng.random() < s.grey:
            template, search = remove_colour(template), remove_colour(search)
        template, search = vary_colour(template, s.colour, rng), vary_colour(search, s.colour, rng)
        if rng.random() < s.blur:
            search = motion_blur(search, rng)
        return Pair(np.ascontiguousarray(template), np.ascontiguousarray(search), box, positive)

    def _group(self, rng: np.random.Generator) -> list[Instance]:
        source = int(rng.choice(len(self._shares), p=self._shares))
        shares = self._collection_shares[source]
        return self._collections[source][int(rng.choice(len(shares), p=shares))]

    @staticmethod
    def _two_views(instance: Instance, rng: np.random.Generator) -> tuple[View, View]:
        views = instance.views
        i = int(rng.integers(len(views)))
        low, high = max(i - 100, 0), min(i + 100, len(views) - 1)
        return views[i], views[int(rng.integers(low, high + 1))]

    def _template(self, view: View, rng: np.random.Generator) -> NDArray[np.uint8]:
        crop = template_crop(view.box)
        return crop_patch(
            view.read(), self._moved(crop, self.settings.template_shift, self.settings.template_scale, rng)
        )

    def _search(self, view: View, rng: np.random.Generator) -> tuple[NDArray[np.uint8], Box]:
        crop = self._moved(search_crop(view.box), self.settings.search_shift, self.settings.search_scale, rng)
        return crop_patch(view.read(), crop), crop.to_patch(view.box)

    @staticmethod
    def _moved(crop: Crop, shift: float, scale: float, rng: np.random.Generator) -> Crop:
        dx, dy = rng.uniform(-shift, shift, 2) / crop.scale
        return Crop(crop.cx + dx, crop.cy + dy, crop.side * float(np.exp(rng.uniform(-scale, scale))), crop.patch)

    @staticmethod
    def _object(view: View) -> NDArray[np.uint8]:
        image = view.read()
        box = view.box.clipped(image.shape[1], image.shape[0])
        x, y = int(box.x), int(box.y)
        return image[y : y + max(int(box.h), 1), x : x + max(int(box.w), 1)]
