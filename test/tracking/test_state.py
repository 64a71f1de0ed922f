"""The rules of the states, one by one."""

from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.state import StateMachine, TrackState

SETTINGS = TrackerSettings(
    confidence_uncertain=0.5,
    confidence_lost=0.25,
    apce_uncertain=0.4,
    lost_after_frames=3,
    found_after_frames=2,
)


def run(*frames):
    machine = StateMachine(SETTINGS)
    return [machine.update(*frame) for frame in frames], machine


def test_sure_frames_are_tracking_without_a_reason():
    states, machine = run((0.9, 1.0), (0.5, 0.4))
    assert states == [TrackState.TRACKING] * 2
    assert machine.reason == ""


def test_low_confidence_is_uncertain_and_says_so():
    states, machine = run((0.49, 1.0))
    assert states == [TrackState.UNCERTAIN]
    assert "confidence 0.49 under 0.50" in machine.reason


def test_low_apce_is_uncertain_and_says_so():
    states, machine = run((0.9, 0.39))
    assert states == [TrackState.UNCERTAIN]
    assert "APCE 0.39" in machine.reason


def test_weak_frames_in_a_row_are_lost():
    states, machine = run((0.2, 1), (0.2, 1), (0.2, 1))
    assert states == [TrackState.UNCERTAIN, TrackState.UNCERTAIN, TrackState.LOST]
    assert "for 3 frames" in machine.reason


def test_one_better_frame_starts_the_count_anew():
    states, _ = run((0.2, 1), (0.2, 1), (0.3, 1), (0.2, 1), (0.2, 1))
    assert TrackState.LOST not in states


def test_lost_needs_sure_frames_in_a_row_to_be_found():
    states, _ = run(*[(0.1, 1)] * 3, (0.9, 1), (0.4, 1), (0.9, 1), (0.9, 1))
    assert states[2:] == [TrackState.LOST] * 4 + [TrackState.TRACKING]


def test_reset_starts_anew():
    _, machine = run(*[(0.1, 1)] * 3)
    machine.reset()
    assert machine.update(0.9, 1.0) is TrackState.TRACKING
