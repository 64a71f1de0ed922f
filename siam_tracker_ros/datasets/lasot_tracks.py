"""LaSOT to train on: ``CLASS/CLASS-N/img/00000001.jpg``, as lasot.py describes the layout.

Left out are the frames where full_occlusion.txt or out_of_view.txt is 1. A sequence's category is its class.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from siam_tracker_ros.datasets import lasot
from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.numbered_sequence import add_sequence, read_boxes_line_by_line
from siam_tracker_ros.datasets.published import read_flags
from siam_tracker_ros.datasets.track_cache import kept_table
from siam_tracker_ros.datasets.track_table import Naming, TrackTable
from siam_tracker_ros.datasets.view_rows import BROKEN, ViewRows
from siam_tracker_ros.progress import progress_bar

__all__ = ["read"]

_FILES = ("img", "groundtruth.txt", *lasot.FLAGS)


def read(root: Path, split: str, least_side: float, cache: Path | None, say: Callable[[str], None]) -> TrackTable:
    """The sequences of `split`: train, as training_set.txt lists them (without it, all that testing_set.txt does not
    list), or all.

    Raises DatasetError when `root` holds none, nothing tells which are for training, or nothing is left.
    """
    found = {path.name: path for path in lasot.sequence_folders(root)}
    if not found:
        raise DatasetError(f"{root}: holds no sequence CLASS/CLASS-N/ with img/ and groundtruth.txt")
    places = {name: found.get(name) for name in _names(root, split, sorted(found))}
    return kept_table(
        lambda: _index(root, split, places, least_side),
        root=root,
        layout="lasot",
        settings={"split": split, "least_side": least_side, "names": list(places)},
        sources=(path / file for path in places.values() if path is not None for file in _FILES),
        cache=cache,
        say=say,
    )


def _names(root: Path, split: str, found: list[str]) -> list[str]:
    if split == "all":
        return found
    if split != "train":
        raise DatasetError(f"LaSOT is trained on with the split train, or all, not {split}")
    training, testing = root / "training_set.txt", root / "testing_set.txt"
    if training.is_file():
        return training.read_text(encoding="utf-8", errors="replace").split()
    if testing.is_file():
        kept_back = set(testing.read_text(encoding="utf-8", errors="replace").split())
        return [name for name in found if name not in kept_back]
    raise DatasetError(
        f"{root}: has neither training_set.txt nor testing_set.txt, so that test sequences would be trained on; "
        "put one of the data set's lists there, or ask for the split all"
    )


def _index(root: Path, split: str, places: dict[str, Path | None], least_side: float) -> TrackTable:
    rows = ViewRows(f"lasot {split}", root, Naming(picture="{scene}/img/{number:08d}.jpg", track="{scene}"))
    with progress_bar(f"reading LaSOT {split}", len(places), "sequence") as bar:
        for name, path in places.items():
            try:
                if path is None:
                    raise DatasetError("the list names it, but its folder is missing")
                _add(rows, root, path)
            except DatasetError as error:
                rows.survey.leave_out(BROKEN, f"{name}: {error}")
            bar.update()
    return rows.table(least_side)


def _add(rows: ViewRows, root: Path, path: Path) -> None:
    boxes = read_boxes_line_by_line(path / "groundtruth.txt")
    absent = np.zeros(len(boxes), np.bool_)
    for flag in lasot.FLAGS:
        absent |= read_flags(path / flag, len(boxes)) > 0
    category = path.name.rsplit("-", 1)[0]
    add_sequence(rows, path.relative_to(root).as_posix(), category, path / "img", boxes, absent)
