"""The folder-of-sequences layout (sequences.py) as objects to train on, one a sequence.

A video file cannot be read at random, so what surrounds the target in each frame is stored once, as a JPEG of 459
pixels, in the cache folder: a search patch of 255 pixels and 1.8 times as much each way, so that it can be shifted and
scaled. Images of a sequence that has a folder of them are used as they are.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.picture_files import first_size
from siam_tracker_ros.datasets.sequences import Sequence, image_files, survey_sequences
from siam_tracker_ros.datasets.track_list import TrackList
from siam_tracker_ros.datasets.track_table import Naming
from siam_tracker_ros.datasets.tracks import ObjectTrack
from siam_tracker_ros.datasets.view_rows import ABSENT, BROKEN, ViewRows
from siam_tracker_ros.geometry import Box, Crop, search_crop
from siam_tracker_ros.patches import crop_patch
from siam_tracker_ros.progress import progress_bar

__all__ = ["read"]

_AROUND = 1.8  # sides of a stored view, in sides of a search patch
_QUALITY = 92


def read(folder: Path, least_side: float, cache: Path | None, say: Callable[[str], None]) -> TrackList:
    """The objects of the sequences in `folder`, without views whose box has a side under `least_side` pixels.

    cache: where views of videos are stored; what is stored already is not decoded again.

    Raises DatasetError when `folder` leaves nothing, or holds a video and there is no cache to write to.
    """
    found = survey_sequences(folder)
    if cache is None and any(sequence.source.is_file() for sequence in found.sequences):
        raise DatasetError(
            f"{folder}: holds videos, which cannot be read at random; name a cache folder for their views"
        )
    rows = ViewRows(folder.name, folder, Naming(picture="{scene} frame {number}", track="{scene}"))
    rows.survey.leave_out(BROKEN, *found.broken.values())
    for sequence in found.sequences:
        try:
            _add(rows, sequence)
        except DatasetError as error:
            rows.survey.leave_out(BROKEN, f"{sequence.name}: {error}")
    sequences = {sequence.name: sequence for sequence in found.sequences}
    table = rows.table(least_side)
    tracks = []
    for index in range(len(table)):
        track = table[index]
        sequence = sequences[track.scene]
        try:
            if cache is not None and sequence.source.is_file():
                tracks.append(_stored(sequence, track, cache, say))
            else:
                tracks.append(_direct(sequence, track))
        except OSError as error:
            # Not the fault of the sequence, and the next one would fare no better.
            raise DatasetError(f"{cache}: the views of {track.name} cannot be stored there ({error})") from error
        except DatasetError as error:
            table.survey.leave_out(BROKEN, str(error))
    if not tracks:
        raise DatasetError(f"{folder}: leaves nothing to train on\n{table.survey.text()}")
    return TrackList(table.survey, tracks)


def _add(rows: ViewRows, sequence: Sequence) -> None:
    """Add the frames with a box, to be checked against the size of the pictures."""
    if sequence.source.is_file():
        width, height = sequence.image_size()
    else:
        width, height = first_size(image_files(sequence.source))
    absent = np.isnan(sequence.boxes).any(axis=1)
    rows.survey.leave_out(ABSENT, sequence.name, count=int(absent.sum()))
    shown = np.flatnonzero(~absent)
    rows.extend(rows.scene(sequence.name, width, height), -1, 0, shown, sequence.boxes[shown])


def _direct(sequence: Sequence, track: ObjectTrack) -> ObjectTrack:
    files = image_files(sequence.source)
    return replace(track, images=[files[frame] for frame in track.frames])


def _stored(sequence: Sequence, track: ObjectTrack, cache: Path, say: Callable[[str], None]) -> ObjectTrack:
    boxes = [Box(*(float(value) for value in box)) for box in track.boxes]
    crops = [_around(box) for box in boxes]
    target = cache / "views" / f"{track.name}-{_key(sequence, track)}"
    if not target.is_dir():
        say(f"storing the views of {track.name} ({len(track)} frames) in {target.parent}")
        _store(sequence, dict(zip(track.frames.tolist(), crops, strict=True)), target)
    views = [crop.to_patch(box).as_tuple() for box, crop in zip(boxes, crops, strict=True)]
    images = [target / _file(frame) for frame in track.frames.tolist()]
    return replace(track, images=images, boxes=np.array(views, np.float64))


def _around(box: Box) -> Crop:
    near = search_crop(box)
    return Crop(near.cx, near.cy, near.side * _AROUND, round(near.patch * _AROUND))


def _file(frame: int) -> str:
    return f"{frame:06d}.jpg"


def _key(sequence: Sequence, track: ObjectTrack) -> str:
    """Changes with the video file and with the boxes, so that no view of another video is taken for its own."""
    status = sequence.source.stat()
    about = f"{sequence.source.name} {status.st_size} {status.st_mtime_ns} {_AROUND}".encode()
    return hashlib.sha256(about + track.frames.tobytes() + track.boxes.tobytes()).hexdigest()[:12]


def _store(sequence: Sequence, crops: dict[int, Crop], target: Path) -> None:
    """Decode the video and write its views; OSError when they cannot be.

    The folder gets its name when it is complete, so that no interrupted one is taken for whole.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=target.parent))
    try:
        with progress_bar(sequence.name, len(sequence)) as bar:
            for number, frame in enumerate(sequence.frames()):
                if (crop := crops.get(number)) is not None:
                    path, view = part / _file(number), crop_patch(frame, crop)
                    if not cv2.imwrite(str(path), view, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]):
                        raise OSError(f"{path.name} was not written; is the disk full?")
                bar.update()
        try:
            part.rename(target)
        except OSError:
            # Another process of the same run stored the same views meanwhile.
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
