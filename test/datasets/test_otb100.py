"""OTB100's layout: 1-based corners, two targets, parts of a folder, and what is broken in it."""

import numpy as np
import published_layouts as make
import pytest

from siam_tracker_ros.datasets import otb100
from siam_tracker_ros.datasets.layouts import survey_layout


def test_boxes_count_from_zero_whatever_separates_them(tmp_path):
    boy, deer = survey_layout(make.otb100(tmp_path), "otb100").sequences
    assert (boy.name, deer.name, boy.layout, boy.origin) == ("Boy", "Deer", "otb100", 1.0)
    np.testing.assert_array_equal(boy.boxes, deer.boxes)
    np.testing.assert_array_equal(boy.boxes[:2], [[2, 3, 8, 6], [3, 3, 8, 6]])
    assert [round(frame.mean(), -1) for frame in boy.frames()] == [10, 20, 30, 40]


def test_two_targets_are_two_sequences_and_an_empty_file_is_none(tmp_path):
    for name in ("Jogging", "Human4"):
        make.images(tmp_path / name / "img")
        make.write(tmp_path / name / "groundtruth_rect.2.txt", *make.lines())
    make.write(tmp_path / "Jogging" / "groundtruth_rect.1.txt", *make.lines())
    make.write(tmp_path / "Human4" / "groundtruth_rect.1.txt")
    survey = survey_layout(tmp_path)
    assert [sequence.name for sequence in survey.sequences] == ["Human4-2", "Jogging-1", "Jogging-2"]
    assert not survey.broken


@pytest.mark.parametrize(("first", "count", "grey"), [(1, 12, 30), (3, 10, 30), (3, 3, 30)])
def test_a_part_of_the_images_is_found_by_their_numbers(tmp_path, monkeypatch, first, count, grey):
    monkeypatch.setitem(otb100.FRAMES, "David", (3, 5))
    make.images(tmp_path / "David" / "img", count, first)
    make.write(tmp_path / "David" / "groundtruth_rect.txt", *make.lines(3))
    (sequence,) = survey_layout(tmp_path).sequences
    frames = list(sequence.frames())
    assert len(frames) == 3
    assert [round(frame.mean(), -1) for frame in frames] == [grey, grey + 10, grey + 20]


def test_attributes_come_from_the_benchmarks_own_table(tmp_path):
    flags = "0,1,1,0,0,0,0,0,0,0,0"
    make.write(make.otb100(tmp_path) / "anno" / "att" / "Boy.txt", flags)
    boy, deer = survey_layout(tmp_path).sequences
    assert (boy.attributes, deer.attributes) == (("OPR", "SV"), ())
    # So are the benchmark's own files of the sequences of 2013 called.
    make.write(tmp_path / "anno" / "att" / "deer.txt", flags)
    assert survey_layout(tmp_path).sequences[1].attributes == ("OPR", "SV")


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda p: (p / "groundtruth_rect.txt").unlink(), "groundtruth_rect.txt cannot be read"),
        (lambda p: make.write(p / "groundtruth_rect.txt", *make.lines(3)), "has 3 lines, but img has 4 frames"),
        (lambda p: (p / "img" / "0002.jpg").unlink(), "jumps from image 1 to 3"),
        (lambda p: make.write(p / "groundtruth_rect.txt", *make.lines(3), "5,5,-3,6"), "is an empty or inverted box"),
        (lambda p: make.write(p / "groundtruth_rect.txt", *make.lines(3), "5,5"), "has 2 numbers instead of 4"),
    ],
)
def test_a_broken_sequence_is_named_and_the_others_are_given(tmp_path, break_it, said):
    break_it(make.otb100(tmp_path) / "Deer")
    survey = survey_layout(tmp_path, "otb100")
    assert "Boy" in [sequence.name for sequence in survey.sequences]
    assert list(survey.broken) == ["Deer"]
    assert survey.broken["Deer"].startswith("Deer: ")
    assert said in survey.broken["Deer"]
