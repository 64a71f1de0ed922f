"""What ImageNet DET and VID share: where they lie, and the XML of one picture.

Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", IJCV 2015; https://www.image-net.org. Boxes are
corners xmin, ymin, xmax, ymax in pixels; taken as continuous coordinates, as PySOT does: w is xmax - xmin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from siam_tracker_ros.datasets.errors import DatasetError

__all__ = ["Labelled", "PictureLabels", "find_ilsvrc", "folders_below", "read_labels"]


@dataclass(frozen=True)
class Labelled:
    """One object of a picture: its track (None: the file names none), WordNet id, and box x, y, w, h (nan: garbled)."""

    track: int | None
    category: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class PictureLabels:
    """A picture's size (inf where it is not told) and its objects, in the file's order."""

    width: float
    height: float
    objects: tuple[Labelled, ...]


def find_ilsvrc(folder: Path, task: str, split: str) -> Path:
    """The folder with Annotations/TASK/SPLIT and Data/TASK/SPLIT: `folder` or the release in it (ILSVRC, ILSVRC2015).

    Raises DatasetError when there is none.
    """
    for root in (folder, folder / "ILSVRC", folder / "ILSVRC2015", folder / "ILSVRC2017"):
        if all((root / kind / task / split).is_dir() for kind in ("Annotations", "Data")):
            return root
    raise DatasetError(f"{folder}: has not both Annotations/{task}/{split} and Data/{task}/{split}, as ILSVRC2015 does")


def folders_below(folder: Path, depth: int = 2) -> list[Path]:
    """The folders in `folder`, and those in them, to `depth`; by name.

    PySOT's instructions link the parts as a, b, c beside their own names: each is taken once, the folder rather than
    the link to it.
    """
    found: dict[Path, Path] = {}

    def visit(parent: Path, left: int) -> None:
        inside = [path for path in parent.iterdir() if path.is_dir()]
        for path in sorted(inside, key=lambda path: (path.is_symlink(), path.name)):
            if path.resolve() not in found:
                found[path.resolve()] = path
                if left > 1:
                    visit(path, left - 1)

    visit(folder, depth)
    return sorted(found.values())


def read_labels(path: Path) -> PictureLabels:
    """The content of one XML file. Raises DatasetError when it is not XML, or has no <annotation>."""
    try:
        annotation = ElementTree.parse(path).getroot()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DatasetError(f"{path}: is not XML ({error})") from error
    if annotation.tag != "annotation":
        raise DatasetError(f"{path}: is not an annotation but <{annotation.tag}>")
    width, height = (_number(annotation.findtext(f"size/{side}")) for side in ("width", "height"))
    return PictureLabels(
        width if width > 0 else math.inf,
        height if height > 0 else math.inf,
        tuple(_labelled(element) for element in annotation.iter("object")),
    )


def _labelled(element: ElementTree.Element) -> Labelled:
    left, top, right, bottom = (_number(element.findtext(f"bndbox/{c}")) for c in ("xmin", "ymin", "xmax", "ymax"))
    track = _number(element.findtext("trackid"))
    return Labelled(
        track=int(track) if math.isfinite(track) else None,
        category=(element.findtext("name") or "").strip(),
        box=(left, top, right - left, bottom - top),
    )


def _number(text: str | None) -> float:
    try:
        return float(text) if text else math.nan
    except ValueError:
        return math.nan
