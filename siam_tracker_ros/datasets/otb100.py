"""OTB100 (and OTB50, OTB2013): ``NAME/img/0001.jpg`` and ``NAME/groundtruth_rect.txt``.

Wu, Lim and Yang, "Object Tracking Benchmark", TPAMI 2015. One line ``x,y,w,h`` (or tabs, or blanks) per frame,
with the first pixel at 1. Jogging, Skating2 and Human4 have ``groundtruth_rect.1.txt`` and ``.2.txt``; each that is not
empty is a sequence of its own, ``Jogging-1`` and ``Jogging-2``. Some sequences are a part of their images.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from siam_tracker_ros.datasets.published import (
    attributes_from_flags,
    image_numbers,
    make_sequence,
    read_rows,
    subfolders,
    survey_each,
)
from siam_tracker_ros.datasets.sequences import Sequence, SequenceSurvey

__all__ = ["ATTRIBUTES", "FRAMES", "recognise", "survey"]

# Numbers of the first and last image, where the annotation is of a part of them (pytracking's otbdataset.py).
FRAMES = {
    "BlurCar1": (247, 988),
    "BlurCar3": (3, 359),
    "BlurCar4": (18, 397),
    "David": (300, 770),
    "Diving": (1, 215),
    "Football1": (1, 74),
    "Freeman3": (1, 460),
    "Freeman4": (1, 283),
}

# In the order of the benchmark's own anno/att/NAME.txt (perfPlot.m; its flags are what pytracking's otb_attributes.json
# says of 92 sequences, and nearly so of the other eight), which is used where anno/ lies beside the sequences.
ATTRIBUTES = ("IV", "OPR", "SV", "OCC", "DEF", "MB", "FM", "IPR", "OV", "BC", "LR")


def recognise(folder: Path) -> bool:
    """Whether the sequences have groundtruth_rect files, and their images four digits (DTB70's have five)."""
    digits = [
        len(next((image.stem for image in (path / "img").iterdir()), ""))
        for path in subfolders(folder)
        if any(path.glob("groundtruth_rect*.txt")) and (path / "img").is_dir()
    ]
    return bool(digits) and sum(number != 5 for number in digits) * 2 >= len(digits)


def survey(folder: Path) -> SequenceSurvey:
    """Check every sequence in `folder`. Raises DatasetError when it holds none."""
    loaders = []
    for path in subfolders(folder):
        truths = sorted(path.glob("groundtruth_rect*.txt"))
        if not truths and (path / "img").is_dir():
            truths = [path / "groundtruth_rect.txt"]
        for truth in truths:
            target = truth.name.removeprefix("groundtruth_rect").removesuffix(".txt").lstrip(".")
            if target and not truth.read_bytes().strip():
                continue  # Human4's first target was never annotated
            name = f"{path.name}-{target}" if target else path.name
            loaders.append((name, partial(_load, name, path, truth)))
    return survey_each("otb100", loaders, folder)


def _load(name: str, path: Path, truth: Path) -> Sequence:
    boxes = read_rows(truth)
    frames = FRAMES.get(path.name)
    # Some copies already hold the annotated part only.
    if frames is not None and len(image_numbers(path / "img")) == len(boxes):
        frames = None
    attributes = attributes_from_flags(path.parent / "anno" / "att" / f"{name}.txt", ATTRIBUTES)
    return make_sequence(
        name,
        path,
        path / "img",
        boxes,
        layout="otb100",
        truth=truth.name,
        frames=frames,
        origin=1.0,
        attributes=attributes,
    )
