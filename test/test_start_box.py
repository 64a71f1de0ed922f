"""Where a target starts: typed boxes, ground truth beside a video, and what is said of wrong ones."""

import numpy as np
import pytest

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.start_box import agreeing_truth, choose_box, find_truth, parse_box

SIZE = (640, 480)
TRUTH = np.array([[10.0, 20.0, 30.0, 40.0], [np.nan] * 4])


@pytest.mark.parametrize("text", ["10,20,30,40", " 10, 20 ,30.0,4e1"])
def test_a_box_as_typed(text):
    assert parse_box(text) == Box(10, 20, 30, 40)


@pytest.mark.parametrize("text", ["", "10,20,30", "1,2,3,4,5", "a,b,c,d", "10 20 30 40", "10,20,,40"])
def test_a_malformed_box_is_quoted(text):
    with pytest.raises(ValueError, match="is not x,y,w,h") as caught:
        parse_box(text)
    assert f"'{text}'" in str(caught.value)


def test_the_typed_box_goes_before_the_true_one():
    assert choose_box("1,2,30,40", TRUTH, SIZE) == Box(1, 2, 30, 40)
    assert choose_box(None, TRUTH, SIZE) == Box(10, 20, 30, 40)


def test_without_any_box_the_person_is_asked_for_one():
    with pytest.raises(ValueError, match="where is the target in the first frame"):
        choose_box(None, None, SIZE)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("700,20,30,40", "outside"),
        ("10,20,2,40", "4 pixels"),
        ("nan,20,30,40", "finite"),
        ("10,20,-30,40", "4 pixels"),
    ],
)
def test_a_box_that_cannot_start_a_target_is_refused(text, says):
    with pytest.raises(ValueError, match=says):
        choose_box(text, None, SIZE)


def test_truth_is_found_beside_a_video_and_beside_or_in_a_folder(tmp_path):
    (tmp_path / "groundtruth.txt").write_text("10,20,30,40\nnan,nan,nan,nan\n")
    (tmp_path / "video.mp4").touch()
    (tmp_path / "img").mkdir()
    for video in (tmp_path / "video.mp4", tmp_path / "img", tmp_path):
        np.testing.assert_array_equal(find_truth(video), TRUTH)


def test_no_truth_is_no_error(tmp_path):
    (tmp_path / "video.mp4").touch()
    assert find_truth(tmp_path / "video.mp4") is None
    assert find_truth(tmp_path / "missing.mp4") is None


@pytest.mark.parametrize("text", ["", "1,2,3\n", "nan,nan,nan,nan\n1,2,30,40\n", "words\n"])
def test_broken_truth_is_named(tmp_path, text):
    (tmp_path / "video.mp4").touch()
    (tmp_path / "groundtruth.txt").write_text(text)
    with pytest.raises(ValueError, match=r"groundtruth\.txt"):
        find_truth(tmp_path / "video.mp4")


def test_truth_of_another_target_is_not_used():
    assert agreeing_truth(TRUTH, Box(11, 21, 30, 40)) is TRUTH
    assert agreeing_truth(TRUTH, Box(300, 300, 30, 40)) is None
    assert agreeing_truth(None, Box(11, 21, 30, 40)) is None
