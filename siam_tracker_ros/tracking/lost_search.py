"""A lost target is looked for beyond the usual region: outwards from where it should be, then everywhere, in turns.

A few places a frame, so that the frame rate is kept; always the same ones in the same order. What looks like the
target there is looked at again with the template of the first frame, and is only the target once it held for several
frames: a look-alike is easily found in a whole picture.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box, Crop, search_crop
from siam_tracker_ros.tracking.camera_motion import Similarity, moved
from siam_tracker_ros.tracking.settings import TrackerSettings

ZOOMS = (1.0, 1.5, 1 / 1.5)
"""Sizes of the target that are looked for, one after the other, relative to the last one seen."""

STEP = 0.5
"""Distance of two neighbouring places, as a share of the search crop's side: the target shows whole in one of them."""

RETURN = 5
"""Every so many frames, the place where it was last in the picture: a camera that follows keeps it there."""

FARTHEST = 128
"""Rings of places around the predicted one, at most, however small the target is."""

SAME = 0.3
"""IoU from which what is seen in the next frame is the same thing."""


@functools.lru_cache(maxsize=8)
def rings(reach: int) -> NDArray[np.int64]:
    """Steps (columns, rows) from the middle to every place up to ``reach`` steps away each way, [(2 reach + 1)^2, 2].

    Ring by ring outwards; within a ring the nearest first, then by angle.
    """
    line = np.arange(-reach, reach + 1)
    steps = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    ring, distance = np.abs(steps).max(axis=1), np.square(steps).sum(axis=1)
    angle = np.arctan2(steps[:, 1], steps[:, 0])
    ordered = steps[np.lexsort((angle, distance, ring))]
    ordered.setflags(write=False)  # it is kept for the next call
    return ordered


@dataclass(frozen=True)
class Look:
    """A place to look at: ``crop`` of the next frame; ``last`` is what is expected there, a box in its pixels.

    ``verify``: with the template of the first frame alone, because something was seen there.
    """

    crop: Crop
    last: Box
    verify: bool = False


@dataclass(frozen=True)
class Sighting:
    """What was seen at a place: a box x, y, w, h in the frame's pixels, its score 0..1, and its APCE, also to usual.

    The box is None where the network's output was of no use.
    """

    box: Box | None
    score: float
    apce_ratio: float
    apce: float = 0.0


class LostSearch:
    """Where one lost target is looked for, and whether it was found.

    For every frame: ``shift`` if the camera moved, ``plan`` for the places to look at, ``take`` for what was seen.
    ``restart`` while the target is not lost.

    Args:
        search_size, template_size: of the network, patch pixels.
    """

    def __init__(self, settings: TrackerSettings, search_size: int, template_size: int) -> None:
        self.settings = settings
        self._sizes = search_size, template_size
        self.restart()

    def restart(self, box: Box | None = None) -> None:
        """Begin anew, with nothing in sight. ``box``: where in the picture the target was seen last, pixels."""
        self._last_seen = box
        self._planned = 0
        self.waited = 0
        """Frames since it last had a turn, for whoever shares the places of a frame among several targets."""
        self._next = self._pass = 0
        self._middle = Box(0.0, 0.0, 0.0, 0.0)
        self._suspect: Box | None = None
        self._held = 0

    @property
    def reason(self) -> str:
        """What it is doing, a sentence."""
        if self._suspect is not None:
            return f"something like the target held for {self._held} of {self.settings.found_after_frames} frames"
        zoom = ZOOMS[self._pass % len(ZOOMS)]
        return f"looked at {self._next} places around the predicted one, for a target {zoom:.2g} times its last size"

    def shift(self, motion: Similarity) -> None:
        """The camera moved: what is in sight moved with the picture."""
        if self._suspect is not None:
            self._suspect = moved(self._suspect, motion)

    def plan(self, predicted: Box, width: int, height: int, count: int) -> list[Look]:
        """The next ``count`` places, and no more; first of all what was in sight in the last frame.

        Args:
            predicted: where the target should be, pixels; it may lie outside the frame.
            width, height: of the frame, pixels.
        """
        looks: list[Look] = []
        if count > 0 and self._suspect is not None:
            looks.append(Look(search_crop(self._suspect, *self._sizes), self._suspect, verify=True))
        last = self._last_seen
        if len(looks) < count and last is not None and self._planned % RETURN == 0 and self._apart(last, predicted):
            looks.append(Look(search_crop(last, *self._sizes), last))
        self._planned += 1
        begun = self._pass
        while len(looks) < count and self._pass - begun <= len(ZOOMS):
            if self._next == 0:
                # A turn keeps its places in the picture: they would leave it with a box that waits on the ground.
                middle = Box.from_center(
                    min(max(predicted.cx, 0.0), float(width)),
                    min(max(predicted.cy, 0.0), float(height)),
                    predicted.w,
                    predicted.h,
                )
                self._middle = middle.scaled(ZOOMS[self._pass % len(ZOOMS)])
                # The middle itself is looked at in every frame anyway, if it is where the target should be.
                self._next = 0 if self._apart(middle, predicted) else 1
            box = self._middle
            step = STEP * search_crop(box, *self._sizes).side
            # Enough rings to reach the farthest corner.
            far = max(box.cx, width - box.cx, box.cy, height - box.cy)
            centers = rings(min(math.ceil(far / step), FARTHEST))[self._next :] * step + (box.cx, box.cy)
            # The picture's border is seen from a place up to half a step beyond it.
            inside = ((centers >= -step / 2) & (centers <= (width + step / 2, height + step / 2))).all(axis=1)
            wanted = np.flatnonzero(inside)[: count - len(looks)]
            for index in wanted:
                x, y = map(float, centers[index])
                place = Box.from_center(x, y, box.w, box.h)
                looks.append(Look(search_crop(place, *self._sizes), place))
            if len(looks) < count:
                self._next, self._pass = 0, self._pass + 1
            else:
                self._next += int(wanted[-1]) + 1
        return looks

    def _apart(self, last: Box, predicted: Box) -> bool:
        """Whether a place lies beyond the usual region's inner part, which is looked at in every frame."""
        reach = STEP * search_crop(predicted, *self._sizes).side / 2
        return max(abs(last.cx - predicted.cx), abs(last.cy - predicted.cy)) > reach

    def take(self, looks: Sequence[Look], seen: Sequence[Sighting]) -> Sighting | None:
        """What was seen at the places that :meth:`plan` gave, in their order; the target, once it is found."""
        s, best = self.settings, None
        for look, sighting in zip(looks, seen, strict=True):
            if look.verify:
                same = self._clear(sighting, s.search_confidence, s.search_apce) and _overlap(sighting, look) >= SAME
                self._held = self._held + 1 if same else 0
                self._suspect = sighting.box if same else None
                if same and self._held >= s.found_after_frames:
                    self.restart()
                    return sighting
            elif self._clear(sighting, s.confidence_uncertain, s.apce_lost):
                # Less is asked of a first sight: at the rim of a place the target answers less clearly than in its
                # middle, where it is looked at again.
                best = sighting if best is None or sighting.score > best.score else best
        if self._suspect is None and best is not None:
            self._suspect, self._held = best.box, 1
        return None

    @staticmethod
    def _clear(sighting: Sighting, score: float, apce_ratio: float) -> bool:
        return sighting.box is not None and sighting.score >= score and sighting.apce_ratio >= apce_ratio


def _overlap(sighting: Sighting, look: Look) -> float:
    return sighting.box.iou(look.last) if sighting.box is not None else 0.0
