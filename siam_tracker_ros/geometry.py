"""Boxes, crops and the exact map between the image and a crop (numpy only; the pixels are cut in ``patches.py``).

Coordinates are continuous pixel coordinates of the original image: the image covers ``[0, width] x [0, height]``
and the centre of the pixel in column ``i`` is at ``i + 0.5``. A crop is a square of the image scaled to a square
patch by one factor, so the map from patch to image is one multiplication and one addition, and is exact.

Source: the crop with context amount 0.5, a template patch of 127 and a search patch of 255 pixels is SiamFC's
(Bertinetto et al. 2016, section 2.2), which the AFSN paper takes over in section 4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

CONTEXT_AMOUNT = 0.5
TEMPLATE_SIZE = 127
SEARCH_SIZE = 255

BoxFault = Literal["not_finite", "outside", "too_small"]

CropRule = Literal["exact", "floor", "round"]
"""How a square is cut out of the image. ``exact``: at sub-pixel positions. The other two cut whole pixels, as the test
code of published checkpoints does: ``floor`` puts the corner at ``floor(c + 0.5)`` (SiamBAN), ``round`` at Python's
``round(c)`` (Ocean), which differs by a pixel where ``c`` lies half-way."""


class BoxError(ValueError):
    """A box that cannot start a target. ``reason`` says which rule it broke."""

    def __init__(self, reason: BoxFault, message: str) -> None:
        super().__init__(message)
        self.reason: BoxFault = reason


class FrameError(ValueError):
    """A frame that cannot be tracked on: wrong type, shape or no pixels."""


@dataclass(frozen=True)
class Box:
    """An axis-aligned box: top-left corner ``x, y`` and size ``w, h`` in pixels of the original image (float)."""

    x: float
    y: float
    w: float
    h: float

    @classmethod
    def from_center(cls, cx: float, cy: float, w: float, h: float) -> Box:
        """The box of size ``w, h`` centred at ``cx, cy``."""
        return cls(cx - w / 2, cy - h / 2, w, h)

    @property
    def cx(self) -> float:
        return self.x + self.w / 2

    @property
    def cy(self) -> float:
        return self.y + self.h / 2

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def area(self) -> float:
        return max(self.w, 0.0) * max(self.h, 0.0)

    @property
    def is_finite(self) -> bool:
        return all(math.isfinite(v) for v in self.as_tuple())

    def as_tuple(self) -> tuple[float, float, float, float]:
        """``(x, y, w, h)``."""
        return (self.x, self.y, self.w, self.h)

    def scaled(self, factor: float) -> Box:
        """The box with the same centre and both sides multiplied by ``factor``."""
        return Box.from_center(self.cx, self.cy, self.w * factor, self.h * factor)

    def clipped(self, width: float, height: float) -> Box:
        """The part of the box inside an image of ``width`` x ``height``; of size 0 at the border if there is none."""
        x0, x1 = (min(max(v, 0.0), float(width)) for v in (self.x, self.right))
        y0, y1 = (min(max(v, 0.0), float(height)) for v in (self.y, self.bottom))
        return Box(x0, y0, max(x1 - x0, 0.0), max(y1 - y0, 0.0))

    def iou(self, other: Box) -> float:
        """Intersection over union with ``other``, 0..1; 0 where the union is empty."""
        iw = min(self.right, other.right) - max(self.x, other.x)
        ih = min(self.bottom, other.bottom) - max(self.y, other.y)
        intersection = max(iw, 0.0) * max(ih, 0.0)
        union = self.area + other.area - intersection
        return min(max(intersection / union, 0.0), 1.0) if union > 0 else 0.0


def check_box(box: Box | Sequence[float], width: int, height: int, minimum: float = 4.0) -> Box:
    """A box that can start a target in an image of ``width`` x ``height`` pixels, or BoxError with the reason.

    Args:
        box: a Box or ``(x, y, w, h)``, pixels.
        minimum: smallest side, pixels, of the box and of its part inside the image.

    Returns:
        The box as given (parts outside the image are kept: a target may be cut by the border).
    """
    if not isinstance(box, Box):
        values = [float(v) for v in box]
        if len(values) != 4:
            raise BoxError("not_finite", f"a box has four numbers x, y, w, h; {len(values)} were given")
        box = Box(*values)
    said = f"box x={box.x:.1f}, y={box.y:.1f}, w={box.w:.1f}, h={box.h:.1f}"
    if not box.is_finite:
        raise BoxError("not_finite", f"{said} is not finite; give four finite numbers in pixels")
    if box.w < minimum or box.h < minimum:
        raise BoxError("too_small", f"{said} is under {minimum:g} pixels; draw a larger box")
    inside = box.clipped(width, height)
    if inside.w <= 0 or inside.h <= 0:
        raise BoxError("outside", f"{said} lies outside the {width}x{height} image")
    if inside.w < minimum or inside.h < minimum:
        raise BoxError("too_small", f"{said} has a side under {minimum:g} pixels inside the {width}x{height} image")
    return box


def check_frame(frame: object) -> NDArray[np.uint8]:
    """The frame, if it is a BGR picture (uint8 [H, W, 3] with pixels), else FrameError saying what it is."""
    if not isinstance(frame, np.ndarray):
        raise FrameError(f"a frame is a numpy array uint8 [H, W, 3]; this is a {type(frame).__name__}")
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
        raise FrameError(f"a frame is BGR uint8 [H, W, 3]; this is {frame.dtype} {list(frame.shape)}")
    return frame


def context_side(w: float, h: float, context: float = CONTEXT_AMOUNT) -> float:
    """Side in image pixels of the template square: ``sqrt((w + p) (h + p))`` with ``p = context (w + h)``."""
    p = context * (w + h)
    return math.sqrt(max(w + p, 0.0) * max(h + p, 0.0))


def start_box(box: Box, rule: CropRule) -> Box:
    """The first box as the crop rule's authors count: SiamBAN's put it half a pixel up-left of the true place.

    They take ``x + (w - 1) / 2`` for the centre, which is a pixel's index, and report ``centre - w / 2`` from then on.
    """
    return Box(box.x - 0.5, box.y - 0.5, box.w, box.h) if rule == "floor" else box


def whole_pixels(center: float, side: float, rule: CropRule) -> tuple[int, int]:
    """First pixel and number of pixels of a square's row or column under the rules ``floor`` and ``round``.

    Args:
        center: index of the middle pixel; fractions allowed.
        side: wanted length, pixels.
    """
    count = max(round(side), 1)
    corner = center - (count + 1) / 2
    return (math.floor(corner + 0.5) if rule == "floor" else round(corner)), count


@dataclass(frozen=True)
class Crop:
    """A square of the image, side ``side`` pixels centred at ``cx, cy``, shown in a patch of ``patch`` pixels."""

    cx: float
    cy: float
    side: float
    patch: int

    @property
    def scale(self) -> float:
        """Patch pixels per image pixel."""
        return self.patch / self.side

    def to_patch(self, box: Box) -> Box:
        """The box in patch coordinates (origin at the patch's top-left corner)."""
        s = self.scale
        return Box(
            (box.x - self.cx) * s + self.patch / 2,
            (box.y - self.cy) * s + self.patch / 2,
            box.w * s,
            box.h * s,
        )

    def to_image(self, box: Box) -> Box:
        """The exact inverse of :meth:`to_patch`."""
        s = self.side / self.patch
        return Box(
            (box.x - self.patch / 2) * s + self.cx,
            (box.y - self.patch / 2) * s + self.cy,
            box.w * s,
            box.h * s,
        )


def halvings(scale: float) -> int:
    """How often pixels are averaged two by two before a crop of this scale is sampled; 0 from a half up."""
    return math.floor(-math.log2(scale)) if scale < 0.5 else 0


def snapped(crop: Crop, finest: float = 0.25) -> Crop:
    """The nearest crop whose border lies between pixels (of the halved image, where it is sampled from that).

    Such a crop is cut and scaled at half the cost, and where it lies is known as exactly. Its centre moves by half such
    a pixel at most, and so does its side. A crop of fewer than ``finest`` image pixels a patch pixel stays as it is.
    """
    if crop.side < finest * crop.patch:
        return crop
    unit = 2 ** halvings(crop.scale)
    side = float(max(round(crop.side / unit), 1) * unit)
    unit = 2 ** halvings(crop.patch / side)  # rounding may have made it one halving more or less
    x, y = (round((centre - side / 2) / unit) * unit for centre in (crop.cx, crop.cy))
    return Crop(x + side / 2, y + side / 2, side, crop.patch)


def template_crop(box: Box, size: int = TEMPLATE_SIZE, context: float = CONTEXT_AMOUNT) -> Crop:
    """The square with context around the box that becomes the template patch."""
    return Crop(box.cx, box.cy, max(context_side(box.w, box.h, context), 1.0), size)


def search_crop(
    box: Box, size: int = SEARCH_SIZE, template_size: int = TEMPLATE_SIZE, context: float = CONTEXT_AMOUNT
) -> Crop:
    """The square around the last box that becomes the search patch, at the template's scale."""
    return Crop(box.cx, box.cy, max(context_side(box.w, box.h, context), 1.0) * size / template_size, size)
