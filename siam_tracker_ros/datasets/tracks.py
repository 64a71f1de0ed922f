"""What training draws its pairs from: objects and their boxes, whatever layout they were read from.

The pictures themselves are not read here, and boxes only of the object that is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.errors import DatasetError

__all__ = ["ObjectTrack", "Survey", "TrackSet", "check_scenes"]

_EXAMPLES = 3  # of each reason, named in the survey


@dataclass(frozen=True, eq=False)
class ObjectTrack:
    """One object in a video, or in one picture.

    name: unique within its set.
    scene: the video or picture; other objects with the same scene and category are look-alikes.
    category: what the object is; "" where the set names none.
    images: N image files; whether they can be decoded is known when they are read.
    frames: [N] int64, number of the picture in the video's own count, not falling; 0 where the set has none. The frame
        gap of a pair counts these; in one scene, an object's views of equal number show it at the same time.
    boxes: [N, 4] float64, x, y, w, h, top-left corner, 0-based, pixels of the image; finite, w and h positive.
        Only views in which the object can be seen are here, so N is at least 1 and frames may be left out.
    """

    name: str
    scene: str
    category: str
    images: Sequence[Path]
    frames: NDArray[np.int64]
    boxes: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of views."""
        return len(self.boxes)


class TrackSet(Protocol):
    """What every reader returns: a data set as a list of objects, each made when it is asked for.

    name: of the data set, for messages.
    survey: what is in it, and what was left out; made at start.
    scenes: [len] int64, number of each object's scene; equal numbers are the same video or picture.
    categories: [len] int64, number of each object's category; -1 where it is unknown.
    """

    @property
    def name(self) -> str: ...

    @property
    def survey(self) -> Survey: ...

    @property
    def scenes(self) -> NDArray[np.int64]: ...

    @property
    def categories(self) -> NDArray[np.int64]: ...

    def __len__(self) -> int:
        """Number of objects."""
        ...

    def __getitem__(self, index: int) -> ObjectTrack:
        """Object number `index`, 0 to len - 1; IndexError outside."""
        ...


@dataclass
class Survey:
    """What a data set holds, and what of it had to be left out.

    name: of the data set.
    objects, views: how many are usable.
    cut: number of boxes that reached over the picture's border and were cut to it.
    left_out: reason -> how many, and where the first few are. A reason says of what: "views: the box has no area".
    """

    name: str
    objects: int = 0
    views: int = 0
    cut: int = 0
    left_out: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)

    def leave_out(self, reason: str, *where: str, count: int | None = None) -> None:
        """Add to what was left out for `reason`: the places `where`, or `count` of which `where` are some."""
        number, named = self.left_out.get(reason, (0, ()))
        added = len(where) if count is None else count
        if added:
            self.left_out[reason] = (number + added, (*named, *where)[:_EXAMPLES])

    def copy(self) -> Survey:
        """One that can be added to without changing this one."""
        return replace(self, left_out=dict(self.left_out))

    def text(self) -> str:
        """One line about what is used, and one for each reason that something is not, the most frequent first."""
        lines = [f"{self.name}: {self.objects} objects, {self.views} views"]
        if self.cut:
            lines.append(f"  {self.cut} boxes cut at the picture's border")
        for reason, (number, named) in sorted(self.left_out.items(), key=lambda item: -item[1][0]):
            more = ", ..." if number > len(named) else ""
            lines.append(f"  left out: {number} {reason} ({', '.join(named)}{more})")
        return "\n".join(lines)


def check_scenes(wanted: Collection[str], there: Sequence[str], name: str) -> None:
    """Raise DatasetError when a scene of `wanted` is not among those that are `there` in the data set `name`."""
    unknown = sorted(set(wanted) - set(there))
    if unknown:
        example = f"; scenes are called like {there[0]}" if there else ""
        raise DatasetError(f"{name}: has no usable scene {', '.join(unknown)}{example}")
