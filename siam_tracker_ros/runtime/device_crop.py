"""Patches cut out of a frame that lies on the device, by sampling; the pixels are those of ``patches.crop_patch``.

The host says in a few numbers per patch where it lies (:func:`crop_numbers`), the device samples (:func:`cut`). Nothing
but these numbers differs between two patches, so that one CUDA graph cuts all of them. The places are computed in
float64 on the host and in float32 on the device, whatever the network's number format.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from siam_tracker_ros.geometry import Crop, CropRule, whole_pixels
from siam_tracker_ros.geometry import halvings as halvings_of
from siam_tracker_ros.patches import between_pixels

CROP_NUMBERS = 11
"""Numbers that say where a patch lies: those of :func:`crop_numbers`."""


def halvings(scale: float, most: int) -> int:
    """How often a frame is halved before a patch is cut, at most ``most`` times: what is left shrinks by under two."""
    return min(halvings_of(scale), most)


def crop_numbers(crop: Crop, border: Sequence[float], rule: CropRule, top: int) -> tuple[float, ...]:
    """Where a patch lies in the frame.

    Args:
        crop: the square; it may reach outside the image, or lie outside altogether.
        border: colour outside the image, B, G, R, 0..255.
        rule: as for ``crop_patch``. The rules in whole pixels repeat the square's own rim, and never average.
        top: the frame's last level.

    Returns:
        First column, first row, step (in the level's pixels, where a pixel's middle is its index); least and greatest
        column, least and greatest row that are sampled; level; border.
    """
    if rule == "exact":
        level = halvings(crop.scale, top)
        size = 2.0**level
        # Pixel centres: patch column u + 0.5 is image column (u + 0.5 - P/2) / s + cx.
        x, y = (((0.5 - crop.patch / 2) / crop.scale + c) / size - 0.5 for c in (crop.cx, crop.cy))
        # Crops of whole pixels repeat their own rim, as the host's faster way to cut them does.
        first_column, first_row, side = between_pixels(crop, 2**level) or (-math.inf, -math.inf, math.inf)
        last_column, last_row = (first + side - 1 if side < math.inf else side for first in (first_column, first_row))
        step = 1 / (crop.scale * size)
        return (x, y, step, first_column, last_column, first_row, last_row, level, *border)
    (left, side), (upper, _) = (whole_pixels(c, crop.side, rule) for c in (crop.cx, crop.cy))
    step = side / crop.patch
    x, y = (corner + step / 2 - 0.5 for corner in (left, upper))
    # The colour is cut to whole grey levels, not rounded, as the host does.
    return (x, y, step, left, left + side - 1, upper, upper + side - 1, 0, *(math.floor(c) for c in border))


def cut(pixels: Tensor, levels: Tensor, numbers: Tensor, patch: int) -> Tensor:
    """Cut and scale B patches; no copy to or from the host, and nothing that depends on values but values.

    Args:
        pixels, levels: of a ``DeviceFrame``.
        numbers: of :func:`crop_numbers`, float32 [B, 11].
        patch: side P of the patches.

    Returns:
        Grey levels rounded as the host's, uint8 [B, P, P, 3].
    """
    x, y, step, left, right, upper, lower, level = numbers[:, :8].unbind(1)
    start, height, width = levels[level.long()].unbind(1)
    columns, across = _neighbours(x, step, left, right, width, patch)
    rows, down = _neighbours(y, step, upper, lower, height, patch)
    # The four pixels around each place: [B, P, P, 2, 2]
    index = (start[:, None, None] + rows * width[:, None, None])[:, :, None, :, None] + columns[:, None, :, None, :]
    weight = down[:, :, None, :, None] * across[:, None, :, None, :]
    inside = (pixels[index].float() * weight[..., None]).sum((3, 4))  # [B, P, P, 3]
    outside = 1 - weight.sum((3, 4))
    colour = inside + outside[..., None] * numbers[:, None, None, 8:11]
    return colour.round().clamp(0, 255).to(torch.uint8)


def _neighbours(
    first: Tensor, step: Tensor, least: Tensor, greatest: Tensor, size: Tensor, count: int
) -> tuple[Tensor, Tensor]:
    """The two pixels beside each of P places on a line, and how much each counts: 0 outside of the line's pixels.

    Args:
        first, step: of the places, least, greatest: what they are held to, pixels, [B].
        size: pixels of the line, [B].

    Returns:
        Indices that exist, int64 [B, P, 2], and weights, [B, P, 2].
    """
    place = first[:, None] + step[:, None] * torch.arange(count, dtype=first.dtype, device=first.device)
    place = place.clamp(least[:, None], greatest[:, None])
    # From two pixels outside on, all is border; this also keeps the index within an integer.
    place = torch.minimum(place.clamp(min=-2.0), size[:, None] + 1.0)
    before = place.floor()
    share = place - before
    index = torch.stack((before, before + 1), dim=2).long()
    last = size[:, None, None] - 1
    weight = torch.stack((1 - share, share), dim=2) * ((index >= 0) & (index <= last))
    return torch.minimum(index.clamp(min=0), last), weight
