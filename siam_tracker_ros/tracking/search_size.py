"""How large a part of the picture is searched: the usual side, and a smaller one while the target is calm.

A target that was seen for sure, near where it was expected, will be near there in the next frame too: the rim of the
usual search patch holds nothing but look-alikes then, and costs a third of the network's time. The scale is the same.
"""

from __future__ import annotations

from siam_tracker_ros.networks.response import Geometry
from siam_tracker_ros.tracking.settings import TrackerSettings

REACH = 0.06
"""Distance from the middle of the patch up to which a target was near where it was expected, as a share of the usual
search patch's side."""

SCORE, APCE = 0.84, 0.8
"""Score and APCE relative to its running mean from which a target counts as seen for sure enough to be calm; chosen on
the training videos."""

STAY_SCORE, STAY_APCE = 0.79, 0.7
"""The same in the smaller patch itself, below which the frame is looked at again with the usual one."""

PATIENCE = 2
"""Template intervals for which an update waits for a frame whose patch was the smaller one, so that no frame takes long
twice over."""


def usual_geometry(own: Geometry, settings: TrackerSettings, small_target: bool) -> Geometry:
    """The network's sizes for the usual search; ``small_target``: whether the target began small."""
    size = (settings.small_target_search_size if small_target else 0) or settings.search_size
    return own.at(size) if size else own


def calm_geometry(own: Geometry, usual: Geometry, settings: TrackerSettings) -> Geometry:
    """The network's sizes for a calm target's search; the usual ones where that is not to be smaller."""
    if not settings.calm_search_size or settings.online:  # the online branch's filter is for maps of one size
        return usual
    calm = own.at(max(settings.calm_search_size, own.template_size))
    return calm if calm.search_size < usual.search_size else usual


def search_sizes(own: Geometry, settings: TrackerSettings) -> list[int]:
    """The sides of the search patches that a tracker with these settings cuts, pixels, the usual one first."""
    usual = [
        usual_geometry(own, settings, small) for small in (False, True) if not small or settings.small_target_share
    ]
    calm = [calm_geometry(own, each, settings) for each in usual]
    return list(dict.fromkeys(each.search_size for each in (*usual, *calm)))
