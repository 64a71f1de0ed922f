"""The picture of a batch: labels and boxes at their places, in their colours."""

import cv2
import numpy as np
import pytest
from drawn_tracks import draw_blocks, track, track_set

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.networks.response import Geometry
from siam_tracker_ros.training.pairs import Pair, PairDataset, PairSource
from siam_tracker_ros.training.recipe_loss import LabelRecipe
from siam_tracker_ros.training.recipe_pairs import AugmentRecipe, PairRecipe
from siam_tracker_ros.training.show_batch import LABELS, OTHER, TARGET, draw_pair, point_labels, show_batch

GEOMETRY = Geometry(template_size=127, search_size=255, stride=16, map_size=3)  # points at 111.5, 127.5, 143.5
TOP, LEFT = 36, 190 + 6 + 382 + 6  # of the labelled patch in a tile


def pair_with(box, positive=True, others=()):
    flat = [np.full((size, size, 3), 100, np.uint8) for size in (127, 255)]
    return Pair(*flat, Box(30, 40, 60, 50), box, positive, others, "one picture", "set", "thing")


def test_labels_are_those_of_the_losses():
    # Half axes 32 and 20: the middle row lies in the inner ellipse at the centre only (16/32 is its border, not in it).
    labels, shade = point_labels(pair_with(Box(95.5, 107.5, 64, 40)), 0, GEOMETRY, LabelRecipe(kind="ellipse"))
    assert labels.tolist() == [[-1, -1, -1], [-1, 1, -1], [-1, -1, -1]]
    assert shade[1, 1] == 1
    # 16 left of the centre: sqrt(16/48 * 20/20).
    assert shade[1].tolist() == pytest.approx([np.sqrt(1 / 3), 1, np.sqrt(1 / 3)])


def test_without_the_target_every_point_is_negative():
    labels, shade = point_labels(pair_with(Box(95.5, 107.5, 64, 40), positive=False), 0, GEOMETRY, LabelRecipe())
    assert (labels == 0).all()
    assert (shade == 0).all()


def test_points_that_are_not_drawn_are_ignored():
    recipe = LabelRecipe(kind="box", most_negative=2)
    labels, _ = point_labels(pair_with(Box(120, 120, 15, 15)), 5, GEOMETRY, recipe)
    assert labels[1, 1] == 1
    assert sorted(labels.flatten().tolist()) == [-1] * 6 + [0, 0, 1]


def test_a_tile_shows_points_in_their_colours_and_the_box():
    tile = draw_pair(pair_with(Box(95.5, 107.5, 64, 40)), 7, GEOMETRY, LabelRecipe(kind="ellipse"))
    assert tile.shape == (TOP + 382 + 6, LEFT + 382, 3)
    at = [round(place * 1.5 - 0.5) for place in (111.5, 127.5, 143.5)]
    assert tuple(tile[TOP + at[1], LEFT + at[1]]) == LABELS["positive"]
    assert tuple(tile[TOP + at[1], LEFT + at[0]]) == LABELS["ignored"]
    # Beside the points: yellow at the middle, and darker away from it; the patch at half its light outside the box.
    assert tuple(tile[TOP + 20, LEFT + 20]) == (50, 50, 50)
    assert tile[TOP + at[1] + 5, LEFT + at[1] + 5, 2] > tile[TOP + at[1] + 5, LEFT + at[0] + 5, 2] > 50
    # The box's left side is at 95.5 of the patch, in both search patches.
    for left in (LEFT, LEFT - 388):
        assert tuple(tile[TOP + at[1], left + round(95.5 * 1.5 - 0.5)]) == TARGET
    assert tuple(tile[TOP + round(60 * 1.5), round(30 * 1.5 - 0.5)]) == TARGET  # the template's


def test_a_tile_says_that_there_is_no_target():
    box = Box(95.5, 107.5, 64, 40)
    shown, hidden = (draw_pair(pair_with(box, positive), 7, GEOMETRY, LabelRecipe()) for positive in (True, False))
    assert (shown[18:36] != hidden[18:36]).any()  # the second line of words
    assert (shown[:18] == hidden[:18]).all()
    left = LEFT + round(95.5 * 1.5 - 0.5)
    column = hidden[TOP + 162 : TOP + 221, left]
    assert (column == OTHER).all(axis=1).any()
    assert not (column == TARGET).all(axis=1).any()
    at = round(127.5 * 1.5 - 0.5)
    assert tuple(hidden[TOP + at, LEFT + at]) == LABELS["negative"]


def test_a_tile_shows_the_other_objects():
    tile = draw_pair(pair_with(Box(95.5, 107.5, 64, 40), others=(Box(10, 10, 40, 40),)), 7, GEOMETRY, LabelRecipe())
    clean = tile[TOP : TOP + 80, LEFT - 388 : LEFT - 388 + 80]
    assert (clean == OTHER).all(axis=2).any()


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (3, 2), (4, 2)])
def test_the_file_has_two_pairs_in_a_row(tmp_path, count, rows):
    image = draw_blocks(tmp_path / "one.png", [(60, 50, 40, 30)])
    source = PairSource(track_set(track("block", [(60, 50, 40, 30)], images=[image])))
    dataset = PairDataset([source], PairRecipe(), AugmentRecipe(), 50, seed=0)
    path = tmp_path / "deep" / "batch.png"
    show_batch(dataset, GEOMETRY, LabelRecipe(), path, count=count, first=10)
    sheet = cv2.imread(str(path))
    tile = draw_pair(dataset.pair(10), 10, GEOMETRY, LabelRecipe())
    assert np.array_equal(sheet[: tile.shape[0], : tile.shape[1]], tile)
    assert sheet.shape[1] == 2 * tile.shape[1] + 12
    assert sheet.shape[0] == rows * (tile.shape[0] + 12) + 24  # and the legend
