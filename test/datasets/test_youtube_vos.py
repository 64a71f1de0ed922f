"""YouTube-VOS: boxes around the pixels of masks, and what is left out."""

import json

import cv2
import numpy as np
import pytest
from training_layouts import mask, write, youtube_vos

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.track_layouts import read_tracks

VIDEO = "003234408d"


@pytest.fixture
def root(tmp_path):
    return youtube_vos(tmp_path)


def read(root, **options):
    return read_tracks(root, "youtube_vos", **options)


def meta(root):
    return json.loads((root / "train" / "meta.json").read_text(encoding="utf-8"))


def test_boxes_are_drawn_around_the_pixels_of_each_object(root):
    tracks = read(root)
    assert [(track.name, track.scene, track.category) for track in tracks] == [
        (f"{VIDEO}#1", VIDEO, "duck"),
        (f"{VIDEO}#2", VIDEO, "duck"),
        ("0043f083b5#1", "0043f083b5", "train"),
    ]
    np.testing.assert_array_equal(tracks[0].boxes, [[4, 5, 20, 10], [6, 5, 20, 10], [8, 5, 20, 10]])
    np.testing.assert_array_equal(tracks[1].boxes, [[40, 30, 12, 24], [42, 30, 12, 24]])
    np.testing.assert_array_equal(tracks[2].boxes, [[0, 0, 80, 60]])
    assert [track.frames.tolist() for track in tracks] == [[0, 5, 10], [5, 10], [15]]
    assert tracks[1].images[0] == root / "train" / "JPEGImages" / VIDEO / "00005.jpg"
    assert tracks.scenes.tolist() == [0, 0, 1]
    assert tracks.categories.tolist() == [0, 0, 1]
    assert tracks.survey.text() == "youtube_vos train: 3 objects, 6 views"


def test_a_box_holds_all_parts_of_an_object(root):
    path = root / "train" / "Annotations" / VIDEO / "00000.png"
    mask(path, [(1, (60, 40, 5, 6)), (1, (10, 20, 3, 2)), (2, (70, 50, 9, 9))])
    np.testing.assert_array_equal(read(root)[0].boxes[0], [10, 20, 55, 26])


@pytest.mark.parametrize("mode", ["P", "L"])
def test_masks_with_a_palette_and_in_grey_say_the_same(root, mode):
    mask(root / "train" / "Annotations" / VIDEO / "00000.png", [(1, (30, 20, 40, 10))], mode)
    np.testing.assert_array_equal(read(root)[0].boxes[0], [30, 20, 40, 10])


@pytest.mark.parametrize("content", [b"", b"not a mask", "cut", "coloured"])
def test_a_mask_that_cannot_be_read_costs_its_views(root, content):
    path = root / "train" / "Annotations" / VIDEO / "00005.png"
    if content == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif content == "coloured":
        cv2.imwrite(str(path), np.full((60, 80, 3), 1, np.uint8))
    else:
        path.write_bytes(content)
    tracks = read(root)
    assert [track.frames.tolist() for track in tracks] == [[0, 10], [10], [15]]
    assert tracks.survey.left_out == {"views: the mask cannot be read": (2, (f"{VIDEO}/00005.png",))}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (f"JPEGImages/{VIDEO}/00005.jpg", "views: the picture is missing"),
        (f"Annotations/{VIDEO}/00005.png", "views: the mask is missing"),
    ],
)
def test_a_missing_file_costs_its_views(root, name, reason):
    (root / "train" / name).unlink()
    tracks = read(root)
    assert [track.frames.tolist() for track in tracks] == [[0, 10], [10], [15]]
    assert tracks.survey.left_out == {reason: (2, (name.split("/", 1)[1],))}


def test_an_object_without_a_pixel_is_counted(root):
    mask(root / "train" / "Annotations" / VIDEO / "00005.png", [(1, (6, 5, 20, 10))])
    tracks = read(root)
    assert [track.frames.tolist() for track in tracks] == [[0, 5, 10], [10], [15]]
    where = (f"{VIDEO}/00005.png object 2",)
    assert tracks.survey.left_out == {"views: the mask has no pixel of the object": (1, where)}


@pytest.mark.parametrize("about", [{}, {"objects": []}, {"objects": {"1": {"category": "duck"}}}, 5])
def test_a_video_that_is_not_described_is_counted(root, about):
    content = meta(root)
    content["videos"][VIDEO] = about
    write(root / "train" / "meta.json", json.dumps(content))
    tracks = read(root)
    assert [track.scene for track in tracks] == ["0043f083b5"]
    assert tracks.survey.left_out == {"videos: meta.json does not list their objects and frames": (1, (VIDEO,))}


def test_the_folder_of_the_split_can_be_named_itself(root):
    assert len(read(root / "train")) == 3


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"videos": []}'])
def test_a_list_of_videos_that_cannot_be_read_is_an_error(root, text):
    write(root / "train" / "meta.json", text)
    with pytest.raises(DatasetError, match=r"meta\.json"):
        read(root)


def test_another_layout_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match=r"no train/ with meta\.json, JPEGImages/ and Annotations/"):
        read(tmp_path)
