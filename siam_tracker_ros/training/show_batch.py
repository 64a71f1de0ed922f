"""A picture of training pairs with their labels: what the network sees, for a person to look at."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from siam_tracker_ros.drawing import draw_rectangle
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.networks.response import Geometry, point_grid
from siam_tracker_ros.training.pairs import Pair, PairDataset
from siam_tracker_ros.training.recipe_loss import LabelRecipe
from siam_tracker_ros.training.targets import box_distances, centerness, draw_points, labels_of

Picture = NDArray[np.uint8]

TARGET, OTHER = (80, 220, 60), (235, 140, 50)
LABELS = {"positive": (80, 220, 60), "negative": (60, 60, 235), "ignored": (170, 170, 170)}
"""BGR colours of the points."""
SHADE = (0, 220, 255)
_VALUES = {"positive": 1, "negative": 0, "ignored": -1}

_ZOOM = 1.5  # pixels of the picture for one of a patch
_GAP, _LINE = 6, 18


def show_batch(
    dataset: PairDataset, geometry: Geometry, labels: LabelRecipe, path: Path, count: int = 16, first: int = 0
) -> None:
    """Write the pairs ``first`` to ``first + count - 1`` as one PNG, two in a row.

    Each shows the template with its box, the search patch with the box (blue: other objects known to be in it), and
    the search patch with the response map's points by their label; yellow is the centre-ness, the stronger the higher.

    Args:
        geometry: of the network that the pairs are for. labels: the recipe's section.

    Raises:
        DatasetError: as for the pairs themselves. OSError: the file cannot be written.
    """
    tiles = [draw_pair(dataset.pair(i), i, geometry, labels) for i in range(first, first + count)]
    if len(tiles) % 2:
        tiles.append(np.full_like(tiles[0], 255))
    rows = [np.hstack(_spaced(tiles[i : i + 2], axis=1)) for i in range(0, len(tiles), 2)]
    sheet = np.vstack(_spaced([*rows, _legend(rows[0].shape[1])], axis=0))
    path.parent.mkdir(parents=True, exist_ok=True)
    ok, data = cv2.imencode(".png", sheet)
    assert ok  # a picture that was just drawn can be encoded
    path.write_bytes(data.tobytes())


def draw_pair(pair: Pair, index: int, geometry: Geometry, recipe: LabelRecipe) -> Picture:
    """One pair: two lines of words over the three patches, BGR uint8."""
    template, search = _zoomed(pair.template), _zoomed(pair.search)
    labelled = _labelled(search, *point_labels(pair, index, geometry, recipe), geometry)
    draw_rectangle(template, _on_picture(pair.template_box), TARGET, 1, dashed=False)
    for other in pair.others:
        draw_rectangle(search, _on_picture(other), OTHER, 1, dashed=True)
    for patch in (search, labelled):
        draw_rectangle(patch, _on_picture(pair.box), TARGET if pair.positive else OTHER, 1, dashed=not pair.positive)
    width = template.shape[1] + 2 * search.shape[1] + 2 * _GAP
    tile = np.full((2 * _LINE + search.shape[0] + _GAP, width, 3), 255, np.uint8)
    left = 0
    for patch in (template, search, labelled):
        tile[2 * _LINE : 2 * _LINE + patch.shape[0], left : left + patch.shape[1]] = patch
        left += patch.shape[1] + _GAP
    _write(tile, f"{index}  {pair.source}: {pair.name}", 0)
    _write(tile, pair.kind if pair.positive else f"NO TARGET, {pair.kind}", 1, bold=not pair.positive)
    return tile


def point_labels(
    pair: Pair, index: int, geometry: Geometry, recipe: LabelRecipe
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Each response point's label (1, 0, -1) and centre-ness (0..1), both [H, W], as the losses have them."""
    points = point_grid(geometry)
    box = torch.tensor([[pair.box.x, pair.box.y, pair.box.right, pair.box.bottom]])
    labels = labels_of(recipe, points, box) if pair.positive else torch.zeros((1, *points.shape[1:]), dtype=torch.long)
    labels = draw_points(labels, recipe.most_positive, recipe.most_negative, torch.tensor([index]))
    shade = centerness(box_distances(points, box))[:, 0] * float(pair.positive)
    return labels[0].numpy(), shade[0].numpy()


def _labelled(search: Picture, labels: NDArray[np.int64], shade: NDArray[np.float32], geometry: Geometry) -> Picture:
    """The search patch, darker, with the centre-ness around each point and the point itself in its label's colour."""
    out = search // 2
    grid = point_grid(geometry).numpy()
    half = geometry.stride / 2 * _ZOOM
    for place in np.ndindex(labels.shape):
        x, y = (float(grid[axis][place]) * _ZOOM for axis in (0, 1))
        cell = out[max(round(y - half), 0) : round(y + half), max(round(x - half), 0) : round(x + half)]
        strength = 0.7 * float(shade[place])
        cell[:] = (cell * (1 - strength) + np.array(SHADE) * strength).astype(np.uint8)
    for name, colour in LABELS.items():
        for place in np.argwhere(labels == _VALUES[name]):
            x, y = (round(float(grid[axis][tuple(place)]) * _ZOOM - 0.5) for axis in (0, 1))
            cv2.circle(out, (x, y), 3 if name == "positive" else 1, colour, cv2.FILLED)
    return out


def _legend(width: int) -> Picture:
    strip = np.full((_LINE + _GAP, width, 3), 255, np.uint8)
    left = _GAP
    for words, colour in [("target", TARGET), ("other object", OTHER), *LABELS.items(), ("centre-ness", SHADE)]:
        middle = (left + 6, _LINE // 2)
        cv2.circle(strip, middle, 6, colour, cv2.FILLED)
        _write(strip, words, 0, left=left + 18)
        left += 40 + 9 * len(words)
    return strip


def _zoomed(patch: Picture) -> Picture:
    side = round(patch.shape[0] * _ZOOM)
    return cv2.resize(patch, (side, side), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def _on_picture(box: Box) -> Box:
    """Where a line has to be drawn, in whole pixels whose middle is half a pixel right of their number."""
    return Box(box.x * _ZOOM - 0.5, box.y * _ZOOM - 0.5, box.w * _ZOOM, box.h * _ZOOM)


def _write(picture: Picture, words: str, line: int, *, left: int = 2, bold: bool = False) -> None:
    place = (left, line * _LINE + _LINE - 5)
    cv2.putText(picture, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (20, 20, 20), 1 + bold, cv2.LINE_AA)


def _spaced(pictures: list[Picture], axis: int) -> list[Picture]:
    """The pictures with white between them."""
    shape = list(pictures[0].shape)
    shape[axis] = 2 * _GAP
    gap = np.full(shape, 255, np.uint8)
    return [part for picture in pictures for part in (picture, gap)][:-1]
