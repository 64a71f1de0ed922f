"""The targets that are followed, by name, and the images that they can be looked for in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box, FrameError
from siam_tracker_ros.nodes.report import Target, TargetReport
from siam_tracker_ros.tracking.contract import FollowsSeveral, TrackResult
from siam_tracker_ros.tracking.state import TrackState

SAME_ASPECT = 0.01  # relative difference of two aspect ratios up to which only the resolution changed

Pixels = NDArray[np.uint8]  # BGR [H, W, 3]


@dataclass
class Followed:
    """A target, and the height and width of the images that its box is measured in."""

    target: Target
    size: tuple[float, float]

    def fits(self, height: int, width: int) -> bool:
        """Whether an image of this size shows what the target's images showed, perhaps at another resolution."""
        return abs(self.size[1] * height / (self.size[0] * width) - 1) <= SAME_ASPECT


class Targets:
    """What a tracker follows, the target that is followed longest first: the primary one.

    An image of the aspect ratio that a target was drawn on, but of another resolution, rescales the target. In one of
    another aspect ratio it is not looked for, and it is LOST until images of the old one come back.
    """

    def __init__(self, tracker: FollowsSeveral, max_targets: int = 1) -> None:
        """Args: max_targets: with 1 a new target replaces the one before it."""
        self._tracker, self._max = tracker, max_targets
        self._followed: dict[str, Followed] = {}
        self._made = 0  # names made

    def __len__(self) -> int:
        return len(self._followed)

    @property
    def all(self) -> tuple[Target, ...]:
        """The targets; may be asked for in any thread."""
        return tuple([each.target for each in list(self._followed.values())])

    def is_full_for(self, name: str) -> bool:
        """Whether a target of this name (empty: a new one) is one too many."""
        return 1 < self._max <= len(self) and name not in self._followed

    def add(self, name: str, class_id: str, pixels: Pixels, box: Box) -> Target:
        """Start on a target, or anew on the one of this name. An empty name: one is made.

        Raises: what the tracker raises. The other targets stay as they were then.
        """
        self.fit(pixels)
        target = Target(name or self._new_name(), class_id)
        self._tracker.add(target.id, pixels, box)
        self._followed[target.id] = Followed(target, pixels.shape[:2])
        if self._max == 1:
            self.remove(other for other in list(self._followed) if other != target.id)
        return target

    def remove(self, names: Iterable[str] | None = None) -> tuple[Target, ...]:
        """Stop following the targets of these names, or all. Returns those that were followed."""
        chosen = list(self._followed) if names is None else names
        removed = tuple([self._followed.pop(name).target for name in chosen if name in self._followed])
        for target in removed:
            self._tracker.remove(target.id)
        return removed

    def fit(self, pixels: Pixels) -> list[str]:
        """The names of those that can be looked for in these pixels, rescaled if only the resolution changed."""
        height, width = pixels.shape[:2]
        fitting = [name for name, each in self._followed.items() if each.fits(height, width)]
        if fitting and (size := self._followed[fitting[0]].size) != (height, width):
            factor_y, factor_x = height / size[0], width / size[1]
            self._tracker.rescale(factor_x, factor_y)  # all of them, also those that do not fit
            for name, each in self._followed.items():
                each.size = (height, width) if name in fitting else (each.size[0] * factor_y, each.size[1] * factor_x)
        return fitting

    def update(self, pixels: Pixels) -> dict[str, TrackResult]:
        """The results of those that can be looked for in these pixels.

        Raises:
            FrameError: none of them can. Else what the tracker raises.
        """
        fitting = self.fit(pixels)
        if self._followed and not fitting:
            raise FrameError(self._unfit(next(iter(self._followed.values())), pixels))
        return self._tracker.update(pixels, None if len(fitting) == len(self) else fitting)

    def update_one(self, name: str, pixels: Pixels) -> None:
        """The next frame for one target, which catches up with the others."""
        if name in self.fit(pixels):
            self._tracker.update(pixels, [name])

    def rest(self) -> None:
        """What the last frame left to be done, now that nobody waits. Raises what the tracker raises."""
        self._tracker.rest()

    def reports(
        self, pixels: Pixels | None, results: Mapping[str, TrackResult], trouble: str
    ) -> tuple[TargetReport, ...]:
        """All targets after a frame. ``trouble``: why there is no result; empty where the image did not fit."""
        reports = []
        for name, each in self._followed.items():
            result = results.get(name)
            if result is not None:
                reports.append(TargetReport(each.target, result.state, result.reason, result))
            else:
                reason = trouble or (self._unfit(each, pixels) if pixels is not None else "")
                reports.append(TargetReport(each.target, TrackState.LOST, reason, None))
        return tuple(reports)

    def _new_name(self) -> str:
        while True:
            self._made += 1
            if (name := f"target-{self._made}") not in self._followed:
                return name

    @staticmethod
    def _unfit(followed: Followed, pixels: Pixels) -> str:
        (height, width), (drawn_height, drawn_width) = pixels.shape[:2], followed.size
        return (
            f"the image is {width}x{height}, but the target was drawn on {drawn_width:.0f}x{drawn_height:.0f}, which "
            "has another aspect ratio; call init_target again if the camera's images stay so"
        )
