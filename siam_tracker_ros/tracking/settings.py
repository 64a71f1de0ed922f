"""The tracker's settings, with their ranges: the one place from which command line and ROS parameters are made."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any


def _setting(default: float | int | bool, low: float, high: float, text: str) -> Any:
    return field(default=default, metadata={"min": low, "max": high, "help": text})


@dataclass(frozen=True)
class TrackerSettings:
    """What a tracker does with a network's response. Every value is checked against its range when it is made.

    Raises:
        ValueError: a value outside its range, or two values that contradict each other; the message names them.
    """

    window_influence: float = _setting(
        0.3,
        0.0,
        1.0,
        "Share of the cosine window in the score: how much a place far from the last one is held back.",
    )
    score_power: float = _setting(
        4.0,
        0.25,
        16.0,
        "Exponent of the score where it competes with the window: above 1, a place that looks a little less like the "
        "target is held back more. Networks that are sure of much need it.",
    )
    penalty_k: float = _setting(0.1, 0.0, 2.0, "Strength of the penalty on a change of size and of aspect ratio.")
    size_lr: float = _setting(
        0.8, 0.0, 1.0, "Rate of the linear interpolation of the box size, times penalty and score."
    )
    size_smoothings: int = _setting(
        1, 1, 2, "How often the size is interpolated: 2 as Ocean's authors do, so that the rate counts squared."
    )
    box_agreement: float = _setting(
        0.6,
        0.0,
        1.0,
        "IoU with the chosen point's box from which another point's box counts in the median that becomes the "
        "target's; 1: the chosen point's box alone.",
    )
    second_look: float = _setting(
        0.06,
        0.0,
        0.5,
        "Distance from the middle of the search patch, as a share of its side, from which a target is looked at again "
        "in the same frame, with the patch centred on it; 0: never.",
    )
    min_side: float = _setting(
        4.0, 1.0, 100.0, "Smallest side of a tracked box, pixels; less only for a target that began smaller."
    )
    search_size: int = _setting(
        0, 0, 1023, "Side of the search patch, pixels, rounded to what fits the network; 0: the network's own."
    )
    calm_search_size: int = _setting(
        191,
        0,
        1023,
        "The same while the target is calm: clearly seen in the last frame, near where it was expected. A frame in "
        "which it is not clearly seen with this is looked at again with the usual side; 0: always the usual side.",
    )
    small_target_search_size: int = _setting(
        0, 0, 1023, "The same for a target that begins small; 0: no larger search for those."
    )
    small_target_share: float = _setting(
        0.004, 0.0, 1.0, "Share of the first frame's area under which a target counts as small."
    )
    centerness_power: float = _setting(
        0.0, 0.0, 4.0, "Exponent of the centre-ness in the score that chooses the place; 0 leaves it out."
    )
    template_update: bool = _setting(True, 0, 1, "Multi-template update (AFSN equation 7) on or off.")
    template_eta: float = _setting(
        0.9, 0.0, 1.0, "eta of AFSN equation 7: share of the old template that an accepted update keeps."
    )
    template_first_share: float = _setting(
        0.7, 0.0, 1.0, "Share of the first frame's template in what is searched for; it is never forgotten."
    )
    template_interval: int = _setting(10, 1, 10000, "Frames between two template updates, at least.")
    template_confidence: float = _setting(
        0.88, 0.0, 1.0, "Score from which a frame may update the template or teach the online branch."
    )
    apce_threshold: float = _setting(
        0.0,
        0.0,
        10000.0,
        "Absolute APCE (summed over the levels) from which a frame may update the template; 0: off.",
    )
    apce_relative: float = _setting(
        1.0,
        0.0,
        10.0,
        "APCE relative to its running mean from which a frame may update the template; 0: off.",
    )
    lost_logic: bool = _setting(
        True, 0, 1, "Whether the state may become UNCERTAIN and LOST and the box wait; off: every frame moves the box."
    )
    confidence_uncertain: float = _setting(0.7, 0.0, 1.0, "Score (not calibrated) under which the state is UNCERTAIN.")
    confidence_lost: float = _setting(
        0.6,
        0.0,
        1.0,
        "Score under which the box waits and a frame counts towards LOST; at most confidence_uncertain.",
    )
    apce_uncertain: float = _setting(
        0.6, 0.0, 10.0, "APCE relative to its running mean under which the state is UNCERTAIN."
    )
    apce_lost: float = _setting(
        0.5,
        0.0,
        10.0,
        "APCE relative to its running mean under which the box waits and a frame counts towards LOST; above "
        "apce_uncertain it counts as that.",
    )
    lost_after_frames: int = _setting(
        10, 1, 10000, "Frames in a row under confidence_lost or apce_lost after which the target is LOST."
    )
    found_after_frames: int = _setting(
        3,
        1,
        1000,
        "Frames in a row from confidence_uncertain and apce_uncertain up after which a LOST target is TRACKING again, "
        "and for which something found elsewhere must hold.",
    )
    camera_motion: bool = _setting(
        True,
        0,
        1,
        "Whether a box that waits moves with the ground as the camera moves, and goes on as the target did before.",
    )
    search_after_frames: int = _setting(
        5, 0, 10000, "Frames LOST after which the target is also looked for beyond its usual region (SEARCHING)."
    )
    search_patches: int = _setting(
        2,
        0,
        64,
        "Places looked at beyond the usual region in a frame while SEARCHING, for all targets together; each costs as "
        "much as a tracked target; 0: no search.",
    )
    search_confidence: float = _setting(
        0.8,
        0.0,
        1.0,
        "Score that something found while SEARCHING must keep, by the first frame's template, to be the target.",
    )
    search_apce: float = _setting(
        0.7,
        0.0,
        10.0,
        "APCE relative to its running mean that something found while SEARCHING must keep to be the target.",
    )
    online: bool = _setting(
        False, 0, 1, "Online branch (Ocean section 4.2): a filter learned on the target while it is tracked."
    )
    online_weight: float = _setting(
        0.5, 0.0, 1.0, "omega' of Ocean equation 11: share of the online branch's score in the choice of the place."
    )

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value, low, high = getattr(self, item.name), item.metadata["min"], item.metadata["max"]
            if isinstance(item.default, bool) != isinstance(value, bool):
                raise ValueError(f"{item.name} is {value!r}; it must be a {type(item.default).__name__}")
            if not isinstance(value, int | float) or (isinstance(item.default, int) and not isinstance(value, int)):
                raise ValueError(f"{item.name} is {value!r}; it must be a {type(item.default).__name__}")
            if not math.isfinite(value) or not low <= value <= high:
                raise ValueError(f"{item.name} is {value}; it must be from {low:g} to {high:g}")
        if self.confidence_lost > self.confidence_uncertain:
            raise ValueError(
                f"confidence_lost is {self.confidence_lost}, above confidence_uncertain {self.confidence_uncertain}; "
                "it must be at most that"
            )
