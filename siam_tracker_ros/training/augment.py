"""Variations of a patch: none of them moves the target, so the labels stay; mirroring is in ``pairs.py``."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.training.recipe_pairs import PatchRecipe

Patch = NDArray[np.uint8]


def vary(patch: Patch, box: Box, settings: PatchRecipe, rng: np.random.Generator) -> Patch:
    """All variations of one patch by its settings.

    Args:
        patch: BGR uint8 [P, P, 3].
        box: the target in it, patch pixels.
    """
    hide, cut, blur, soften = rng.random(4)
    if hide < settings.occlude:
        patch = cover(patch, box, rng)
    if cut < settings.cut_out:
        patch = cut_out(patch, box, rng)
    patch = vary_colour(patch, settings.colour, rng) if settings.colour else patch
    if blur < settings.blur:
        patch = motion_blur(patch, rng)
    if soften < settings.defocus:
        patch = defocus(patch, rng)
    return patch


def vary_colour(patch: Patch, amount: float, rng: np.random.Generator) -> Patch:
    """Brightness and contrast changed by at most ``amount`` (0..1), each channel's gain by at most half of it."""
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


def defocus(patch: Patch, rng: np.random.Generator) -> Patch:
    """Blurred alike in all directions: a Gaussian with a standard deviation of 0.5 to 2.5 pixels."""
    return cv2.GaussianBlur(patch, (0, 0), rng.uniform(0.5, 2.5))  # type: ignore[return-value]


def cut_out(patch: Patch, box: Box, rng: np.random.Generator) -> Patch:
    """A square in the patch's mean colour, with its centre in the target, so that a part of it is gone.

    Source: DeVries and Taylor 2017, "Improved regularization of convolutional neural networks with cutout". The
    square has at most half of the target's area, for what is hidden altogether cannot be found.
    """
    side = np.sqrt(box.area) * rng.uniform(0.25, 0.7)
    x, y = box.x + box.w * rng.random(), box.y + box.h * rng.random()
    return _filled(patch, Box.from_center(x, y, side, side))


def _filled(patch: Patch, area: Box) -> Patch:
    inside = area.clipped(patch.shape[1], patch.shape[0])
    x0, y0, x1, y1 = (round(v) for v in (inside.x, inside.y, inside.right, inside.bottom))
    out = patch.copy()
    out[y0:y1, x0:x1] = cv2.mean(patch)[:3]
    return out


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


def paste(patch: Patch, box: Box, other: Patch, rng: np.random.Generator) -> tuple[Patch, Box | None]:
    """``other`` (an object's own picture, [h, w, 3]) put beside the target with soft edges, where it does not touch it.

    Returns:
        The patch and the place of the pasted object; the patch as it was and None where no place is free.
    """
    h, w = other.shape[:2]
    for _ in range(10):
        x, y = int(rng.integers(0, patch.shape[1] - w)), int(rng.integers(0, patch.shape[0] - h))
        if Box(x, y, w, h).iou(box.scaled(1.1)) == 0:
            break
    else:
        return patch, None
    u, v = np.meshgrid(np.linspace(-1, 1, w), np.linspace(-1, 1, h))
    mask = np.clip((1.15 - np.maximum(np.abs(u), np.abs(v))) * 6, 0, 1)[..., None].astype(np.float32)
    out = patch.copy()
    ground = out[y : y + h, x : x + w].astype(np.float32)
    out[y : y + h, x : x + w] = (other.astype(np.float32) * mask + ground * (1 - mask)).astype(np.uint8)
    return out, Box(x, y, w, h)
