"""Cut-outs that a flight moves over the street, and how one is laid over a frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from siam_tracker_ros.simulation.photographs import photograph


@dataclass(frozen=True)
class Sprite:
    """A picture with transparency whose foot (bottom centre) is its place.

    pixels: BGRA float32 [H, W, 4], colours 0..255 already multiplied by alpha, alpha 0..1.
    size: width and height in world units.
    """

    pixels: np.ndarray
    size: tuple[float, float]


@dataclass(frozen=True)
class Layer:
    """A sprite as it lies in the frame: ``pixels`` as in Sprite, its top-left pixel at column ``x`` and row
    ``y``, which may be outside the frame.
    """

    pixels: np.ndarray
    x: int
    y: int

    @property
    def alpha(self) -> np.ndarray:
        return self.pixels[..., 3]


def sprite(cut: np.ndarray, width: float) -> Sprite:
    """A Sprite ``width`` world units wide from a BGRA uint8 cut-out."""
    shrink = min(1.0, 2.0 * width / cut.shape[1])
    alpha = cut[..., 3:].astype(np.float32) / 255
    pixels = np.dstack([cut[..., :3].astype(np.float32) * alpha, alpha])
    small = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return Sprite(small, (width, width * cut.shape[0] / cut.shape[1]))


def shadow(width: float) -> Sprite:
    """The soft shadow under something ``width`` world units wide; its foot is a little below the ground
    line.
    """
    tall = 0.22 * width
    pixels = np.zeros((48, 200, 4), np.float32)
    cv2.ellipse(pixels, (100, 24), (84, 12), 0, 0, 360, (0, 0, 0, 0.62), -1)
    return Sprite(cv2.GaussianBlur(pixels, (0, 0), 6), (width * 1.15, tall))


def hedge(length: float, height: float, seed: int) -> Sprite:
    """A clipped hedge of leaves, opaque, with an uneven top and ends."""
    random = np.random.default_rng(seed)
    columns, rows = max(8, round(length)), max(8, round(height))
    leaves = cv2.resize(photograph("grass"), None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA).astype(np.float32)
    leaves = np.vstack([np.hstack([leaves, leaves[:, ::-1]]), np.hstack([leaves, leaves[:, ::-1]])[::-1]])
    leaves = np.tile(leaves, (-(-rows // leaves.shape[0]), -(-columns // leaves.shape[1]), 1))[:rows, :columns]
    bumps = cv2.resize(random.random((rows // 26 + 2, columns // 26 + 2), np.float32), (columns, rows))
    colour = leaves / 118 * np.array((42, 84, 66), np.float32) * (0.6 + 0.8 * bumps)[..., None]
    colour *= np.linspace(1.3, 0.55, rows, dtype=np.float32)[:, None, None]

    edge = 9.0 * cv2.resize(random.random((1, columns // 9 + 2), np.float32), (columns, 1))[0]
    top_gap = np.arange(rows)[:, None] - edge[None, :] + (leaves[..., 0] - 118) / 25
    side = np.minimum(np.arange(columns), np.arange(columns)[::-1]).astype(np.float32)
    ends = side[None, :] - 7.0 * cv2.resize(random.random((rows // 9 + 2, 1), np.float32), (1, rows))
    alpha = np.clip(np.minimum(top_gap, ends) + 0.5, 0, 1).astype(np.float32)[..., None]
    return Sprite(np.dstack([np.clip(colour, 0, 255) * alpha, alpha]), (length, height))


def lamp_post(width: float, height: float) -> Sprite:
    """A round grey post, opaque, lit from the left."""
    across = np.linspace(-1, 1, max(8, round(width * 2)), dtype=np.float32)
    lit = 60 + 110 * np.exp(-((across + 0.35) ** 2) / 0.18) * np.sqrt(np.clip(1 - across**2, 0, 1))
    alpha = np.clip((1 - np.abs(across)) * len(across) / 2, 0, 1)
    rows = max(8, round(height))
    pixels = np.stack([lit * alpha, lit * 1.02 * alpha, lit * 1.01 * alpha, alpha], axis=1)
    return Sprite(np.repeat(pixels[None].astype(np.float32), rows, axis=0), (width, height))


def lay(
    item: Sprite,
    foot: tuple[float, float],
    to_frame: np.ndarray,
    frame_size: tuple[int, int],
    *,
    scale: float = 1.0,
    mirrored: bool = False,
    brightness: float = 1.0,
    motion: tuple[float, float] = (0.0, 0.0),
) -> Layer | None:
    """Where and how a sprite appears in the frame; None when no pixel of it can.

    foot: its place in the world. to_frame: affine map [2, 3] from the world to the frame (continuous pixels).
    frame_size: width and height. motion: its way across the frame while the shutter is open, in pixels.
    """
    rows, columns = item.pixels.shape[:2]
    unit_x, unit_y = item.size[0] * scale / columns, item.size[1] * scale / rows
    turn = -1.0 if mirrored else 1.0
    # Sprite pixels (continuous) to the world: the bottom centre comes to lie on ``foot``.
    to_world = np.array(
        [
            [turn * unit_x, 0, foot[0] - turn * unit_x * columns / 2],
            [0, unit_y, foot[1] - unit_y * rows],
            [0, 0, 1],
        ]
    )
    full = to_frame @ to_world
    corners = full @ np.array([[0, columns, 0, columns], [0, 0, rows, rows], [1, 1, 1, 1]], np.float64)
    margin = 2 + int(np.ceil(np.hypot(*motion)))
    left, top = (int(v) - margin for v in np.floor(corners.min(axis=1)))
    right, bottom = (int(v) + margin for v in np.ceil(corners.max(axis=1)))
    if right <= 0 or bottom <= 0 or left >= frame_size[0] or top >= frame_size[1]:
        return None
    local = full.copy()
    local[:, 2] -= (left, top)
    # OpenCV counts pixel centres as whole numbers: go to continuous coordinates and back.
    local[:, 2] += local[:, :2] @ (0.5, 0.5) - 0.5
    pixels = cv2.warpAffine(item.pixels, local, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    pixels = smear(pixels, motion)
    if brightness != 1.0:
        pixels = pixels * np.array((brightness, brightness, brightness, 1.0), np.float32)
    return Layer(pixels, left, top)


def smear(pixels: np.ndarray, motion: tuple[float, float]) -> np.ndarray:
    """Motion blur: the mean of ``pixels`` moved along a straight way of ``motion`` pixels; nothing below
    1.5 pixels.
    """
    length = float(np.hypot(*motion))
    if length < 1.5:
        return pixels
    reach = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    steps = np.linspace(-0.5, 0.5, 4 * reach + 1)
    for step in steps:
        x, y = reach + step * motion[0], reach + step * motion[1]
        column, row = int(np.floor(x)), int(np.floor(y))
        across, down = x - column, y - row
        for r, weight_r in ((row, 1 - down), (row + 1, down)):
            for c, weight_c in ((column, 1 - across), (column + 1, across)):
                if weight_r * weight_c > 0:
                    kernel[r, c] += weight_r * weight_c
    kernel /= kernel.sum()
    used = kernel[np.any(kernel > 0, axis=1)][:, np.any(kernel > 0, axis=0)]
    anchor = (
        reach - int(np.argmax(np.any(kernel > 0, axis=0))),
        reach - int(np.argmax(np.any(kernel > 0, axis=1))),
    )
    return cv2.filter2D(pixels, -1, used, anchor=anchor, borderType=cv2.BORDER_REPLICATE)


def blend(frame: np.ndarray, layer: Layer) -> None:
    """Lay ``layer`` over the BGR uint8 ``frame``, in place; what is outside the frame is left out."""
    height, width = frame.shape[:2]
    rows, columns = layer.pixels.shape[:2]
    top, left = max(layer.y, 0), max(layer.x, 0)
    bottom, right = min(layer.y + rows, height), min(layer.x + columns, width)
    if top >= bottom or left >= right:
        return
    part = layer.pixels[top - layer.y : bottom - layer.y, left - layer.x : right - layer.x]
    below = frame[top:bottom, left:right]
    mixed = below * (1 - part[..., 3:]) + part[..., :3]
    frame[top:bottom, left:right] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def hide(visible: np.ndarray, x: int, y: int, front: Layer) -> None:
    """Take from ``visible`` (alpha [H, W] of something whose top-left is at ``x, y``) what ``front``
    covers, in place.
    """
    rows, columns = visible.shape
    front_rows, front_columns = front.alpha.shape
    top, left = max(y, front.y), max(x, front.x)
    bottom, right = min(y + rows, front.y + front_rows), min(x + columns, front.x + front_columns)
    if top < bottom and left < right:
        cover = front.alpha[top - front.y : bottom - front.y, left - front.x : right - front.x]
        visible[top - y : bottom - y, left - x : right - x] *= 1 - cover
