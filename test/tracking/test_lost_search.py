"""Where a lost target is looked for, and when it is found: without a network."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.tracking.lost_search import RETURN, STEP, ZOOMS, Look, LostSearch, Sighting, rings
from siam_tracker_ros.tracking.settings import TrackerSettings

SETTINGS = TrackerSettings(
    found_after_frames=3,
    search_confidence=0.7,
    search_apce=0.5,
    confidence_uncertain=0.6,
    confidence_lost=0.5,
    apce_lost=0.4,
)
LAST = Box.from_center(320, 240, 40, 60)
NOTHING = Sighting(None, 0.0, 0.0)
GOOD = Sighting(Box.from_center(500, 100, 40, 60), 0.9, 1.0)


def search(options=SETTINGS):
    return LostSearch(options, search_size=255, template_size=127)


def walk(frames, count=1, predicted=LAST, width=640, height=480):
    """The places of that many frames in which nothing is seen."""
    one, looks = search(), []
    for _ in range(frames):
        now = one.plan(predicted, width, height, count)
        assert len(now) <= count  # the budget: patches, not seconds
        assert one.take(now, [NOTHING] * len(now)) is None
        looks += now
    return looks


def test_the_rings_go_outwards_from_the_middle():
    np.testing.assert_array_equal(rings(0), [[0, 0]])
    np.testing.assert_array_equal(rings(1)[:5], [[0, 0], [0, -1], [1, 0], [0, 1], [-1, 0]])
    steps = rings(4)
    assert len({tuple(step) for step in steps}) == len(steps) == 81
    distance = np.abs(steps).max(axis=1)
    assert (np.diff(distance) >= 0).all()


@given(count=st.integers(0, 7), frames=st.integers(1, 30))
@settings(deadline=None, max_examples=30)
def test_the_budget_is_kept_and_used(count, frames):
    assert len(walk(frames, count)) == count * frames


def test_the_places_do_not_depend_on_how_many_a_frame_has():
    one, three = walk(30, 1), walk(10, 3)
    assert one == three


@pytest.mark.parametrize("predicted", [LAST, Box.from_center(-100, 700, 40, 60), Box.from_center(640, 0, 20, 20)])
def test_one_turn_covers_the_whole_picture(predicted):
    """Every place of the picture comes to lie in the inner part of a crop, in which a target shows whole."""
    looks = walk(400, 1, predicted)
    side = looks[0].crop.side
    first = [look for look in looks[:400] if look.crop.side == pytest.approx(side)]
    x, y = np.meshgrid(np.arange(5, 640, 10), np.arange(5, 480, 10))
    seen = np.zeros(x.shape, bool)
    middle = search().plan(predicted, 640, 480, 0)
    assert middle == []
    for look in [*first, Look(first[0].crop.__class__(predicted.cx, predicted.cy, side, 255), predicted)]:
        reach = STEP * side / 2 + 1e-6
        seen |= (np.abs(x - look.crop.cx) <= reach) & (np.abs(y - look.crop.cy) <= reach)
    assert seen.all()


def test_a_turn_is_followed_by_one_for_another_size():
    sides = [look.crop.side for look in walk(400)]
    turns = [side for i, side in enumerate(sides) if i == 0 or side != sides[i - 1]]
    np.testing.assert_allclose(np.array(turns[:4]) / turns[0], [1, *ZOOMS[1:], 1])


def test_the_nearest_places_come_first():
    looks = walk(8)
    step = STEP * looks[0].crop.side
    for look in looks:
        assert max(abs(look.crop.cx - LAST.cx), abs(look.crop.cy - LAST.cy)) == pytest.approx(step)


def test_a_target_that_fills_the_picture_asks_for_nothing_impossible():
    big = Box(0, 0, 640, 480)
    for _ in range(3):
        assert len(search().plan(big, 640, 480, 2)) <= 2


def seen_for(frames, sighting=GOOD, options=SETTINGS):
    """What `take` answers in each frame of a thing that stays in sight."""
    one, answers = search(options), []
    for _ in range(frames):
        looks = one.plan(LAST, 640, 480, 2)
        answers.append(one.take(looks, [sighting, *[NOTHING] * (len(looks) - 1)]))
    return answers, one


@pytest.mark.parametrize(("needed", "frames"), [(1, 2), (2, 2), (5, 5)])
def test_it_is_found_only_when_it_held(needed, frames):
    """One sighting alone is never enough: it is looked at once more at least, with the first frame's template."""
    answers, one = seen_for(frames, options=TrackerSettings(found_after_frames=needed))
    assert answers == [None] * (frames - 1) + [GOOD]
    assert one.plan(LAST, 640, 480, 1)[0].verify is False  # it begins anew next time


