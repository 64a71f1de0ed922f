"""YouTube-BoundingBoxes: ``yt_bb_detection_train.csv`` and the pictures that were cut out of the videos.

Real et al., "YouTube-BoundingBoxes: A Large High-Precision Human-Annotated Data Set for Object Detection in Video",
CVPR 2017. The csv (https://research.google.com/youtube-bb/download.html) has no header and a line ``youtube_id,
timestamp_ms,class_id,class_name,object_id,object_presence,xmin,xmax,ymin,ymax`` per picture, one a second; coordinates
are 0 to 1 of the picture's width and height. The pictures are not published, and lie as tool kits store them, below
``yt_bb_detection_train/``:

- ``CLASS/ID_MILLISECONDS_CLASS_OBJECT.jpg``, by youtube-bb-utility, which PySOT reads,
- ``CLASS/ID/MILLISECONDS.jpg``, or ``ID/MILLISECONDS.jpg``.

An object is what has the same youtube_id, class_id and object_id. A frame is a second, as in PySOT's frame gap.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.picture_files import first_size, names_in
from siam_tracker_ros.datasets.published import subfolders
from siam_tracker_ros.datasets.track_cache import kept_table
from siam_tracker_ros.datasets.track_table import Naming, TrackTable
from siam_tracker_ros.datasets.view_rows import ABSENT, MISSING, ViewRows
from siam_tracker_ros.progress import progress_bar

__all__ = ["read"]

_FLAT = "{category}/{scene}_{number}_{category}_{object}.jpg"
_BY_CLASS = "{category}/{scene}/{number}.jpg"
_BY_VIDEO = "{scene}/{number}.jpg"
_CLASSES = 1000  # the data set has 24; a larger number is a damaged line


def read(root: Path, split: str, least_side: float, cache: Path | None, say: Callable[[str], None]) -> TrackTable:
    """The objects of `split` (train or validation).

    Raises DatasetError when the csv or the pictures are not at `root`, or nothing is left.
    """
    name = f"yt_bb_detection_{split}"
    path, pictures = root / f"{name}.csv", root / name
    if not path.is_file() or not subfolders(pictures):
        raise DatasetError(f"{root}: has not both {name}.csv and pictures in {name}/CLASS/ or {name}/ID/")
    return kept_table(
        lambda: _index(root, path, least_side),
        root=root,
        layout="youtube_bb",
        settings={"split": split, "least_side": least_side},
        sources=(path, pictures, *subfolders(pictures)),
        cache=cache,
        say=say,
    )


def _index(root: Path, path: Path, least_side: float) -> TrackTable:
    naming = Naming(f"{path.stem}/{_picture(root / path.stem)}", track="{scene}#{category}.{object}", step=1000)
    rows = ViewRows(f"youtube_bb {path.stem.rsplit('_', 1)[-1]}", root, naming)
    videos, classes, lines = _parse(path, rows)
    # By class, then video: neighbours share a folder, which is then listed once.
    lines = lines[np.lexsort((lines[:, 1], lines[:, 3], lines[:, 0], lines[:, 2]))]
    first = np.flatnonzero((np.diff(lines[:, [0, 2, 3]], axis=0, prepend=-1) != 0).any(axis=1))
    listing = lru_cache(maxsize=1)(names_in)
    seen: dict[int, _Scene] = {}
    with progress_bar(f"looking for the pictures of {path.stem}", len(first), "object") as bar:
        for group in np.split(lines, first[1:]) if len(lines) else []:
            video, kind, thing = (int(value) for value in group[0, [0, 2, 3]])
            fields = {"scene": videos[video], "category": kind, "object": thing}
            files = [naming.picture.format(number=int(number), **fields) for number in group[:, 1]]
            folder = files[0].rpartition("/")[0]
            there = listing(root / folder)
            present = np.array([file.rpartition("/")[2] in there for file in files], np.bool_)
            rows.survey.leave_out(MISSING, *compress(files, ~present))
            found = list(compress(files, present))
            try:
                if video not in seen:
                    size = first_size([root / file for file in found])
                    seen[video] = _Scene(rows.scene(videos[video], *size), *size)
            except DatasetError:
                rows.survey.leave_out("views: no picture of the video can be read", *found)
            else:
                scene = seen[video]
                rows.extend(scene.number, kind, thing, group[present, 1], scene.pixels(group[present, 4:]))
            bar.update()
    return rows.table(least_side, tuple(classes.get(number, "") for number in range(max(classes, default=-1) + 1)))


@dataclass(frozen=True)
class _Scene:
    """A video: its number, and the size of its pictures."""

    number: int
    width: int
    height: int

    def pixels(self, corners: NDArray[np.float64]) -> NDArray[np.float64]:
        """[N, 4] x, y, w, h in pixels, of xmin, xmax, ymin, ymax in 0 to 1."""
        left, right = corners[:, 0] * self.width, corners[:, 1] * self.width
        top, bottom = corners[:, 2] * self.height, corners[:, 3] * self.height
        return np.stack([left, top, right - left, bottom - top], axis=1)


def _picture(folder: Path) -> str:
    """How the pictures in `folder` are named, by the first folder in it."""
    first = subfolders(folder)[0]
    if not (first.name.isdecimal() and int(first.name) < _CLASSES):
        return _BY_VIDEO
    return _BY_CLASS if subfolders(first) else _FLAT


def _parse(path: Path, rows: ViewRows) -> tuple[list[str], dict[int, str], NDArray[np.float64]]:
    """Names of the videos, of the classes, and [N, 8]: video, milliseconds, class, object, xmin, xmax, ymin, ymax."""
    videos: dict[str, int] = {}
    classes: dict[int, str] = {}
    values = array("d")
    with (
        path.open(encoding="utf-8", errors="replace") as file,
        progress_bar(f"reading {path.name}", None, "line") as bar,
    ):
        for number, line in enumerate(file, start=1):
            bar.update()
            try:
                video, milliseconds, kind, name, thing, presence, *corners = line.rstrip().split(",")
                if presence == "absent":
                    rows.survey.leave_out(ABSENT, f"line {number}")
                    continue
                if not 0 <= int(kind) < _CLASSES or len(corners) != 4:
                    raise ValueError(line)
                about = (videos.setdefault(video, len(videos)), int(milliseconds), int(kind), int(thing))
                values.extend((*about, *(float(corner) for corner in corners)))
            except ValueError:
                if not (number == 1 and line.startswith("youtube_id,")):
                    rows.survey.leave_out("lines: they are not as the data set writes them", f"line {number}")
                continue
            classes.setdefault(int(kind), name)
    return list(videos), classes, np.array(values).reshape(-1, 8)
