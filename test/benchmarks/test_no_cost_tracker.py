import inspect

import numpy as np
import pytest

from benchmarks.no_cost_tracker import NoCostTracker, no_moments, open_moments
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.tracking.contract import FollowsSeveral

FRAME = np.zeros((100, 200, 3), np.uint8)


def test_it_has_every_method_of_the_contract_with_the_same_parameters():
    for name, asked in vars(FollowsSeveral).items():
        if inspect.isfunction(asked) and not name.startswith("_"):
            made = inspect.signature(getattr(NoCostTracker, name))
            assert list(made.parameters) == list(inspect.signature(asked).parameters), name
        elif isinstance(asked, property):
            assert hasattr(NoCostTracker(), name)


def test_targets_stay_where_they_were_drawn():
    tracker = NoCostTracker()
    tracker.add("a", FRAME, (1, 2, 30, 40))
    tracker.add("b", FRAME, Box(5, 6, 7, 8))
    found = tracker.update(FRAME)
    assert {name: each.box.as_tuple() for name, each in found.items()} == {"a": (1, 2, 30, 40), "b": (5, 6, 7, 8)}
    assert all(each.seen for each in found.values())
    assert list(tracker.update(FRAME, ["b"])) == ["b"]
    assert (tracker.remove("a"), tracker.remove("a"), tracker.ids) == (True, False, ("b",))
    tracker.clear()
    assert tracker.update(FRAME) == {}


def test_moments_are_seen_by_whoever_opens_the_file(tmp_path):
    path = tmp_path / "moments"
    mine = open_moments(path, 4)
    theirs = open_moments(path)
    theirs[3, 1] = 7
    assert mine.shape == (4, 3)
    assert mine[3].tolist() == [0, 7, 0]
    assert len(no_moments()) == 0


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_moments(tmp_path / "none")
