"""GOT-10k's train split: exact boxes, absent and covered frames, and broken sequences."""

import numpy as np
import pytest
from training_layouts import got10k, write

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.track_layouts import read_tracks

GOAT, CANOE = "GOT-10k_Train_000001", "GOT-10k_Train_000002"
ABSENT = {"views: the target is absent": (2, (f"{GOAT} frame 2", f"{GOAT} frame 3"))}


@pytest.fixture
def root(tmp_path):
    return got10k(tmp_path)


def read(root, **options):
    return read_tracks(root, "got10k", **options)


def test_each_sequence_is_an_object_without_the_frames_that_hide_it(root):
    goat, canoe = tracks = read(root)
    assert [(track.name, track.scene, track.category) for track in tracks] == [
        (GOAT, GOAT, "goat"),
        (CANOE, CANOE, "canoe"),
    ]
    np.testing.assert_array_equal(goat.boxes, [[10, 5, 20, 30], [13, 5, 20, 30]])
    assert goat.frames.tolist() == [1, 4]
    assert list(goat.images) == [root / "train" / GOAT / f"{number:08d}.jpg" for number in (1, 4)]
    np.testing.assert_array_equal(canoe.boxes[:, 0], [10, 11, 12, 13])
    assert tracks.scenes.tolist() == [0, 1]
    assert tracks.categories.tolist() == [0, 1]
    assert tracks.survey.left_out == ABSENT


def test_damaged_lines_and_missing_pictures_cost_their_frames(root):
    write(root / "train" / CANOE / "groundtruth.txt", "10,5,20,30", "rubbish", "12,5,20,30", "13,5,0,30")
    (root / "train" / CANOE / "00000003.jpg").unlink()
    tracks = read(root)
    assert tracks[1].frames.tolist() == [1]
    assert tracks.survey.left_out == {
        **ABSENT,
        "views: the line is not four numbers": (1, (f"{CANOE} frame 2",)),
        "views: the picture is missing": (1, (f"{CANOE} frame 3",)),
        "views: the box is empty or inverted": (1, (f"{CANOE}/00000004.jpg",)),
    }


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("absence.label", None, "absence.label cannot be read"),
        ("absence.label", "0\n0", "absence.label has 2 values for 4 boxes"),
        ("cover.label", "a\nb\nc\nd", "cover.label is not made of numbers"),
        ("groundtruth.txt", None, "groundtruth.txt cannot be read"),
    ],
)
def test_a_sequence_whose_files_do_not_agree_is_left_out(root, file, content, message):
    path = root / "train" / GOAT / file
    path.unlink()
    if content is not None:
        write(path, content)
    tracks = read(root)
    assert [track.name for track in tracks] == [CANOE]
    count, (first,) = tracks.survey.left_out["sequences: a file of theirs cannot be used"]
    assert count == 1
    assert first.startswith(f"{GOAT}: {message}")


def test_a_sequence_whose_pictures_cannot_be_read_is_left_out(root):
    for number in (1, 4):
        (root / "train" / GOAT / f"{number:08d}.jpg").write_bytes(b"cut")
    tracks = read(root)
    assert [track.name for track in tracks] == [CANOE]
    assert "no picture of 2 can be read" in tracks.survey.text()


def test_a_sequence_that_is_listed_and_missing_is_counted(root):
    write(root / "train" / "list.txt", CANOE, "GOT-10k_Train_000003")
    tracks = read(root)
    assert [track.name for track in tracks] == [CANOE]
    assert "GOT-10k_Train_000003: groundtruth.txt cannot be read" in tracks.survey.text()


@pytest.mark.parametrize("content", [None, "no ini", "[METAINFO]\nurl: x"])
def test_without_a_class_the_category_is_unknown(root, content):
    (root / "train" / GOAT / "meta_info.ini").unlink()
    if content is not None:
        write(root / "train" / GOAT / "meta_info.ini", content)
    tracks = read(root)
    assert [track.category for track in tracks] == ["", "canoe"]
    assert tracks.categories.tolist() == [-1, 0]


def test_without_a_list_and_cover_flags_all_folders_are_read(root):
    (root / "train" / "list.txt").unlink()
    (root / "train" / GOAT / "cover.label").unlink()
    assert read(root / "train")[0].frames.tolist() == [1, 3, 4]


def test_another_layout_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match="no sequence GOT-10k_Train_000001"):
        read(tmp_path)
