"""The table of objects: what an object of it looks like, what can be left out, and how it is kept in a file."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.track_table import Naming, load_table, save_table
from siam_tracker_ros.datasets.view_rows import ViewRows


@pytest.fixture
def table():
    rows = ViewRows(
        "set", Path("data"), Naming("{scene}/{category}/{object}-{number}.jpg", "{scene}:{object}", step=10)
    )
    for name, things in (("één", (7,)), ("two", (1, 2))):
        scene = rows.scene(name)
        for thing in things:
            for number in (0, 10, 25):
                rows.add(scene, rows.category("cat") if thing == 2 else -1, thing, number, (number, thing, 20, 30))
    rows.survey.leave_out("views: no reason", "here", count=5)
    return rows.table(8)


def test_an_object_has_its_name_scene_category_frames_boxes_and_pictures(table):
    track = table[2]
    assert (track.name, track.scene, track.category) == ("two:2", "two", "cat")
    assert track.frames.tolist() == [0, 1, 2]
    assert track.frames.dtype == np.int64
    np.testing.assert_array_equal(track.boxes, [[0, 2, 20, 30], [10, 2, 20, 30], [25, 2, 20, 30]])
    assert track.boxes.dtype == np.float64
    assert list(track.images) == [Path(f"data/two/0/2-{number}.jpg") for number in (0, 10, 25)]
    assert track.images[-1] == Path("data/two/0/2-25.jpg")
    assert track.images[1:] == [Path("data/two/0/2-10.jpg"), Path("data/two/0/2-25.jpg")]
    assert len(track.images) == 3
    with pytest.raises(IndexError):
        track.images[3]
    assert (table[0].scene, table[0].category) == ("één", "")
    assert table.categories.tolist() == [-1, -1, 0]


@pytest.mark.parametrize("index", [-1, 3])
def test_an_object_that_is_not_there_is_an_index_error(table, index):
    with pytest.raises(IndexError, match="0 to 2"):
        table[index]


def test_a_table_without_some_scenes(table):
    rest = table.without(["één"])
    assert [track.name for track in rest] == ["two:1", "two:2"]
    assert [track.frames.tolist() for track in rest] == [[0, 1, 2]] * 2
    np.testing.assert_array_equal(rest[1].boxes, table[2].boxes)
    assert rest.scenes.tolist() == [1, 1]
    assert rest.survey.text().splitlines() == [
        "set: 2 objects, 6 views",
        "  left out: 5 views: no reason (here, ...)",
        "  left out: 1 objects: their scene was not wanted (één:7)",
    ]
    assert (table.survey.objects, len(table.survey.left_out)) == (3, 1)
    assert len(table.without(["één", "two"])) == 0
    with pytest.raises(DatasetError, match="set: has no usable scene one, three; scenes are called like één"):
        table.without(["two", "three", "one"])


def same(one, other):
    assert one.survey == other.survey
    assert len(one) == len(other)
    np.testing.assert_array_equal(one.scenes, other.scenes)
    np.testing.assert_array_equal(one.categories, other.categories)
    for left, right in zip(one, other, strict=True):
        assert (left.name, left.scene, left.category) == (right.name, right.scene, right.category)
        np.testing.assert_array_equal(left.frames, right.frames)
        np.testing.assert_array_equal(left.boxes, right.boxes)


def test_a_file_brings_the_same_table_back_wherever_the_data_lie(table, tmp_path):
    path = tmp_path / "new" / "index.npz"
    save_table(table, path)
    again = load_table(path, Path("elsewhere"))
    same(table, again)
    assert again[0].images[0] == Path("elsewhere/één/-1/7-0.jpg")
    assert [entry.name for entry in path.parent.iterdir()] == ["index.npz"]


def test_a_process_of_a_loader_gets_the_same_table(table):
    same(table, pickle.loads(pickle.dumps(table)))
    assert list(pickle.loads(pickle.dumps(table[0])).images) == list(table[0].images)
