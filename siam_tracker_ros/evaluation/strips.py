"""The worst moments of a track as strips of pictures, with the true box and the trackers' boxes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.drawing import TRUTH_COLOUR, Colour, draw_caption, draw_rectangle, strip
from siam_tracker_ros.evaluation.metrics import iou
from siam_tracker_ros.geometry import Box

__all__ = [
    "OFFSETS",
    "Moment",
    "draw_strip",
    "read_frames",
    "strip_frames",
    "worst_moments",
    "worst_sequences",
    "write_strips",
]

Image = NDArray[np.uint8]

OFFSETS = (-20, -5, 0, 5, 20)
"""The frames of a strip, counted from its moment."""

FAILED, RECOVERED = 0.1, 0.5
_LARGEST_TILE = (360, 300)  # width and height of one picture, pixels
_LARGEST_ZOOM = 3.0
_SMALLEST_OUTLINE = 7.0  # pixels of the tile
_GAP = 4  # as `drawing.strip` has it
_DARK: Colour = (20, 20, 20)
_QUALITY = 85


@dataclass(frozen=True)
class Moment:
    """Where a track went wrong.

    frame: its index. iou: overlap with the true box there, 0..1. frames: how many frames with a target passed until
    the track was right again, or the sequence ended; 0 for the worst frame of a track that never failed.
    """

    frame: int
    iou: float
    frames: int


def worst_sequences(values: Mapping[str, float], count: int = 6) -> list[str]:
    """The `count` sequences with the lowest figure, the lowest first; equal ones by name."""
    return sorted(values, key=lambda name: (values[name], name))[:count]


def worst_moments(
    boxes: ArrayLike,
    truth: ArrayLike,
    count: int = 3,
    *,
    failed: float = FAILED,
    recovered: float = RECOVERED,
) -> list[Moment]:
    """Where a track failed, the longest failure first; where it never did, its worst frame.

    A failure begins where the IoU falls below `failed` and ends where it reaches `recovered` again, so that a box
    that touches its target now and then is lost once only. Frames without a target neither begin nor end one, and
    the first frame, whose box was given, does not count. Empty when no frame is left.

    boxes, truth: [N, 4], x, y, w, h, pixels. Raises ValueError when they are not both [N, 4].
    """
    overlaps = iou(boxes, truth)
    scored = [index for index in range(1, len(overlaps)) if not math.isnan(overlaps[index])]
    moments: list[Moment] = []
    start: int | None = None
    passed = 0
    for index in scored:
        if start is None and overlaps[index] < failed:
            start, passed = index, 0
        elif start is not None and overlaps[index] >= recovered:
            moments.append(Moment(start, float(overlaps[start]), passed))
            start = None
        passed += 1
    if start is not None:
        moments.append(Moment(start, float(overlaps[start]), passed))
    if not moments and scored:
        worst = min(scored, key=lambda index: float(overlaps[index]))
        return [Moment(worst, float(overlaps[worst]), 0)]
    return sorted(moments, key=lambda moment: -moment.frames)[:count]


def strip_frames(frame: int, length: int, offsets: Iterable[int] = OFFSETS) -> tuple[int, ...]:
    """The frames to show around one, ascending, each once; what lies outside the sequence becomes its end.

    frame: index. length: number of frames of the sequence.
    """
    return tuple(sorted({min(max(frame + offset, 0), length - 1) for offset in offsets}))


def read_frames(sequence: Sequence, indices: Iterable[int]) -> dict[int, Image]:
    """Some frames of a sequence by index, BGR uint8 [H, W, 3]; read in one pass that ends with the last of them.

    Raises DatasetError when one cannot be read.
    """
    wanted = set(indices)
    found: dict[int, Image] = {}
    for index, frame in enumerate(sequence.frames()):
        if index in wanted:
            found[index] = frame
        if len(found) == len(wanted):
            break
    if len(found) < len(wanted):
        raise DatasetError(f"{sequence.name}: has no frame {min(wanted - set(found))}")
    return found


def draw_strip(
    frames: Mapping[int, Image],
    boxes: Mapping[str, ArrayLike],
    truth: ArrayLike,
    colors: Mapping[str, str],
) -> Image:
    """The frames side by side under a line with the names, BGR uint8 [H, W, 3].

    The pictures show the same part of each frame: as little as holds the true boxes and the first tracker's, with
    some room. The true box is thin and white, the trackers' have their colours; below stand the frame's index and
    the first tracker's IoU, or that there is no target or no box. A box that would be too small to see is drawn larger.

    frames: index -> BGR frame, one or more. boxes: tracker -> [N, 4], x, y, w, h, pixels, nan where there is none.
    truth: [N, 4] likewise. colors: tracker -> ``#rrggbb``.
    """
    indices = sorted(frames)
    true = np.asarray(truth, dtype=np.float64)
    tracks = {tracker: np.asarray(rows, dtype=np.float64) for tracker, rows in boxes.items()}
    first = next(iter(tracks.values()))
    overlaps = iou(first, true)
    height, width = frames[indices[0]].shape[:2]
    zoom = min(_LARGEST_TILE[0] / width, _LARGEST_TILE[1] / height)
    size = round(width * zoom), round(height * zoom)
    view = _view([_box(rows[index]) for rows in (true, first) for index in indices], (width, height), size)
    tiles = []
    for index in indices:
        part = frames[index][int(view.y) : int(view.bottom), int(view.x) : int(view.right)]
        method = cv2.INTER_AREA if view.w > size[0] else cv2.INTER_LINEAR
        tile = cv2.resize(part, size, interpolation=method).astype(np.uint8, copy=False)
        for tracker, rows in reversed(tracks.items()):  # the first tracker's box lies over the others
            _outline(tile, _box(rows[index]), view, _bgr(colors[tracker]), 2)
        _outline(tile, _box(true[index]), view, TRUTH_COLOUR, 1)
        draw_caption(tile, f"frame {index}, {_state(overlaps[index], first[index])}")
        tiles.append(tile)
    pictures = strip(tiles, columns=len(tiles), width=len(tiles) * (size[0] + _GAP) - _GAP)
    names = {"true box": TRUTH_COLOUR} | {tracker: _bgr(colors[tracker]) for tracker in tracks}
    return np.vstack([_heading(names, pictures.shape[1]), pictures])


def write_strips(
    sequence: Sequence,
    strips: Mapping[Path, Iterable[int]],
    boxes: Mapping[str, ArrayLike],
    truth: ArrayLike,
    colors: Mapping[str, str],
) -> str:
    """Write strips (`draw_strip`) of one sequence, which is read once for all; returns what went wrong, else nothing.

    A report is not to fail because a picture of it cannot be made: without a frame there is none of these strips, and
    the sentence says why.

    strips: file, .jpg or .png -> the indices of its frames. boxes, truth, colors: as in `draw_strip`.
    """
    wanted = {path: sorted(set(indices)) for path, indices in strips.items()}
    try:
        frames = read_frames(sequence, {index for indices in wanted.values() for index in indices})
        for path, indices in wanted.items():
            image = draw_strip({index: frames[index] for index in indices}, boxes, truth, colors)
            if not cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]):
                raise OSError(f"{path.name} could not be written")
    except (DatasetError, OSError, cv2.error) as error:
        return f"no pictures of {sequence.name}: {error}"
    return ""


def _box(row: NDArray[np.float64]) -> Box:
    return Box(*(float(value) for value in row))


def _view(boxes: list[Box], frame: tuple[int, int], tile: tuple[int, int]) -> Box:
    """The part of a frame to show, in its proportions and whole pixels; sizes are width and height, pixels."""
    shown = [box.clipped(*frame) for box in boxes if box.is_finite]
    shown = [box for box in shown if box.area > 0]
    if not shown:
        return Box(0, 0, *frame)
    left, top = min(box.x for box in shown), min(box.y for box in shown)
    right, bottom = max(box.right for box in shown), max(box.bottom for box in shown)
    room = max(0.5 * max(max(box.w, box.h) for box in shown), 16.0)
    share = max((right - left + 2 * room) / frame[0], (bottom - top + 2 * room) / frame[1])
    share = min(max(share, tile[0] / _LARGEST_ZOOM / frame[0]), 1.0)
    w, h = round(share * frame[0]), round(share * frame[1])
    x = min(max(round((left + right - w) / 2), 0), frame[0] - w)
    y = min(max(round((top + bottom - h) / 2), 0), frame[1] - h)
    return Box(x, y, w, h)


def _state(overlap: float, row: NDArray[np.float64]) -> str:
    if math.isnan(overlap):
        return "target absent"
    return f"IoU {overlap:.2f}" if np.isfinite(row).all() else "no box"


def _outline(tile: Image, box: Box, view: Box, color: Colour, thickness: int) -> None:
    """Draw a box of the frame into a tile that shows `view`, with a dark edge so that it is seen on anything."""
    if not box.is_finite:
        return
    x, y = tile.shape[1] / view.w, tile.shape[0] / view.h
    w, h = max(box.w * x, _SMALLEST_OUTLINE), max(box.h * y, _SMALLEST_OUTLINE)
    drawn = Box.from_center((box.cx - view.x) * x, (box.cy - view.y) * y, w, h)
    draw_rectangle(tile, drawn, _DARK, thickness + 2, dashed=False)
    draw_rectangle(tile, drawn, color, thickness, dashed=False)


def _heading(names: Mapping[str, Colour], width: int) -> Image:
    """A dark band with a spot of each colour and its name, in as many lines as they need."""
    scale, line, pad, spot = 0.5, 22, 8, 12
    places: list[tuple[str, Colour, int, int]] = []
    x, top = pad, 0
    for name, color in names.items():
        words = name.encode("ascii", "replace").decode("ascii")  # not every OpenCV has other letters
        taken = spot + pad + cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][0]
        if x > pad and x + taken + pad > width:
            x, top = pad, top + line
        places.append((words, color, x, top))
        x += taken + 2 * pad
    band = np.full((top + line, width, 3), _DARK, np.uint8)
    for words, color, x, top in places:
        band[top + 5 : top + 5 + spot, x : x + spot] = color
        at = (x + spot + pad, top + 15)
        cv2.putText(band, words, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (240, 240, 240), 1, cv2.LINE_AA)
    return band


def _bgr(color: str) -> Colour:
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return blue, green, red
