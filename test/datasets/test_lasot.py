"""LaSOT's layout: flags of absence, the list of the test set, and what is broken in it."""

import numpy as np
import published_layouts as make
import pytest

from siam_tracker_ros.datasets import lasot
from siam_tracker_ros.datasets.layouts import survey_layout


def test_flags_make_the_target_absent(tmp_path):
    cat, dog = survey_layout(make.lasot(tmp_path)).sequences
    assert (cat.name, dog.name, cat.layout) == ("cat-1", "dog-2", "lasot")
    np.testing.assert_array_equal(np.isnan(cat.boxes[:, 0]), [False, False, True, False])
    assert len(list(cat.frames())) == 4


def test_a_box_without_area_is_none(tmp_path):
    root = make.lasot(tmp_path)
    make.write(root / "dog" / "dog-2" / "groundtruth.txt", *make.lines(3), "613,731,247,-11")
    dog = survey_layout(tmp_path).sequences[1]
    np.testing.assert_array_equal(np.isnan(dog.boxes[:, 0]), [False, False, True, True])


@pytest.mark.parametrize("lines", [3, 6])
def test_of_monkey_17_the_first_frames_are_kept(tmp_path, monkeypatch, lines):
    monkeypatch.setitem(lasot._KEPT, "monkey-17", 3)
    monkey = make.lasot(tmp_path) / "cat" / "monkey-17"
    make.images(monkey / "img", 6, name="{:08d}.jpg")
    make.write(monkey / "groundtruth.txt", *make.lines(lines))
    for flag in ("full_occlusion.txt", "out_of_view.txt"):
        make.write(monkey / flag, ",".join("0" * lines))
    (_, _, sequence) = survey_layout(tmp_path).sequences
    assert (sequence.name, len(sequence), sequence.whole) == ("monkey-17", 3, False)
    assert [round(frame.mean(), -1) for frame in sequence.frames()] == [10, 20, 30]


def test_attributes_come_from_the_tool_kit(tmp_path):
    # The line is that of airplane-1, of which pytracking says the same.
    make.write(make.lasot(tmp_path) / "att" / "cat-1.txt", "0,1,0,0,0,1,0,0,1,0,0,0,1,0")
    cat, dog = survey_layout(tmp_path).sequences
    assert (cat.attributes, dog.attributes) == (("POC", "ROT", "SV", "LR"), ())


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
        (lambda p: make.write(p / "groundtruth.txt", "5,5,0,4", *make.lines(3)), "no box in the first frame"),
        (lambda p: make.images(p / "img", 5, name="{:08d}.jpg"), "has 4 lines, but img has 5 frames"),
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
