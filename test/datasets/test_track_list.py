"""The list of objects."""

from pathlib import Path

import numpy as np
import pytest

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.track_list import TrackList
from siam_tracker_ros.datasets.tracks import ObjectTrack, Survey


def track(name, scene, category, views=2):
    return ObjectTrack(name, scene, category, [Path("a")] * views, np.arange(views), np.ones((views, 4)))


@pytest.fixture
def tracks():
    things = [track("a", "pond", "duck"), track("b", "pond", ""), track("c", "yard", "duck", 3)]
    return TrackList(Survey("birds", cut=1), things)


def test_equal_names_get_equal_numbers(tracks):
    assert tracks.scenes.tolist() == [0, 0, 1]
    assert tracks.categories.tolist() == [0, -1, 0]
    assert (tracks.survey.objects, tracks.survey.views) == (3, 7)
    assert (tracks.name, len(tracks), tracks[2].name) == ("birds", 3, "c")


@pytest.mark.parametrize("index", [-1, 3])
def test_an_object_that_is_not_there_is_an_index_error(tracks, index):
    with pytest.raises(IndexError, match="0 to 2"):
        tracks[index]


def test_a_list_without_some_scenes(tracks):
    rest = tracks.without({"pond"})
    assert [thing.name for thing in rest] == ["c"]
    assert rest.survey.left_out == {"objects: their scene was not wanted": (2, ("a", "b"))}
    assert (rest.survey.objects, rest.survey.views, rest.survey.cut) == (1, 3, 1)
    assert tracks.survey.left_out == {}
    with pytest.raises(DatasetError, match="birds: has no usable scene lake; scenes are called like pond"):
        tracks.without({"pond", "lake"})
