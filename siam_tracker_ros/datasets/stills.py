"""Photographs with boxes: a csv file beside a folder of images.

The csv has the header ``image,set,track,frame,x,y,w,h,image_width,image_height`` and one line per
box. ``image`` is relative to the folder of the csv; ``x,y,w,h`` is the box (top-left corner, pixels
of the image, 0-based); ``track`` names the object where several images show the same one and is
empty elsewhere; ``frame`` orders the images of a track and may be empty.
"""

from __future__ import annotations

import csv
import logging
import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.errors import DatasetError

__all__ = ["LabelledImage", "StillsSurvey", "load_stills", "survey_stills"]

_COLUMNS = ("image", "set", "track", "frame", "x", "y", "w", "h", "image_width", "image_height")
_EXAMPLES = 3  # of each reason, named in the summary
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """One image and the boxes drawn on it. The pixels are read only by `read`.

    path: the image file.
    set: name of the collection that the image came from.
    frame: position in its video or burst, None where the csv leaves it empty.
    width, height: size in pixels that the boxes refer to.
    boxes: [N, 4] float64, x, y, w, h, top-left corner, pixels, inside the image; N is at least 1.
    tracks: N names; boxes of different images with the same name show the same object. None: unnamed.
    """

    path: Path
    set: str
    frame: int | None
    width: int
    height: int
    boxes: NDArray[np.float64]
    tracks: tuple[str | None, ...]

    def read(self) -> NDArray[np.uint8]:
        """The image, BGR uint8 [height, width, 3].

        Raises DatasetError when the file cannot be decoded or has another size than the csv says.
        """
        image = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if image is None:
            raise DatasetError(f"{self.path}: cannot be read as an image; restore the file or drop its lines")
        if image.shape[:2] != (self.height, self.width):
            found = f"{image.shape[1]}x{image.shape[0]}"
            raise DatasetError(
                f"{self.path}: is {found}, but its boxes were drawn on {self.width}x{self.height}; "
                "correct image_width and image_height or the file"
            )
        return image.astype(np.uint8, copy=False)


@dataclass
class StillsSurvey:
    """What a csv holds and what of it had to be left out.

    images: the usable images, in the order of the csv.
    rows: number of boxes in the csv.
    left_out: reason -> number of boxes left out for it.
    examples: reason -> the first few places where it happened.
    clipped: number of boxes that reached over the image's border and were cut to it.
    """

    csv_path: Path
    images: list[LabelledImage] = field(default_factory=list)
    rows: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    clipped: int = 0

    def leave_out(self, reason: str, where: str) -> None:
        """Count one box as left out for `reason`, and remember `where` while few are known."""
        self.left_out[reason] += 1
        named = self.examples.setdefault(reason, [])
        if len(named) < _EXAMPLES:
            named.append(where)

    def summary(self) -> str:
        """What is used and what is left out and why; one line and one more per reason."""
        boxes = sum(len(image.boxes) for image in self.images)
        lines = [f"{self.csv_path.name}: {len(self.images)} images, {boxes} of {self.rows} boxes"]
        if self.clipped:
            lines.append(f"  {self.clipped} boxes cut at the image's border")
        for reason, count in self.left_out.most_common():
            lines.append(f"  {count} boxes left out: {reason} ({', '.join(self.examples[reason])})")
        return "\n".join(lines)


def load_stills(csv_path: str | Path) -> list[LabelledImage]:
    """The usable images of `csv_path`; what is left out is told as a warning in the log.

    Raises DatasetError when the csv is missing, has another header, or leaves no usable image.
    """
    survey = survey_stills(csv_path)
    if survey.left_out:
        _log.warning("%s", survey.summary())
    if not survey.images:
        raise DatasetError(f"{csv_path}: no usable image\n{survey.summary()}")
    return survey.images


def survey_stills(csv_path: str | Path) -> StillsSurvey:
    """Read and check `csv_path` without decoding an image.

    A box is left out when its image is missing, a number is not a number, its width or height is not
    positive, or it has no part in the image. Raises DatasetError when the csv is missing or has
    another header.
    """
    csv_path = Path(csv_path)
    survey = StillsSurvey(csv_path)
    by_image: dict[str, list[tuple[dict[str, str], tuple[float, float, float, float]]]] = {}
    exists: dict[str, bool] = {}
    for line, row in _read_rows(csv_path):
        survey.rows += 1
        where = f"line {line}, {row['image']}"
        if row["image"] not in exists:
            exists[row["image"]] = (csv_path.parent / row["image"]).is_file()
        if not exists[row["image"]]:
            survey.leave_out("the image file is missing", where)
            continue
        try:
            box, cut = _checked_box(row)
        except ValueError as error:
            survey.leave_out(str(error), where)
            continue
        survey.clipped += cut
        by_image.setdefault(row["image"], []).append((row, box))

    for name, labels in by_image.items():
        first = labels[0][0]
        survey.images.append(
            LabelledImage(
                path=csv_path.parent / name,
                set=first["set"],
                frame=int(first["frame"]) if first["frame"] else None,
                width=int(first["image_width"]),
                height=int(first["image_height"]),
                boxes=np.array([box for _, box in labels], dtype=np.float64),
                tracks=tuple(row["track"] or None for row, _ in labels),
            )
        )
    return survey


def _read_rows(csv_path: Path) -> list[tuple[int, dict[str, str]]]:
    """(line number, columns) of every box; empty columns are empty strings."""
    try:
        with csv_path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            absent = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if absent:
                raise DatasetError(f"{csv_path}: the header lacks {', '.join(absent)}; expected {','.join(_COLUMNS)}")
            return [(reader.line_num, {name: (row[name] or "").strip() for name in _COLUMNS}) for row in reader]
    except OSError as error:
        raise DatasetError(f"{csv_path}: cannot be read ({error.strerror}); name an existing csv file") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{csv_path}: is not UTF-8 text ({error.reason}); save it as UTF-8") from error


def _checked_box(row: dict[str, str]) -> tuple[tuple[float, float, float, float], bool]:
    """(x, y, w, h) inside the image, and whether it had to be cut; ValueError says what is wrong."""
    try:
        x, y, w, h = (float(row[name]) for name in "xywh")
        width, height = int(row["image_width"]), int(row["image_height"])
        if row["frame"]:
            int(row["frame"])
    except ValueError:
        raise ValueError("a column that must be a number is not one") from None
    if not all(math.isfinite(value) for value in (x, y, w, h)):
        raise ValueError("the box is not finite")
    if w <= 0 or h <= 0:
        raise ValueError("the box is empty or inverted")
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + w, float(width)), min(y + h, float(height))
    if right <= left or bottom <= top:
        raise ValueError("the box lies outside the image")
    cut = (left, top, right, bottom) != (x, y, x + w, y + h)
    return ((left, top, right - left, bottom - top) if cut else (x, y, w, h)), cut
