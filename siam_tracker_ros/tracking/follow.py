"""Several targets in one frame: the looks that they want are shared out, and the network sees them together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.runtime.protocol import Runtime
from siam_tracker_ros.tracking.camera_motion import Glance
from siam_tracker_ros.tracking.contract import TrackResult
from siam_tracker_ros.tracking.lost_search import Look
from siam_tracker_ros.tracking.scene import Answer, Question, Scene, open_scene
from siam_tracker_ros.tracking.target import CAMERA, Target


def follow(runtime: Runtime, targets: Sequence[Target], frame: NDArray[np.uint8]) -> list[TrackResult]:
    """Find every target in the next frame, with one pass of the network for all whose patches are of one size."""
    glance = Glance(CAMERA, frame) if any(target.wants_view for target in targets) else None
    scene = open_scene(runtime, frame)
    for target in targets:
        target.begin(frame, glance)
    looks = share_looks(targets, frame.shape[1], frame.shape[0])
    asked = [target.ask() for target in targets]
    elsewhere = [target.ask_elsewhere(look) for target, own in zip(targets, looks, strict=True) for look in own]
    answers = iter(answered(scene, [*asked, *elsewhere]))
    found = [next(answers) for _ in targets]
    seen_elsewhere = [[next(answers) for _ in own] for own in looks]
    seen = [target.look_again(frame, one, its) for target, one, its in zip(targets, asked, found, strict=True)]
    again = [index for index, box in enumerate(seen) if box is not None]
    closer = [targets[index].ask(seen[index]) for index in again]
    for index, question, answer in zip(again, closer, answered(scene, closer), strict=True):
        asked[index], found[index] = question, answer
    results = []
    for index, target in enumerate(targets):
        sighting = target.look(frame, looks[index], seen_elsewhere[index])
        results.append(target.settle(scene, asked[index], found[index], sighting, seen[index]))
    return results


def answered(scene: Scene, questions: Sequence[Question]) -> list[Answer]:
    """The answers to questions, with one pass of the network for all whose patches are of one size."""
    answers: dict[int, Answer] = {}
    for size in dict.fromkeys(question.crop.patch for question in questions):
        group = [index for index, question in enumerate(questions) if question.crop.patch == size]
        answers |= zip(group, scene.answers([questions[index] for index in group]), strict=True)
    return [answers[index] for index in range(len(questions))]


def share_looks(targets: Sequence[Target], width: int, height: int) -> list[list[Look]]:
    """Where else each target is looked for in a frame of that size: at most ``search_patches`` places in all.

    The targets take turns, those that waited longest first.
    """
    if not any(target.wants_search for target in targets):
        return [[] for _ in targets]
    seekers = sorted(
        (index for index, target in enumerate(targets) if target.wants_search),
        key=lambda index: -targets[index].search.waited,
    )
    shares = [0] * len(targets)
    for turn in range(max(targets[index].settings.search_patches for index in seekers)):
        shares[seekers[turn % len(seekers)]] += 1
    for index in seekers:
        search = targets[index].search
        search.waited = 0 if shares[index] else search.waited + 1
    return [
        target.search.plan(target.box, width, height, share) if share else []
        for target, share in zip(targets, shares, strict=True)
    ]
