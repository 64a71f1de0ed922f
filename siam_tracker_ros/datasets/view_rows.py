"""Collects the boxes of a data set one after another, checks them all at once, and makes a table of objects of them."""

from __future__ import annotations

from array import array
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.track_table import Naming, TrackTable
from siam_tracker_ros.datasets.tracks import Survey

__all__ = ["ABSENT", "BROKEN", "MISSING", "UNREADABLE_LINE", "ViewRows"]

# Reasons that several readers give.
BROKEN = "sequences: a file of theirs cannot be used"
ABSENT = "views: the target is absent"
MISSING = "views: the picture is missing"
UNREADABLE_LINE = "views: the line is not four numbers"

_COLUMNS = 8  # scene, category, object, number, x, y, w, h


class ViewRows:
    """Boxes of all objects as they are read, and what is known of their scenes.

    survey: where the reader counts what it cannot even add.
    """

    def __init__(self, name: str, root: Path, naming: Naming) -> None:
        self.survey = Survey(name)
        self._root, self._naming = root, naming
        self._scenes: list[str] = []
        self._sizes = array("d")
        self._categories: dict[str, int] = {}
        # One flat array of doubles: 64 bytes a box, where a Python object for each would take ten times as much.
        self._rows = array("d")

    def scene(self, name: str, width: float = np.inf, height: float = np.inf) -> int:
        """Number of a new scene whose pictures have this size, pixels; boxes are cut to it, inf: unknown."""
        self._scenes.append(name)
        self._sizes.extend((width, height))
        return len(self._scenes) - 1

    def category(self, name: str) -> int:
        """Number of the category `name`, the same for the same name; -1 for ""."""
        return self._categories.setdefault(name, len(self._categories)) if name else -1

    def add(self, scene: int, category: int, thing: int, number: int, box: tuple[float, float, float, float]) -> None:
        """One view: object `thing` of the scene in picture `number`; box x, y, w, h, pixels, of any value."""
        self._rows.extend((scene, category, thing, number, *box))

    def extend(
        self, scene: ArrayLike, category: ArrayLike, thing: ArrayLike, number: ArrayLike, boxes: NDArray[np.floating]
    ) -> None:
        """N views at once; boxes [N, 4] x, y, w, h, the others [N], or one number for all."""
        rows = np.empty((len(boxes), _COLUMNS))
        rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3] = scene, category, thing, number
        rows[:, 4:] = boxes
        self._rows.frombytes(rows.tobytes())

    def table(self, least_side: float, categories: tuple[str, ...] | None = None) -> TrackTable:
        """The usable views as objects: equal scene, category and object number are one.

        A box is cut to its picture. It is left out when it is not finite, has no area, lies outside the picture, has a
        side under `least_side` pixels, or is the second of its object in the same picture.

        categories: names by number, where the reader did not ask `category` for numbers.

        Raises DatasetError when no view is left.
        """
        rows = _matrix(self._rows, _COLUMNS)
        boxes = self._checked(rows, least_side)
        keep = np.flatnonzero(np.isfinite(boxes[:, 0]))
        rows, boxes = rows[keep], boxes[keep]
        order = np.lexsort((rows[:, 3], rows[:, 2], rows[:, 1], rows[:, 0]))
        rows, boxes = rows[order], boxes[order]
        again = np.zeros(len(rows), np.bool_)
        again[1:] = (rows[1:, :4] == rows[:-1, :4]).all(axis=1)
        self._leave_out("views: the object has another box in the same picture", rows[again])
        rows, boxes = rows[~again], boxes[~again]
        if not len(rows):
            raise DatasetError(f"{self._root}: leaves nothing to train on\n{self.survey.text()}")
        first = np.concatenate([[True], (rows[1:, :3] != rows[:-1, :3]).any(axis=1)])
        starts = np.flatnonzero(first)
        used, scenes = np.unique(rows[starts, 0].astype(np.int64), return_inverse=True)
        self.survey.objects, self.survey.views = len(starts), len(rows)
        return TrackTable(
            root=self._root,
            naming=self._naming,
            survey=self.survey,
            scene_names=np.array([self._scenes[scene].encode() for scene in used]),
            category_names=tuple(self._categories) if categories is None else categories,
            scenes=scenes.astype(np.int64),
            categories=rows[starts, 1].astype(np.int64),
            objects=rows[starts, 2].astype(np.int64),
            starts=np.append(starts, len(rows)).astype(np.int64),
            numbers=rows[:, 3].astype(np.int64),
            boxes=boxes.astype(np.float32),
        )

    def _checked(self, rows: NDArray[np.float64], least_side: float) -> NDArray[np.float64]:
        """[N, 4] boxes cut to their pictures; rows of nan where one cannot be used, for the first of the reasons."""
        corners = rows[:, 4:].copy()
        corners[:, 2:] += corners[:, :2]
        sizes = _matrix(self._sizes, 2)[rows[:, 0].astype(np.int64)]
        inside = np.concatenate([np.maximum(corners[:, :2], 0), np.minimum(corners[:, 2:], sizes)], axis=1)
        sides = inside[:, 2:] - inside[:, :2]
        faults = {
            "views: the box is not made of finite numbers": ~np.isfinite(rows[:, 4:]).all(axis=1),
            "views: the box is empty or inverted": (rows[:, 6:] <= 0).any(axis=1),
            "views: the box lies outside the picture": (sides <= 0).any(axis=1),
            f"views: a side of the box is under {least_side:g} pixels": (sides < least_side).any(axis=1),
        }
        usable = np.ones(len(rows), np.bool_)
        for reason, fault in faults.items():
            self._leave_out(reason, rows[usable & fault])
            usable &= ~fault
        cut = usable & (inside != corners).any(axis=1)
        self.survey.cut += int(cut.sum())
        boxes = np.where(cut[:, None], np.concatenate([inside[:, :2], sides], axis=1), rows[:, 4:])
        boxes[~usable] = np.nan
        return boxes

    def _leave_out(self, reason: str, rows: NDArray[np.float64]) -> None:
        where = [
            self._naming.picture.format(
                scene=self._scenes[int(scene)], category=int(category), object=int(thing), number=int(number)
            )
            for scene, category, thing, number in rows[:3, :4]
        ]
        self.survey.leave_out(reason, *where, count=len(rows))


def _matrix(values: array[float], columns: int) -> NDArray[np.float64]:
    """The numbers as rows, without a copy; numpy refuses an empty buffer."""
    return np.frombuffer(values, np.float64).reshape(-1, columns) if values else np.empty((0, columns))
