"""NfS's layout at 30 frames a second: corners, the lost flag, its uneven lengths, and what is broken in it."""

import numpy as np
import published_layouts as make
import pytest

from siam_tracker_ros.datasets.layouts import survey_layout


def test_corners_become_boxes_and_lost_means_absent(tmp_path):
    car, dog = survey_layout(make.nfs(tmp_path)).sequences
    assert (car.name, dog.name, car.layout) == ("car", "dog_1", "nfs")
    np.testing.assert_array_equal(car.boxes[:3], [[3, 4, 8, 6], [4, 4, 8, 6], [np.nan] * 4])
    assert len(list(car.frames())) == 4


@pytest.mark.parametrize(("rows", "frames", "last"), [(32, 4, 24), (29, 4, 24), (5, 4, 3), (3, 3, 2)])
def test_every_eighth_line_and_one_line_or_image_too_many(tmp_path, rows, frames, last):
    text = [f"0 {index} 4 {index + 9} 10" for index in range(rows)]
    make.write(make.nfs(tmp_path) / "car" / "30" / "car.txt", *text)
    car = survey_layout(tmp_path).sequences[0]
    assert (len(car), car.boxes[-1, 0]) == (frames, last)
    assert len(list(car.frames())) == frames


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda p: (p / "dog_1.txt").unlink(), "dog_1.txt cannot be read"),
        (lambda p: make.write(p / "dog_1.txt", "0 1 2 3 4", "0 1 2"), "does not begin with id x0 y0 x1 y1"),
        (lambda p: make.write(p / "dog_1.txt", *["0 9 2 3 4"] * 4), "is an empty or inverted box"),
        (lambda p: make.write(p / "dog_1.txt", *["0 1 2 3 4"] * 2), "has 2 lines, but dog_1 has 4 frames"),
    ],
)
def test_a_broken_sequence_is_named_and_the_others_are_given(tmp_path, break_it, said):
    break_it(make.nfs(tmp_path) / "dog_1" / "30")
    survey = survey_layout(tmp_path, "nfs")
    assert "car" in [sequence.name for sequence in survey.sequences]
    assert list(survey.broken) == ["dog_1"]
    assert survey.broken["dog_1"].startswith("dog_1: ")
    assert said in survey.broken["dog_1"]
