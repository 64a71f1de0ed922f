"""What a person sees of a track: box, confidence and state drawn into a copy of the frame."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box

Colour = tuple[int, int, int]

STATE_COLOURS: dict[str, Colour] = {
    "IDLE": (160, 160, 160),
    "TRACKING": (80, 220, 60),
    "UNCERTAIN": (0, 190, 255),
    "LOST": (60, 60, 235),
    "SEARCHING": (235, 140, 50),
    "STALE": (200, 90, 200),
}
"""BGR colours by the state's name; the timeline uses the same."""

TRUTH_COLOUR: Colour = (255, 255, 255)
_WITHOUT_TARGET = frozenset({"LOST", "SEARCHING", "STALE"})


def state_name(state: Enum | str) -> str:
    """``TRACKING`` for ``TrackState.TRACKING`` and for the string itself."""
    return state.name if isinstance(state, Enum) else str(state)


def draw_track(
    frame: NDArray[np.uint8],
    box: Box | None,
    confidence: float,
    state: Enum | str,
    label: str = "",
    truth: Box | None = None,
) -> NDArray[np.uint8]:
    """A copy of ``frame`` (BGR uint8 [H, W, 3]) with the track drawn into it.

    box: where the target is, pixels; None or not finite draws none. It is dashed while the state is
    UNCERTAIN, and thin and dashed, as the place it was seen last, while the target is lost. A banner says the
    state while the target is lost, and where it is UNCERTAIN and there is no box. confidence: 0..1. state: a
    TrackState or its name. label: words before the confidence, such as the target's id. truth: the true box,
    drawn as a thin white line.
    """
    drawn = frame.copy()
    name = state_name(state)
    colour = STATE_COLOURS.get(name, STATE_COLOURS["IDLE"])
    unit = max(1.0, min(frame.shape[:2]) / 480)
    if truth is not None and truth.is_finite:
        draw_rectangle(drawn, truth, TRUTH_COLOUR, 1, dashed=False)
    shown = box if box is not None and box.is_finite else None
    if name in _WITHOUT_TARGET or (shown is None and name == "UNCERTAIN"):
        if shown is not None:
            draw_rectangle(drawn, shown, colour, max(1, round(unit)), dashed=True)
        _banner(drawn, name, colour, unit)
    elif name != "IDLE" and shown is not None:
        thickness = max(2, round(1.6 * unit))
        draw_rectangle(drawn, shown, (20, 20, 20), thickness + 2, dashed=name == "UNCERTAIN")
        draw_rectangle(drawn, shown, colour, thickness, dashed=name == "UNCERTAIN")
        words = " ".join(part for part in (label, f"{confidence:.2f}", "" if name == "TRACKING" else name) if part)
        _label(drawn, words, shown, colour, unit)
    return drawn


def draw_caption(frame: NDArray[np.uint8], text: str) -> None:
    """Write one line on a dark background into the frame's lower left corner, in place."""
    unit = max(1.0, min(frame.shape[:2]) / 480)
    scale, pad = 0.5 * unit, round(6 * unit)
    (width, height), baseline = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, _pen(unit))
    bottom = frame.shape[0]
    _shade(frame, 0, bottom - height - baseline - 2 * pad, width + 2 * pad, bottom, (20, 20, 20), 0.6)
    _text(frame, text, (pad, bottom - baseline - pad), scale, (240, 240, 240), unit)


def strip(frames: Sequence[NDArray[np.uint8]], columns: int, width: int) -> NDArray[np.uint8]:
    """Frames of one size in rows of ``columns``, the whole ``width`` pixels wide, with thin gaps between
    them.
    """
    gap = 4
    each = (width - gap * (columns - 1)) // columns
    height = round(each * frames[0].shape[0] / frames[0].shape[1])
    rows = -(-len(frames) // columns)
    sheet = np.full((rows * height + gap * (rows - 1), columns * each + gap * (columns - 1), 3), 255, np.uint8)
    for number, frame in enumerate(frames):
        row, column = divmod(number, columns)
        top, left = row * (height + gap), column * (each + gap)
        sheet[top : top + height, left : left + each] = cv2.resize(frame, (each, height), interpolation=cv2.INTER_AREA)
    return sheet


def draw_rectangle(image: NDArray[np.uint8], box: Box, colour: Colour, thickness: int, *, dashed: bool) -> None:
    """Draw a box's outline into a BGR picture, wherever it lies; box and thickness in pixels."""
    # Far outside the picture OpenCV's whole numbers would overflow.
    limit = 4 * max(image.shape[:2])
    left, top, right, bottom = (
        round(float(np.clip(value, -limit, limit))) for value in (box.x, box.y, box.right, box.bottom)
    )
    if not dashed:
        cv2.rectangle(image, (left, top), (right, bottom), colour, thickness)
        return
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    for (x0, y0), (x1, y1) in pairwise(corners):
        length = float(np.hypot(x1 - x0, y1 - y0))
        dashes = max(2, round(length / (7 * thickness)))
        for dash in range(0, 2 * dashes - 1, 2):
            a, b = dash / (2 * dashes - 1), (dash + 1) / (2 * dashes - 1)
            start = (round(x0 + a * (x1 - x0)), round(y0 + a * (y1 - y0)))
            end = (round(x0 + b * (x1 - x0)), round(y0 + b * (y1 - y0)))
            cv2.line(image, start, end, colour, thickness)


def _label(image: NDArray[np.uint8], words: str, box: Box, colour: Colour, unit: float) -> None:
    """The words over the box, or inside the picture where there is no room over it."""
    scale, pad = 0.5 * unit, round(4 * unit)
    (width, height), baseline = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, _pen(unit))
    tall = height + baseline + pad
    rows, columns = image.shape[:2]
    left = int(np.clip(box.x, 0, max(0, columns - width - 2 * pad)))
    top = int(np.clip(box.y - tall - 2 if box.y - tall >= 2 else box.bottom + 2, 0, max(0, rows - tall)))
    _shade(image, left, top, left + width + 2 * pad, top + tall, colour, 0.85)
    _text(image, words, (left + pad, top + height + pad // 2), scale, (15, 15, 15), unit)


def _banner(image: NDArray[np.uint8], name: str, colour: Colour, unit: float) -> None:
    scale, pad = 0.9 * unit, round(8 * unit)
    (width, height), baseline = cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, scale, 2 * _pen(unit))
    middle = image.shape[1] // 2
    top = round(14 * unit)
    bottom = top + height + baseline + 2 * pad
    _shade(image, middle - width // 2 - 2 * pad, top, middle + width // 2 + 2 * pad, bottom, colour, 0.85)
    cv2.putText(
        image,
        name,
        (middle - width // 2, bottom - pad - baseline // 2),
        cv2.FONT_HERSHEY_SIMPLEX,
        scale,
        (255, 255, 255),
        2 * _pen(unit),
        cv2.LINE_AA,
    )


def _pen(unit: float) -> int:
    return max(1, round(unit))


def _text(
    image: NDArray[np.uint8], words: str, origin: tuple[int, int], scale: float, colour: Colour, unit: float
) -> None:
    cv2.putText(image, words, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, _pen(unit), cv2.LINE_AA)


def _shade(
    image: NDArray[np.uint8], left: int, top: int, right: int, bottom: int, colour: Colour, strength: float
) -> None:
    """Blend a filled rectangle into the image, in place; what is outside is left out."""
    part = image[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    if part.size:
        part[:] = (part * (1 - strength) + np.array(colour) * strength).astype(np.uint8)
