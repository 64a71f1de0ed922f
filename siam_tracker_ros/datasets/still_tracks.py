"""Photographs with boxes (stills.py) as objects to train on: each box one, boxes with the same track one together.

The csv names no class; its column `set`, the collection that a picture came from, stands for it: look-alikes of one
picture are of one collection, and so are those of pictures of the same things (a collection of cars from above).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.stills import LabelledImage, survey_stills
from siam_tracker_ros.datasets.track_list import TrackList
from siam_tracker_ros.datasets.tracks import ObjectTrack, Survey

__all__ = ["read"]


def read(csv_path: Path, least_side: float) -> TrackList:
    """The objects in `csv_path`, without boxes that have a side under `least_side` pixels.

    The scene of an object is its picture; pictures that a track joins are one scene, named by one of them.
    Raises DatasetError when the csv cannot be read or leaves nothing.
    """
    stills = survey_stills(csv_path)
    survey = Survey(csv_path.name, cut=stills.clipped)
    for reason, count in stills.left_out.items():
        survey.leave_out(f"views: {reason}", *stills.examples[reason], count=count)
    scenes = {path: str(scene.relative_to(csv_path.parent)) for path, scene in _scenes(stills.images).items()}
    views: dict[tuple[str, str], list[tuple[int, Path, tuple[float, ...]]]] = {}
    first: dict[tuple[str, str], LabelledImage] = {}
    for image in stills.images:
        for number, (box, track) in enumerate(zip(image.boxes, image.tracks, strict=True)):
            shown = str(image.path.relative_to(csv_path.parent))
            if min(box[2:]) < least_side:
                survey.leave_out(f"views: a side of the box is under {least_side:g} pixels", shown)
                continue
            key = (image.set, track) if track else (shown, str(number))
            first.setdefault(key, image)
            views.setdefault(key, []).append((image.frame or 0, image.path, tuple(box)))
    if not views:
        raise DatasetError(f"{csv_path}: leaves nothing to train on\n{survey.text()}")
    return TrackList(survey, [_track(key, views[key], first[key], scenes) for key in views])


def _track(
    key: tuple[str, str],
    views: list[tuple[int, Path, tuple[float, ...]]],
    first: LabelledImage,
    scenes: dict[Path, str],
) -> ObjectTrack:
    frames, images, boxes = zip(*sorted(views, key=lambda view: view[0]), strict=True)
    return ObjectTrack(
        name="#".join(key),
        scene=scenes[first.path],
        category=first.set,
        images=images,
        frames=np.array(frames, np.int64),
        boxes=np.array(boxes, np.float64),
    )


def _scenes(images: list[LabelledImage]) -> dict[Path, Path]:
    """The scene of each picture: itself, or the first of those that tracks join it with, directly or through others."""
    parent: dict[Path, Path] = {image.path: image.path for image in images}

    def root(path: Path) -> Path:
        while parent[path] != path:
            parent[path] = parent[parent[path]]
            path = parent[path]
        return path

    seen: dict[tuple[str, str], Path] = {}
    for image in images:
        for track in image.tracks:
            if track is not None:
                parent[root(image.path)] = root(seen.setdefault((image.set, track), image.path))
    return {image.path: root(image.path) for image in images}
