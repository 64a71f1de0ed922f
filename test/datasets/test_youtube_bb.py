"""YouTube-BoundingBoxes: boxes in pixels of the pictures that are there, however those are named."""

import numpy as np
import pytest
from training_layouts import BOUNDING_BOX_LINES, bounding_box_pictures, write, youtube_bb

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.track_layouts import read_tracks

ABSENT = {"views: the target is absent": (1, ("line 3",))}
PICTURES = "yt_bb_detection_train"


def read(root, **options):
    return read_tracks(root, "youtube_bb", **options)


@pytest.mark.parametrize(
    ("naming", "second"),
    [
        ("{kind}/{video}_{milliseconds}_{kind}_{thing}.jpg", "0/AAAAAAAAAA0_2000_0_0.jpg"),
        ("{kind}/{video}/{milliseconds}.jpg", "0/AAAAAAAAAA0/2000.jpg"),
        ("{video}/{milliseconds}.jpg", "AAAAAAAAAA0/2000.jpg"),
    ],
    ids=["youtube-bb-utility", "class and video", "video"],
)
def test_objects_are_told_apart_by_video_class_and_number(tmp_path, naming, second):
    write(tmp_path / "yt_bb_detection_train.csv", *BOUNDING_BOX_LINES)
    bounding_box_pictures(tmp_path, naming)
    tracks = read(tmp_path)
    assert [(track.name, track.scene, track.category) for track in tracks] == [
        ("AAAAAAAAAA0#0.0", "AAAAAAAAAA0", "person"),
        ("AAAAAAAAAA0#0.1", "AAAAAAAAAA0", "person"),
        ("-B_BBBBBBB1#4.0", "-B_BBBBBBB1", "cat"),
    ]
    # Sorted by time; a frame is a second; coordinates are of 80 x 60.
    np.testing.assert_allclose(tracks[0].boxes, [[10, 6, 20, 30], [20, 6, 20, 30], [40, 6, 20, 30]], atol=1e-5)
    assert tracks[0].frames.tolist() == [1, 2, 4]
    np.testing.assert_array_equal(tracks[1].boxes, [[40, 30, 40, 30]])
    np.testing.assert_array_equal(tracks[2].boxes, [[0, 0, 80, 30]])
    assert tracks[0].images[1] == tmp_path / PICTURES / second
    assert all(path.is_file() for track in tracks for path in track.images)
    assert tracks.scenes.tolist() == [0, 0, 1]
    assert tracks.categories.tolist() == [0, 0, 4]
    assert tracks.survey.left_out == ABSENT


@pytest.mark.parametrize(
    "line",
    ["", "a,b", "A,x,0,person,0,present,0,1,0,1", "A,1,9999,person,0,present,0,1,0,1", "A,1,0,p,0,present,0,1,0,1,7"],
)
def test_a_damaged_line_is_counted(tmp_path, line):
    root = youtube_bb(tmp_path)
    write(root / "yt_bb_detection_train.csv", *BOUNDING_BOX_LINES, line, BOUNDING_BOX_LINES[0])
    tracks = read(root)
    assert tracks.survey.left_out["lines: they are not as the data set writes them"] == (1, ("line 7",))
    assert tracks.survey.left_out["views: the object has another box in the same picture"][0] == 1
    assert tracks.survey.views == 5


def test_a_line_of_names_is_passed_over(tmp_path):
    root = youtube_bb(tmp_path)
    write(root / "yt_bb_detection_train.csv", "youtube_id,timestamp_ms,class_id", *BOUNDING_BOX_LINES)
    assert read(root).survey.left_out == {"views: the target is absent": (1, ("line 4",))}


def test_missing_pictures_are_counted(tmp_path):
    root = youtube_bb(tmp_path)
    (root / PICTURES / "0" / "AAAAAAAAAA0_1000_0_0.jpg").unlink()
    (root / PICTURES / "4" / "-B_BBBBBBB1_17000_4_0.jpg").unlink()
    tracks = read(root)
    assert [track.frames.tolist() for track in tracks] == [[2, 4], [1]]
    missing = tuple(f"{PICTURES}/{name}" for name in ("0/AAAAAAAAAA0_1000_0_0.jpg", "4/-B_BBBBBBB1_17000_4_0.jpg"))
    assert tracks.survey.left_out["views: the picture is missing"] == (2, missing)


def test_the_size_is_that_of_the_first_picture_that_can_be_read(tmp_path):
    root = youtube_bb(tmp_path)
    for name in ("0/AAAAAAAAAA0_1000_0_0.jpg", "4/-B_BBBBBBB1_17000_4_0.jpg"):
        (root / PICTURES / name).write_bytes(b"cut")
    tracks = read(root)
    np.testing.assert_allclose(tracks[0].boxes[:, 2:], [[20, 30]] * 3, atol=1e-5)
    reason = "views: no picture of the video can be read"
    assert tracks.survey.left_out[reason] == (1, (f"{PICTURES}/4/-B_BBBBBBB1_17000_4_0.jpg",))


@pytest.mark.parametrize(
    ("corners", "reason"),
    [
        ("0.5,0.25,0.1,0.6", "views: the box is empty or inverted"),
        ("-1.0,-1.0,-1.0,-1.0", "views: the box is empty or inverted"),
        ("1.25,1.5,0.1,0.6", "views: the box lies outside the picture"),
        ("0.5,nan,0.1,0.6", "views: the box is not made of finite numbers"),
        ("0.5,0.5625,0.1,0.6", "views: a side of the box is under 8 pixels"),
    ],
)
def test_a_box_that_cannot_be_used_is_counted(tmp_path, corners, reason):
    root = youtube_bb(tmp_path)
    lines = [f"AAAAAAAAAA0,2000,0,person,0,present,{corners}", *BOUNDING_BOX_LINES[1:]]
    write(root / "yt_bb_detection_train.csv", *lines)
    tracks = read(root)
    assert tracks[0].frames.tolist() == [1, 4]
    assert tracks.survey.left_out == {**ABSENT, reason: (1, (f"{PICTURES}/0/AAAAAAAAAA0_2000_0_0.jpg",))}


def test_another_layout_and_an_empty_csv_are_errors(tmp_path):
    root = youtube_bb(tmp_path)
    with pytest.raises(DatasetError, match=r"yt_bb_detection_validation\.csv and pictures in"):
        read(root, split="validation")
    write(root / "yt_bb_detection_train.csv")
    with pytest.raises(DatasetError, match="leaves nothing to train on"):
        read(root)
