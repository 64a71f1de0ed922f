"""UAVDT's single-object layout, and what is broken in it."""

import numpy as np
import published_layouts as make
import pytest

from siam_tracker_ros.datasets.layouts import survey_layout


def test_images_and_boxes_lie_in_two_archives(tmp_path):
    first, second = survey_layout(make.uavdt(tmp_path)).sequences
    assert (first.name, second.name, first.layout) == ("S0101", "S0201", "uavdt")
    np.testing.assert_array_equal(first.boxes[0], [3, 4, 8, 6])
    assert [round(frame.mean(), -1) for frame in first.frames()] == [10, 20, 30, 40]


def test_images_and_boxes_may_lie_in_one_folder(tmp_path):
    make.images(tmp_path / "S0101", name="img{:06d}.jpg")
    make.write(tmp_path / "anno" / "S0101_gt.txt", *make.lines())
    assert [sequence.name for sequence in survey_layout(tmp_path).sequences] == ["S0101"]


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda p: (p / "UAV-benchmark-S" / "S0201").rename(p / "elsewhere"), "the folder of images S0201 is missing"),
        (lambda p: (p / "UAV-benchmark-S" / "S0201" / "img000002.jpg").unlink(), "jumps from image 1 to 3"),
        (
            lambda p: make.write(p / "UAV-benchmark-SOT_v1.0" / "anno" / "S0201_gt.txt", *make.lines(6)),
            "has 6 lines, but S0201 has 4 frames",
        ),
    ],
)
def test_a_broken_sequence_is_named_and_the_others_are_given(tmp_path, break_it, said):
    break_it(make.uavdt(tmp_path))
    survey = survey_layout(tmp_path, "uavdt")
    assert "S0101" in [sequence.name for sequence in survey.sequences]
    assert list(survey.broken) == ["S0201"]
    assert survey.broken["S0201"].startswith("S0201: ")
    assert said in survey.broken["S0201"]
