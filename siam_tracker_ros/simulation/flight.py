"""A camera's flight along a street after a motorcycle, frame by frame, with exact ground truth.

What happens (seconds of the default flight): the motorcycle drives to the right and the camera follows
unsteadily, coming nearer (0 to 5); it passes a parked look-alike in another colour (3), two lamp posts (5)
and is hidden behind a hedge (7); the camera is thrown about, with motion blur (9.5); the flight rises away
and a look-alike in almost the same colour comes the other way (11); the camera rolls and comes back (13).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.simulation.motion import Curve, Shake, Travelled
from siam_tracker_ros.simulation.photographs import motorcycle, recoloured
from siam_tracker_ros.simulation.sprites import (
    Layer,
    Sprite,
    blend,
    hedge,
    hide,
    lamp_post,
    lay,
    shadow,
    smear,
    sprite,
)
from siam_tracker_ros.simulation.street import light, paint_street

LONGEST = 14.0
"""Seconds that the street is long enough for."""

_SPEED = Curve(((0, 230), (2, 330), (6, 330), (9, 300), (10.6, 140), (12, 160), (14, 330)))
_LANE = Curve(((0, 1010), (2.5, 985), (4.5, 1060), (8, 1020), (11, 1050), (14, 1030)))
_LEAD = Curve(
    (
        (0, -230),
        (2.5, 120),
        (5, -140),
        (7.2, 60),
        (9.0, 20),
        (9.35, 250),
        (9.75, -190),
        (11.5, 110),
        (14, -60),
    )
)
_ZOOM = Curve(((0, 1.0), (1.5, 1.0), (4.5, 1.28), (7, 1.08), (9.2, 1.1), (11, 0.82), (12.2, 0.84), (14, 1.1)))
_RISE = Curve(((0, 870), (4.5, 925), (7, 880), (9.0, 890), (9.4, 850), (9.9, 905), (11, 850), (14, 890)))
_ROLL = Curve(((0, 0.0), (3, 1.5), (6, -1.0), (9.2, 0.5), (9.5, -3.0), (10, 1.0), (12.6, 4.0), (14, -1.0)))


@dataclass(frozen=True)
class FlightSettings:
    """What a flight shows. The same settings give the same frames, pixel by pixel.

    width, height: pixels of a frame, at least 64 each; the view is the same at every size. fps: frames a
    second, 1 to 240. duration: seconds, above 0 and at most 14. seed: of the street, the camera's unrest
    and the noise. target_width: pixels of the motorcycle in a frame 720 pixels high at zoom 1, 20 to 400.
    hidden_at: second at which the motorcycle is behind the hedge's middle, 0 to 14, or None for no hedge.
    hidden_for: seconds for which nothing of it can be seen then, 0 to 3. look_alikes: other motorcycles, 0
    to 2. noise: standard deviation of the sensor's noise in grey levels, 0 to 20. shutter: part of the
    frame's time for which the shutter is open, 0 (no motion blur) to 1.
    """

    width: int = 1280
    height: int = 720
    fps: float = 30.0
    duration: float = LONGEST
    seed: int = 3
    target_width: float = 100.0
    hidden_at: float | None = 7.2
    hidden_for: float = 0.7
    look_alikes: int = 2
    noise: float = 2.0
    shutter: float = 0.4

    def __post_init__(self) -> None:
        limits: dict[str, tuple[float, float]] = {
            "width": (64, 7680),
            "height": (64, 4320),
            "fps": (1, 240),
            "duration": (1 / 240, LONGEST),
            "target_width": (20, 400),
            "hidden_for": (0, 3),
            "look_alikes": (0, 2),
            "noise": (0, 20),
            "shutter": (0, 1),
        }
        if self.hidden_at is not None:
            limits["hidden_at"] = (0, LONGEST)
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"FlightSettings.{name} is {value}; it must be from {low:g} to {high:g}.")


@dataclass(frozen=True)
class FlightFrame:
    """One frame and what is true in it.

    index: 0 is the first. time: seconds since then. image: BGR uint8 [H, W, 3]. box: tight box of the
    pixels of the target that can be seen, nan in all four when none can. visibility: share of the target's
    pixels that can be seen, 0..1 (what is outside the picture counts as hidden). mask: bool [H, W], the
    pixels of the target that can be seen.
    """

    index: int
    time: float
    image: np.ndarray
    box: Box
    visibility: float
    mask: np.ndarray


class Flight:
    """The frames of one flight, drawn when they are asked for: ``for frame in Flight(FlightSettings())``."""

    def __init__(self, settings: FlightSettings | None = None) -> None:
        self.settings = settings or FlightSettings()
        s = self.settings
        self._street = paint_street(s.seed)
        self._size = (s.width, s.height)
        self._position = Travelled(_SPEED, LONGEST, start=520.0)
        self._shake = {name: Shake(s.seed * 10 + i, size) for i, (name, size) in enumerate(_SHAKES.items())}
        cut = motorcycle()
        self._target = sprite(cut, s.target_width)
        self._parked = sprite(recoloured(cut, 100), s.target_width)
        self._oncoming = sprite(recoloured(cut, 14), s.target_width)
        self._shadow = shadow(s.target_width)
        self._fronts = self._in_front()
        noise = np.random.default_rng(s.seed).normal(0, s.noise, (s.height + 61, s.width + 67, 3))
        self._noise = np.round(noise).astype(np.int8)

    def __len__(self) -> int:
        return max(1, round(self.settings.duration * self.settings.fps))

    def __iter__(self) -> Iterator[FlightFrame]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> FlightFrame:
        """Frame ``index``; drawing one does not depend on having drawn another."""
        if not 0 <= index < len(self):
            raise IndexError(f"Frame {index} of a flight of {len(self)} frames.")
        time = index / self.settings.fps
        camera = self._camera(time)
        image = cv2.warpAffine(
            self._street,
            _pixel_centres(camera),
            self._size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        image = smear(image, self._smear_of(time, float(self._position(time)), 900.0, still=True))

        if self.settings.look_alikes >= 1:
            self._motorcycle(image, time, self._parked, x=float(self._position(3.2)), lane=945.0, still=True)
        if self.settings.look_alikes >= 2:
            meeting = 11.2
            x = float(self._position(meeting)) - 230.0 * (time - meeting)
            self._motorcycle(image, time, self._oncoming, x=x, lane=965.0, mirrored=True)
        lane = float(_LANE(time)) + 1.2 * np.sin(14.0 * time)
        layer = self._motorcycle(image, time, self._target, x=float(self._position(time)), lane=lane)

        visible = layer.alpha.copy() if layer is not None else np.zeros((1, 1), np.float32)
        corner = (layer.x, layer.y) if layer is not None else (0, 0)
        whole = int((visible > 0.5).sum())
        for front in self._fronts:
            covering = self._front_layer(front, time)
            if covering is not None:
                blend(image, covering)
                hide(visible, *corner, covering)
        if self.settings.noise > 0:
            image = self._with_noise(image, index)

        mask = self._mask(visible, *corner)
        box = _box_of(mask)
        return FlightFrame(index, time, image, box, float(mask.sum()) / whole if whole else 0.0, mask)

    def _camera(self, time: float) -> np.ndarray:
        """The affine map [2, 3] from the world to the frame (continuous pixels) at ``time``."""
        x, y = self._camera_place(time)
        unit = float(_ZOOM(time)) * self.settings.height / 720.0
        angle = np.deg2rad(float(_ROLL(time)) + self._shake["roll"](time))
        turn = unit * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = np.array([self._size[0] / 2, self._size[1] / 2])
        return np.column_stack([turn, centre - turn @ (x, y)])

    def _camera_place(self, time: float) -> tuple[float, float]:
        x = float(self._position(time)) - float(_LEAD(time)) + self._shake["x"](time)
        return x, float(_RISE(time)) + self._shake["y"](time)

    def _motorcycle(
        self,
        image: np.ndarray,
        time: float,
        item: Sprite,
        *,
        x: float,
        lane: float,
        mirrored: bool = False,
        still: bool = False,
    ) -> Layer | None:
        """Draw a motorcycle with its shadow; nearer lanes show it larger. ``still`` if it stands in the
        street.
        """
        scale = 0.9 + (lane - 960.0) * 0.0025
        motion = self._smear_of(time, x, lane, still=still)
        camera, brightness = self._camera(time), float(light(x)) * 1.02
        ground = lay(self._shadow, (x, lane + 13.0 * scale), camera, self._size, scale=scale, motion=motion)
        if ground is not None:
            blend(image, ground)
        layer = lay(
            item,
            (x, lane),
            camera,
            self._size,
            scale=scale,
            mirrored=mirrored,
            brightness=brightness,
            motion=motion,
        )
        if layer is not None:
            blend(image, layer)
        return layer

    def _smear_of(self, time: float, x: float, y: float, *, still: bool) -> tuple[float, float]:
        """The way across the frame, in pixels, of a place in the street (or of the target) while the
        shutter is open.
        """
        half = self.settings.shutter / self.settings.fps / 2
        ends = []
        for moment in (time - half, time + half):
            moved = x if still else x + float(self._position(moment) - self._position(time))
            ends.append(self._camera(moment) @ (moved, y, 1.0))
        way = ends[1] - ends[0]
        return float(way[0]), float(way[1])

    def _in_front(self) -> list[_Front]:
        """What passes between the camera and the target: two thin posts and the hedge."""
        fronts = [
            _Front(lamp_post(15.0, 900.0), *self._meeting(at, 1.25), foot=1330.0, nearness=1.25) for at in (4.9, 5.35)
        ]
        s = self.settings
        if s.hidden_at is not None:
            x, speed = self._meeting(s.hidden_at, 1.3)
            width = s.target_width * (0.9 + (float(_LANE(s.hidden_at)) - 960.0) * 0.0025)
            # Uneven ends of the hedge, and the motorcycle's own way across the picture, ask for a little
            # more.
            length = width / 1.3 + abs(speed) * s.hidden_for / 1.3 + 16.0
            fronts.append(_Front(hedge(length, 400.0, s.seed), x, speed, foot=1285.0, nearness=1.3))
        return fronts

    def _meeting(self, time: float, nearness: float) -> tuple[float, float]:
        """Where something ``nearness`` times nearer than the street must stand to be before the target at
        ``time``, and the speed (world units a second) at which it then passes the target.
        """
        step = 0.05

        def lead(moment: float) -> float:
            return float(self._position(moment)) - self._camera_place(moment)[0]

        x = self._camera_place(time)[0] + lead(time) / nearness
        passing = [
            (x - self._camera_place(moment)[0]) * nearness - lead(moment) for moment in (time - step, time + step)
        ]
        return x, (passing[1] - passing[0]) / (2 * step)

    def _front_layer(self, front: _Front, time: float) -> Layer | None:
        half = self.settings.shutter / self.settings.fps / 2
        cameras = {
            moment: self._nearer(self._camera(moment), front.nearness, moment) for moment in (time - half, time + half)
        }
        ends = [camera @ (front.x, 900.0, 1.0) for camera in cameras.values()]
        motion = (float(ends[1][0] - ends[0][0]), float(ends[1][1] - ends[0][1])) if half else (0.0, 0.0)
        camera = self._nearer(self._camera(time), front.nearness, time)
        return lay(front.item, (front.x, front.foot), camera, self._size, motion=motion)

    def _nearer(self, camera: np.ndarray, nearness: float, time: float) -> np.ndarray:
        """The camera's map for things that are nearer than the street: sideways they pass ``nearness``
        times faster.
        """
        stretched = camera.copy()
        x = self._camera_place(time)[0]
        stretched[:, 0] *= nearness
        stretched[:, 2] = camera[:, 2] + camera[:, 0] * x * (1 - nearness)
        return stretched

    def _with_noise(self, image: np.ndarray, index: int) -> np.ndarray:
        down, across = np.random.default_rng((self.settings.seed, index)).integers((0, 0), (61, 67))
        part = self._noise[down : down + self._size[1], across : across + self._size[0]]
        return cv2.add(image, part, dtype=cv2.CV_8U)

    def _mask(self, visible: np.ndarray, x: int, y: int) -> np.ndarray:
        """The frame's mask of the target from its visible alpha, whose top-left is at ``x, y``."""
        mask = np.zeros((self._size[1], self._size[0]), bool)
        top, left = max(y, 0), max(x, 0)
        bottom, right = min(y + visible.shape[0], mask.shape[0]), min(x + visible.shape[1], mask.shape[1])
        if top < bottom and left < right:
            mask[top:bottom, left:right] = visible[top - y : bottom - y, left - x : right - x] > 0.5
        return mask


_SHAKES = {"x": 7.0, "y": 5.0, "roll": 0.5}
"""Size of the camera's unrest: world units sideways and up, degrees of roll."""


@dataclass(frozen=True)
class _Front:
    """Something between the camera and the target: its place, the speed at which it passes the target, its
    foot's row, and how much nearer than the street it is.
    """

    item: Sprite
    x: float
    speed: float
    foot: float
    nearness: float


def _pixel_centres(camera: np.ndarray) -> np.ndarray:
    """The same map for OpenCV, which counts pixel centres as whole numbers."""
    moved = camera.copy()
    moved[:, 2] += moved[:, :2] @ (0.5, 0.5) - 0.5
    return moved


def _box_of(mask: np.ndarray) -> Box:
    """The tight box of a mask, or nan in all four when it is empty."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if len(columns) == 0:
        return Box(np.nan, np.nan, np.nan, np.nan)
    return Box(
        float(columns[0]),
        float(rows[0]),
        float(columns[-1] - columns[0] + 1),
        float(rows[-1] - rows[0] + 1),
    )
