"""Where a target is while it cannot be seen: it goes on over the ground for a while, and the ground with the picture.

Both are known only with the camera's motion: a camera that follows a car along a street sees the car stand and the
street move. The car's way over the ground is what is left of its way across the picture when the camera's is taken out.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence

import numpy as np

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.tracking.camera_motion import CameraMotion, Similarity, View, moved

HISTORY = 10
"""Frames over which the target's own velocity is measured."""

HOP = 2
"""Frames between two views that are compared for that: with more, less is in common; with fewer, it takes longer."""

DAMPING = 0.9
"""What a frame leaves of the velocity: nothing hidden goes straight on for long."""


class Prediction:
    """Carries one target's box through frames in which it is not found.

    For every frame: ``begin`` first, then ``seen`` where the target was found, or ``carry`` where it was not.
    """

    def __init__(self, camera: CameraMotion) -> None:
        self._camera = camera
        self._view: View | None = None
        self._before: View | None = None
        self._trail: deque[tuple[View, Box]] = deque(maxlen=HISTORY + 1)
        self._velocity: np.ndarray | None = None

    def begin(self, view: View | None) -> None:
        """A new frame's view; None where the camera's motion is not wanted, and nothing is carried then."""
        self._before, self._view = self._view, view
        if view is None:
            self._trail.clear()

    def seen(self, box: Box) -> None:
        """The target was found there: x, y, w, h, pixels of this frame."""
        self._velocity = None
        if self._view is not None:
            self._trail.append((self._view, box))

    def carry(self, box: Box, others: Sequence[Box] = ()) -> tuple[Box, Similarity | None]:
        """The box of the last frame, x, y, w, h in pixels, to where it should be in this one.

        Args:
            others: what else moves by itself, boxes in the last frame.

        Returns:
            The box, as it was where the camera's motion cannot be told; and that motion, None where it cannot.
        """
        if self._before is None or self._view is None:
            return box, None
        if self._velocity is None:
            self._velocity = self._own_velocity()
            self._trail.clear()
        motion = self._camera.between(self._before, self._view, [box, *others])
        if motion is None:
            return box, None
        # The velocity is in pixels of the last frame; the picture turns and zooms under it.
        self._velocity = DAMPING * (motion[:, :2] @ self._velocity)
        carried = moved(box, motion)
        return Box(
            carried.x + float(self._velocity[0]), carried.y + float(self._velocity[1]), carried.w, carried.h
        ), motion

    def _own_velocity(self) -> np.ndarray:
        """Of the target over the ground, in pixels of the last frame in which it was seen, a frame; 0 if unknown."""
        trail = list(self._trail)
        if len(trail) <= HOP:
            return np.zeros(2)
        place = np.array((trail[0][1].cx, trail[0][1].cy))
        stops = [*range(0, len(trail) - 1, HOP), len(trail) - 1]
        for start, end in itertools.pairwise(stops):
            motion = self._camera.between(trail[start][0], trail[end][0], [trail[start][1]])
            if motion is None:
                return np.zeros(2)
            place = motion[:, :2] @ place + motion[:, 2]
        last = trail[-1][1]
        return (np.array((last.cx, last.cy)) - place) / (len(trail) - 1)
