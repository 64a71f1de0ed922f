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
from siam_tracker_ros.tracking.camera_motion import CameraMotion, Glance, Similarity, View, moved

HISTORY = 10
"""Frames over which the target's own velocity is measured."""

HOP = 5
"""Frames between two views that are compared for that: with more, less is in common; with fewer, it takes longer."""

DAMPING = 0.9
"""What a frame leaves of the velocity: nothing hidden goes straight on for long."""


class Prediction:
    """Carries one target's box through frames in which it is not found.

    For every frame: ``begin`` first, then ``seen`` where the target was found, or ``carry`` where it was not. ``rest``
    does, before the next frame, what this one need not wait for.
    """

    def __init__(self, camera: CameraMotion) -> None:
        self._camera = camera
        self._now: Glance | None = None
        self._before: Glance | None = None
        self._trail: deque[tuple[Glance | None, Box]] = deque(maxlen=HISTORY + 1)
        self._velocity: np.ndarray | None = None
        self._frames = 0
        self._is_stop = False  # this frame's view is one of those that are compared for the velocity
        self._reused = False  # the frames come in one and the same memory

    def begin(self, glance: Glance | None) -> None:
        """A new frame; None where the camera's motion is not wanted, and nothing is carried then.

        Its view is made by ``rest`` if it is one of those that are compared for the velocity, else when it is needed:
        in this frame or the next, and then the frame is let go.
        """
        before, self._now = self._now, glance
        self._before = before
        self._frames += 1
        if glance is None:
            self._trail.clear()
            self._is_stop = False
            return
        if before is not None and not before.is_made:
            if np.may_share_memory(before.frame, glance.frame):
                self._before, self._reused = None, True  # what it held is overwritten
                if self._is_stop:
                    self._trail.clear()
            elif self._is_stop:
                _ = before.view  # it had no time to rest
        self._is_stop = self._frames % HOP == 0
        if self._reused:
            _ = glance.view

    def rest(self) -> None:
        """Make the frame's view if it will be compared: nothing in the frame itself waits for it."""
        if self._now is not None and self._is_stop:
            _ = self._now.view

    def seen(self, box: Box) -> None:
        """The target was found there: x, y, w, h, pixels of this frame."""
        self._velocity = None
        if self._now is not None:
            self._trail.append((self._now if self._is_stop or self._now.is_made else None, box))

    def carry(self, box: Box, others: Sequence[Box] = ()) -> tuple[Box, Similarity | None]:
        """The box of the last frame, x, y, w, h in pixels, to where it should be in this one.

        Args:
            others: what else moves by itself, boxes in the last frame.

        Returns:
            The box, as it was where the camera's motion cannot be told; and that motion, None where it cannot.
        """
        if self._before is None or self._now is None:
            return box, None
        if self._velocity is None:
            self._velocity = self._own_velocity(self._before.view)
            self._trail.clear()
        motion = self._camera.between(self._before.view, self._now.view, [box, *others])
        if motion is None:
            return box, None
        # The velocity is in pixels of the last frame; the picture turns and zooms under it.
        self._velocity = DAMPING * (motion[:, :2] @ self._velocity)
        carried = moved(box, motion)
        return Box(
            carried.x + float(self._velocity[0]), carried.y + float(self._velocity[1]), carried.w, carried.h
        ), motion

    def _own_velocity(self, last: View) -> np.ndarray:
        """Of the target over the ground, in pixels of the last frame in which it was seen, a frame; 0 if unknown.

        ``last``: that frame's view.
        """
        trail = list(self._trail)
        views = {number: glance.view for number, (glance, _) in enumerate(trail) if glance is not None}
        if len(trail) <= HOP or len(views) < 2:
            return np.zeros(2)
        views[len(trail) - 1] = last
        stops = sorted(views)
        first = trail[stops[0]][1]
        place = np.array((first.cx, first.cy))
        for start, end in itertools.pairwise(stops):
            motion = self._camera.between(views[start], views[end], [trail[start][1]])
            if motion is None:
                return np.zeros(2)
            place = motion[:, :2] @ place + motion[:, 2]
        seen = trail[-1][1]
        return (np.array((seen.cx, seen.cy)) - place) / (stops[-1] - stops[0])
