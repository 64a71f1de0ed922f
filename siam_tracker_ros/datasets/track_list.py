"""A track set that is a list in memory, for sets of some thousand objects; large ones are a table (track_table.py)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.tracks import ObjectTrack, Survey, check_scenes

__all__ = ["TrackList"]


class TrackList:
    """The objects `tracks` as a TrackSet; their number and that of their views is put into `survey`."""

    def __init__(self, survey: Survey, tracks: Sequence[ObjectTrack]) -> None:
        self.survey = survey
        self._tracks = tuple(tracks)
        self.scenes = _numbered([track.scene for track in self._tracks])
        self.categories = _numbered([track.category for track in self._tracks], unknown="")
        survey.objects = len(self._tracks)
        survey.views = sum(len(track) for track in self._tracks)

    @property
    def name(self) -> str:
        """Of the data set."""
        return self.survey.name

    def __len__(self) -> int:
        """Number of objects."""
        return len(self._tracks)

    def __getitem__(self, index: int) -> ObjectTrack:
        """Object number `index`; IndexError outside 0 to len - 1."""
        if not 0 <= index < len(self._tracks):
            raise IndexError(f"{self.name} has the objects 0 to {len(self) - 1}, not {index}")
        return self._tracks[index]

    def without(self, scenes: Collection[str]) -> TrackList:
        """The list without the objects of the named scenes; the survey counts them as left out.

        Raises DatasetError when there is no such scene.
        """
        check_scenes(scenes, [track.scene for track in self._tracks], self.name)
        kept = [track for track in self._tracks if track.scene not in scenes]
        gone = [track.name for track in self._tracks if track.scene in scenes]
        survey = self.survey.copy()
        survey.leave_out("objects: their scene was not wanted", *gone)
        return TrackList(survey, kept)


def _numbered(names: Sequence[str], unknown: str | None = None) -> NDArray[np.int64]:
    """Equal names get equal numbers, from 0 in the order of appearance; `unknown` gets -1."""
    numbers: dict[str, int] = {}
    return np.array([-1 if name == unknown else numbers.setdefault(name, len(numbers)) for name in names], np.int64)
