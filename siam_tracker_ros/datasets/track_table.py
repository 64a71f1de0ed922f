"""A track set as a few flat arrays: a million objects without an object in memory for each."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.tracks import ObjectTrack, Survey, check_scenes

__all__ = ["Naming", "TrackTable", "load_table", "save_table"]

_ARRAYS = ("scene_names", "scenes", "categories", "objects", "starts", "numbers", "boxes")


@dataclass(frozen=True)
class Naming:
    """How pictures and objects of a layout are called, as templates of {scene}, {category}, {object} and {number}.

    picture: a picture's path below the data set's folder. scene and number are those of the view, category and object
        the numbers of its object.
    track: an object's name.
    step: how many of `number` make one frame; YouTube-BB counts milliseconds, and annotates once a second.
    """

    picture: str
    track: str = "{scene}#{object}"
    step: int = 1


@dataclass(frozen=True, eq=False)
class TrackTable:
    """The objects of a data set (a TrackSet), sorted by scene; the views of one are neighbours, in order of time.

    root: folder of the data set.
    scene_names: [S] bytes, UTF-8. category_names: [C], "" where a number is not used.
    scenes, categories, objects: [T] number of each object's scene and category, and its own number in the scene.
    starts: [T + 1] row of each object's first view.
    numbers: [R] number of each view's picture. boxes: [R, 4] float32, x, y, w, h, pixels.
    """

    root: Path
    naming: Naming
    survey: Survey
    scene_names: NDArray[np.bytes_]
    category_names: tuple[str, ...]
    scenes: NDArray[np.int64]
    categories: NDArray[np.int64]
    objects: NDArray[np.int64]
    starts: NDArray[np.int64]
    numbers: NDArray[np.int64]
    boxes: NDArray[np.float32]

    @property
    def name(self) -> str:
        """Of the data set."""
        return self.survey.name

    def __len__(self) -> int:
        """Number of objects."""
        return len(self.scenes)

    def __getitem__(self, index: int) -> ObjectTrack:
        """Object number `index`; IndexError outside 0 to len - 1."""
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} has the objects 0 to {len(self) - 1}, not {index}")
        rows = slice(int(self.starts[index]), int(self.starts[index + 1]))
        scene = self.scene_names[self.scenes[index]].decode()
        category, number = int(self.categories[index]), int(self.objects[index])
        fields = {"scene": scene, "category": category, "object": number}
        return ObjectTrack(
            name=self.naming.track.format(**fields),
            scene=scene,
            category=self.category_names[category] if category >= 0 else "",
            images=_Pictures(self.root, self.naming.picture, fields, self.numbers[rows]),
            frames=self.numbers[rows] // self.naming.step,
            boxes=self.boxes[rows].astype(np.float64),
        )

    def without(self, scenes: Collection[str]) -> TrackTable:
        """The table without the objects of the named scenes; the survey counts them as left out.

        Raises DatasetError when there is no such scene: a slip of the pen must not train on what is kept for testing.
        """
        check_scenes(scenes, [name.decode() for name in self.scene_names], self.name)
        unwanted = np.isin(self.scene_names, [name.encode() for name in scenes])
        keep = ~unwanted[self.scenes]
        lengths = np.diff(self.starts)
        rows = np.repeat(keep, lengths)
        survey = self.survey.copy()
        gone = [self[int(index)].name for index in np.flatnonzero(~keep)[:3]]
        survey.leave_out("objects: their scene was not wanted", *gone, count=int((~keep).sum()))
        survey.objects, survey.views = int(keep.sum()), int(rows.sum())
        return replace(
            self,
            survey=survey,
            scenes=self.scenes[keep],
            categories=self.categories[keep],
            objects=self.objects[keep],
            starts=np.concatenate([[0], np.cumsum(lengths[keep])]).astype(np.int64),
            numbers=self.numbers[rows],
            boxes=self.boxes[rows],
        )


class _Pictures(Sequence[Path]):
    """The image files of one object; a path is made when it is asked for."""

    def __init__(self, root: Path, picture: str, fields: dict[str, str | int], numbers: NDArray[np.int64]) -> None:
        self._root, self._picture, self._fields, self._numbers = root, picture, fields, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> Path: ...

    @overload
    def __getitem__(self, index: slice) -> list[Path]: ...

    def __getitem__(self, index: int | slice) -> Path | list[Path]:
        if isinstance(index, slice):
            return [self._path(number) for number in self._numbers[index]]
        return self._path(self._numbers[index])

    def __iter__(self) -> Iterator[Path]:
        return (self._path(number) for number in self._numbers)

    def _path(self, number: np.int64) -> Path:
        return self._root / self._picture.format(number=int(number), **self._fields)


def save_table(table: TrackTable, path: Path) -> None:
    """Write all but `root` to an npz file, whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {"naming": asdict(table.naming), "survey": asdict(table.survey), "categories": table.category_names}
    arrays = {name: getattr(table, name) for name in _ARRAYS}
    handle, part = tempfile.mkstemp(prefix=".part-", suffix=".npz", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, about=np.array(json.dumps(about)), **arrays)
        Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)


def load_table(path: Path, root: Path) -> TrackTable:
    """What `save_table` wrote, of the data set that lies at `root`.

    Raises OSError, ValueError, KeyError, EOFError, zlib.error or zipfile.BadZipFile when the file is cut or damaged.
    """
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        about = json.loads(str(stored["about"]))
        arrays = {name: stored[name] for name in _ARRAYS}
    survey = about["survey"]
    survey["left_out"] = {reason: (count, tuple(names)) for reason, (count, names) in survey["left_out"].items()}
    return TrackTable(
        root=root,
        naming=Naming(**about["naming"]),
        survey=Survey(**survey),
        category_names=tuple(about["categories"]),
        **arrays,
    )
