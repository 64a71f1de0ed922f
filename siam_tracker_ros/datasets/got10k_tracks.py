"""GOT-10k to train on: ``train/GOT-10k_Train_000001/00000001.jpg``, as got10k.py describes the layout.

Left out are the frames where absence.label is 1 or cover.label is 0. A sequence's category is its object_class.
"""

from __future__ import annotations

import configparser
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.numbered_sequence import add_sequence, read_boxes_line_by_line
from siam_tracker_ros.datasets.published import read_flags, subfolders
from siam_tracker_ros.datasets.track_cache import kept_table
from siam_tracker_ros.datasets.track_table import Naming, TrackTable
from siam_tracker_ros.datasets.view_rows import BROKEN, ViewRows
from siam_tracker_ros.progress import progress_bar

__all__ = ["read"]

_FILES = ("groundtruth.txt", "absence.label", "cover.label", "meta_info.ini")


def read(folder: Path, split: str, least_side: float, cache: Path | None, say: Callable[[str], None]) -> TrackTable:
    """The sequences of `split` (train or val) in `folder`, or of `folder` itself; those of list.txt where it is there.

    Raises DatasetError when there are none, or nothing is left.
    """
    root = folder / split if (folder / split).is_dir() else folder
    prefix = f"GOT-10k_{split.capitalize()}_"
    found = [path.name for path in subfolders(root) if path.name.startswith(prefix)]
    if not found:
        raise DatasetError(f"{folder}: holds no sequence {prefix}000001, nor does {split}/ in it")
    listed = root / "list.txt"
    names = listed.read_text(encoding="utf-8", errors="replace").split() if listed.is_file() else found
    return kept_table(
        lambda: _index(root, split, names, least_side),
        root=root,
        layout="got10k",
        settings={"split": split, "least_side": least_side, "names": names},
        sources=(root / name / file for name in names for file in ("", *_FILES)),
        cache=cache,
        say=say,
    )


def _index(root: Path, split: str, names: list[str], least_side: float) -> TrackTable:
    rows = ViewRows(f"got10k {split}", root, Naming(picture="{scene}/{number:08d}.jpg", track="{scene}"))
    with progress_bar(f"reading GOT-10k {split}", len(names), "sequence") as bar:
        for name in names:
            try:
                _add(rows, root / name)
            except DatasetError as error:
                rows.survey.leave_out(BROKEN, f"{name}: {error}")
            bar.update()
    return rows.table(least_side)


def _add(rows: ViewRows, path: Path) -> None:
    boxes = read_boxes_line_by_line(path / "groundtruth.txt")
    absent: NDArray[np.bool_] = read_flags(path / "absence.label", len(boxes)) > 0
    if (path / "cover.label").is_file():
        absent |= read_flags(path / "cover.label", len(boxes)) == 0
    add_sequence(rows, path.name, _category(path / "meta_info.ini"), path, boxes, absent)


def _category(path: Path) -> str:
    """The object_class that meta_info.ini names; "" where there is no such file or entry."""
    meta = configparser.ConfigParser(interpolation=None)
    try:
        meta.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return ""
    return next((meta[section]["object_class"] for section in meta.sections() if "object_class" in meta[section]), "")
