"""The tracker that the parameters ask for, with its weights loaded, and warmed up."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from siam_tracker_ros.nodes.parameters import ParameterError
from siam_tracker_ros.tracking.contract import FollowsSeveral
from siam_tracker_ros.tracking.settings import TrackerSettings

# What makes a node's tracker, of the node's parameters and the settings that were made of them.
Loader: TypeAlias = Callable[[Mapping[str, Any], TrackerSettings], FollowsSeveral]


def load(values: Mapping[str, Any], settings: TrackerSettings) -> FollowsSeveral:
    """A tracker that follows nothing yet. ``values``: the node's parameters.

    Raises:
        ParameterError: unknown model, missing or foreign weights, a device that is not there or too small.
    """
    import siam_tracker_ros

    try:
        tracker = siam_tracker_ros.load_trackers(
            values["model"],
            weights=values["weights"] or None,
            device=values["device"],
            precision=values["precision"],
            runtime=values["runtime"],
            settings=settings,
        )
        warm_up(tracker, values["max_targets"])
    except (ValueError, OSError, RuntimeError) as error:
        from siam_tracker_ros.runtime.device import free_memory

        traceback.clear_frames(error.__traceback__)  # whose variables hold what was loaded so far
        free_memory()
        raise ParameterError(f"cannot load the tracker: {error}") from error
    return tracker


def warm_up(tracker: FollowsSeveral, targets: int = 1, updates: int = 3) -> None:
    """Follow some noise, and forget it, so that the first real frame is not the slowest.

    With several targets one update is with all of them: whether the memory suffices is known before it matters.
    """
    frame = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    box = (130.0, 90.0, 60.0, 60.0)
    tracker.add("0", frame, box)
    for _ in range(updates):
        tracker.update(frame)
    for number in range(1, targets):
        tracker.add(str(number), frame, box)
    if targets > 1:
        tracker.update(frame)
    tracker.clear()
