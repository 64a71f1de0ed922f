"""LaSOT's layout: flags of absence, the list of the test set, and what is broken in it."""

import numpy as np
import published_layouts as make
import pytest

from siam_tracker_ros.datasets.layouts import survey_layout


def test_flags_make_the_target_absent(tmp_path):
    cat, dog = survey_layout(make.lasot(tmp_path)).sequences
    assert (cat.name, dog.name, cat.layout) == ("cat-1", "dog-2", "lasot")
    np.testing.assert_array_equal(np.isnan(cat.boxes[:, 0]), [False, False, True, False])
    assert len(list(cat.frames())) == 4


def test_the_list_of_the_test_set_is_followed(tmp_path):
    make.write(make.lasot(tmp_path) / "testing_set.txt", "dog-2", "fox-1")
    survey = survey_layout(tmp_path)
    assert [sequence.name for sequence in survey.sequences] == ["dog-2"]
    assert "its folder is missing" in survey.broken["fox-1"]


def test_class_folders_may_be_left_out(tmp_path):
    make.lasot(tmp_path / "whole")
    assert [sequence.name for sequence in survey_layout(tmp_path / "whole" / "cat").sequences] == ["cat-1"]


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda p: (p / "full_occlusion.txt").unlink(), "full_occlusion.txt cannot be read"),
        (lambda p: make.write(p / "out_of_view.txt", "0,0,0"), "out_of_view.txt has 3 values for 4 boxes"),
        (lambda p: make.write(p / "groundtruth.txt", "5,5,0,4", *make.lines(3)), "is an empty or inverted box"),
        (lambda p: (p / "img" / "00000003.jpg").unlink(), "jumps from image 2 to 4"),
    ],
)
def test_a_broken_sequence_is_named_and_the_others_are_given(tmp_path, break_it, said):
    break_it(make.lasot(tmp_path) / "dog" / "dog-2")
    survey = survey_layout(tmp_path, "lasot")
    assert "cat-1" in [sequence.name for sequence in survey.sequences]
    assert list(survey.broken) == ["dog-2"]
    assert survey.broken["dog-2"].startswith("dog-2: ")
    assert said in survey.broken["dog-2"]
