"""Photographs as objects: boxes alone and tracks together, and which pictures are one scene."""

import numpy as np
import pytest
from training_layouts import stills, write

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.track_layouts import read_tracks

HEADER = "image,set,track,frame,x,y,w,h,image_width,image_height"


def read(path, **options):
    return read_tracks(path, "stills", **options)


def test_boxes_are_objects_and_those_of_a_track_are_one(tmp_path):
    tracks = read(stills(tmp_path))
    assert [(track.name, track.category) for track in tracks] == [
        ("pictures/a.png#0", "cars"),
        ("pictures/a.png#1", "cars"),
        ("lake#swimmer", "lake"),
    ]
    np.testing.assert_array_equal(tracks[0].boxes, [[1, 2, 20, 20]])
    np.testing.assert_array_equal(tracks[1].boxes, [[30, 2, 20, 20]])
    # In the order of the frames, not of the csv.
    np.testing.assert_array_equal(tracks[2].boxes, [[10, 2, 10, 20], [12, 2, 10, 20]])
    assert list(tracks[2].images) == [tmp_path / "pictures" / "b.png", tmp_path / "pictures" / "c.png"]
    assert [track.frames.tolist() for track in tracks] == [[0], [0], [4, 9]]
    assert tracks[0].scene == tracks[1].scene == "pictures/a.png"
    assert tracks.scenes.tolist() == [0, 0, 1]
    assert tracks.categories.tolist() == [0, 0, 1]
    assert tracks.survey.text() == "stills.csv: 3 objects, 4 views"


def test_pictures_that_tracks_join_are_one_scene(tmp_path):
    path = stills(tmp_path)
    # b shows one and two, c shows two and three: all are of one scene, also a box without a track; a is another.
    rows = ["a,,1", "b,one,1", "b,two,1", "c,two,2", "c,three,2", "c,,2"]
    lines = [f"pictures/{p}.png,lake,{t},{f},1,2,20,20,80,60" for p, t, f in (row.split(",") for row in rows)]
    write(path, HEADER, *lines)
    tracks = read(path)
    scenes = {track.name: track.scene for track in tracks}
    assert scenes["lake#one"] == scenes["lake#two"] == scenes["lake#three"] == scenes["pictures/c.png#2"]
    assert scenes["pictures/a.png#0"] == "pictures/a.png" != scenes["lake#one"]
    assert len(set(tracks.scenes.tolist())) == 2
    # Whatever is in one picture has its frame number, so that look-alikes are found by it.
    frames = {track.name: track.frames.tolist() for track in tracks}
    assert frames["lake#two"] == [1, 2]
    assert frames["pictures/c.png#2"] == [2]


@pytest.mark.parametrize(
    ("line", "reason", "where"),
    [
        ("pictures/z.png,s,,,1,2,20,20,80,60", "views: the image file is missing", "line 6, pictures/z.png"),
        ("pictures/a.png,s,,,1,2,-20,20,80,60", "views: the box is empty or inverted", "line 6, pictures/a.png"),
        ("pictures/a.png,s,,,1,2,7.5,20,80,60", "views: a side of the box is under 8 pixels", "pictures/a.png"),
    ],
)
def test_a_line_that_cannot_be_used_is_counted(tmp_path, line, reason, where):
    path = stills(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    tracks = read(path)
    assert len(tracks) == 3
    assert tracks.survey.left_out == {reason: (1, (where,))}


def test_boxes_cut_at_the_border_are_told(tmp_path):
    path = stills(tmp_path)
    write(path, HEADER, "pictures/a.png,s,,,-5,2,20,20,80,60")
    tracks = read(path)
    np.testing.assert_array_equal(tracks[0].boxes, [[0, 2, 15, 20]])
    assert tracks.survey.cut == 1


def test_nothing_usable_is_an_error_that_tells_why(tmp_path):
    with pytest.raises(DatasetError, match=r"leaves nothing to train on\n.*\n.*4 views: a side of the box is under 50"):
        read(stills(tmp_path), least_side=50)
    with pytest.raises(DatasetError, match=r"none\.csv: cannot be read"):
        read(tmp_path / "none.csv")
