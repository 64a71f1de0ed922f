"""Views: pictures of one object each, out of stills and out of videos, that pairs are drawn from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.sequences import Sequence, load_sequences
from siam_tracker_ros.datasets.stills import load_stills
from siam_tracker_ros.geometry import Box, Crop, search_crop
from siam_tracker_ros.patches import crop_patch

Say = Callable[[str], None]


@dataclass(frozen=True)
class View:
    """One picture of an object: the image file and the object's box in it, pixels."""

    path: Path
    box: Box

    def read(self) -> NDArray[np.uint8]:
        """The image, BGR uint8 [H, W, 3]; DatasetError if it cannot be decoded."""
        image = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if image is None:
            raise DatasetError(f"{self.path}: cannot be read as an image; restore the file")
        return image  # type: ignore[return-value]


@dataclass(frozen=True)
class Instance:
    """One object: its views in order of time, and the collection it comes from."""

    collection: str
    views: tuple[View, ...]


def instances_of_stills(csv_path: Path, least_side: float = 8.0) -> list[Instance]:
    """Each box of the csv is an instance; boxes with the same track are views of one."""
    tracks: dict[str, list[tuple[int, View]]] = {}
    instances: list[Instance] = []
    for image in load_stills(csv_path):
        for values, track in zip(image.boxes, image.tracks, strict=True):
            box = Box(*(float(v) for v in values))
            if min(box.w, box.h) < least_side:
                continue
            view = View(image.path, box)
            if track is None:
                instances.append(Instance(image.set, (view,)))
            else:
                tracks.setdefault(f"{image.set}/{track}", []).append((image.frame or 0, view))
    for name, views in tracks.items():
        ordered = tuple(view for _, view in sorted(views, key=lambda item: item[0]))
        instances.append(Instance(name.split("/")[0], ordered))
    return instances


def instances_of_sequences(folder: Path, cache: Path, say: Say = print) -> list[Instance]:
    """Each video is an instance. Videos cannot be read at random, so the surroundings of the target in each frame are
    stored once as JPEG below ``cache``; a video that is stored already is not decoded again."""
    instances = []
    for sequence in load_sequences(folder):
        target = cache / sequence.name
        index = target / "views.json"
        if not index.is_file():
            say(f"storing the views of {sequence.name} ({len(sequence)} frames)")
            _store(sequence, target, index)
        rows = json.loads(index.read_text(encoding="utf-8"))
        instances.append(
            Instance(f"video/{sequence.name}", tuple(View(target / name, Box(*box)) for name, box in rows))
        )
    return instances


def _store(sequence: Sequence, target: Path, index: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    rows = []
    for i, (frame, values) in enumerate(zip(sequence.frames(), sequence.boxes, strict=True)):
        if not np.isfinite(values).all():
            continue
        box = Box(*(float(v) for v in values))
        if min(box.w, box.h) < 6:
            continue
        near = search_crop(box)
        crop = Crop(near.cx, near.cy, near.side * 1.8, round(near.patch * 1.8))
        name = f"{i:06d}.jpg"
        cv2.imwrite(str(target / name), crop_patch(frame, crop), [cv2.IMWRITE_JPEG_QUALITY, 92])
        rows.append((name, crop.to_patch(box).as_tuple()))
    part = index.with_suffix(".part")
    part.write_text(json.dumps(rows), encoding="utf-8")
    part.replace(index)
