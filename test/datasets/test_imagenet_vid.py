"""ImageNet VID: tracks by trackid, and what is left out."""

import numpy as np
import pytest
from training_layouts import imagenet_vid, write, xml

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.track_layouts import read_tracks

VIDEO = "ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000"
OTHER = "ILSVRC2015_VID_train_0003/ILSVRC2015_train_00200000"


@pytest.fixture
def root(tmp_path):
    return imagenet_vid(tmp_path)


def labels(root, number):
    return root / "Annotations" / "VID" / "train" / VIDEO / f"{number:06d}.xml"


def read(root, **options):
    return read_tracks(root, "imagenet_vid", **options)


def test_objects_of_a_video_are_told_apart_by_their_trackid(root):
    tracks = read(root)
    assert [(track.name, track.scene, track.category) for track in tracks] == [
        (f"{VIDEO}#0", VIDEO, "n01503061"),
        (f"{VIDEO}#1", VIDEO, "n01503061"),
        (f"{OTHER}#0", OTHER, "n02958343"),
    ]
    np.testing.assert_array_equal(tracks[0].boxes, [[10, 10, 20, 20], [11, 10, 20, 20], [13, 10, 20, 20]])
    assert tracks[0].frames.tolist() == [0, 1, 3]
    data = root / "Data" / "VID" / "train"
    assert list(tracks[0].images) == [data / VIDEO / f"{number:06d}.JPEG" for number in (0, 1, 3)]
    np.testing.assert_array_equal(tracks[1].boxes, [[50, 20, 20, 30]])
    assert tracks[1].frames.tolist() == [1]
    assert tracks.scenes.tolist() == [0, 0, 1]
    assert tracks.categories.tolist() == [0, 0, 1]
    assert tracks.survey.text() == "imagenet_vid train: 3 objects, 5 views"


def test_a_file_that_is_not_xml_costs_its_frame(root):
    write(labels(root, 1), "<annotation>")
    write(labels(root, 1).with_name("notes.xml"), "<annotation/>")
    tracks = read(root)
    assert tracks[0].frames.tolist() == [0, 3]
    left_out = (2, (f"{VIDEO}/000001.xml", f"{VIDEO}/notes.xml"))
    assert tracks.survey.left_out == {"pictures: their XML file cannot be read": left_out}


def test_a_missing_picture_costs_its_frame(root):
    (root / "Data" / "VID" / "train" / VIDEO / "000001.JPEG").unlink()
    tracks = read(root)
    assert [track.frames.tolist() for track in tracks] == [[0, 3], [0]]
    assert tracks.survey.left_out == {"views: the picture is missing": (2, (f"{VIDEO}/000001.JPEG",))}


def test_an_object_without_a_trackid_is_counted(root):
    xml(labels(root, 3), {"name": "n01503061", "box": (13, 10, 33, 30)})
    tracks = read(root)
    assert tracks[0].frames.tolist() == [0, 1]
    assert tracks.survey.left_out == {"views: the object has no trackid": (1, (f"{VIDEO}/000003.xml",))}


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((30, 2, 10, 22), "views: the box is empty or inverted"),
        ((80, 2, 100, 22), "views: the box lies outside the picture"),
        (("x", 2, 100, 22), "views: the box is not made of finite numbers"),
        ((1, 2, 8, 22), "views: a side of the box is under 8 pixels"),
    ],
)
def test_a_box_that_cannot_be_used_is_counted(root, box, reason):
    xml(labels(root, 3), {"name": "n01503061", "trackid": 0, "box": box})
    tracks = read(root)
    assert tracks[0].frames.tolist() == [0, 1]
    assert tracks.survey.left_out == {reason: (1, (f"Data/VID/train/{VIDEO}/000003.JPEG",))}


def test_a_trackid_twice_in_a_frame_is_counted(root):
    bird = {"name": "n01503061", "trackid": 0}
    xml(labels(root, 3), {**bird, "box": (13, 10, 33, 30)}, {**bird, "box": (1, 10, 33, 30)})
    tracks = read(root)
    np.testing.assert_array_equal(tracks[0].boxes[2], [13, 10, 20, 20])
    assert list(tracks.survey.left_out) == ["views: the object has another box in the same picture"]


def test_the_videos_of_val_lie_without_a_part(root):
    for kind in ("Annotations", "Data"):
        top = root / kind / "VID"
        (top / "val").mkdir()
        (top / "train" / OTHER).rename(top / "val" / "ILSVRC2015_val_00000000")
    (track,) = read(root, split="val")
    assert track.name == "ILSVRC2015_val_00000000#0"
    assert track.images[0].is_file()


def test_another_layout_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match="Annotations/VID/train and Data/VID/train"):
        read(tmp_path)
