"""Is the target there? Tracking, uncertain or lost, from confidence and APCE, with the reason in words."""

from __future__ import annotations

from enum import IntEnum

from siam_tracker_ros.tracking.settings import TrackerSettings


class TrackState(IntEnum):
    """The state of a target; the numbers are those of TrackerStatus.msg."""

    IDLE = 0
    TRACKING = 1
    UNCERTAIN = 2
    LOST = 3
    SEARCHING = 4
    STALE = 5


class StateMachine:
    """Turns each frame's confidence and APCE ratio into a state.

    A single weak frame is UNCERTAIN; ``lost_after_frames`` weak ones in a row are LOST; from LOST it takes
    ``found_after_frames`` sure ones in a row to be TRACKING again. Without ``lost_logic`` it is always TRACKING.
    """

    def __init__(self, settings: TrackerSettings) -> None:
        self.settings = settings
        self.reset()

    def reset(self) -> None:
        """Start anew, TRACKING, as after an initialisation."""
        self.state, self.reason = TrackState.TRACKING, ""
        self._weak = self._sure = 0

    def update(self, confidence: float, apce_ratio: float) -> TrackState:
        """One frame's confidence (0..1) and APCE relative to its running mean to the state; ``reason`` says why."""
        s = self.settings
        if not s.lost_logic:
            self.reset()
            return self.state
        self._weak = self._weak + 1 if confidence < s.confidence_lost else 0
        self._sure = self._sure + 1 if confidence >= s.confidence_uncertain else 0
        if self.state is TrackState.LOST and self._sure < s.found_after_frames:
            count = f"{self._sure} of {s.found_after_frames} sure frames to be found again"
            self.reason = f"lost; confidence {confidence:.2f}, {count}"
        elif self._weak >= s.lost_after_frames:
            self.state = TrackState.LOST
            self.reason = f"confidence under {s.confidence_lost:.2f} for {self._weak} frames"
        elif confidence < s.confidence_uncertain:
            self.state = TrackState.UNCERTAIN
            self.reason = f"confidence {confidence:.2f} under {s.confidence_uncertain:.2f}"
        elif apce_ratio < s.apce_uncertain:
            self.state = TrackState.UNCERTAIN
            self.reason = f"APCE {apce_ratio:.2f} of its running mean, under {s.apce_uncertain:.2f}: no single peak"
        else:
            self.state, self.reason = TrackState.TRACKING, ""
        return self.state
