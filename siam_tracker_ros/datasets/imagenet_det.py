"""ImageNet DET: ``Annotations/DET/train/PART/NAME.xml`` and ``Data/DET/train/PART/NAME.JPEG``, each box an object.

PART is ``ILSVRC2014_train_0000`` or, two folders deep, ``ILSVRC2013_train/n02672831``. Pictures without an object have
a file with none, or no file. See imagenet_xml.py for the source and the boxes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.imagenet_xml import find_ilsvrc, folders_below, read_labels
from siam_tracker_ros.datasets.picture_files import names_in
from siam_tracker_ros.datasets.track_cache import kept_table
from siam_tracker_ros.datasets.track_table import Naming, TrackTable
from siam_tracker_ros.datasets.view_rows import MISSING, ViewRows
from siam_tracker_ros.progress import progress_bar

__all__ = ["read"]


def read(folder: Path, split: str, least_side: float, cache: Path | None, say: Callable[[str], None]) -> TrackTable:
    """The boxes of Annotations/DET/`split` in `folder`, or in the release in it.

    Raises DatasetError when the layout is not there, or nothing is left.
    """
    root = find_ilsvrc(folder, "DET", split)
    top = root / "Annotations" / "DET" / split
    parts = [top, *folders_below(top)]
    pictures = {part: root / "Data" / "DET" / split / part.relative_to(top) for part in parts}
    return kept_table(
        lambda: _index(root, split, pictures, least_side),
        root=root,
        layout="imagenet_det",
        settings={"split": split, "least_side": least_side},
        sources=(path for pair in pictures.items() for path in pair),
        cache=cache,
        say=say,
    )


def _index(root: Path, split: str, parts: dict[Path, Path], least_side: float) -> TrackTable:
    rows = ViewRows(f"imagenet_det {split}", root, Naming(picture=f"Data/DET/{split}/{{scene}}.JPEG"))
    files = [path for part in parts for path in sorted(part.glob("*.xml"))]
    there: dict[Path, frozenset[str]] = {}
    with progress_bar(f"reading ImageNet DET {split}", len(files), "file") as bar:
        for path in files:
            if path.parent not in there:
                there[path.parent] = names_in(parts[path.parent])
            _add(rows, path, root / "Annotations" / "DET" / split, there[path.parent])
            bar.update()
    return rows.table(least_side)


def _add(rows: ViewRows, path: Path, top: Path, there: frozenset[str]) -> None:
    name = path.relative_to(top).with_suffix("").as_posix()
    try:
        labels = read_labels(path)
    except DatasetError:
        rows.survey.leave_out("pictures: their XML file cannot be read", f"{name}.xml")
        return
    if not labels.objects:
        return
    if f"{path.stem}.JPEG" not in there:
        rows.survey.leave_out(MISSING, f"{name}.JPEG", count=len(labels.objects))
        return
    scene = rows.scene(name, labels.width, labels.height)
    for number, labelled in enumerate(labels.objects):
        rows.add(scene, rows.category(labelled.category), number, 0, labelled.box)
