"""Data sets to draw training pairs from, made of pictures with one bright block an object, or of no pictures at all."""

from pathlib import Path

import cv2
import numpy as np

from siam_tracker_ros.datasets.track_list import TrackList
from siam_tracker_ros.datasets.tracks import ObjectTrack, Survey

GROUND = 40
BLOCK = 220


def track(name, boxes, *, scene=None, category="", images=None, frames=None):
    """An object; without ``scene`` alone in its own, without ``frames`` in one picture or in frames 0, 1, 2, ..."""
    scene = name if scene is None else scene
    number = len(boxes)
    frames = np.arange(number) if frames is None else np.asarray(frames)
    images = [Path(f"{scene}/{frame}.png") for frame in frames] if images is None else images
    return ObjectTrack(name, scene, category, images, frames.astype(np.int64), np.asarray(boxes, np.float64))


def track_set(*tracks, name="drawn"):
    """The objects as a data set."""
    return TrackList(Survey(name), tracks)


def draw_blocks(path, boxes, size=(200, 150), values=None):
    """Write a picture of a flat ground with the boxes (whole pixels) filled; returns the path."""
    picture = np.full((size[1], size[0], 3), GROUND, np.uint8)
    for box, value in zip(boxes, values or [BLOCK] * len(boxes), strict=True):
        x, y, w, h = (int(v) for v in box)
        picture[y : y + h, x : x + w] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)
    return path


def place_of_block(patch, value=BLOCK, ground=GROUND):
    """x0, y0, x1, y1 of the one block in a patch of flat ground, to a tenth of a pixel: from how much of each row and
    column it fills. It must not touch the patch's border."""
    filled = (patch[..., 0].astype(np.float64) - ground) / (value - ground)
    filled = np.where(filled < 0.15, 0, np.minimum(filled, 1))  # a JPEG's flat ground is not quite flat
    edges = []
    for axis in (0, 1):
        along = filled.max(axis=axis)
        middle = float((along * (np.arange(len(along)) + 0.5)).sum() / along.sum())
        edges.append((middle - along.sum() / 2, middle + along.sum() / 2))
    return edges[0][0], edges[1][0], edges[0][1], edges[1][1]
