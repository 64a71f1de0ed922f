"""Several targets in one frame: the looks that they want are shared out, and the network sees them together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.runtime.protocol import Runtime
from siam_tracker_ros.tracking.camera_motion import Glance
from siam_tracker_ros.tracking.contract import TrackResult
from siam_tracker_ros.tracking.lost_search import Look
from siam_tracker_ros.tracking.scene import open_scene
from siam_tracker_ros.tracking.target import CAMERA, Target


def follow(runtime: Runtime, targets: Sequence[Target], frame: NDArray[np.uint8]) -> list[TrackResult]:
    """Find every target in the next frame, with one pass of the network for all whose patches are of one size."""
    glance = Glance(CAMERA, frame) if any(target.wants_view for target in targets) else None
    scene = open_scene(runtime, frame)
    for target in targets:
        target.begin(frame, glance)
    looks = share_looks(targets, frame.shape[1], frame.shape[0])
    results: dict[int, TrackResult] = {}
    for size in dict.fromkeys(target.geometry.search_size for target in targets):
        group = [index for index, target in enumerate(targets) if target.geometry.search_size == size]
        asked = {index: targets[index].ask() for index in group}
        elsewhere = {index: [targets[index].ask_elsewhere(look) for look in looks[index]] for index in group}
        answers = iter(scene.answers([*asked.values(), *(each for own in elsewhere.values() for each in own)]))
        found = {index: next(answers) for index in group}
        seen_elsewhere = {index: [next(answers) for _ in looks[index]] for index in group}
        again = {index: targets[index].look_again(frame, asked[index], found[index]) for index in group}
        seen = {index: box for index, box in again.items() if box is not None}
        if seen:
            closer = {index: targets[index].ask(box) for index, box in seen.items()}
            asked |= closer
            found |= dict(zip(closer, scene.answers(list(closer.values())), strict=True))
        for index in group:
            target = targets[index]
            sighting = target.look(frame, looks[index], seen_elsewhere[index])
            results[index] = target.settle(scene, asked[index], found[index], sighting, seen.get(index))
    return [results[index] for index in range(len(targets))]


def share_looks(targets: Sequence[Target], width: int, height: int) -> list[list[Look]]:
    """Where else each target is looked for in a frame of that size: at most ``search_patches`` places in all.

    The targets take turns, those that waited longest first.
    """
    seekers = sorted(
        (index for index, target in enumerate(targets) if target.wants_search),
        key=lambda index: -targets[index].search.waited,
    )
    shares = [0] * len(targets)
    if seekers:
        for turn in range(max(targets[index].settings.search_patches for index in seekers)):
            shares[seekers[turn % len(seekers)]] += 1
    for index in seekers:
        search = targets[index].search
        search.waited = 0 if shares[index] else search.waited + 1
    return [
        target.search.plan(target.box, width, height, share) if share else []
        for target, share in zip(targets, shares, strict=True)
    ]
