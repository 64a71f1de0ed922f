"""VOT's layout: polygons and their boxes, tags, the list, the year, and what is broken in it."""

import numpy as np
import published_layouts as make
import pytest

from siam_tracker_ros.datasets import vot
from siam_tracker_ros.datasets.layouts import survey_layout


def test_polygons_are_kept_and_tags_told_by_frame(tmp_path):
    ants, ball = survey_layout(make.vot(tmp_path)).sequences
    assert (ants.name, ball.name, ants.layout) == ("ants", "ball", "vot")
    assert ants.polygons.shape == (4, 8)
    np.testing.assert_allclose(ants.boxes[0], [9.5, 4.5, 11, 11])
    assert ants.attributes == ("occlusion",)
    np.testing.assert_array_equal(ants.tags["occlusion"], [False, True, True, False])
    assert len(list(ants.frames())) == 4


def test_a_turned_square_keeps_its_area_or_is_bounded():
    turned = np.array([[10.0, 0, 20, 10, 10, 20, 0, 10]])
    side = np.sqrt(200)
    np.testing.assert_allclose(vot.equal_area_boxes(turned)[0], [10 - (side + 1) / 2] * 2 + [side + 1] * 2)
    np.testing.assert_allclose(vot.bounding_boxes(turned)[0], [0, 0, 20, 20])
    np.testing.assert_array_equal(vot.bounding_boxes([[0, 0, 4, 1, 2, 9]]), [[0, 0, 4, 9]])
    # A line is its own bounding box.
    np.testing.assert_array_equal(vot.equal_area_boxes([[3, 4, 9, 4, 9, 4, 3, 4]]), [[2.5, 3.5, 7, 1]])


def test_boxes_stay_and_other_numbers_are_refused():
    boxes = np.array([[1.0, 2, 3, 4], [np.nan] * 4])
    for make_boxes in (vot.bounding_boxes, vot.equal_area_boxes):
        made = make_boxes(boxes)
        np.testing.assert_array_equal(made, boxes)
        assert made is not boxes
        for wrong in (np.ones((2, 5)), np.ones((2, 7)), np.ones(8)):
            with pytest.raises(ValueError, match="three or more corners"):
                make_boxes(wrong)
    with pytest.raises(ValueError, match="a turned rectangle has four corners, not 3"):
        vot.equal_area_boxes([[0, 0, 4, 1, 2, 9]])


def pysot_box(region):
    """`get_axis_aligned_bbox` of PySOT and SiamBAN, written down again, as x, y, w, h."""
    x, y = region[0::2], region[1::2]
    area = np.linalg.norm(region[0:2] - region[2:4]) * np.linalg.norm(region[2:4] - region[4:6])
    scale = np.sqrt(area / ((x.max() - x.min()) * (y.max() - y.min())))
    w, h = scale * (x.max() - x.min()) + 1, scale * (y.max() - y.min()) + 1
    return [x.mean() - w / 2, y.mean() - h / 2, w, h]


def test_equal_area_boxes_are_pysot_s():
    rng = np.random.default_rng(0)
    polygons = rng.uniform(0, 100, (20, 1)) + np.array([0.0, 0, 30, 5, 25, 40, -5, 35]) * rng.uniform(0.5, 2, (20, 1))
    polygons += rng.normal(0, 0.5, polygons.shape)
    np.testing.assert_allclose(vot.equal_area_boxes(polygons), [pysot_box(one) for one in polygons])


@pytest.mark.parametrize(
    ("names", "year"),
    [
        # The sequences of each challenge, from the first letters on.
        ("bag ball1 ball2 basketball birds1 birds2 blanket bmx bolt1 bolt2 book butterfly car1 car2", 2016),
        ("ants1 ants3 bag ball1 ball2 basketball birds1 blanket bmx bolt1 bolt2 book butterfly car1", 2018),
        ("agility ants1 ball2 ball3 basketball birds1 bolt1 book butterfly car1 conduction1 crabs1", 2019),
        ("ants3", 2018),
        ("wheel", 2019),
        ("octopus girl", 2016),
        ("ants1", None),  # of 2018 and 2019
        ("bag", None),  # of 2016 and 2018
        ("girl", None),
        ("agility octopus", None),
        ("agility sheep", None),
        ("ants3 octopus", None),
        ("", None),
    ],
)
def test_the_year_is_told_by_the_names(names, year):
    assert vot.vot_year(names.split()) == year


def test_images_may_lie_beside_the_boxes(tmp_path):
    make.images(tmp_path / "ants", name="{:08d}.jpg")
    make.write(tmp_path / "ants" / "groundtruth.txt", *make.lines())
    (sequence,) = survey_layout(tmp_path).sequences
    assert (sequence.layout, sequence.polygons) == ("vot", None)
    np.testing.assert_array_equal(sequence.boxes[0], [3, 4, 8, 6])


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (
            lambda p: make.write(p / "groundtruth.txt", *["10,5,20,5,20,15,10,15"] * 3),
            "has 3 lines, but color has 4 frames",
        ),
        (
            lambda p: make.write(p / "groundtruth.txt", *["10,5,10,5,10,15,10,15"] * 4),
            "line 1 of groundtruth.txt is a polygon without area",
        ),
        (lambda p: make.write(p / "groundtruth.txt", *["10,5,20,5,20,15"] * 4), "has 6 numbers instead of 8 or 4"),
        (lambda p: p.rename(p.with_name("bowl")), "its folder is missing"),
    ],
)
def test_a_broken_sequence_is_named_and_the_others_are_given(tmp_path, break_it, said):
    break_it(make.vot(tmp_path) / "ball")
    survey = survey_layout(tmp_path, "vot")
    assert "ants" in [sequence.name for sequence in survey.sequences]
    assert list(survey.broken) == ["ball"]
    assert survey.broken["ball"].startswith("ball: ")
    assert said in survey.broken["ball"]
