"""LaSOT's training sequences: exact boxes, hidden frames, and that nothing of the test set is read."""

import numpy as np
import pytest
from training_layouts import lasot, write

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.track_layouts import read_tracks

PLANE, BEAR = "airplane/airplane-1", "bear/bear-1"
ABSENT = {"views: the target is absent": (2, (f"{PLANE} frame 2", f"{PLANE} frame 3"))}


@pytest.fixture
def root(tmp_path):
    return lasot(tmp_path)


def read(root, **options):
    return read_tracks(root, "lasot", **options)


def test_each_sequence_is_an_object_without_the_frames_that_hide_it(root):
    plane, bear = tracks = read(root)
    assert [(track.name, track.scene, track.category) for track in tracks] == [
        (PLANE, PLANE, "airplane"),
        (BEAR, BEAR, "bear"),
    ]
    np.testing.assert_array_equal(plane.boxes, [[10, 5, 20, 30], [13, 5, 20, 30]])
    assert plane.frames.tolist() == [1, 4]
    assert list(plane.images) == [root / PLANE / "img" / f"{number:08d}.jpg" for number in (1, 4)]
    assert len(bear) == 4
    assert tracks.survey.left_out == ABSENT


def test_without_the_training_list_the_test_list_is_kept_back(root):
    (root / "training_set.txt").unlink()
    assert [track.name for track in read(root)] == [PLANE, BEAR]
    (root / "testing_set.txt").unlink()
    with pytest.raises(DatasetError, match=r"neither training_set\.txt nor testing_set\.txt"):
        read(root)
    assert [track.name for track in read(root, split="all")] == [PLANE, "airplane/airplane-2", BEAR]


def test_damaged_lines_missing_pictures_and_boxes_without_area_cost_their_frames(root):
    write(root / BEAR / "groundtruth.txt", "10,5,20,30", "10,5,20", "12,5,20,30", "0,0,0,0")
    (root / BEAR / "img" / "00000003.jpg").unlink()
    tracks = read(root)
    assert tracks[1].frames.tolist() == [1]
    assert tracks.survey.left_out == {
        **ABSENT,
        "views: the line is not four numbers": (1, (f"{BEAR} frame 2",)),
        "views: the picture is missing": (1, (f"{BEAR} frame 3",)),
        "views: the box is empty or inverted": (1, (f"{BEAR}/img/00000004.jpg",)),
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("full_occlusion.txt", "0,0", "full_occlusion.txt has 2 values for 4 boxes"),
        ("out_of_view.txt", None, "out_of_view.txt cannot be read"),
        ("groundtruth.txt", None, "groundtruth.txt cannot be read"),
    ],
)
def test_a_sequence_whose_files_do_not_agree_is_left_out(root, name, content, message):
    (root / BEAR / name).unlink()
    if content is not None:
        write(root / BEAR / name, content)
    tracks = read(root)
    assert [track.name for track in tracks] == [PLANE]
    count, (first,) = tracks.survey.left_out["sequences: a file of theirs cannot be used"]
    assert count == 1
    assert first.startswith(f"bear-1: {message}")


def test_a_sequence_that_is_listed_and_missing_is_counted(root):
    write(root / "training_set.txt", "airplane-1", "zebra-3")
    tracks = read(root)
    assert len(tracks) == 1
    assert "zebra-3: the list names it, but its folder is missing" in tracks.survey.text()


def test_another_layout_and_the_test_split_are_errors(root, tmp_path):
    with pytest.raises(DatasetError, match="not test"):
        read(root, split="test")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no sequence CLASS/CLASS-N/"):
        read(tmp_path / "empty")
