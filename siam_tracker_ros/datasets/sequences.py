"""Annotated videos in the folder-of-sequences layout, read one frame at a time.

A sequence is a folder ``NAME/`` with ``groundtruth.txt`` and either ``video.mp4`` (or another
``video.*`` that OpenCV decodes) or the images ``img/*.jpg`` or ``img/*.png`` in the order of their names.
``groundtruth.txt`` has one line ``x,y,w,h`` per frame (commas, tabs or blanks): top-left corner, 0-based,
pixels of the image; ``nan,nan,nan,nan`` where the target is absent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.errors import DatasetError

__all__ = ["Sequence", "SequenceSurvey", "load_sequence", "load_sequences", "read_boxes", "survey_sequences"]

_VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov", ".webm")
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True, eq=False)
class Sequence:
    """One annotated video. No frame is held in memory.

    name: the folder's name.
    path: the folder.
    boxes: [N, 4] float64, x, y, w, h, top-left corner, pixels of the image; a row of nan where the
        target is absent, never in the first row.
    source: the video file, or the folder of images.
    layout: name of the layout that it was read from (datasets/layouts.py).
    truth: name of the file with the boxes.
    start: how many images of the folder come before the first frame.
    whole: whether the folder ends with the last frame; else the images after it belong to others.
    origin: what the layout calls the first column and row of pixels; it is taken off the boxes here,
        and a writer of the layout's own result format adds it again.
    attributes: names of the challenges that the layout assigns to this sequence.
    tags: the same frame by frame where the layout has it, name -> [N] bool.
    polygons: [N, 8] corners x1, y1, ... x4, y4 where the layout has them; None elsewhere.
    first_box_only: the layout keeps the other boxes to its server, so their rows are nan without the
        target being absent.
    """

    name: str
    path: Path
    boxes: NDArray[np.float64]
    source: Path
    layout: str = "folders"
    truth: str = "groundtruth.txt"
    start: int = 0
    whole: bool = True
    origin: float = 0.0
    attributes: tuple[str, ...] = ()
    tags: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    polygons: NDArray[np.float64] | None = None
    first_box_only: bool = False

    def __len__(self) -> int:
        """Number of annotated frames."""
        return len(self.boxes)

    def image_size(self) -> tuple[int, int]:
        """Width and height of the first frame. Raises DatasetError when it cannot be decoded."""
        for frame in self.frames():
            return frame.shape[1], frame.shape[0]
        raise DatasetError(f"{self.name}: {self.source.name} has no frame; restore it")

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """The N frames in order, BGR uint8 [H, W, 3], each decoded when it is asked for.

        Raises DatasetError when a frame cannot be decoded, or when there are fewer or more than N.
        """
        if self.source.is_file():
            decoded = _video_frames(self.source)
        else:
            decoded = _image_frames(self.source, self.start, None if self.whole else self.start + len(self))
        count = 0
        for frame in decoded:
            count += 1
            if count > len(self):
                break
            yield frame
        if count != len(self):
            ended = f"ends after {count} frames" if count < len(self) else f"has more than {len(self)} frames"
            raise DatasetError(
                f"{self.name}: {self.source.name} {ended}, but {self.truth} has {len(self)} lines; "
                "restore the file that is cut"
            )


@dataclass
class SequenceSurvey:
    """The usable sequences of a folder, by name, and what is wrong with the others (name -> reason)."""

    sequences: list[Sequence] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)


def load_sequences(folder: str | Path) -> list[Sequence]:
    """The sequences in `folder`, sorted by name; `folder` may also be one sequence itself.

    Raises DatasetError when the folder holds none, or naming every sequence that is broken
    (`survey_sequences` gives the others all the same).
    """
    survey = survey_sequences(folder)
    if survey.broken:
        raise DatasetError("\n".join(survey.broken.values()))
    return survey.sequences


def survey_sequences(folder: str | Path) -> SequenceSurvey:
    """Check every sequence in `folder` without decoding it. Raises DatasetError when it holds none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"{folder}: is not a folder; name a folder of sequences")
    if _looks_like_a_sequence(folder):
        candidates = [folder]
    else:
        subfolders = sorted(path for path in folder.iterdir() if path.is_dir())
        candidates = [path for path in subfolders if _looks_like_a_sequence(path)]
    if not candidates:
        raise DatasetError(
            f"{folder}: holds no sequence; each is a folder with groundtruth.txt and video.mp4 or img/*.jpg"
        )
    survey = SequenceSurvey()
    for path in candidates:
        try:
            survey.sequences.append(load_sequence(path))
        except DatasetError as error:
            survey.broken[_name_of(path)] = str(error)
    return survey


