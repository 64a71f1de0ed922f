"""Views: an object's place in a picture, and the patches cut out of the pictures of one pair."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.tracks import ObjectTrack, TrackSet
from siam_tracker_ros.geometry import Box, Crop
from siam_tracker_ros.patches import crop_patch

Patch = NDArray[np.uint8]

_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_JPEG = {".jpg", ".jpeg"}  # other formats decode whole and shrink then, which gains nothing


class BrokenView(DatasetError):
    """A picture that cannot be decoded, or that does not have the object's box; ``view`` is the one."""

    def __init__(self, view: View, message: str) -> None:
        super().__init__(message)
        self.view = view


@dataclass(frozen=True)
class View:
    """One object in one picture.

    Attributes:
        path: the image file.
        box: the object, pixels of the image.
        source: name of the set that it comes from. name: the object's name there.
        frame: the picture's number in its video, 0 for stills.
    """

    path: Path
    box: Box
    source: str = ""
    name: str = ""
    frame: int = 0


def views_at(tracks: TrackSet, number: int, frame: int) -> list[View]:
    """An object's views in one frame of its scene."""
    track = tracks[number]
    return [_view(tracks, track, row) for row in np.flatnonzero(track.frames == frame).tolist()]


def any_view(tracks: TrackSet, number: int, rng: np.random.Generator) -> View:
    """One of an object's views."""
    track = tracks[number]
    return _view(tracks, track, int(rng.integers(len(track))))


def two_views(tracks: TrackSet, number: int, gap: int, far: float, rng: np.random.Generator) -> tuple[View, View]:
    """Two views of an object, at most ``gap`` frames apart; at a chance of ``far`` at least half that, if any is."""
    track = tracks[number]
    first = int(rng.integers(len(track)))
    distance = np.abs(track.frames - track.frames[first])
    near = distance <= gap
    if rng.random() < far and (apart := near & (2 * distance >= gap)).any():
        near = apart
    rows = np.flatnonzero(near)
    return _view(tracks, track, first), _view(tracks, track, int(rows[rng.integers(len(rows))]))


def _view(tracks: TrackSet, track: ObjectTrack, row: int) -> View:
    box = Box(*(float(value) for value in track.boxes[row]))
    return View(track.images[row], box, tracks.name, track.name, int(track.frames[row]))


class Stopwatch:
    """Seconds by the name of the part they went to."""

    def __init__(self) -> None:
        self.seconds = {"draw": 0.0, "decode": 0.0, "crop": 0.0, "augment": 0.0}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Adds the time inside the ``with`` block to ``name``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start


def reduction(crop: Crop) -> int:
    """By how much (1, 2, 4, 8) a picture may shrink before the crop loses detail: a patch pixel keeps one of its."""
    return max(factor for factor in _REDUCED if factor == 1 or crop.side >= factor * crop.patch)


def cut_patches(wanted: Sequence[tuple[View, Crop]], watch: Stopwatch | None = None) -> list[Patch]:
    """The patch of each crop, uint8 BGR [P, P, 3].

    A picture that several crops share is decoded once, and a JPEG at a reduced size (by its own cosine transform)
    where the crops allow that.

    Raises:
        BrokenView: a picture that cannot be decoded or is too small to have the view's box.
    """
    watch = watch or Stopwatch()
    reductions: dict[Path, int] = {}
    for view, crop in wanted:
        factor = reduction(crop) if view.path.suffix.lower() in _JPEG else 1
        reductions[view.path] = min(factor, reductions.get(view.path, factor))
    images: dict[Path, Patch] = {}
    patches = []
    for view, crop in wanted:
        factor = reductions[view.path]
        if view.path not in images:
            with watch.part("decode"):
                images[view.path] = _read(view, factor)
        image = images[view.path]
        inside = view.box.clipped(image.shape[1] * factor, image.shape[0] * factor)
        if inside.area <= 0:
            raise BrokenView(view, f"{view.path}: {view.name} of {view.source} lies outside the picture")
        with watch.part("crop"):
            # Coordinates are continuous, so a picture of half the size has them halved, without any offset.
            near = Crop(crop.cx / factor, crop.cy / factor, crop.side / factor, crop.patch)
            patches.append(crop_patch(image, near, border=_border(image, near)))
    return patches


def inner(patch: Patch, view: View, crop: Crop) -> Patch:
    """The part of a patch that the view's object fills, at least one pixel [h, w, 3]."""
    box = crop.to_patch(view.box).clipped(patch.shape[1], patch.shape[0])
    x, y = (min(int(v), crop.patch - 1) for v in (box.x, box.y))
    return patch[y : y + max(round(box.h), 1), x : x + max(round(box.w), 1)]


def _read(view: View, factor: int) -> Patch:
    image = cv2.imread(str(view.path), _REDUCED[factor])
    if image is None:
        raise BrokenView(view, f"{view.path}: cannot be read as an image; restore the file ({view.source})")
    return image  # type: ignore[return-value]


def _border(image: Patch, crop: Crop) -> tuple[float, ...] | None:
    """A colour where the crop needs none, which spares the mean of the whole picture; None where it needs that."""
    half = crop.side / 2 + 2
    height, width = image.shape[:2]
    inside = half <= crop.cx <= width - half and half <= crop.cy <= height - half
    return (0.0, 0.0, 0.0) if inside else None