def test_what_was_seen_is_looked_at_again_with_the_first_template():
    _, one = seen_for(1)
    again, other = one.plan(LAST, 640, 480, 2)
    assert again.verify
    assert again.last == GOOD.box
    assert (again.crop.cx, again.crop.cy) == (500, 100)
    assert not other.verify
    assert "1 of 3" in one.reason


@pytest.mark.parametrize(
    "weak",
    [Sighting(GOOD.box, 0.69, 1.0), Sighting(GOOD.box, 0.9, 0.49), Sighting(Box(0, 0, 40, 60), 0.9, 1.0), NOTHING],
)
def test_a_weak_or_another_sighting_starts_the_count_anew(weak):
    _, one = seen_for(2)
    looks = one.plan(LAST, 640, 480, 1)
    assert looks[0].verify
    assert one.take(looks, [weak]) is None
    assert not one.plan(LAST, 640, 480, 1)[0].verify


def test_a_first_sight_may_be_less_clear_than_a_second_one():
    faint = Sighting(GOOD.box, 0.6, 0.4)
    _, one = seen_for(1, faint)
    again = one.plan(LAST, 640, 480, 1)
    assert again[0].verify
    assert one.take(again, [faint]) is None
    assert not one.plan(LAST, 640, 480, 1)[0].verify


@pytest.mark.parametrize("weak", [Sighting(GOOD.box, 0.59, 1.0), Sighting(GOOD.box, 0.9, 0.39), NOTHING])
def test_what_is_not_sure_is_not_looked_at_again(weak):
    _, one = seen_for(1, weak)
    assert not any(look.verify for look in one.plan(LAST, 640, 480, 2))


def test_the_best_of_a_frame_is_looked_at_again():
    one = search()
    looks = one.plan(LAST, 640, 480, 3)
    better = Sighting(Box.from_center(100, 100, 40, 60), 0.95, 1.0)
    one.take(looks, [GOOD, better, GOOD])
    assert one.plan(LAST, 640, 480, 1)[0].last == better.box


def test_what_is_in_sight_moves_with_the_picture():
    _, one = seen_for(1)
    one.shift(np.array([[1.0, 0, 30], [0, 1, -20]]))
    again = one.plan(LAST, 640, 480, 1)[0]
    assert (again.crop.cx, again.crop.cy) == (530, 80)


def test_restart_begins_at_the_predicted_place():
    one = search()
    first = one.plan(LAST, 640, 480, 1)
    one.plan(LAST, 640, 480, 5)
    one.restart()
    assert one.plan(LAST, 640, 480, 1) == first


def test_the_place_in_the_picture_where_it_was_seen_last_comes_in_turns():
    """A camera that follows a hidden car keeps it there, while the box waits with the ground."""
    one, seen = search(), Box.from_center(80, 400, 40, 60)
    one.restart(seen)
    looks = [one.plan(LAST, 640, 480, 1)[0] for _ in range(RETURN * 2)]
    assert [look.last == seen for look in looks] == [i % RETURN == 0 for i in range(RETURN * 2)]
    assert [look for look in looks if look.last != seen] == walk(RETURN * 2 - 2)


def test_that_place_is_left_out_where_the_usual_region_shows_it():
    one = search()
    one.restart(Box.from_center(LAST.cx + 20, LAST.cy, 40, 60))
    assert one.plan(LAST, 640, 480, 3) == walk(1, 3)


def test_a_tiny_target_in_a_large_picture_is_planned_for_too():
    one = search()
    looks = [one.plan(Box.from_center(5, 5, 6, 6), 1920, 1080, 4) for _ in range(3)]
    assert [len(frame) for frame in looks] == [4, 4, 4]