def load_sequence(path: str | Path) -> Sequence:
    """The sequence in the folder `path`.

    Raises DatasetError when frames or ground truth are missing, unreadable, or not equally many.
    """
    path = Path(path)
    name = _name_of(path)
    truth = path / "groundtruth.txt"
    try:
        boxes = read_boxes(truth)
    except DatasetError as error:
        raise DatasetError(f"{name}: {error}") from error
    source = _find_source(path)
    if source is None:
        raise DatasetError(f"{name}: has neither a video.mp4 nor images in img/; add the frames")
    if len(boxes) == 0:
        raise DatasetError(f"{name}: groundtruth.txt is empty; write one line x,y,w,h per frame")
    if np.isnan(boxes[0]).any():
        raise DatasetError(f"{name}: groundtruth.txt has no box in the first frame; tracking starts with one")
    try:
        frames = _count_frames(source, expected=len(boxes))
    except DatasetError as error:
        raise DatasetError(f"{name}: {error}") from error
    if frames != len(boxes):
        raise DatasetError(
            f"{name}: groundtruth.txt has {len(boxes)} lines, but {source.name} has {frames} frames; "
            "restore the file that is cut"
        )
    return Sequence(name=name, path=path, boxes=boxes, source=source)


def read_boxes(path: str | Path) -> NDArray[np.float64]:
    """The boxes of a text file, [N, 4] float64, x, y, w, h; rows of nan where there is none.

    Raises DatasetError naming the line that is not four numbers, is infinite, is nan in part, or has a
    width or height that is not positive.
    """
    path = Path(path)
    lines = read_lines(path)
    boxes = np.empty((len(lines), 4), dtype=np.float64)
    for index, line in enumerate(lines):
        where = f"line {index + 1} of {path.name}, '{line.strip()[:40]}',"
        try:
            values = [float(word) for word in re.split(r"[,\s]+", line.strip())]
        except ValueError:
            raise DatasetError(f"{where} is not four numbers x,y,w,h") from None
        if len(values) != 4:
            raise DatasetError(f"{where} has {len(values)} numbers instead of x,y,w,h")
        absent = all(math.isnan(value) for value in values)
        if not absent and not all(math.isfinite(value) for value in values):
            raise DatasetError(f"{where} is not finite; write nan,nan,nan,nan where the target is absent")
        if not absent and (values[2] <= 0 or values[3] <= 0):
            raise DatasetError(f"{where} has no area; write nan,nan,nan,nan where the target is absent")
        boxes[index] = values
    return boxes


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, without empty ones at its end. Raises DatasetError when it cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DatasetError(f"{path.name} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path.name} is not UTF-8 text ({error.reason})") from error
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _name_of(path: Path) -> str:
    return path.resolve().name


def _looks_like_a_sequence(path: Path) -> bool:
    return (path / "groundtruth.txt").exists() or _find_source(path) is not None


def _find_source(path: Path) -> Path | None:
    for suffix in _VIDEO_SUFFIXES:
        if (path / f"video{suffix}").is_file():
            return path / f"video{suffix}"
    return path / "img" if (path / "img").is_dir() else None


def _count_frames(source: Path, expected: int) -> int:
    """Number of frames; a video is only decoded when its header contradicts `expected`."""
    if source.is_dir():
        return len(image_files(source))
    capture = _open_video(source)
    try:
        # Some containers only estimate the count from the duration, so a difference is not yet a fault.
        if round(capture.get(cv2.CAP_PROP_FRAME_COUNT)) == expected:
            return expected
        count = 0
        while capture.grab():
            count += 1
        return count
    finally:
        capture.release()


def _open_video(path: Path) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise DatasetError(f"{path.name} cannot be decoded; replace it with a video that OpenCV reads")
    return capture


def _video_frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    capture = _open_video(path)
    try:
        while True:
            read, frame = capture.read()
            if not read:
                return
            yield frame.astype(np.uint8, copy=False)
    finally:
        capture.release()


def _image_frames(folder: Path, start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.uint8]]:
    for path in image_files(folder)[start:stop]:
        frame = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if frame is None:
            raise DatasetError(f"{path.name} in {folder.parent.name} cannot be read as an image; restore it")
        yield frame.astype(np.uint8, copy=False)


def image_files(folder: Path) -> list[Path]:
    """The images in the order of their numbers. Raises DatasetError when a number is left out."""
    files = sorted((path for path in folder.iterdir() if path.suffix.lower() in _IMAGE_SUFFIXES), key=_number_then_name)
    numbers = [int(path.stem) for path in files if path.stem.isdigit()]
    if len(numbers) == len(files):
        for before, after in pairwise(numbers):
            if after != before + 1:
                raise DatasetError(f"{folder.name} jumps from image {before} to {after}; restore what is missing")
    return files


def _number_then_name(path: Path) -> tuple[int, str]:
    """`2.jpg` comes before `10.jpg`, as `0002.jpg` comes before `0010.jpg`."""
    return (int(path.stem) if path.stem.isdigit() else -1, path.name)
