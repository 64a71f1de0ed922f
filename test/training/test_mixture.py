"""Mixtures: shares of sources and collections, and who is a look-alike of whom."""

from collections import Counter

import numpy as np
import pytest
from drawn_tracks import track, track_set

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.training.mixture import Balanced, Groups, Mixture, PairSource, Pool

BOX = [(10, 10, 20, 20)]


def test_groups_of_equal_keys():
    groups = Groups(np.array([7, 3, 7, -1, 7]))
    assert [groups.members(i).tolist() for i in range(3)] == [[3], [1], [0, 2, 4]]
    assert groups.others(2).tolist() == [0, 4]
    assert groups.others(1).tolist() == []
    assert groups.crowd().tolist() == [0, 2, 4]


def test_another_one_of_the_group_is_never_the_same():
    groups, rng = Groups(np.array([7, 3, 7, -1, 7])), np.random.default_rng(0)
    for number in (0, 2, 4):
        drawn = {groups.draw_other(number, rng) for _ in range(60)}
        assert drawn == {0, 2, 4} - {number}
    assert groups.draw_other(3, rng) is None


def test_collections_count_by_the_square_root_of_their_size():
    keys = np.array([5] + [6] * 4 + [8] * 9)
    draws, rng = Balanced(np.arange(100, 114), keys), np.random.default_rng(0)
    counts = Counter(draws.draw(rng) for _ in range(6000))
    assert set(counts) == set(range(100, 114))
    by_group = [sum(counts[n] for n in numbers) for numbers in ([100], range(101, 105), range(105, 114))]
    assert np.array(by_group) / 6000 == pytest.approx([1 / 6, 2 / 6, 3 / 6], abs=0.02)


def test_sources_come_by_their_weights():
    sources = [PairSource(track_set(track(name, BOX), name=name), weight) for name, weight in (("a", 1), ("b", 3))]
    mixture, rng = Mixture(sources), np.random.default_rng(0)
    counts = Counter(mixture.pools[mixture.draw(rng)].source.tracks.name for _ in range(4000))
    assert counts["b"] / 4000 == pytest.approx(0.75, abs=0.02)


def test_look_alikes_share_scene_and_category():
    pool = Pool(
        PairSource(
            track_set(
                track("0", BOX, scene="street", category="car"),
                track("1", BOX, scene="street", category="dog"),
                track("2", BOX, scene="street", category="car"),
                track("3", BOX, scene="field", category="car"),
                track("4", BOX, scene="field"),
                track("5", BOX, scene="field"),
            )
        )
    )
    assert [pool.mates.others(i).tolist() for i in range(6)] == [[2], [], [0], [], [5], [4]]
    assert pool.scenes.others(3).tolist() == [4, 5]
    assert pool.categories.others(0).tolist() == [2, 3]
    assert pool.categories.others(4).tolist() == [5]  # of no known category: those of its scene
    assert len(pool.crowded) == 4
    assert {pool.crowded.draw(np.random.default_rng(i)) for i in range(40)} == {0, 2, 4, 5}


def test_nothing_to_draw_from():
    with pytest.raises(DatasetError, match="cars: no usable object"):
        Pool(PairSource(track_set(name="cars")))
    with pytest.raises(DatasetError, match="no source"):
        Mixture([])
