"""Boxes become objects: what is kept, in which order, and why the others are left out."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.track_table import Naming
from siam_tracker_ros.datasets.view_rows import ViewRows

NAMING = Naming(picture="{scene}/{number:03d}.jpg")


def rows(*boxes, size=(100.0, 50.0)):
    made = ViewRows("set", Path("data"), NAMING)
    scene = made.scene("video", *size)
    for number, box in enumerate(boxes):
        made.add(scene, -1, 0, number, box)
    return made


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((np.nan, 0, 20, 20), "views: the box is not made of finite numbers"),
        ((0, 0, np.inf, 20), "views: the box is not made of finite numbers"),
        ((0, 0, 0, 20), "views: the box is empty or inverted"),
        ((30, 0, -20, 20), "views: the box is empty or inverted"),
        ((100, 0, 20, 20), "views: the box lies outside the picture"),
        ((0, -20, 20, 20), "views: the box lies outside the picture"),
        ((0, 0, 20, 7.5), "views: a side of the box is under 8 pixels"),
        ((93, 0, 20, 20), "views: a side of the box is under 8 pixels"),  # what is left of it in the picture
    ],
)
def test_a_box_that_cannot_be_used_is_counted_with_its_picture(box, reason):
    table = rows((1, 2, 30, 40), box).table(8)
    np.testing.assert_array_equal(table[0].boxes, [[1, 2, 30, 40]])
    assert table.survey.left_out == {reason: (1, ("video/001.jpg",))}


def test_a_box_over_the_border_is_cut_to_its_picture():
    table = rows((-5, -6, 30, 30), (90, 40, 30, 30), (0, 0, 100, 50)).table(8)
    np.testing.assert_array_equal(table[0].boxes, [[0, 0, 25, 24], [90, 40, 10, 10], [0, 0, 100, 50]])
    assert table.survey.cut == 2


def test_where_the_size_is_unknown_only_the_top_left_border_counts():
    table = rows((-5, 0, 30, 30), (5000, 0, 30, 30), size=(np.inf, np.inf)).table(8)
    np.testing.assert_array_equal(table[0].boxes, [[0, 0, 25, 30], [5000, 0, 30, 30]])


def test_views_are_sorted_into_objects_by_scene_category_and_number():
    made = ViewRows("set", Path("data"), NAMING)
    later, first = made.scene("later"), made.scene("first")
    cat, dog = made.category("cat"), made.category("dog")
    made.extend(first, dog, 5, np.array([9, 2]), np.array([[9.0, 9, 9, 9], [2, 2, 9, 9]]))
    made.add(later, cat, 1, 4, (4, 4, 9, 9))
    made.add(first, cat, 5, 3, (3, 3, 9, 9))
    assert made.category("cat") == cat
    table = made.table(8)
    assert [track.name for track in table] == ["later#1", "first#5", "first#5"]
    assert [track.category for track in table] == ["cat", "cat", "dog"]
    assert [track.frames.tolist() for track in table] == [[4], [3], [2, 9]]
    np.testing.assert_array_equal(table[2].boxes, [[2, 2, 9, 9], [9, 9, 9, 9]])
    assert table.scenes.tolist() == [0, 1, 1]
    assert table.categories.tolist() == [cat, cat, dog]
    assert (table.survey.objects, table.survey.views) == (3, 4)


def test_a_second_box_of_an_object_in_one_picture_is_left_out():
    made = ViewRows("set", Path("data"), NAMING)
    scene = made.scene("video")
    for x in (1, 2):
        made.add(scene, -1, 0, 7, (x, 0, 20, 20))
    table = made.table(8)
    np.testing.assert_array_equal(table[0].boxes, [[1, 0, 20, 20]])
    assert table.survey.left_out == {"views: the object has another box in the same picture": (1, ("video/007.jpg",))}


@pytest.mark.parametrize("boxes", [[], [(0, 0, 0, 0)]])
def test_nothing_usable_is_an_error_that_tells_why(boxes):
    with pytest.raises(DatasetError, match="leaves nothing to train on\nset: 0 objects"):
        rows(*boxes).table(8)


numbers = st.floats(-150, 150, width=32) | st.just(float("nan"))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.tuples(numbers, numbers, numbers, numbers))))
def test_every_box_is_used_or_counted_and_what_is_used_lies_in_its_picture(views):
    made = ViewRows("set", Path("data"), NAMING)
    scenes = [made.scene(name, 100, 50) for name in "abc"]
    for scene, number, box in [*views, (0, 99, (0.0, 0.0, 20.0, 20.0))]:
        made.add(scenes[scene], -1, 0, number, box)
    table = made.table(8)
    assert table.survey.views + sum(count for count, _ in table.survey.left_out.values()) == len(views) + 1
    assert sum(len(track) for track in table) == table.survey.views
    assert len(table) == table.survey.objects
    for track in table:
        assert (np.diff(track.frames) > 0).all()
        assert (track.boxes[:, :2] >= 0).all()
        assert (track.boxes[:, 2:] >= 8 - 1e-4).all()
        assert (track.boxes[:, :2] + track.boxes[:, 2:] <= np.array([100, 50]) + 1e-4).all()
