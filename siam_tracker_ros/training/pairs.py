"""Pairs of a template and a search patch, each made from its number alone, so that a resumed run sees the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset, get_worker_info

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.geometry import SEARCH_SIZE, Box
from siam_tracker_ros.training.augment import Patch, paste, remove_colour, vary
from siam_tracker_ros.training.faults import Faults
from siam_tracker_ros.training.mixture import Mixture, PairSource
from siam_tracker_ros.training.plans import Plan, Planner
from siam_tracker_ros.training.recipe_pairs import AugmentRecipe, PairRecipe
from siam_tracker_ros.training.views import Stopwatch, cut_patches, inner

__all__ = ["Pair", "PairDataset", "PairSource"]

_TRIES = 20  # draws of one pair; so many fail in a row only where a whole source is broken


@dataclass(frozen=True, eq=False)
class Pair:
    """A training sample; boxes in patch pixels, the pixel in column i reaching from i to i + 1.

    Attributes:
        template: BGR uint8 [127, 127, 3]. search: BGR uint8 [S, S, 3].
        template_box: the object in the template.
        box: the object that the search patch was cut around: the template's own where ``positive``, else another.
        positive: whether the search patch shows the template's object; if not, it shows it nowhere.
        others: further objects known to be in the search patch: look-alikes of its picture, and pasted ones.
        kind: what pair this is, in words. source, name: the set and the object in the template.
    """

    template: Patch
    search: Patch
    template_box: Box
    box: Box
    positive: bool
    others: tuple[Box, ...] = ()
    kind: str = ""
    source: str = ""
    name: str = ""

    def mirrored(self) -> Pair:
        """Both patches with left and right exchanged, and every box with its patch."""
        return replace(
            self,
            template=cv2.flip(self.template, 1),  # type: ignore[arg-type]
            search=cv2.flip(self.search, 1),  # type: ignore[arg-type]
            template_box=_mirrored(self.template_box, self.template),
            box=_mirrored(self.box, self.search),
            others=tuple(_mirrored(other, self.search) for other in self.others),
        )

    def grey(self) -> Pair:
        """Both patches without colour."""
        return replace(self, template=remove_colour(self.template), search=remove_colour(self.search))


class PairDataset(Dataset[dict[str, NDArray[np.generic]]]):
    """Pair number i, the same on every run with the same sources, settings and seed, in whatever process.

    Args:
        sources: what the pairs are drawn from.
        pairs, augment: the recipe's sections.
        length: number of pairs.
        seed: of all random choices, 0 or more.
        search_size: side of the search patch, pixels.

    Attributes:
        faults: what could not be read so far in this process, one a source.
    """

    def __init__(
        self,
        sources: Sequence[PairSource],
        pairs: PairRecipe,
        augment: AugmentRecipe,
        length: int,
        seed: int,
        search_size: int = SEARCH_SIZE,
    ) -> None:
        self.sources = tuple(sources)
        self.augment, self.length, self.seed = augment, length, seed
        self._mixture = Mixture(sources)
        self._planner = Planner(self._mixture, pairs, augment, search_size)
        self.faults = [Faults(source.tracks.name) for source in sources]

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Pair ``index`` as a batch has it.

        Returns:
            template uint8 [127, 127, 3], search uint8 [S, S, 3], box and template_box float32 [4] (x0, y0, x1, y1 in
            patch pixels), positive float32 [1], index int64 [].
        """
        if get_worker_info() is not None:
            cv2.setNumThreads(1)  # the workers are the threads
        pair = self.pair(index)
        return {
            "template": pair.template,
            "search": pair.search,
            "box": _corners(pair.box),
            "positive": np.array([pair.positive], np.float32),
            "template_box": _corners(pair.template_box),
            "index": np.array(index, np.int64),
        }

    def pair(self, index: int) -> Pair:
        """Pair number ``index``; raises as :meth:`timed_pair`."""
        return self.timed_pair(index)[0]

    def timed_pair(self, index: int) -> tuple[Pair, dict[str, float]]:
        """Pair number ``index``, and the seconds that went to draw (choices, annotations), decode, crop and augment.

        Raises:
            DatasetError: a source of which too much cannot be read.
        """
        place = self._mixture.draw(np.random.default_rng((self.seed, index, 0)))
        watch, faults = Stopwatch(), self.faults[place]
        for attempt in range(1, _TRIES + 1):
            rng = np.random.default_rng((self.seed, index, attempt))
            faults.draws += 1
            try:
                with watch.part("draw"):
                    plan = self._planner.plan(self._mixture.pools[place], rng)
                return self._made(plan, rng, watch), watch.seconds
            except DatasetError as error:
                faults.add(error)
                last = error
        raise DatasetError(f"{faults.name}: pair {index} failed {_TRIES} times in a row, the last: {last}") from last

    def _made(self, plan: Plan, rng: np.random.Generator, watch: Stopwatch) -> Pair:
        wanted = [(plan.template, plan.template_crop), (plan.search, plan.search_crop)]
        template, search, *pasted = cut_patches([*wanted, plan.pasted] if plan.pasted else wanted, watch)
        template_box, box = (crop.to_patch(view.box) for view, crop in wanted)
        others = [plan.search_crop.to_patch(plan.look_alike)] if plan.look_alike else []
        with watch.part("augment"):
            if plan.pasted:
                search, where = paste(search, box, inner(pasted[0], *plan.pasted), rng)
                others += [where] if where else []
            template = vary(template, template_box, self.augment.template, rng)
            search = vary(search, box, self.augment.search, rng)
            view, positive = plan.template, plan.positive
            made = Pair(template, search, template_box, box, positive, tuple(others), plan.kind, view.source, view.name)
            flip, grey = rng.random(2)
            made = made.mirrored() if flip < self.augment.flip else made
            return made.grey() if grey < self.augment.grey else made


def _mirrored(box: Box, patch: Patch) -> Box:
    """A patch of P columns reaches from 0 to P (geometry.py), so its mirror puts x at P - x."""
    return Box(patch.shape[1] - box.right, box.y, box.w, box.h)


def _corners(box: Box) -> NDArray[np.float32]:
    return np.array([box.x, box.y, box.right, box.bottom], np.float32)
