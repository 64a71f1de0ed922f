"""What the readers of the published benchmarks share: numbers from text, images in a folder, and the checks.

Nothing is decoded here. Every complaint is a DatasetError that names the sequence, the file and the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.sequences import Sequence, SequenceSurvey, read_lines

__all__ = [
    "attributes_from_flags",
    "check_boxes",
    "image_numbers",
    "make_sequence",
    "mark_absent",
    "read_flags",
    "read_rows",
    "subfolders",
    "survey_each",
]

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


def subfolders(folder: Path) -> list[Path]:
    """The folders in `folder`, by name; those that begin with a dot belong to somebody's tools."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def survey_each(layout: str, loaders: Iterable[tuple[str, Callable[[], Sequence]]], folder: Path) -> SequenceSurvey:
    """Run every loader; a DatasetError makes its sequence broken and spares the others."""
    survey = SequenceSurvey()
    for name, load in loaders:
        try:
            survey.sequences.append(load())
        except DatasetError as error:
            survey.broken[name] = f"{name}: {error}"
    if not survey.sequences and not survey.broken:
        raise DatasetError(f"{folder}: holds no sequence in the layout {layout}")
    survey.sequences.sort(key=lambda sequence: sequence.name)
    return survey


def read_rows(path: Path, columns: tuple[int, ...] = (4,)) -> NDArray[np.float64]:
    """The numbers of a text file, one row a line, separated by commas, semicolons, tabs or blanks.

    Raises DatasetError when a line has not one of the numbers of `columns`, or another number than the first line.
    """
    lines = read_lines(path)
    rows: list[list[float]] = []
    for index, line in enumerate(lines):
        where = f"line {index + 1} of {path.name}, '{line.strip()[:40]}',"
        try:
            values = [float(word) for word in re.split(r"[,;\s]+", line.strip().rstrip(","))]
        except ValueError:
            raise DatasetError(f"{where} is not made of numbers; restore the file") from None
        if len(values) not in columns or (rows and len(values) != len(rows[0])):
            wanted = " or ".join(str(number) for number in columns)
            raise DatasetError(f"{where} has {len(values)} numbers instead of {wanted}; restore the file")
        rows.append(values)
    if not rows:
        raise DatasetError(f"{path.name} is empty; restore the file")
    return np.array(rows, dtype=np.float64)


def read_flags(path: Path, expected: int) -> NDArray[np.float64]:
    """One number per frame, on one line or on many; DatasetError unless there are `expected`."""
    words = re.split(r"[,\s]+", " ".join(read_lines(path)).strip())
    try:
        flags = np.array([float(word) for word in words if word], dtype=np.float64)
    except ValueError:
        raise DatasetError(f"{path.name} is not made of numbers; restore the file") from None
    if len(flags) != expected:
        raise DatasetError(f"{path.name} has {len(flags)} values for {expected} boxes; restore the file")
    return flags


def attributes_from_flags(path: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """The attributes whose flag is set in a file of one 0 or 1 per name; none where the file is missing.

    path: in upper or lower case: OTB's has names of 2013 in lower case (carDark.txt), of folders that are not.
    """
    if not path.is_file():
        others = (other for other in sorted(path.parent.glob("*.txt")) if other.name.lower() == path.name.lower())
        found = next(others, None)
        if found is None:
            return ()
        path = found
    flags = read_flags(path, len(names))
    return tuple(name for name, flag in zip(names, flags, strict=True) if flag > 0)


def mark_absent(boxes: NDArray[np.float64], absent: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """A copy with rows of nan where `absent` says so and where the row is 0,0,0,0, as some benchmarks write it."""
    marked = boxes.copy()
    marked[np.all(boxes == 0, axis=1)] = np.nan
    if absent is not None:
        marked[absent] = np.nan
    return marked


def check_boxes(boxes: NDArray[np.float64], truth: str) -> NDArray[np.float64]:
    """`boxes` with half-nan rows made whole; DatasetError naming the first line that is infinite or has no area."""
    absent = np.asarray(np.isnan(boxes).any(axis=1))
    for index in np.flatnonzero(~absent):
        box = boxes[index]
        where = f"line {index + 1} of {truth}, '{','.join(f'{value:g}' for value in box)}',"
        if not np.isfinite(box).all():
            raise DatasetError(f"{where} is not finite; restore the file")
        if box[2] <= 0 or box[3] <= 0:
            raise DatasetError(f"{where} is an empty or inverted box; restore the file")
    if absent[0]:
        raise DatasetError(f"{truth} has no box in the first frame; tracking starts with one")
    checked = boxes.copy()
    checked[absent] = np.nan
    return checked


def image_numbers(folder: Path) -> list[int]:
    """The numbers of the images in `folder`, in order; DatasetError when it is missing, empty or one is left out."""
    if not folder.is_dir():
        raise DatasetError(f"the folder of images {folder.name} is missing; restore it")
    numbers = []
    for path in folder.iterdir():
        if path.suffix.lower() in _IMAGE_SUFFIXES:
            digits = re.search(r"(\d+)$", path.stem)
            if digits is None:
                raise DatasetError(f"{path.name} in {folder.name} has no number; the layout numbers its images")
            numbers.append(int(digits[1]))
    if not numbers:
        raise DatasetError(f"{folder.name} holds no image; restore it")
    numbers.sort()
    for before, after in pairwise(numbers):
        if after != before + 1:
            raise DatasetError(f"{folder.name} jumps from image {before} to {after}; restore what is missing")
    return numbers


def make_sequence(
    name: str,
    path: Path,
    source: Path,
    boxes: NDArray[np.float64],
    *,
    layout: str,
    truth: str,
    frames: tuple[int, int] | None = None,
    origin: float = 0.0,
    attributes: tuple[str, ...] = (),
    polygons: NDArray[np.float64] | None = None,
    first_box_only: bool = False,
) -> Sequence:
    """A checked Sequence.

    frames: numbers of the first and last image, where the sequence is a part of the folder; None: all images.

    Raises DatasetError when boxes are bad, or images and lines are not equally many.
    """
    boxes = check_boxes(boxes, truth)
    numbers = image_numbers(source)
    first, last = frames or (numbers[0], numbers[-1])
    if first < numbers[0] or last > numbers[-1]:
        raise DatasetError(
            f"{source.name} holds the images {numbers[0]} to {numbers[-1]}, but the sequence is {first} to {last}; "
            "restore what is missing"
        )
    count = last - first + 1
    if count != len(boxes):
        raise DatasetError(
            f"{truth} has {len(boxes)} lines, but {source.name} has {count} frames; restore the file that is cut"
        )
    boxes[:, :2] -= origin
    return Sequence(
        name=name,
        path=path,
        boxes=boxes,
        source=source,
        layout=layout,
        truth=truth,
        start=first - numbers[0],
        whole=last == numbers[-1],
        origin=origin,
        attributes=attributes,
        polygons=polygons,
        first_box_only=first_box_only,
    )
