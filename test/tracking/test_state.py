"""The rules of the states, one by one; docs/states.md is the table of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.state import StateMachine, TrackState

SETTINGS = TrackerSettings(
    confidence_uncertain=0.5,
    confidence_lost=0.25,
    apce_uncertain=0.6,
    apce_lost=0.4,
    lost_after_frames=3,
    found_after_frames=2,
    search_patches=0,
)
SURE, UNSURE, WEAK = (0.9, 1.0), (0.4, 1.0), (0.2, 1.0)
TRACKING, UNCERTAIN, LOST, SEARCHING = TrackState.TRACKING, TrackState.UNCERTAIN, TrackState.LOST, TrackState.SEARCHING


def run(*frames, settings=SETTINGS):
    """The state and whether the box moved in each frame, and the machine."""
    machine = StateMachine(settings)
    return [(machine.update(*frame), machine.measured) for frame in frames], machine


@pytest.mark.parametrize("frame", [(0.9, 1.0), (0.5, 0.6)])
def test_a_sure_frame_is_tracking_without_a_reason_and_moves_the_box(frame):
    states, machine = run(frame)
    assert states == [(TRACKING, True)]
    assert machine.reason == ""
    assert machine.sure


def test_a_low_score_is_uncertain_and_says_so():
    states, machine = run((0.49, 1.0))
    assert states == [(UNCERTAIN, True)]
    assert machine.reason == "score 0.49 under 0.50"
    assert not machine.sure


def test_a_low_apce_is_uncertain_and_says_so():
    states, machine = run((0.9, 0.59))
    assert states == [(UNCERTAIN, True)]
    assert machine.reason == "APCE 0.59 of its running mean, under 0.60"


@pytest.mark.parametrize(("frame", "why"), [((0.24, 1.0), "score 0.24 under 0.25"), ((0.9, 0.39), "no single peak")])
def test_a_weak_frame_is_uncertain_and_the_box_waits(frame, why):
    """Also at a high score: a collapsed APCE alone says that what answers is not the target."""
    states, machine = run(frame)
    assert states == [(UNCERTAIN, False)]
    assert why in machine.reason


@pytest.mark.parametrize("frame", [WEAK, (0.9, 0.1)])
def test_weak_frames_in_a_row_are_lost(frame):
    states, machine = run(frame, frame, frame)
    assert states == [(UNCERTAIN, False)] * 2 + [(LOST, False)]
    assert machine.reason.endswith("3 weak frames in a row")


def test_weak_by_score_and_weak_by_apce_count_together():
    states, _ = run(WEAK, (0.9, 0.1), WEAK)
    assert states[-1] == (LOST, False)


@pytest.mark.parametrize("better", [SURE, UNSURE])
def test_one_better_frame_starts_the_count_anew(better):
    states, _ = run(WEAK, WEAK, better, WEAK, WEAK)
    assert LOST not in [state for state, _ in states]


def test_an_unsure_frame_does_not_move_a_lost_box_and_a_sure_one_does():
    states, _ = run(WEAK, WEAK, WEAK, UNSURE, SURE)
    assert states[3:] == [(LOST, False), (LOST, True)]


def test_lost_needs_sure_frames_in_a_row_to_be_found():
    states, machine = run(WEAK, WEAK, WEAK, SURE, UNSURE, SURE)
    assert [state for state, _ in states[2:]] == [LOST] * 4
    assert machine.reason == "lost; 1 of 2 sure frames to be found again"
    assert machine.update(*SURE) is TRACKING
    assert machine.reason == ""


def test_the_reason_while_lost_says_what_is_missing():
    _, machine = run(WEAK, WEAK, WEAK, (0.9, 0.5))
    assert machine.reason == ("lost; 0 of 2 sure frames to be found again; APCE 0.50 of its running mean, under 0.60")


def test_an_apce_lost_above_apce_uncertain_counts_as_that():
    states, _ = run((0.9, 0.5), settings=replace(SETTINGS, apce_lost=0.9, apce_uncertain=0.5))
    assert states == [(TRACKING, True)]


SEEKING = replace(SETTINGS, search_patches=1, search_after_frames=2)


def test_a_target_lost_for_long_is_searched_for():
    states, machine = run(*[WEAK] * 6, settings=SEEKING)
    assert [state for state, _ in states] == [UNCERTAIN] * 2 + [LOST] * 2 + [SEARCHING] * 2
    assert machine.lost_for == 4
    assert [run(*[WEAK] * n, settings=SEEKING)[1].wants_search for n in range(6)] == [False] * 4 + [True] * 2


def test_without_delay_it_is_lost_for_one_frame():
    states, _ = run(*[WEAK] * 4, settings=replace(SEEKING, search_after_frames=0))
    assert [state for state, _ in states[2:]] == [LOST, SEARCHING]


def test_without_places_to_look_at_it_stays_lost():
    states, machine = run(*[WEAK] * 50)
    assert states[-1] == (LOST, False)
    assert not machine.wants_search


def test_the_usual_region_leads_out_of_searching_too():
    states, machine = run(*[WEAK] * 6, SURE, SURE, settings=SEEKING)
    assert [state for state, _ in states[6:]] == [SEARCHING, TRACKING]
    assert not machine.wants_search


def test_what_the_search_has_found_is_tracking_at_once():
    _, machine = run(*[WEAK] * 6, settings=SEEKING)
    machine.found()
    assert (machine.state, machine.reason, machine.lost_for) == (TRACKING, "", 0)
    assert machine.update(*UNSURE) is UNCERTAIN


def test_reset_starts_anew():
    _, machine = run(WEAK, WEAK, WEAK)
    machine.reset()
    assert machine.update(*SURE) is TRACKING


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 3)), max_size=60))
def test_without_lost_logic_every_frame_is_tracking_and_moves_the_box(frames):
    states, machine = run(*frames, settings=replace(SEEKING, lost_logic=False))
    assert all(state == (TRACKING, True) for state in states)
    assert not machine.wants_search


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 3)), max_size=60))
def test_whatever_comes_a_reason_stands_beside_every_state_but_tracking(frames):
    machine = StateMachine(SEEKING)
    for frame in frames:
        state = machine.update(*frame)
        assert (machine.reason == "") == (state is TRACKING)
        assert not (state is TRACKING and not machine.measured)
        assert (state in (LOST, SEARCHING)) == (machine.lost_for > 0)
