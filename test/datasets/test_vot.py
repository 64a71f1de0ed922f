"""VOT's layout: polygons, tags, the list, and what is broken in it."""

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
