"""The camera's own motion between two frames, so that a box that waits stays on its place on the ground.

A similarity (shift, turn, zoom) is fitted to the paths of corners by RANSAC, as video stabilisers do; what moves by
itself, the targets above all, is left out or outvoted. Corners: Shi and Tomasi 1994; their paths: Lucas and Kanade
1981 in Bouguet's pyramid, both as OpenCV has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box

Similarity = NDArray[np.float64]
"""[2, 3]: ``(x, y)`` of the earlier frame lies at ``m[:, :2] @ (x, y) + m[:, 2]`` in the later one, pixels."""


@dataclass(frozen=True)
class CameraMotionSettings:
    """How the camera's motion is estimated, and when it is believed.

    Attributes:
        width: longer side that a frame is shrunk to at most twice of, pixels; 80 or more.
        corners: corners that are followed, at most.
        distance: between two of them, at least, pixels of the shrunk frame.
        window: side of what is compared around a corner, pixels of the shrunk frame.
        pyramid: halvings of the shrunk frame above itself, for large motions.
        error: distance from its place under the similarity at which a corner still agrees, pixels of the shrunk frame.
        least: corners that must agree.
        share: share of the followed corners that must agree, 0..1.
        zoom: change of scale between two frames that is believed, as a factor, above 1.
    """

    width: int = 240
    corners: int = 80
    distance: float = 8.0
    window: int = 13
    pyramid: int = 3
    error: float = 1.0
    least: int = 10
    share: float = 0.4
    zoom: float = 1.3


@dataclass(frozen=True, eq=False)
class View:
    """What is kept of a frame: gray uint8 [h, w], of which each pixel stands for ``factor`` squared of the frame's.

    ``width`` and ``height`` are the frame's own, pixels.
    """

    gray: NDArray[np.uint8]
    factor: int
    width: int
    height: int


class Glance:
    """A frame whose view is made when it is first asked for: few are, and it takes longer than most of the rest.

    Until then it holds the frame, which must not change meanwhile.
    """

    def __init__(self, camera: CameraMotion, frame: NDArray[np.uint8]) -> None:
        self._camera, self.frame = camera, frame
        self._view: View | None = None

    @property
    def is_made(self) -> bool:
        """Whether the frame is not needed any more."""
        return self._view is not None

    @property
    def view(self) -> View:
        """The frame's view."""
        if self._view is None:
            self._view = self._camera.look(self.frame)
            self.frame = self._view.gray  # the frame's memory is free
        return self._view


class CameraMotion:
    """Estimates the camera's motion between any two views; holds nothing but its settings."""

    def __init__(self, settings: CameraMotionSettings | None = None) -> None:
        self.settings = settings or CameraMotionSettings()

    def look(self, frame: NDArray[np.uint8]) -> View:
        """What is needed of a frame, BGR uint8 [H, W, 3]."""
        height, width = frame.shape[:2]
        factor = max(1, max(width, height) // self.settings.width)
        across, down = width // factor, height // factor
        if not (across and down):
            factor, across, down = 1, width, height
        part = frame[: down * factor, : across * factor]
        # Of a large frame one pixel is read for one that is made: fetching more would cost more than all the rest, and
        # tells the motion no better.
        how = cv2.INTER_NEAREST if factor > 2 else cv2.INTER_AREA
        gray = cv2.cvtColor(cv2.resize(part, (across, down), interpolation=how), cv2.COLOR_BGR2GRAY)
        return View(gray, factor, width, height)  # type: ignore[arg-type]

    def between(self, before: View, now: View, without: Sequence[Box] = ()) -> Similarity | None:
        """The picture's motion from one view to a later one.

        Args:
            without: boxes x, y, w, h in the earlier frame, pixels, whose insides do not count: the targets.

        Returns:
            A similarity in pixels of the frames, continuous coordinates as everywhere; None where it cannot be told:
            too few corners, no agreement, a zoom beyond belief, or frames of different sizes.
        """
        s = self.settings
        if (before.width, before.height) != (now.width, now.height):
            return None
        points = cv2.goodFeaturesToTrack(
            before.gray, s.corners, 0.02, s.distance, mask=_outside(before, without), blockSize=5
        )
        if points is None or len(points) < s.least:
            return None
        ends, followed, _ = cv2.calcOpticalFlowPyrLK(
            before.gray,
            now.gray,
            points,
            None,  # type: ignore[call-overload]
            winSize=(s.window, s.window),
            maxLevel=s.pyramid,
            criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 15, 0.03),
        )
        good = followed.ravel() == 1
        if int(good.sum()) < s.least:
            return None
        matrix, agreeing = cv2.estimateAffinePartial2D(
            points[good], ends[good], method=cv2.RANSAC, ransacReprojThreshold=s.error, maxIters=200, confidence=0.99
        )
        if matrix is None or not np.isfinite(matrix).all():
            return None
        count, zoom = int(agreeing.sum()), float(np.hypot(matrix[0, 0], matrix[1, 0]))
        if count < s.least or count < s.share * len(points) or not 1 / s.zoom <= zoom <= s.zoom:
            return None
        # From indices of the shrunk frame's pixels to continuous coordinates of the frame.
        shift = before.factor * (matrix[:, 2] + 0.5 - matrix[:, :2] @ (0.5, 0.5))
        return np.column_stack([matrix[:, :2], shift])


def moved(box: Box, motion: Similarity) -> Box:
    """The box, x, y, w, h in pixels, where the picture's motion takes it: centre moved, sides scaled, not turned."""
    x, y = motion[:, :2] @ (box.cx, box.cy) + motion[:, 2]
    zoom = float(np.hypot(motion[0, 0], motion[1, 0]))
    return Box.from_center(float(x), float(y), box.w * zoom, box.h * zoom)


def _outside(view: View, boxes: Sequence[Box]) -> NDArray[np.uint8] | None:
    """A mask that is 0 inside the boxes and a little around them."""
    if not boxes:
        return None
    mask = np.full(view.gray.shape, 255, np.uint8)
    for box in boxes:
        part = box.scaled(1.2).clipped(view.width, view.height)
        x0, y0, x1, y1 = (int(v / view.factor) for v in (part.x, part.y, part.right, part.bottom))
        if part.area > 0:
            mask[y0 : y1 + 1, x0 : x1 + 1] = 0
    return mask
