"""COCO: exact boxes, and what of the annotations is left out."""

import numpy as np
import pytest
from training_layouts import coco, coco_box, load_coco, save_coco

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.track_layouts import read_tracks


def read(root, **options):
    return read_tracks(root, "coco", say=lambda text: None, **options)


def test_each_box_is_an_object_of_its_picture(tmp_path):
    tracks = read(coco(tmp_path))
    assert [(track.name, track.scene, track.category) for track in tracks] == [
        ("000000000009.jpg#101", "000000000009.jpg", "cat"),
        ("000000000009.jpg#102", "000000000009.jpg", "dog"),
        ("000000000025.jpg#900000000103", "000000000025.jpg", "cat"),
    ]
    np.testing.assert_array_equal(tracks[0].boxes, [[10.5, 20.25, 30, 12.75]])
    np.testing.assert_array_equal(tracks[1].boxes, [[40, 5, 20, 30]])
    np.testing.assert_array_equal(tracks[2].boxes, [[0, 0, 80, 60]])
    assert [list(track.images) for track in tracks] == [
        [tmp_path / "train2017" / f"{number:012d}.jpg"] for number in (9, 9, 25)
    ]
    assert all(track.frames.tolist() == [0] for track in tracks)
    assert tracks.scenes.tolist() == [0, 0, 1]
    assert tracks.categories[0] == tracks.categories[2] != tracks.categories[1]
    crowd = {"views: the box surrounds a crowd": (1, ("000000000025.jpg id 104",))}
    assert tracks.survey.left_out == crowd


@pytest.mark.parametrize(
    ("entry", "reason", "where"),
    [
        (coco_box(7, 9, 17, [5, 5, 0, 20]), "views: the box is empty or inverted", "train2017/000000000009.jpg"),
        (coco_box(7, 9, 17, [50, 5, -20, 20]), "views: the box is empty or inverted", "train2017/000000000009.jpg"),
        (coco_box(7, 9, 17, [90, 5, 20, 20]), "views: the box lies outside the picture", "train2017/000000000009.jpg"),
        (
            coco_box(7, 9, 17, [5, 5, 7, 20]),
            "views: a side of the box is under 8 pixels",
            "train2017/000000000009.jpg",
        ),
        (coco_box(7, 9, 17, [5, 5, 20]), "views: the entry is not as COCO writes it", "id 7"),
        (coco_box(7, 9, 17, [5, 5, 20, "x"]), "views: the entry is not as COCO writes it", "id 7"),
        ({"image_id": 9, "id": 7}, "views: the entry is not as COCO writes it", "id 7"),
        (coco_box(7, 10, 17, [5, 5, 20, 20]), "views: the annotations name no such picture", "000000000025.jpg id 7"),
        (coco_box(7, 99, 17, [5, 5, 20, 20]), "views: the annotations name no such picture", "000000000025.jpg id 7"),
    ],
)
def test_an_entry_that_cannot_be_used_is_counted(tmp_path, entry, reason, where):
    content = load_coco(coco(tmp_path))
    content["annotations"].append(entry)
    save_coco(tmp_path, content)
    tracks = read(tmp_path)
    assert len(tracks) == 3
    assert tracks.survey.left_out[reason] == (1, (where,))
    assert len(tracks.survey.left_out) == 2


def test_boxes_of_a_missing_picture_are_counted(tmp_path):
    coco(tmp_path)
    (tmp_path / "train2017" / "000000000009.jpg").unlink()
    tracks = read(tmp_path)
    assert [track.scene for track in tracks] == ["000000000025.jpg"]
    reason = "views: the picture is missing"
    assert tracks.survey.left_out[reason] == (2, ("000000000009.jpg id 101", "000000000009.jpg id 102"))


def test_a_category_that_is_not_listed_is_unknown(tmp_path):
    content = load_coco(coco(tmp_path))
    content["categories"] = [{"id": 18, "name": "dog"}]
    save_coco(tmp_path, content)
    tracks = read(tmp_path)
    assert [track.category for track in tracks] == ["", "dog", ""]
    assert tracks.categories.tolist() == [-1, 0, -1]


def test_the_smallest_side_is_an_argument(tmp_path):
    assert [track.name for track in read(coco(tmp_path), least_side=20.0)] == [
        "000000000009.jpg#102",
        "000000000025.jpg#900000000103",
    ]


@pytest.mark.parametrize("text", ["{", '["images"]', "null", "\ufeff{}"])
def test_annotations_that_are_not_cocos_are_an_error(tmp_path, text):
    coco(tmp_path)
    (tmp_path / "annotations" / "instances_train2017.json").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=r"instances_train2017\.json: (is not JSON|has no list)"):
        read(tmp_path)


@pytest.mark.parametrize("part", ["images", "annotations", "categories"])
def test_annotations_without_a_list_are_an_error(tmp_path, part):
    content = load_coco(coco(tmp_path))
    content[part] = []
    save_coco(tmp_path, content)
    if part == "categories":
        assert [track.category for track in read(tmp_path)] == ["", "", ""]
    else:
        with pytest.raises(DatasetError, match="lists no picture" if part == "images" else "leaves nothing"):
            read(tmp_path)
        del content[part]
        save_coco(tmp_path, content)
        with pytest.raises(DatasetError, match="has no list" if part == "images" else "leaves nothing"):
            read(tmp_path)


@pytest.mark.parametrize(
    "entry", [{"id": 9}, {"id": "x"}, {"id": 9, "file_name": "a.jpg", "width": "wide", "height": 1}]
)
def test_a_picture_that_is_not_as_coco_writes_it_is_an_error(tmp_path, entry):
    content = load_coco(coco(tmp_path))
    content["images"].append(entry)
    save_coco(tmp_path, content)
    with pytest.raises(DatasetError, match="a picture or category is not as COCO writes it"):
        read(tmp_path)


@pytest.mark.parametrize("split", ["train", "train2017"])
def test_splits_are_named_in_short_or_in_full(tmp_path, split):
    assert len(read(coco(tmp_path), split=split)) == 3


def test_another_layout_is_an_error_that_names_what_is_missing(tmp_path):
    with pytest.raises(DatasetError, match=r"annotations/instances_val2017\.json and val2017/"):
        read(coco(tmp_path), split="val")
