"""A pair's plan: which views, cut where. Decided from boxes alone, before any picture is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.geometry import TEMPLATE_SIZE, Box, Crop, search_crop, template_crop
from siam_tracker_ros.training.mixture import Groups, Mixture, Pool
from siam_tracker_ros.training.recipe_pairs import AugmentRecipe, PairRecipe, PatchRecipe
from siam_tracker_ros.training.views import View, any_view, two_views, views_at

_TRIES = 8  # draws of a second object before a pair is made without one
_MARGIN = 16.0  # patch pixels that a look-alike's centre keeps from the patch's border
_LEAST_SIDE = 8.0  # patch pixels; what is smaller is nobody's look-alike


@dataclass(frozen=True)
class Plan:
    """What a pair shows.

    Attributes:
        template, search: the two views. template_crop, search_crop: the squares cut out of their pictures.
        positive: whether both views show the same object.
        kind: in words, for people.
        look_alike: a second object of the search view's picture, pixels of the image.
        pasted: an object to be pasted into the search patch, and the square that it is cut from.
    """

    template: View
    template_crop: Crop
    search: View
    search_crop: Crop
    positive: bool
    kind: str
    look_alike: Box | None = None
    pasted: tuple[View, Crop] | None = None


class Planner:
    """Makes plans.

    Args:
        mixture: the sources.
        pairs, augment: the recipe's sections.
        search_size: side of the search patch, pixels.
    """

    def __init__(self, mixture: Mixture, pairs: PairRecipe, augment: AugmentRecipe, search_size: int) -> None:
        self.mixture, self.pairs, self.augment, self.search_size = mixture, pairs, augment, search_size

    def plan(self, pool: Pool, rng: np.random.Generator) -> Plan:
        """A plan with an object of ``pool``.

        Raises:
            DatasetError: the annotation of an object that was drawn cannot be read.
        """
        negative, look_alike, distractor = rng.random(3)
        plan = None
        if negative < self.pairs.negative:
            plan = self._negative(pool, rng)
        elif look_alike < self.pairs.look_alike and len(pool.crowded):
            plan = self._beside_look_alike(pool, rng)
        return plan or self._plain(pool, distractor < self.pairs.distractor, rng)

    def _plain(self, pool: Pool, distractor: bool, rng: np.random.Generator) -> Plan:
        number = pool.objects.draw(rng)
        template, search = self._two_views(pool, number, rng)
        crop = self._search_crop(search.box, rng)
        pasted = self._object(pool, number, crop.to_patch(search.box), rng) if distractor else None
        return self._made(template, search, crop, rng, pasted=pasted)

    def _beside_look_alike(self, pool: Pool, rng: np.random.Generator) -> Plan | None:
        """The search patch moved so that another object of the same picture and category lies in it."""
        number = pool.crowded.draw(rng)
        template, search = self._two_views(pool, number, rng)
        crop = self._scaled(search_crop(search.box, self.search_size), self.augment.search, rng)
        for mate in rng.permutation(pool.mates.others(number))[:_TRIES]:
            seen = views_at(pool.source.tracks, int(mate), search.frame)
            other = next((view.box for view in seen if view.path == search.path), None)
            if other is None or other.iou(search.box) > 0.3 or min(other.w, other.h) * crop.scale < _LEAST_SIDE:
                continue
            shift, reach = self.augment.search.shift, crop.patch / 2 - _MARGIN
            away = np.array([other.cx - search.box.cx, other.cy - search.box.cy]) * crop.scale
            # The target may be this far from the patch's middle, and so may the other one, which is `away` from it.
            low, high = np.maximum(-shift, -reach - away), np.minimum(shift, reach - away)
            if (low <= high).all():
                return self._made(template, search, _shifted(crop, rng.uniform(low, high)), rng, look_alike=other)
        return None

    def _negative(self, pool: Pool, rng: np.random.Generator) -> Plan | None:
        """The object in the template, another one in the search patch, and the first nowhere in it."""
        number = pool.objects.draw(rng)
        template = any_view(pool.source.tracks, number, rng)
        hard = rng.random() < self.pairs.hard_negative
        like: list[tuple[Groups, str]] = [(pool.scenes, "an object of the scene"), (pool.categories, "one of its kind")]
        ways: list[tuple[Groups | None, str]] = [like[i] for i in rng.permutation(2)] if hard else []
        for group, kind in [*ways, (None, "any object")]:
            for _ in range(_TRIES):
                place, other = (pool, group.draw_other(number, rng)) if group else self._stranger(pool, number, rng)
                if other is None:
                    break
                search = any_view(place.source.tracks, other, rng)
                crop = self._search_crop(search.box, rng)
                if place is pool and self._may_show(pool, number, other, search.frame, crop):
                    continue
                return self._made(template, search, crop, rng, positive=False, kind=kind)
        return None

    @staticmethod
    def _may_show(pool: Pool, number: int, other: int, frame: int, crop: Crop) -> bool:
        """Whether object ``number`` is in a patch that was cut around ``other``, out of a picture of that one's scene.

        Frames are compared, not files, since a layout may keep a copy of the picture for each object. Where an object
        has no box in a frame it is not seen there.
        """
        scenes = pool.source.tracks.scenes
        if other == number or scenes[other] != scenes[number]:
            return other == number
        boxes = (crop.to_patch(view.box) for view in views_at(pool.source.tracks, number, frame))
        return any(box.clipped(crop.patch, crop.patch).area > 0 for box in boxes)

    def _stranger(self, pool: Pool, number: int, rng: np.random.Generator) -> tuple[Pool, int | None]:
        """Any object of any source but this one.

        Videos of no known category may well show each other's targets, as those of one table or one flock do; another
        source is taken for them, if there is one.
        """
        for _ in range(_TRIES):
            place = self.mixture.pools[self.mixture.draw(rng)]
            other = place.objects.draw(rng)
            apart = place is not pool or pool.source.tracks.categories[number] >= 0 or len(self.mixture.pools) == 1
            if apart and not (place is pool and other == number):
                return place, other
        return pool, None

    def _two_views(self, pool: Pool, number: int, rng: np.random.Generator) -> tuple[View, View]:
        return two_views(pool.source.tracks, number, pool.source.frame_gap, self.pairs.far, rng)

    def _object(self, pool: Pool, number: int, box: Box, rng: np.random.Generator) -> tuple[View, Crop] | None:
        """Another object, of its kind if it can be, about as large in the patch as the target (give or take 30 %)."""
        place, other = pool, pool.categories.draw_other(number, rng)
        if other is None:
            place, other = self._stranger(pool, number, rng)
        if other is None:
            return None
        view = any_view(place.source.tracks, other, rng)
        scale = np.sqrt(box.area / view.box.area) * rng.uniform(0.7, 1.3)
        small, large = (round(side * scale) for side in sorted((view.box.w, view.box.h)))
        if small < _LEAST_SIDE or large >= self.search_size:
            return None
        return view, Crop(view.box.cx, view.box.cy, max(view.box.w, view.box.h), large)

    def _search_crop(self, box: Box, rng: np.random.Generator) -> Crop:
        return self._moved(search_crop(box, self.search_size), self.augment.search, rng)

    def _moved(self, crop: Crop, settings: PatchRecipe, rng: np.random.Generator) -> Crop:
        return _shifted(self._scaled(crop, settings, rng), rng.uniform(-settings.shift, settings.shift, 2))

    @staticmethod
    def _scaled(crop: Crop, settings: PatchRecipe, rng: np.random.Generator) -> Crop:
        side = crop.side * float(np.exp(rng.uniform(-settings.scale, settings.scale)))
        return Crop(crop.cx, crop.cy, side, crop.patch)

    def _made(
        self,
        template: View,
        search: View,
        crop: Crop,
        rng: np.random.Generator,
        *,
        positive: bool = True,
        kind: str = "",
        look_alike: Box | None = None,
        pasted: tuple[View, Crop] | None = None,
    ) -> Plan:
        start = self._moved(template_crop(template.box, TEMPLATE_SIZE), self.augment.template, rng)
        if not kind:
            apart = abs(search.frame - template.frame)
            kind = f"{apart} frames apart" if apart else "one picture"
            kind += ", look-alike" if look_alike else ", pasted object" if pasted else ""
        return Plan(template, start, search, crop, positive, kind, look_alike, pasted)


def _shifted(crop: Crop, offset: NDArray[np.float64]) -> Crop:
    """The crop in which what was in the middle is ``offset`` patch pixels right of it and below."""
    dx, dy = offset / crop.scale
    return Crop(crop.cx - float(dx), crop.cy - float(dy), crop.side, crop.patch)
