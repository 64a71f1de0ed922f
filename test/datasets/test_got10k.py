"""GOT-10k's layout: labels of absence, the test set's single box, and what is broken in it."""

import numpy as np
import published_layouts as make
import pytest

from siam_tracker_ros.datasets.layouts import survey_layout


def test_labels_make_the_target_absent_and_name_its_class(tmp_path):
    survey = survey_layout(make.got10k(tmp_path))
    first = survey.sequences[0]
    assert (first.name, first.layout, first.attributes) == ("GOT-10k_Val_000001", "got10k", ("dog", "walking"))
    np.testing.assert_array_equal(np.isnan(first.boxes[:, 0]), [False, False, True, False])
    assert len(list(first.frames())) == 4
    assert not first.first_box_only
    assert len(survey_layout(tmp_path / "val").sequences) == len(survey.sequences) == 2


def test_of_the_test_set_only_the_first_box_is_known(tmp_path):
    path = tmp_path / "test" / "GOT-10k_Test_000001"
    make.images(path, name="{:08d}.jpg")
    make.write(path / "groundtruth.txt", "1,2,3,4")
    (sequence,) = survey_layout(tmp_path).sequences
    assert sequence.first_box_only
    np.testing.assert_array_equal(sequence.boxes, [[1, 2, 3, 4], *[[np.nan] * 4] * 3])


def test_a_listed_sequence_must_be_there(tmp_path):
    make.write(make.got10k(tmp_path) / "val" / "list.txt", "GOT-10k_Val_000001", "GOT-10k_Val_000009")
    assert "its folder is missing" in survey_layout(tmp_path).broken["GOT-10k_Val_000009"]


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda p: (p / "absence.label").unlink(), "absence.label cannot be read"),
        (lambda p: make.write(p / "groundtruth.txt", *make.lines(3), "a,b,c,d"), "is not made of numbers"),
        (lambda p: (p / "00000004.jpg").unlink(), "has 4 lines, but GOT-10k_Val_000002 has 3 frames"),
        (lambda p: make.write(p / "meta_info.ini", "no section"), "meta_info.ini is not an ini file"),
    ],
)
def test_a_broken_sequence_is_named_and_the_others_are_given(tmp_path, break_it, said):
    break_it(make.got10k(tmp_path) / "val" / "GOT-10k_Val_000002")
    survey = survey_layout(tmp_path, "got10k")
    assert "GOT-10k_Val_000001" in [sequence.name for sequence in survey.sequences]
    assert list(survey.broken) == ["GOT-10k_Val_000002"]
    assert survey.broken["GOT-10k_Val_000002"].startswith("GOT-10k_Val_000002: ")
    assert said in survey.broken["GOT-10k_Val_000002"]
