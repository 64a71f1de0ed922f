"""YouTube-VOS: ``train/meta.json``, ``train/JPEGImages/VIDEO/00000.jpg`` and ``train/Annotations/VIDEO/00000.png``.

Xu et al., "YouTube-VOS: A Large-Scale Video Object Segmentation Benchmark", 2018; https://youtube-vos.org. Every fifth
frame has a mask: a PNG with a palette, whose values are the objects' numbers in meta.json. A box is the smallest one
around all pixels of the object, x, y, w, h, 0-based.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.picture_files import DAMAGED, names_in
from siam_tracker_ros.datasets.track_cache import kept_table
from siam_tracker_ros.datasets.track_table import Naming, TrackTable
from siam_tracker_ros.datasets.view_rows import MISSING, ViewRows
from siam_tracker_ros.progress import progress_bar

__all__ = ["read"]


def read(folder: Path, split: str, least_side: float, cache: Path | None, say: Callable[[str], None]) -> TrackTable:
    """The objects of `split` (train; the others have no masks to train on) in `folder`, or of `folder` itself.

    Raises DatasetError when the layout is not there, meta.json cannot be read, or nothing is left.
    """
    root = folder / split if (folder / split / "meta.json").is_file() else folder
    if not all((root / part).exists() for part in ("meta.json", "JPEGImages", "Annotations")):
        raise DatasetError(
            f"{folder}: has no {split}/ with meta.json, JPEGImages/ and Annotations/, as YouTube-VOS does"
        )
    videos = _meta(root / "meta.json")
    parts = [root / part / video for part in ("JPEGImages", "Annotations") for video in videos]
    return kept_table(
        lambda: _index(root, split, videos, least_side),
        root=root,
        layout="youtube_vos",
        settings={"split": split, "least_side": least_side},
        sources=(root / "meta.json", *parts),
        cache=cache,
        say=say,
    )


def _meta(path: Path) -> dict[str, Any]:
    try:
        videos = json.loads(path.read_text(encoding="utf-8"))["videos"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: cannot be read as YouTube-VOS's list of videos ({error})") from error
    if not isinstance(videos, dict):
        raise DatasetError(f"{path}: 'videos' is not a table of videos by name; restore the file")
    return videos


def _index(root: Path, split: str, videos: dict[str, Any], least_side: float) -> TrackTable:
    naming = Naming(picture="JPEGImages/{scene}/{number:05d}.jpg")
    rows = ViewRows(f"youtube_vos {split}", root, naming)
    with progress_bar(f"reading YouTube-VOS {split}", len(videos), "video") as bar:
        for video, about in videos.items():
            try:
                objects = [
                    (int(number), rows.category(str(entry["category"])), {int(frame) for frame in entry["frames"]})
                    for number, entry in about["objects"].items()
                ]
            except (AttributeError, KeyError, TypeError, ValueError):
                rows.survey.leave_out("videos: meta.json does not list their objects and frames", video)
            else:
                _add(rows, root, video, objects)
            bar.update()
    return rows.table(least_side)


def _add(rows: ViewRows, root: Path, video: str, objects: list[tuple[int, int, set[int]]]) -> None:
    pictures, masks = names_in(root / "JPEGImages" / video), names_in(root / "Annotations" / video)
    scene = -1
    for frame in sorted(set().union(*(frames for _, _, frames in objects))):
        shown = [(number, category) for number, category, frames in objects if frame in frames]
        where = f"{video}/{frame:05d}"
        if f"{frame:05d}.jpg" not in pictures:
            rows.survey.leave_out(MISSING, f"{where}.jpg", count=len(shown))
            continue
        if f"{frame:05d}.png" not in masks:
            rows.survey.leave_out("views: the mask is missing", f"{where}.png", count=len(shown))
            continue
        try:
            mask = _mask(root / "Annotations" / f"{where}.png")
        except DatasetError:
            rows.survey.leave_out("views: the mask cannot be read", f"{where}.png", count=len(shown))
            continue
        if scene < 0:
            scene = rows.scene(video, mask.shape[1], mask.shape[0])
        for (number, category), box in zip(shown, _boxes(mask, (number for number, _ in shown)), strict=True):
            if box is None:
                rows.survey.leave_out("views: the mask has no pixel of the object", f"{where}.png object {number}")
            else:
                rows.add(scene, category, number, frame, box)


def _mask(path: Path) -> NDArray[np.uint8]:
    """[H, W] numbers of objects. Pillow, as OpenCV turns the palette's numbers into colours."""
    try:
        with Image.open(path) as image:
            mode, values = image.mode, np.asarray(image, np.uint8)
    except DAMAGED as error:
        raise DatasetError(f"{path}: cannot be read as a mask ({error})") from error
    if mode not in ("P", "L"):
        raise DatasetError(f"{path}: has colours ({mode}) where the numbers of objects belong")
    return values


def _boxes(mask: NDArray[np.uint8], numbers: Iterable[int]) -> list[tuple[float, float, float, float] | None]:
    """The box around the pixels of each number, x, y, w, h; None where there are none."""
    found: list[tuple[float, float, float, float] | None] = []
    for number in numbers:
        pixels = mask == number
        rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
        if len(rows):
            x, y = float(columns[0]), float(rows[0])
            found.append((x, y, float(columns[-1]) + 1 - x, float(rows[-1]) + 1 - y))
        else:
            found.append(None)
    return found
