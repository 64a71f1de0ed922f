"""Pixels cut out of a frame: only what the crop needs is touched."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Crop, CropRule, halvings, whole_pixels


def mean_color(frame: NDArray[np.uint8]) -> tuple[float, float, float]:
    """The frame's mean colour (B, G, R), which stands for what lies outside the image."""
    b, g, r, _ = cv2.mean(frame)
    return (b, g, r)


def crop_patch(
    frame: NDArray[np.uint8], crop: Crop, border: Sequence[float] | None = None, rule: CropRule = "exact"
) -> NDArray[np.uint8]:
    """Cut and scale ``crop`` out of the frame; only the pixels it needs are touched.

    Where it shrinks by more than two, pixels are averaged two by two until less is left, as in an image pyramid.

    Args:
        frame: uint8 [H, W, 3] (any channel order) or [H, W].
        crop: the square; it may reach outside the image, or lie outside altogether.
        border: colour outside the image, one value a channel; the frame's mean colour by default.
        rule: at sub-pixel positions, or whole pixels as the published checkpoints' test code.

    Returns:
        uint8 patch [P, P, 3] (or [P, P]), in memory of its own.
    """
    height, width = frame.shape[:2]
    fill = mean_color(frame) if border is None and frame.ndim == 3 else (border if border is not None else (0.0,))
    if rule != "exact":
        return _crop_whole_pixels(frame, crop, fill, rule)
    s, times = crop.scale, halvings(crop.scale)
    corner = between_pixels(crop, 2**times)
    if corner is not None:
        return _crop_between_pixels(frame, crop, corner, times, fill)
    # Pixel centres: patch column u + 0.5 is image column (u + 0.5 - P/2) / s + cx, hence the half pixels below.
    matrix = np.array(
        [
            [s, 0.0, crop.patch / 2 - 0.5 - s * (crop.cx - 0.5)],
            [0.0, s, crop.patch / 2 - 0.5 - s * (crop.cy - 0.5)],
        ]
    )
    if s < 0.5:
        # Bilinear sampling skips pixels when it shrinks by more than two: average first, on the part needed only.
        (x0, x1), (y0, y1) = (
            _needed(centre, crop.side, extent, 2**times) for centre, extent in ((crop.cx, width), (crop.cy, height))
        )
        if x1 > x0 and y1 > y0:
            frame = frame[y0:y1, x0:x1]
            for _ in range(times):
                frame = _halved(frame)
            a = s * 2**times
            for row, centre, offset in ((0, crop.cx, x0), (1, crop.cy, y0)):
                matrix[row, row] = a
                matrix[row, 2] = crop.patch / 2 - 0.5 - s * (centre - offset) + 0.5 * a
    return cv2.warpAffine(  # type: ignore[return-value]
        frame,
        matrix,
        (crop.patch, crop.patch),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=tuple(fill),
    )


def between_pixels(crop: Crop, unit: int) -> tuple[int, int, int] | None:
    """First column, first row and side of a crop that is made of whole pixels of an image shrunk by ``unit``, in those.

    None for a crop that is not, as :func:`siam_tracker_ros.geometry.snapped` would make it.
    """
    side = crop.side / unit
    x, y = crop.cx / unit - side / 2, crop.cy / unit - side / 2
    if not (side.is_integer() and x.is_integer() and y.is_integer()):
        return None
    return int(x), int(y), int(side)


def _crop_between_pixels(
    frame: NDArray[np.uint8], crop: Crop, corner: tuple[int, int, int], times: int, fill: Sequence[float]
) -> NDArray[np.uint8]:
    """The same as sampling at every patch pixel's place, by OpenCV's faster scaling of whole pixels."""
    x, y, side = corner
    unit = 2**times
    height, width = (-(-extent // unit) for extent in frame.shape[:2])
    x0, x1, y0, y1 = max(x, 0), min(x + side, width), max(y, 0), min(y + side, height)
    if x0 >= x1 or y0 >= y1:
        return np.full((crop.patch, crop.patch, *frame.shape[2:]), np.round(fill), np.uint8)
    part = frame[y0 * unit : y1 * unit, x0 * unit : x1 * unit]
    for _ in range(times):
        part = _halved(part)
    if (rim := (y0 - y, y + side - y1, x0 - x, x + side - x1)) != (0, 0, 0, 0):
        part = cv2.copyMakeBorder(part, *rim, cv2.BORDER_CONSTANT, value=tuple(fill))  # type: ignore[assignment]
    if side == crop.patch:
        return part.copy()  # never the frame's own memory, which is written again before the patch is looked at
    return cv2.resize(part, (crop.patch, crop.patch), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def _needed(centre: float, side: float, extent: int, multiple: int) -> tuple[int, int]:
    """First and last (exclusive) pixel of the picture's row that a crop reads, the first a multiple of a number.

    So the same pixels are averaged wherever the crop lies: a target that moves does not flicker.
    """
    reach = side / 2 + multiple
    start = math.floor((centre - reach) / multiple) * multiple
    end = math.ceil((centre + reach) / multiple) * multiple
    return min(max(start, 0), extent), min(max(end, 0), extent)


def _halved(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The means of 2x2 pixels, uint8 [(H + 1) // 2, (W + 1) // 2, ...]; an odd side's last pixels count twice."""
    height, width = frame.shape[:2]
    if height % 2 or width % 2:
        frame = cv2.copyMakeBorder(  # type: ignore[assignment]
            frame, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE
        )
    half = (frame.shape[1] // 2, frame.shape[0] // 2)
    return cv2.resize(frame, half, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _crop_whole_pixels(
    frame: NDArray[np.uint8], crop: Crop, fill: Sequence[float], rule: CropRule
) -> NDArray[np.uint8]:
    """The square in whole pixels, what lies outside filled, then scaled: bilinear, without averaging first."""
    height, width = frame.shape[:2]
    (x, side), (y, _) = (whole_pixels(c, crop.side, rule) for c in (crop.cx, crop.cy))
    x0, x1, y0, y1 = max(x, 0), min(x + side, width), max(y, 0), min(y + side, height)
    # The colour is cut to whole grey levels, not rounded: it went into a byte array.
    square = np.full((side, side, *frame.shape[2:]), np.asarray(fill, np.float64).astype(np.uint8), np.uint8)
    if x0 < x1 and y0 < y1:
        square[y0 - y : y1 - y, x0 - x : x1 - x] = frame[y0:y1, x0:x1]
    if side == crop.patch:
        return square
    return cv2.resize(square, (crop.patch, crop.patch), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
