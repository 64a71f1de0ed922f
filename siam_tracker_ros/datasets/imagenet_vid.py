"""ImageNet VID: ``Annotations/VID/train/PART/VIDEO/000000.xml`` and ``Data/VID/train/PART/VIDEO/000000.JPEG``.

PART is ``ILSVRC2015_VID_train_0000`` to ``_0003``; the videos of val lie there without one. The objects of a video are
told apart by their trackid. A picture without an object has a file with none. See imagenet_xml.py for the source and
the boxes.
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
    """The tracks of Annotations/VID/`split` in `folder`, or in the release in it.

    Raises DatasetError when the layout is not there, or nothing is left.
    """
    root = find_ilsvrc(folder, "VID", split)
    top = root / "Annotations" / "VID" / split
    videos = folders_below(top)
    pictures = {video: root / "Data" / "VID" / split / video.relative_to(top) for video in videos}
    return kept_table(
        lambda: _index(root, split, pictures, least_side),
        root=root,
        layout="imagenet_vid",
        settings={"split": split, "least_side": least_side},
        sources=(path for pair in pictures.items() for path in pair),
        cache=cache,
        say=say,
    )


def _index(root: Path, split: str, videos: dict[Path, Path], least_side: float) -> TrackTable:
    rows = ViewRows(f"imagenet_vid {split}", root, Naming(picture=f"Data/VID/{split}/{{scene}}/{{number:06d}}.JPEG"))
    with progress_bar(f"reading ImageNet VID {split}", len(videos), "video") as bar:
        for video, pictures in videos.items():
            _add(rows, video, pictures, video.relative_to(root / "Annotations" / "VID" / split).as_posix())
            bar.update()
    return rows.table(least_side)


def _add(rows: ViewRows, video: Path, pictures: Path, name: str) -> None:
    files = sorted(path for path in video.iterdir() if path.suffix == ".xml")
    there = names_in(pictures) if files else frozenset()
    scene = -1
    for path in files:
        try:
            if not path.stem.isdigit():
                raise DatasetError(f"{path}: has no frame number for a name")
            labels = read_labels(path)
        except DatasetError:
            rows.survey.leave_out("pictures: their XML file cannot be read", f"{name}/{path.name}")
            continue
        if not labels.objects:
            continue
        if f"{path.stem}.JPEG" not in there:
            rows.survey.leave_out(MISSING, f"{name}/{path.stem}.JPEG", count=len(labels.objects))
            continue
        if scene < 0:  # all pictures of a video have one size
            scene = rows.scene(name, labels.width, labels.height)
        for labelled in labels.objects:
            if labelled.track is None:
                rows.survey.leave_out("views: the object has no trackid", f"{name}/{path.name}")
                continue
            rows.add(scene, rows.category(labelled.category), labelled.track, int(path.stem), labelled.box)
