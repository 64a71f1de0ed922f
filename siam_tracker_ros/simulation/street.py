"""The street a simulated flight looks at: sky, a brick wall with posters, a pavement, a road of gravel, a
verge.
"""

from __future__ import annotations

import cv2
import numpy as np

from siam_tracker_ros.simulation.photographs import POSTERS, brick_courses, photograph

WIDTH, HEIGHT = 5600, 1500
"""Size of the street's picture in world units: one unit is one pixel of a 1280x720 frame at zoom 1."""
WALL_TOP, WALL_FOOT, KERB, ROAD_FOOT = 400, 830, 890, 1200
"""Rows of the street's picture where the sky, the wall, the pavement and the road end."""


def paint_street(seed: int) -> np.ndarray:
    """The whole street as BGR uint8 [HEIGHT, WIDTH, 3]; the same seed paints the same street."""
    random = np.random.default_rng(seed)
    street = np.empty((HEIGHT, WIDTH, 3), np.float32)
    street[:WALL_TOP] = _sky(random)
    street[WALL_TOP:WALL_FOOT] = _wall(random)
    street[WALL_FOOT:KERB] = _ground("brick", KERB - WALL_FOOT, (150, 160, 165), nearness=(0.35, 0.45))
    road = _ground("gravel", ROAD_FOOT - KERB, (122, 126, 130), nearness=(0.2, 0.36))
    street[KERB:ROAD_FOOT] = road.mean() + 0.55 * (road - road.mean())
    _dashes(street, row=1085)
    street[ROAD_FOOT:] = _ground("grass", HEIGHT - ROAD_FOOT, (70, 125, 105), nearness=(0.6, 0.8))
    street[KERB - 7 : KERB] = (168, 176, 178)
    street[KERB : KERB + 8] *= np.linspace(0.45, 1.0, 8, dtype=np.float32)[:, None, None]
    street[WALL_FOOT - 3 : WALL_FOOT + 5] *= 0.7
    return np.clip(street * light(np.arange(WIDTH))[None, :, None], 0, 255).astype(np.uint8)


def light(x: np.ndarray | float) -> np.ndarray:
    """How bright the sun is along the street (1 is full), as trees and clouds out of the picture shade it."""
    x = np.asarray(x, np.float32)
    return 0.92 + 0.08 * np.sin(x / 310.0) + 0.07 * np.sin(x / 137.0 + 1.0)


def _coloured(grey: np.ndarray, mean: tuple[float, float, float]) -> np.ndarray:
    """A grey photograph brought to a mean colour (BGR), its contrast kept."""
    grey = grey.astype(np.float32)
    return grey / grey.mean() * np.asarray(mean, np.float32)


def _sky(random: np.random.Generator) -> np.ndarray:
    top, foot = np.array((205, 165, 120), np.float32), np.array((235, 222, 205), np.float32)
    ramp = np.linspace(0, 1, WALL_TOP, dtype=np.float32)[:, None, None]
    clouds = np.zeros((WALL_TOP, WIDTH), np.float32)
    for cells, weight in ((5, 0.6), (11, 0.3), (23, 0.15)):
        grid = random.random((cells, cells * WIDTH // (WALL_TOP * 3)), np.float32)
        clouds += weight * cv2.resize(grid, (WIDTH, WALL_TOP), interpolation=cv2.INTER_CUBIC)
    cover = np.clip((clouds - 0.52) * 2.2, 0, 0.8)[..., None]
    return (top * (1 - ramp) + foot * ramp) * (1 - cover) + np.array((246, 244, 242), np.float32) * cover


def _wall(random: np.random.Generator) -> np.ndarray:
    height = WALL_FOOT - WALL_TOP
    tile = cv2.resize(brick_courses(), None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA).astype(np.float32)
    across, down = -(-WIDTH // tile.shape[1]), -(-height // tile.shape[0])
    courses = np.tile(tile, (down, across, 1))[:height, :WIDTH]
    # Mortar is lighter than brick: the brighter a pixel, the greyer it is.
    mortar = np.clip((courses[..., :1] - 95) / 80, 0, 1)
    wall = courses * (
        np.array((0.78, 0.92, 1.5), np.float32) * (1 - mortar) + np.array((0.95, 1.0, 1.06), np.float32) * mortar
    )
    stains = cv2.resize(random.random((5, 60), np.float32), (WIDTH, height), interpolation=cv2.INTER_CUBIC)
    wall *= (0.82 + 0.36 * stains)[..., None]
    wall[:16] = (150, 160, 166)
    wall[16:22] *= 0.6

    place = 120
    names = list(POSTERS)
    while place < WIDTH - 420:
        random.shuffle(names)
        for name in names:
            picture = photograph(name)
            tall = int(random.integers(190, 290))
            wide = round(picture.shape[1] * tall / picture.shape[0])
            if place + wide > WIDTH - 60:
                break
            picture = cv2.resize(picture, (wide, tall), interpolation=cv2.INTER_AREA)
            top = int(random.integers(60, height - tall - 50))
            wall[top + 8 : top + tall + 12, place + 2 : place + wide + 12] *= 0.55
            wall[top - 5 : top + tall + 5, place - 5 : place + wide + 5] = 226
            wall[top : top + tall, place : place + wide] = picture.astype(np.float32) * 0.92
            place += wide + int(random.integers(90, 300))
    return wall


def _dashes(street: np.ndarray, row: int) -> None:
    """The worn white line in the middle of the road, in place."""
    for start in range(60, WIDTH - 200, 330):
        part = street[row : row + 9, start : start + 150]
        part[:] = 0.45 * part + 0.55 * 225


def _ground(name: str, rows: int, colour: tuple[float, float, float], nearness: tuple[float, float]) -> np.ndarray:
    """A strip of ground seen at a flat angle: rows crowd together towards the back, ``nearness`` is its
    scale there and in front.
    """
    texture = photograph(name)
    texture = np.vstack([np.hstack([texture, texture[:, ::-1]]), np.hstack([texture, texture[:, ::-1]])[::-1]])
    scale = np.linspace(*nearness, rows, dtype=np.float64)
    down = np.cumsum(1.0 / scale**2) * 0.5
    across = np.arange(WIDTH) / float(np.mean(nearness))
    from_x = np.broadcast_to(across % (texture.shape[1] - 1), (rows, WIDTH)).astype(np.float32)
    from_y = np.broadcast_to((down % (texture.shape[0] - 1))[:, None], (rows, WIDTH)).astype(np.float32)
    softened = cv2.GaussianBlur(texture, (0, 0), sigmaX=0.7 / nearness[0] * 0.5, sigmaY=0.8 / nearness[0])
    return _coloured(cv2.remap(softened, from_x, from_y, cv2.INTER_LINEAR), colour)
