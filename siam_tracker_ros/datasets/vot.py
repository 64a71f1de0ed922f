"""VOT2016, VOT2018, VOT2019: ``NAME/color/00000001.jpg`` (or ``NAME/*.jpg``), ``NAME/groundtruth.txt``, ``list.txt``.

Kristan et al., the VOT challenges. A line has the 8 numbers of a polygon's corners (in some years x,y,w,h), a tag
file ``NAME/*.tag`` (also ``*.label``) one 0 or 1 per frame. `Sequence.polygons` keeps the corners, and
`Sequence.boxes` their upright boxes as the published Siamese trackers take them (PySOT, SiamBAN, TracKit, got10k's tool
kit): `equal_area_boxes`. VOT's own tool kit takes the smallest upright box around the polygon: `bounding_boxes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.published import make_sequence, read_flags, read_rows, subfolders, survey_each
from siam_tracker_ros.datasets.sequences import Sequence, SequenceSurvey

__all__ = ["bounding_boxes", "equal_area_boxes", "recognise", "survey", "vot_year"]

_TAG_SUFFIXES = (".tag", ".label")
# What tells the years' 60 sequences apart: ten left after 2016 and ten came, twelve left after 2018 and twelve came.
_ONLY_2016 = "birds2 car2 fish4 gymnastics4 marching octopus pedestrian2 singer1 sphere tunnel"
_SINCE_2017 = "ants1 ants3 conduction1 crabs1 drone1 drone_across drone_flip flamingo1 frisbee zebrafish1"
_NOT_2019 = "ants3 bag ball1 blanket bmx bolt2 crossing fish3 motocross2 racing sheep traffic"
_ONLY_2019 = "agility ball3 dribble hand2 lamb marathon monkey polo rabbit2 rowing surfing wheel"


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


def equal_area_boxes(regions: ArrayLike) -> NDArray[np.float64]:
    """Upright boxes [N, 4] (x, y, w, h) of N regions, as PySOT, SiamBAN and TracKit start trackers on.

    regions: [N, 8] turned rectangles x1, y1, ... x4, y4, or [N, 4] boxes, which stay. A turned rectangle becomes the
    box of the same mean corner and area with the proportions of its bounding box, and then a pixel wider and higher.
    Raises ValueError when they are neither.
    """
    values = _regions(regions)
    if values.shape[1] == 4:
        return values.copy()
    if values.shape[1] != 8:
        raise ValueError(f"a turned rectangle has four corners, not {values.shape[1] / 2:g}")
    corners = values.reshape(-1, 4, 2)
    size = corners.max(axis=1) - corners.min(axis=1)
    area = np.linalg.norm(corners[:, :2] - corners[:, 1:3], axis=2).prod(axis=1)
    bounds = size.prod(axis=1)
    scale = np.sqrt(np.divide(area, bounds, out=np.ones_like(area), where=bounds > 0))
    size = size * scale[:, None] + 1
    return np.hstack([corners.mean(axis=1) - size / 2, size])


def bounding_boxes(regions: ArrayLike) -> NDArray[np.float64]:
    """Smallest upright boxes [N, 4] (x, y, w, h) around N regions, as VOT's tool kit starts trackers on.

    regions: [N, 2K] polygons of K = 3 or more corners x1, y1, x2, y2 ..., or [N, 4] boxes, which stay.
    Raises ValueError when they are neither.
    """
    values = _regions(regions)
    if values.shape[1] == 4:
        return values.copy()
    corners = values.reshape(len(values), -1, 2)
    low = corners.min(axis=1)
    return np.hstack([low, corners.max(axis=1) - low])


def vot_year(names: Iterable[str]) -> int | None:
    """The year of the challenge whose sequences bear these names: 2016, 2018 or 2019, None where that is not clear.

    VOT2015 has the names of VOT2016, and VOT2017 those of VOT2018. A part of a challenge is told by the names that
    only this one has, or that are together in no other.
    Sources: SiamFC++'s and pytracking's lists of VOT2018 and VOT2019, OpenCV's list of VOT2015.
    """
    found = set(names)
    only_2016, since_2017, not_2019, only_2019 = (
        not found.isdisjoint(marks.split()) for marks in (_ONLY_2016, _SINCE_2017, _NOT_2019, _ONLY_2019)
    )
    if only_2019 and not (only_2016 or not_2019):
        return 2019
    if only_2016 and not (since_2017 or only_2019):
        return 2016
    if since_2017 and not_2019 and not (only_2016 or only_2019):
        return 2018
    return None


def _regions(regions: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(regions, dtype=np.float64)
    if values.ndim != 2 or (values.shape[1] != 4 and (values.shape[1] < 6 or values.shape[1] % 2)):
        raise ValueError(f"regions are rows x, y, w, h or of three or more corners, not {list(values.shape)} numbers")
    return values


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
