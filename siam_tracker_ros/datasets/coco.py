"""COCO: ``annotations/instances_train2017.json`` and ``train2017/000000000009.jpg``, each box an object of its own.

Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014; https://cocodataset.org/#format-data. Boxes are
x, y, w, h from the picture's top-left corner, 0-based. Boxes around a crowd (iscrowd) show no single object.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.picture_files import names_in
from siam_tracker_ros.datasets.track_cache import kept_table
from siam_tracker_ros.datasets.track_table import Naming, TrackTable
from siam_tracker_ros.datasets.view_rows import MISSING, ViewRows

__all__ = ["read"]

_LAYOUT = "annotations/instances_train2017.json beside train2017/"


def read(root: Path, split: str, least_side: float, cache: Path | None, say: Callable[[str], None]) -> TrackTable:
    """The boxes of `split`: train or val (of 2017), or the name of a picture folder such as train2014.

    Raises DatasetError when the layout is not at `root`, the annotations cannot be read, or nothing is left.
    """
    folder = {"train": "train2017", "val": "val2017"}.get(split, split)
    annotations = root / "annotations" / f"instances_{folder}.json"
    if not annotations.is_file() or not (root / folder).is_dir():
        raise DatasetError(f"{root}: has not both {annotations.relative_to(root)} and {folder}/; COCO is {_LAYOUT}")
    return kept_table(
        lambda: _index(root, folder, annotations, least_side, say),
        root=root,
        layout="coco",
        settings={"folder": folder, "least_side": least_side},
        sources=(annotations, root / folder),
        cache=cache,
        say=say,
    )


def _index(root: Path, folder: str, path: Path, least_side: float, say: Callable[[str], None]) -> TrackTable:
    say(f"reading {path} ({path.stat().st_size / 1e6:.0f} MB)")
    rows = ViewRows(f"coco {folder}", root, Naming(picture=f"{folder}/{{scene}}"))
    pictures, categories, boxes = _parse(path, rows)
    try:
        pictures.sort(key=lambda entry: int(entry["id"]))
        ids = np.array([int(entry["id"]) for entry in pictures], np.int64)
        names = [str(entry["file_name"]) for entry in pictures]
        for entry, name in zip(pictures, names, strict=True):
            rows.scene(name, float(entry["width"]), float(entry["height"]))
        kinds = {int(entry["id"]): rows.category(str(entry["name"])) for entry in categories}
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path}: a picture or category is not as COCO writes it ({error!r})") from error
    if not pictures:
        raise DatasetError(f"{path}: lists no picture; restore the file")

    there = names_in(root / folder)
    scenes = np.minimum(np.searchsorted(ids, boxes[:, 1]), len(ids) - 1)
    known = ids[scenes] == boxes[:, 1]
    crowd = boxes[:, 3] != 0
    missing = np.array([name not in there for name in names], np.bool_)[scenes]
    for reason, fault in (
        ("views: the annotations name no such picture", ~known),
        ("views: the box surrounds a crowd", known & crowd),
        (MISSING, known & ~crowd & missing),
    ):
        where = [
            f"{names[scene]} id {int(box[0])}" for scene, box in zip(scenes[fault][:3], boxes[fault], strict=False)
        ]
        rows.survey.leave_out(reason, *where, count=int(fault.sum()))
    keep = known & ~crowd & ~missing
    boxes, scenes = boxes[keep], scenes[keep]
    categories_of = np.array([kinds.get(int(number), -1) for number in boxes[:, 2]], np.int64)
    rows.extend(scenes, categories_of, boxes[:, 0], 0, boxes[:, 4:])
    return rows.table(least_side)


def _parse(path: Path, rows: ViewRows) -> tuple[list[Any], list[Any], NDArray[np.float64]]:
    """Pictures, categories, and [N, 8] boxes: id, picture id, category id, crowd, x, y, w, h.

    Boxes go into an array as they are met, and outlines are dropped: all of it as Python objects would be gigabytes.
    """
    found = array("d")

    def take(entry: dict[str, Any]) -> dict[str, Any] | None:
        if "image_id" not in entry:
            # An outline of a crowd is a dictionary too.
            return None if "counts" in entry else entry
        try:
            x, y, w, h = (float(value) for value in entry["bbox"])
            about = (entry["id"], entry["image_id"], entry["category_id"], entry.get("iscrowd", 0))
            found.extend((*(float(value) for value in about), x, y, w, h))
        except (KeyError, TypeError, ValueError):
            rows.survey.leave_out("views: the entry is not as COCO writes it", f"id {entry.get('id')}")
        return None

    try:
        with path.open(encoding="utf-8") as file:
            content = json.load(file, object_hook=take)
        pictures, categories = list(content["images"]), list(content["categories"])
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path}: is not JSON ({error}); restore the file") from error
    except (KeyError, TypeError) as error:
        raise DatasetError(f"{path}: has no list {error}; name COCO's instances, not captions") from error
    boxes = np.frombuffer(found, np.float64).reshape(-1, 8) if found else np.empty((0, 8))
    return pictures, categories, boxes
