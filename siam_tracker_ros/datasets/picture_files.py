"""What the readers of training sets ask of picture files without decoding them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from siam_tracker_ros.datasets.errors import DatasetError

__all__ = ["DAMAGED", "first_size", "names_in", "picture_size"]

# What Pillow raises, besides its own errors, which are OSErrors, when a file is cut or not an image.
DAMAGED = (OSError, SyntaxError, ValueError)


def names_in(folder: Path) -> frozenset[str]:
    """Names of all entries of `folder`, read at once: asking for each file of a million takes minutes. Empty where the
    folder is missing."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries)
    except OSError:
        return frozenset()


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, from the file's first bytes. Raises DatasetError when they are not an image's."""
    try:
        with Image.open(path) as image:
            return image.size
    except DAMAGED as error:
        raise DatasetError(f"{path}: cannot be read as an image ({error})") from error


def first_size(paths: Sequence[Path]) -> tuple[int, int]:
    """The size of the first of a video's pictures that is an image. Raises DatasetError when none is."""
    for path in paths:
        try:
            return picture_size(path)
        except DatasetError:
            continue
    raise DatasetError(f"no picture of {len(paths)} can be read")
