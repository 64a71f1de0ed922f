"""From response maps to one box: scale and ratio penalty, cosine window, vote of the boxes, interpolation of the size.

Source: SiamRPN (Li et al. 2018, section 4.3), which the anchor-free trackers take over; the vote is this package's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box, Crop
from siam_tracker_ros.tracking.settings import TrackerSettings

Numbers = TypeVar("Numbers", NDArray[np.floating], float)


@dataclass(frozen=True)
class Choice:
    """The chosen point.

    Attributes:
        box: its box, in patch pixels, or what the points that agree with it say together.
        score: foreground probability times centre-ness to ``centerness_power``, 0..1: what it was chosen by.
        penalty: what its change of size and ratio left of that, 0..1.
        confidence: foreground probability times the square root of the centre-ness, 0..1.
    """

    box: Box
    score: float
    penalty: float
    confidence: float


def cosine_window(size: int) -> NDArray[np.float32]:
    """The outer product of two Hann windows, 0..1, flat [size * size]."""
    line = np.hanning(size)
    return np.outer(line, line).astype(np.float32).ravel()


def change(ratio: NDArray[np.floating]) -> NDArray[np.floating]:
    """``max(r, 1/r)``: 1 for no change, growing both ways."""
    return np.maximum(ratio, 1.0 / ratio)


def padded_size(w: Numbers, h: Numbers) -> Numbers:
    """``sqrt((w + p)(h + p))`` with ``p = (w + h) / 2``: the size that the scale penalty compares."""
    p = (w + h) * 0.5
    square = (w + p) * (h + p)
    # Python's own root of a number: numpy's would make all that it meets float64.
    return np.sqrt(square) if isinstance(square, np.ndarray) else math.sqrt(square)


def penalty(w: NDArray[np.floating], h: NDArray[np.floating], last: Box, k: float) -> NDArray[np.floating]:
    """``exp(-k (r s - 1))`` with s the change of the padded size and r that of the aspect ratio.

    Args:
        w, h: candidates' sides, patch pixels, positive, [N].
        last: the last box, in patch pixels.
        k: strength.

    Returns:
        1 for no change, towards 0, [N].
    """
    s = change(padded_size(w, h) / padded_size(last.w, last.h))
    r = change((last.w / last.h) * (h / w))
    return np.exp(k - k * (r * s))


def choose(
    foreground: NDArray[np.floating],
    centerness: NDArray[np.floating],
    boxes: NDArray[np.floating],
    last: Box,
    window: NDArray[np.floating],
    settings: TrackerSettings,
    online: NDArray[np.floating] | None = None,
) -> Choice | None:
    """The best point of the maps whose values are finite, None if there is no such point.

    A single point may overflow, in half precision above all, where the background asks for a huge box: it is passed
    over, and says nothing of the others.

    Args:
        foreground, centerness: 0..1, [N].
        boxes: x0, y0, x1, y1 in patch pixels, [N, 4].
        last: the last box, in patch pixels.
        window: cosine window, [N].
        online: the online branch's score, about 0..1, [N]; it is windowed and blended in (Ocean equation 11).
    """
    finite = _finite(foreground, centerness, boxes, online)
    if finite is not None:
        if not finite.any():
            return None
        foreground, centerness, boxes = foreground[finite], centerness[finite], boxes[finite]
        window, online = window[finite], None if online is None else online[finite]
    score = foreground if not settings.centerness_power else foreground * centerness**settings.centerness_power
    sides = np.minimum(np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3), 1e6)
    penalties = penalty(sides[:, 0], sides[:, 1], last, settings.penalty_k)
    influence = settings.window_influence
    total = penalties * score**settings.score_power * (1.0 - influence) + window * influence
    if online is not None:
        total = settings.online_weight * online * window + (1.0 - settings.online_weight) * total
    best = int(total.argmax())
    return Choice(
        box=agreed_box(boxes, boxes[best], settings.box_agreement),
        score=float(score[best]),
        penalty=float(penalties[best]),
        confidence=float(foreground[best]) * math.sqrt(centerness[best]),
    )


def _finite(
    foreground: NDArray[np.floating],
    centerness: NDArray[np.floating],
    boxes: NDArray[np.floating],
    online: NDArray[np.floating] | None,
) -> NDArray[np.bool_] | None:
    """Which points are finite, [N]; None where all are, which is the usual case and costs less to find out."""
    maps = (foreground, centerness, boxes) if online is None else (foreground, centerness, boxes, online)
    with np.errstate(invalid="ignore"):  # infinite ones of both signs add up to no number
        total = sum(float(each.sum()) for each in maps)
    if math.isfinite(total):
        return None
    finite = np.isfinite(boxes).all(1) & np.isfinite(foreground) & np.isfinite(centerness)
    return finite if online is None else finite & np.isfinite(online)


def agreed_box(boxes: NDArray[np.floating], chosen: NDArray[np.floating], agreement: float) -> Box:
    """The median, side by side, of the boxes that agree with the chosen one.

    Every point on the target predicts the whole box, each with its own error; the median takes those errors out and is
    not moved by the few points that see something else. Box voting (Gidaris and Komodakis 2015, section 5.2) takes a
    weighted mean instead, which such points do move.

    Args:
        boxes: x0, y0, x1, y1, finite, [N, 4].
        chosen: one of them, [4].
        agreement: IoU with the chosen box from which a box counts, 0..1; at 1 the chosen box is all there is.
    """
    agreeing = chosen[None]
    if agreement < 1.0:
        corner, end = boxes[:, :2], boxes[:, 2:]
        sides = np.maximum(end - corner, 0.0)
        overlap = np.maximum(np.minimum(end, chosen[2:]) - np.maximum(corner, chosen[:2]), 0.0)
        common, areas = overlap[:, 0] * overlap[:, 1], sides[:, 0] * sides[:, 1]
        own = max(float(chosen[2] - chosen[0]), 0.0) * max(float(chosen[3] - chosen[1]), 0.0)
        # Not divided: a box without an area has no IoU.
        agrees = (common * (1.0 + agreement) >= agreement * (areas + own)) & (common > 0.0)
        agreeing = boxes[agrees] if agrees.any() else agreeing
    x0, y0, x1, y1 = _median(agreeing)
    return Box(x0, y0, min(max(x1 - x0, 1e-3), 1e6), min(max(y1 - y0, 1e-3), 1e6))


def _median(rows: NDArray[np.floating]) -> list[float]:
    """The median of each column, [N, C] to C numbers; numpy's own looks for gaps that are not there, at ten times the
    cost."""
    ordered, half = np.sort(rows, axis=0), len(rows) // 2
    middle = ordered[half] if len(rows) % 2 else (ordered[half - 1] + ordered[half]) / 2
    return [float(value) for value in middle]


def smooth(last: Box, crop: Crop, choice: Choice, settings: TrackerSettings, width: int, height: int) -> Box:
    """The new box in the image: the chosen centre, the size moved from the last towards the chosen one.

    The rate is ``penalty * score * size_lr``, to the power of ``size_smoothings``: Ocean's authors interpolate between
    the last size and what is already an interpolation. The centre stays in the image of ``width`` x ``height``
    pixels, the sides stay from ``min_side`` to the image's.
    """
    found = crop.to_image(choice.box)
    rate = (choice.penalty * choice.score * settings.size_lr) ** settings.size_smoothings
    w, h = last.w * (1 - rate) + found.w * rate, last.h * (1 - rate) + found.h * rate
    return Box.from_center(
        min(max(found.cx, 0.0), float(width)),
        min(max(found.cy, 0.0), float(height)),
        min(max(w, settings.min_side), float(width)),
        min(max(h, settings.min_side), float(height)),
    )
