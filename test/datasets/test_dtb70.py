"""DTB70's layout, which differs from OTB100's in the digits of its images, and what is broken in it."""

import numpy as np
import published_layouts as make
import pytest

from siam_tracker_ros.datasets.layouts import survey_layout


def test_boxes_are_taken_as_written(tmp_path):
    animal, car = survey_layout(make.dtb70(tmp_path)).sequences
    assert (animal.name, car.name, animal.layout) == ("Animal1", "Car2", "dtb70")
    np.testing.assert_array_equal(animal.boxes[0], [3, 4, 8, 6])
    assert len(list(animal.frames())) == 4


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda p: (p / "groundtruth_rect.txt").write_text(""), "groundtruth_rect.txt is empty"),
        (lambda p: make.write(p / "groundtruth_rect.txt", *make.lines(5)), "has 5 lines, but img has 4 frames"),
        (lambda p: (p / "img").rename(p / "pictures"), "the folder of images img is missing"),
    ],
)
def test_a_broken_sequence_is_named_and_the_others_are_given(tmp_path, break_it, said):
    break_it(make.dtb70(tmp_path) / "Car2")
    survey = survey_layout(tmp_path, "dtb70")
    assert "Animal1" in [sequence.name for sequence in survey.sequences]
    assert list(survey.broken) == ["Car2"]
    assert survey.broken["Car2"].startswith("Car2: ")
    assert said in survey.broken["Car2"]
