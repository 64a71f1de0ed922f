"""VOT2016, VOT2018, VOT2019: ``NAME/color/00000001.jpg`` (or ``NAME/*.jpg``), ``NAME/groundtruth.txt``, ``list.txt``.

Kristan et al., the VOT challenges. A line has the 8 numbers of a polygon's corners (in some years x,y,w,h), a tag
file ``NAME/*.tag`` (also ``*.label``) one 0 or 1 per frame. `Sequence.polygons` keeps the corners, and
`Sequence.boxes` their upright boxes as the published Siamese trackers take them (PySOT, SiamBAN, got10k's tool kit):
the same mean corner and the same area, one pixel added to width and height. VOT's own tool kit takes the smallest
upright box around the polygon instead, which `bounding_boxes` gives.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.published import make_sequence, read_flags, read_rows, subfolders, survey_each
from siam_tracker_ros.datasets.sequences import Sequence, SequenceSurvey

__all__ = ["bounding_boxes", "equal_area_boxes", "recognise", "survey"]

_TAG_SUFFIXES = (".tag", ".label")


def recognise(folder: Path) -> bool:
    """Whether a sequence has images in color/ or beside groundtruth.txt, or a polygon in it."""
    return any(_is_sequence(path) for path in subfolders(folder))


def survey(folder: Path) -> SequenceSurvey:
    """Check the sequences that list.txt names, or all without it. Raises DatasetError when there is none."""
    listed = folder / "list.txt"
    if listed.is_file():
        names = listed.read_text(encoding="utf-8").split()
    else:
        names = [path.name for path in subfolders(folder) if (path / "groundtruth.txt").is_file() or _is_sequence(path)]
    return survey_each("vot", [(name, partial(_load, folder / name)) for name in names], folder)


def equal_area_boxes(polygons: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes [N, 4] (x, y, w, h) with the mean corner and the area of the polygons [N, 8], and one pixel more."""
    corners = polygons.reshape(-1, 4, 2)
    centre = corners.mean(axis=1)
    size = corners.max(axis=1) - corners.min(axis=1)
    sides = np.linalg.norm(corners[:, :2] - corners[:, 1:3], axis=2)  # the polygon is a turned rectangle
    with np.errstate(divide="ignore", invalid="ignore"):
        size = size * np.sqrt(sides.prod(axis=1) / size.prod(axis=1))[:, None] + 1
    return np.hstack([centre - size / 2, size])


def bounding_boxes(polygons: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smallest upright boxes [N, 4] (x, y, w, h) around the polygons [N, 8]."""
    corners = polygons.reshape(-1, 4, 2)
    low = corners.min(axis=1)
    return np.hstack([low, corners.max(axis=1) - low])


def _is_sequence(path: Path) -> bool:
    if (path / "img").is_dir():
        return False  # a folder of sequences
    if not (path / "groundtruth.txt").is_file():
        return (path / "color").is_dir()
    if (path / "color").is_dir() or next(path.glob("*.jpg"), None) is not None:
        return True
    with (path / "groundtruth.txt").open(encoding="utf-8", errors="replace") as file:
        return file.readline().count(",") == 7


def _load(path: Path) -> Sequence:
    if not path.is_dir():
        raise DatasetError("list.txt names it, but its folder is missing; restore it")
    rows = read_rows(path / "groundtruth.txt", (8, 4))
    polygons = rows if rows.shape[1] == 8 else None
    if polygons is not None:
        low = bounding_boxes(polygons)[:, 2:].min(axis=1)
        for index in np.flatnonzero(low <= 0):
            raise DatasetError(f"line {index + 1} of groundtruth.txt is a polygon without area; restore the file")
    sequence = make_sequence(
        path.name,
        path,
        path / "color" if (path / "color").is_dir() else path,
        rows if polygons is None else equal_area_boxes(polygons),
        layout="vot",
        truth="groundtruth.txt",
        polygons=polygons,
    )
    tags = _read_tags(path, len(rows))
    return replace(sequence, tags=tags, attributes=tuple(name for name, flags in tags.items() if flags.any()))


def _read_tags(path: Path, count: int) -> dict[str, NDArray[np.bool_]]:
    tags = {}
    for file in sorted(path.iterdir()):
        if file.suffix in _TAG_SUFFIXES:
            # Some published tag files end before the sequence does; the tag is then not set.
            given = len(file.read_text(encoding="utf-8").split())
            flags = np.zeros(count, dtype=np.bool_)
            if given:
                values = read_flags(file, min(given, count))
                flags[: len(values)] = values > 0
            tags[file.stem] = flags
    return tags
