"""Variations of a patch: colour, grey, motion blur, a cover over the target, a look-alike beside it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box

Patch = NDArray[np.uint8]


def vary_colour(patch: Patch, amount: float, rng: np.random.Generator) -> Patch:
    """Brightness, contrast and each channel's gain changed by at most ``amount`` (0..1)."""
    gain = 1 + rng.uniform(-amount, amount)
    channels = 1 + rng.uniform(-amount / 2, amount / 2, 3)
    offset = 128 * (1 - gain) + 128 * rng.uniform(-amount, amount)
    levels = np.arange(256, dtype=np.float64)
    table = np.clip(levels[:, None] * gain * channels + offset, 0, 255).astype(np.uint8)
    return cv2.LUT(patch, table.reshape(1, 256, 3))  # type: ignore[return-value]


def remove_colour(patch: Patch) -> Patch:
    """The patch in grey, three equal channels."""
    return cv2.cvtColor(cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)  # type: ignore[return-value]


def motion_blur(patch: Patch, rng: np.random.Generator) -> Patch:
    """Blurred along a line of 3 to 13 pixels in any direction."""
    length = int(rng.integers(1, 7)) * 2 + 1
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = (length - 1) / 2
    dx, dy = reach * np.cos(angle), reach * np.sin(angle)
    ends = [(round(reach - dx), round(reach - dy)), (round(reach + dx), round(reach + dy))]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return cv2.filter2D(patch, -1, kernel / kernel.sum())  # type: ignore[return-value]


def cover(patch: Patch, box: Box, rng: np.random.Generator) -> Patch:
    """A part of the target (a fifth to a half, from one side) covered by another part of the patch."""
    share = rng.uniform(0.2, 0.5)
    w, h = (max(box.w * share, 1), box.h) if rng.random() < 0.5 else (box.w, max(box.h * share, 1))
    x = box.x if rng.random() < 0.5 else box.right - w
    y = box.y if rng.random() < 0.5 else box.bottom - h
    area = Box(x, y, w, h).clipped(patch.shape[1], patch.shape[0])
    x0, y0, w0, h0 = (int(v) for v in area.as_tuple())
    if w0 < 1 or h0 < 1:
        return patch
    sx = int(rng.integers(0, patch.shape[1] - w0 + 1))
    sy = int(rng.integers(0, patch.shape[0] - h0 + 1))
    out = patch.copy()
    out[y0 : y0 + h0, x0 : x0 + w0] = patch[sy : sy + h0, sx : sx + w0]
    return out


def paste(patch: Patch, box: Box, other: Patch, rng: np.random.Generator) -> Patch:
    """``other`` (an object's own picture) put beside the target with soft edges, where it does not touch it.

    The object becomes as large as the target, give or take 30 %; the patch is returned as it is where no place is free.
    """
    size = np.sqrt(box.area / max(other.shape[0] * other.shape[1], 1)) * rng.uniform(0.7, 1.3)
    w, h = round(other.shape[1] * size), round(other.shape[0] * size)
    side = patch.shape[0]
    if min(w, h) < 8 or max(w, h) >= side:
        return patch
    for _ in range(10):
        x, y = int(rng.integers(0, side - w)), int(rng.integers(0, side - h))
        if Box(x, y, w, h).iou(box.scaled(1.1)) == 0:
            break
    else:
        return patch
    image = cv2.resize(other, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32)
    u, v = np.meshgrid(np.linspace(-1, 1, w), np.linspace(-1, 1, h))
    mask = np.clip((1.15 - np.maximum(np.abs(u), np.abs(v))) * 6, 0, 1)[..., None].astype(np.float32)
    out = patch.copy()
    ground = out[y : y + h, x : x + w].astype(np.float32)
    out[y : y + h, x : x + w] = (image * mask + ground * (1 - mask)).astype(np.uint8)
    return out
