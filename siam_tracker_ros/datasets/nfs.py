"""NfS at 30 frames a second: ``NAME/30/NAME/00001.jpg`` and ``NAME/30/NAME.txt``.

Galoogahi et al., "Need for Speed: A Benchmark for Higher Frame Rate Object Tracking", ICCV 2017. A line begins with
``id x0 y0 x1 y1 frame lost``: the corners of the box, and whether the target is out of the picture. The files at 30
frames a second may hold a line for each frame at 240: then every eighth is taken. Images and lines of the published
files differ by one in places; the longer of the two is then cut. Source: got10k's tool kit, which reads them so, but
scores the frames with a lost target too.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.published import image_numbers, make_sequence, subfolders, survey_each
from siam_tracker_ros.datasets.sequences import Sequence, SequenceSurvey

__all__ = ["recognise", "survey"]

_RATE = 8  # of the camera's 240 frames a second to the 30 here


def recognise(folder: Path) -> bool:
    """Whether a sequence has a folder 30/ with its text file."""
    return any((path / "30" / f"{path.name}.txt").is_file() for path in subfolders(folder))


def survey(folder: Path) -> SequenceSurvey:
    """Check every sequence in `folder`. Raises DatasetError when it holds none."""
    paths = [path for path in subfolders(folder) if (path / "30").is_dir()]
    return survey_each("nfs", [(path.name, partial(_load, path)) for path in paths], folder)


def _load(path: Path) -> Sequence:
    truth = path / "30" / f"{path.name}.txt"
    source = path / "30" / path.name
    try:
        lines = [line.split() for line in truth.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        raise DatasetError(f"{truth.name} cannot be read; restore it") from None
    boxes = np.empty((len(lines), 4))
    for index, words in enumerate(lines):
        try:
            x0, y0, x1, y1 = (float(word) for word in words[1:5])
        except ValueError:
            where = f"line {index + 1} of {truth.name}, '{' '.join(words)[:40]}',"
            raise DatasetError(f"{where} does not begin with id x0 y0 x1 y1; restore the file") from None
        lost = len(words) > 6 and words[6] == "1"
        boxes[index] = np.nan if lost else (x0, y0, x1 - x0, y1 - y0)
    numbers = image_numbers(source)
    if abs(len(boxes) / len(numbers) - _RATE) < 1:
        boxes = boxes[::_RATE]
    frames = None
    if abs(len(boxes) - len(numbers)) == 1:
        boxes = boxes[: len(numbers)]
        frames = (numbers[0], numbers[0] + len(boxes) - 1)
    if len(boxes) == 0:
        raise DatasetError(f"{truth.name} is empty; restore it")
    return make_sequence(path.name, path, source, boxes, layout="nfs", truth=truth.name, frames=frames)
