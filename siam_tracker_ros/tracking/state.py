"""Is the target there? Tracking, uncertain, lost or searching, from score and APCE, with the reason in words."""

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
    """Turns each frame's score and APCE ratio into a state, and says whether the frame moves the box.

    - A frame is *weak* with a score under ``confidence_lost`` or an APCE under ``apce_lost``: what answers is not the
      target, or there is no single answer. The box waits; ``lost_after_frames`` of them in a row, and it is LOST.
    - A frame is *sure* with a score from ``confidence_uncertain`` and an APCE from ``apce_uncertain`` up: TRACKING.
    - A frame between the two is UNCERTAIN; it moves the box, but leads nobody out of LOST.

    Out of LOST lead ``found_after_frames`` sure frames in a row, or what the search has found (:meth:`found`). A target
    that is LOST for more than ``search_after_frames`` is SEARCHING, if there are ``search_patches``: the same, but
    looked for elsewhere too. Without ``lost_logic`` every frame is sure.
    """

    def __init__(self, settings: TrackerSettings) -> None:
        self.settings = settings
        self.reset()

    def reset(self) -> None:
        """Start anew, TRACKING, as after an initialisation."""
        self.state, self.reason = TrackState.TRACKING, ""
        self.sure = self.measured = True
        self.lost_for = 0
        """Frames since it is LOST, this one too; 0 while it is not."""
        self._weak = self._sure = 0

    def found(self) -> None:
        """The search has found the target, and has seen it for long enough."""
        self.reset()

    @property
    def wants_search(self) -> bool:
        """Whether the target is to be looked for beyond its usual region in the next frame."""
        s = self.settings
        return s.lost_logic and s.search_patches > 0 and self.lost_for >= max(1, s.search_after_frames)

    def update(self, score: float, apce_ratio: float) -> TrackState:
        """One frame's score (0..1) and APCE relative to its running mean to the state.

        ``reason`` says why, ``sure`` whether the frame is, ``measured`` whether it moves the box.
        """
        s = self.settings
        if not s.lost_logic:
            self.reset()
            return self.state
        weak = self._why_weak(score, apce_ratio)
        unsure = weak or self._why_unsure(score, apce_ratio)
        self.sure = not unsure
        self._weak = self._weak + 1 if weak else 0
        self._sure = 0 if unsure else self._sure + 1
        if self.lost_for and self._sure < s.found_after_frames:
            self.state = TrackState.LOST
            self.reason = f"lost; {self._sure} of {s.found_after_frames} sure frames to be found again"
            self.reason += f"; {unsure}" if unsure else ""
        elif self._weak >= s.lost_after_frames:
            self.state = TrackState.LOST
            self.reason = f"{weak}; {self._weak} weak frames in a row"
        else:
            self.state, self.reason = (TrackState.UNCERTAIN, unsure) if unsure else (TrackState.TRACKING, "")
        self.lost_for = self.lost_for + 1 if self.state is TrackState.LOST else 0
        self.measured = self.sure or not (weak or self.lost_for)
        if s.search_patches and self.lost_for > max(1, s.search_after_frames):
            self.state = TrackState.SEARCHING
        return self.state

    def _why_weak(self, score: float, apce_ratio: float) -> str:
        """Why the frame says nothing of the target; empty if it does."""
        s = self.settings
        if score < s.confidence_lost:
            return f"score {score:.2f} under {s.confidence_lost:.2f}"
        if apce_ratio < (low := min(s.apce_lost, s.apce_uncertain)):
            return f"APCE {apce_ratio:.2f} of its running mean, under {low:.2f}: no single peak"
        return ""

    def _why_unsure(self, score: float, apce_ratio: float) -> str:
        """Why the frame is not to be relied on; empty if it is."""
        s = self.settings
        if score < s.confidence_uncertain:
            return f"score {score:.2f} under {s.confidence_uncertain:.2f}"
        if apce_ratio < s.apce_uncertain:
            return f"APCE {apce_ratio:.2f} of its running mean, under {s.apce_uncertain:.2f}"
        return ""
