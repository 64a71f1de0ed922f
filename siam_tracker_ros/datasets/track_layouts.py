"""The layouts that training reads, by name."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from siam_tracker_ros.datasets import (
    coco,
    folder_tracks,
    got10k_tracks,
    imagenet_det,
    imagenet_vid,
    lasot_tracks,
    still_tracks,
    youtube_bb,
    youtube_vos,
)
from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.track_list import TrackList
from siam_tracker_ros.datasets.track_table import TrackTable
from siam_tracker_ros.datasets.tracks import TrackSet

__all__ = ["TRACK_LAYOUTS", "read_tracks"]

# Those whose index is worth keeping: each reads (folder, split, least side, cache, say).
_LARGE = {
    "coco": coco.read,
    "imagenet_det": imagenet_det.read,
    "imagenet_vid": imagenet_vid.read,
    "youtube_bb": youtube_bb.read,
    "youtube_vos": youtube_vos.read,
    "got10k": got10k_tracks.read,
    "lasot": lasot_tracks.read,
}
TRACK_LAYOUTS = (*_LARGE, "folders", "stills")


def read_tracks(
    path: Path,
    layout: str,
    *,
    split: str = "train",
    least_side: float = 8.0,
    leave_out: Collection[str] = (),
    cache: Path | None = None,
    say: Callable[[str], None] = print,
) -> TrackSet:
    """The objects of a data set that lies at `path` in the published `layout`, checked.

    split: which part of the data set, where the layout has parts.
    least_side: smallest width and height of a box, pixels of the picture.
    leave_out: names of scenes (videos, pictures) that are not to be trained on.
    cache: folder for what is slow to make: the index of a large set, and the views of videos. The folder of sequences
        needs it; without it, the others are read in full at every start.
    say: gets a line for what takes long.

    Raises DatasetError when the layout is unknown, not at `path`, or leaves nothing to train on, and when a scene of
    `leave_out` is not there.
    """
    if layout not in TRACK_LAYOUTS:
        raise DatasetError(f"there is no layout {layout}; there are {', '.join(TRACK_LAYOUTS)}")
    tracks: TrackList | TrackTable
    if layout == "stills":
        tracks = still_tracks.read(path, least_side)
    elif layout == "folders":
        tracks = folder_tracks.read(path, least_side, cache, say)
    else:
        tracks = _LARGE[layout](path, split, least_side, cache, say)
    if leave_out:
        tracks = tracks.without(leave_out)
        if not len(tracks):
            raise DatasetError(f"{path}: nothing is left to train on\n{tracks.survey.text()}")
    return tracks
