"""ImageNet's files of labels, and where they are looked for."""

import math

import pytest
from training_layouts import write, xml

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.imagenet_xml import Labelled, find_ilsvrc, folders_below, read_labels


def test_labels_are_read_with_box_track_and_size(tmp_path):
    path = xml(
        tmp_path / "a.xml",
        {"name": "n1", "box": (1, 2, 31, 42), "trackid": 5},
        {"name": "n2", "box": (0, 0, 79.5, 59)},
        size=(640, 480),
    )
    labels = read_labels(path)
    assert (labels.width, labels.height) == (640, 480)
    assert labels.objects == (Labelled(5, "n1", (1, 2, 30, 40)), Labelled(None, "n2", (0, 0, 79.5, 59)))


def test_a_size_of_zero_is_unknown(tmp_path):
    labels = read_labels(xml(tmp_path / "a.xml", size=(0, 0)))
    assert (labels.width, labels.height, labels.objects) == (math.inf, math.inf, ())


@pytest.mark.parametrize("box", ["<bndbox><xmin>1</xmin></bndbox>", "", "<bndbox><xmin>one</xmin></bndbox>"])
def test_a_garbled_box_is_nan_and_spares_the_others(tmp_path, box):
    path = write(tmp_path / "a.xml", f"<annotation><object><name>n1</name>{box}</object><object/></annotation>")
    first, second = read_labels(path).objects
    assert any(math.isnan(value) for value in first.box)
    assert (first.category, first.track, second.category) == ("n1", None, "")


@pytest.mark.parametrize("text", ["", "<annotation>", "words", "<html></html>", "<annotation></object></annotation>"])
def test_what_is_not_a_file_of_labels_is_named(tmp_path, text):
    path = write(tmp_path / "a.xml", text)
    with pytest.raises(DatasetError, match=r"a\.xml: is not"):
        read_labels(path)
    path.unlink()
    with pytest.raises(DatasetError, match=r"a\.xml: cannot be read"):
        read_labels(path)


@pytest.mark.parametrize("release", [".", "ILSVRC", "ILSVRC2015"])
def test_the_release_may_be_a_folder_deeper(tmp_path, release):
    root = tmp_path / release
    (root / "Annotations" / "VID" / "train").mkdir(parents=True)
    with pytest.raises(DatasetError, match="Annotations/VID/train and Data/VID/train"):
        find_ilsvrc(tmp_path, "VID", "train")
    (root / "Data" / "VID" / "train").mkdir(parents=True)
    assert find_ilsvrc(tmp_path, "VID", "train") == root


def test_a_link_beside_its_folder_is_not_read_twice(tmp_path):
    (tmp_path / "train" / "part" / "video").mkdir(parents=True)
    (tmp_path / "train" / "a").symlink_to(tmp_path / "train" / "part")
    (tmp_path / "outside" / "video").mkdir(parents=True)
    (tmp_path / "train" / "b").symlink_to(tmp_path / "outside")
    top = tmp_path / "train"
    assert folders_below(top) == [top / "b", top / "b" / "video", top / "part", top / "part" / "video"]
