"""ImageNet DET: exact boxes, and what is left out."""

import numpy as np
import pytest
from training_layouts import imagenet_det, write, xml

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.track_layouts import read_tracks

FIRST = "ILSVRC2013_train/n02084071/n02084071_1"
SECOND = "ILSVRC2014_train_0000/ILSVRC2014_train_00000007"


@pytest.fixture
def root(tmp_path):
    return imagenet_det(tmp_path)


def labels(root, name):
    return root / "ILSVRC" / "Annotations" / "DET" / "train" / f"{name}.xml"


def read(root, **options):
    return read_tracks(root, "imagenet_det", **options)


def test_each_box_is_an_object_of_its_picture(root):
    tracks = read(root)
    assert [(track.name, track.scene, track.category) for track in tracks] == [
        (f"{FIRST}#0", FIRST, "n02084071"),
        (f"{FIRST}#1", FIRST, "n02084071"),
        (f"{FIRST}#2", FIRST, "n02121808"),
        (f"{SECOND}#0", SECOND, "n02084071"),
    ]
    np.testing.assert_array_equal(
        np.concatenate([track.boxes for track in tracks]),
        [[5, 6, 20, 30], [30, 6, 20, 30], [0, 40, 80, 20], [1, 2, 20, 20]],
    )
    assert tracks[3].images[0] == root / "ILSVRC" / "Data" / "DET" / "train" / f"{SECOND}.JPEG"
    assert all(track.frames.tolist() == [0] for track in tracks)
    assert tracks.scenes.tolist() == [0, 0, 0, 1]
    assert tracks.categories.tolist() == [0, 0, 1, 0]
    assert tracks.survey.left_out == {}
    # Without the picture that shows no object.
    assert (tracks.survey.objects, tracks.survey.views) == (4, 4)


def test_a_file_that_is_not_xml_costs_its_picture(root):
    write(labels(root, SECOND), "<annotation>")
    tracks = read(root)
    assert len(tracks) == 3
    assert tracks.survey.left_out == {"pictures: their XML file cannot be read": (1, (f"{SECOND}.xml",))}


def test_the_boxes_of_a_missing_picture_are_counted(root):
    (root / "ILSVRC" / "Data" / "DET" / "train" / f"{FIRST}.JPEG").unlink()
    tracks = read(root)
    assert [track.scene for track in tracks] == [SECOND]
    assert tracks.survey.left_out == {"views: the picture is missing": (3, (f"{FIRST}.JPEG",))}


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((30, 2, 10, 22), "views: the box is empty or inverted"),
        ((30, 2, 30, 22), "views: the box is empty or inverted"),
        ((80, 2, 100, 22), "views: the box lies outside the picture"),
        (("", 2, 100, 22), "views: the box is not made of finite numbers"),
        ((1, 2, 8, 22), "views: a side of the box is under 8 pixels"),
    ],
)
def test_a_box_that_cannot_be_used_is_counted_and_the_others_keep_their_names(root, box, reason):
    xml(labels(root, SECOND), {"name": "n1", "box": box}, {"name": "n1", "box": (1, 2, 21, 22)})
    tracks = read(root)
    assert tracks.survey.left_out == {reason: (1, (f"Data/DET/train/{SECOND}.JPEG",))}
    assert tracks[3].name == f"{SECOND}#1"


def test_files_directly_in_the_split_are_read(tmp_path):
    root = imagenet_det(tmp_path)
    top = root / "ILSVRC"
    labels(root, SECOND).rename(top / "Annotations" / "DET" / "train" / "a.xml")
    (top / "Data" / "DET" / "train" / f"{SECOND}.JPEG").rename(top / "Data" / "DET" / "train" / "a.JPEG")
    assert {track.scene for track in read(root)} == {FIRST, "a"}


def test_another_layout_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match="Annotations/DET/train and Data/DET/train"):
        read(tmp_path)
