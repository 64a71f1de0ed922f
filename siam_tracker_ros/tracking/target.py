"""One target: what is remembered of it, where it is looked for next, and what a response means for it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box, Crop, check_box, search_crop, snapped, start_box, template_crop
from siam_tracker_ros.networks.response import Geometry
from siam_tracker_ros.patches import mean_color
from siam_tracker_ros.runtime.protocol import Runtime
from siam_tracker_ros.tracking.apce import RunningApce
from siam_tracker_ros.tracking.calibration import Calibration
from siam_tracker_ros.tracking.camera_motion import CameraMotion, Glance
from siam_tracker_ros.tracking.contract import TrackResult
from siam_tracker_ros.tracking.lost_search import Look, LostSearch, Sighting
from siam_tracker_ros.tracking.online import OnlineBranch
from siam_tracker_ros.tracking.online_samples import first_samples
from siam_tracker_ros.tracking.prediction import Prediction
from siam_tracker_ros.tracking.scene import Answer, Question, Scene, open_scene
from siam_tracker_ros.tracking.scoring import Choice, cosine_window, smooth
from siam_tracker_ros.tracking.search_size import (
    APCE,
    PATIENCE,
    REACH,
    SCORE,
    STAY_APCE,
    STAY_SCORE,
    calm_geometry,
    usual_geometry,
)
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.state import StateMachine, TrackState
from siam_tracker_ros.tracking.templates import Features, TemplateMemory


class Target:
    """The state of one target. The network is run by whoever holds it, for several targets at once.

    For every frame: ``begin``, then ``ask`` says where to look, ``settle`` takes what the network answers. While it
    ``wants_search``, ``search.plan`` says where else to look, ``ask_elsewhere`` asks that, ``look`` takes it. What the
    frame's box need not wait for is done by ``rest``, or by ``learn`` before the next scene is opened.

    Args:
        frame: BGR uint8 [H, W, 3], checked.
        box: x, y, w, h, top-left corner, pixels.
        calibration: turns scores into confidences; None: a score is its own confidence.

    Raises:
        BoxError: the box is not finite, outside, or under 4 pixels.
    """

    def __init__(
        self,
        runtime: Runtime,
        settings: TrackerSettings,
        frame: NDArray[np.uint8],
        box: Box | Sequence[float],
        calibration: Calibration | None = None,
    ) -> None:
        height, width = frame.shape[:2]
        own = runtime.geometry
        self.box = start_box(check_box(box, width, height), own.crop)
        self._set(settings)
        self._runtime, self._calibration = runtime, calibration
        self._border = mean_color(frame)
        scene = open_scene(runtime, frame)
        small = self.box.area < settings.small_target_share * width * height
        self.geometry: Geometry = usual_geometry(own, settings, small)
        calm = calm_geometry(own, self.geometry, settings)
        self._calm_size, self._is_calm = calm.search_size, False
        self._windows = {each.search_size: cosine_window(each.map_size) for each in (self.geometry, calm)}
        self._state = StateMachine(settings)
        self._map_sizes = {each.search_size: each.map_size for each in (self.geometry, calm)}
        self._apce = RunningApce()
        self._memory = TemplateMemory(self._template(scene, self.box, first=True)(), settings)
        self._lesson: Callable[[], Features] | None = None
        self.kernels = self.first_kernels = runtime.kernels(self._memory.blended())
        self.search = LostSearch(settings, self.geometry.search_size, self.geometry.template_size)
        self._prediction = Prediction(CAMERA)
        self._waits = False  # it was not found in the last frame
        self._sizes: deque[tuple[float, float]] = deque([(self.box.w, self.box.h)], maxlen=_SIZES)
        self._online = self._taught_online(frame) if settings.online else None

    def configure(self, settings: TrackerSettings) -> None:
        """Change the settings; search sizes and ``online`` count from the next start only."""
        self._set(settings)
        self._state.settings = self._memory.settings = self.search.settings = settings

    def rescale(self, factor_x: float, factor_y: float) -> None:
        """The frames' size changed by these factors: the target is where it was, in the new pixels."""
        box = self.box
        self.box = Box(box.x * factor_x, box.y * factor_y, box.w * factor_x, box.h * factor_y)
        # What is known of earlier frames is in other pixels.
        self._sizes = deque(((w * factor_x, h * factor_y) for w, h in self._sizes), maxlen=_SIZES)
        self._prediction = Prediction(CAMERA)
        self.search.restart()

    @property
    def wants_search(self) -> bool:
        """Whether it is to be looked for beyond the usual region too."""
        return self._state.wants_search

    @property
    def wants_view(self) -> bool:
        """Whether the camera's motion may be needed."""
        return self.settings.lost_logic and self.settings.camera_motion

    def begin(self, frame: NDArray[np.uint8], glance: Glance | None) -> None:
        """The next frame, with a glance at it where one is wanted: a box that waits goes where the target should be."""
        self._prediction.begin(glance if self.wants_view else None)
        if self._waits:
            self._carry(frame)

    def ask(self, seen: Box | None = None) -> Question:
        """Where to look in the next frame, or again in this one, where the target was ``seen``."""
        last = seen or self.box
        size = self._calm_size if self._is_calm and seen is None else self.geometry.search_size
        crop = search_crop(last, size, self.geometry.template_size)
        if self.geometry.crop == "exact":
            crop = snapped(crop)
        return Question(
            self.kernels, crop, self._border, crop.to_patch(last), self._windows[size], self.settings, self._taught
        )

    def ask_elsewhere(self, look: Look) -> Question:
        """The question that a place of the search is."""
        kernels = self.first_kernels if look.verify else self.kernels
        last = look.crop.to_patch(look.last)
        window = self._windows[self.geometry.search_size]
        return Question(kernels, look.crop, self._border, last, window, self._anywhere)

    def look(self, frame: NDArray[np.uint8], looks: Sequence[Look], answers: Sequence[Answer]) -> Sighting | None:
        """What the network saw at the places that the search asked for; the target, once the search has found it."""
        height, width = frame.shape[:2]
        seen = []
        for look, one in zip(looks, answers, strict=True):
            if one.choice is None:
                seen.append(Sighting(None, 0.0, 0.0))
                continue
            box = look.crop.to_image(one.choice.box)
            if look.verify:
                box = smooth(look.last, look.crop, one.choice, self._anywhere, width, height)
            seen.append(Sighting(box, one.choice.confidence, self._apce.ratio(one.apce), one.apce))
        return self.search.take(looks, seen)

    def look_again(self, frame: NDArray[np.uint8], question: Question, answer: Answer) -> Box | None:
        """Where the target seems to be if this frame should be looked at a second time there, else None.

        A target far from the middle of its patch may be seen in part only, and has moved or grown more than one step
        of the smoothing follows. One that is not surely in a calm target's smaller patch may be beside it.
        """
        settings, crop, choice = self.settings, question.crop, answer.choice
        if crop.patch < self.geometry.search_size and not self._stays_calm(question, answer):
            return self.box
        if not settings.second_look or self.wants_search:
            return None
        if choice is None or choice.confidence < settings.confidence_lost:
            return None
        if _off_middle(crop, choice) < settings.second_look * self.geometry.search_size:
            return None
        return smooth(self.box, crop, choice, settings, frame.shape[1], frame.shape[0])

    def settle(
        self,
        scene: Scene,
        question: Question,
        answer: Answer,
        found: Sighting | None = None,
        seen: Box | None = None,
    ) -> TrackResult:
        """Where the target is, by the network's answer to the question, or where the search found it.

        ``seen``: where the first of two looks at this frame saw it, which the second goes on from.
        """
        if found is not None and found.box is not None:
            return self._settle_on(found.box, found)
        last, frame = seen or self.box, scene.frame
        height, width = frame.shape[:2]
        memory, crop, choice = self._memory, question.crop, answer.choice
        self._is_calm = False
        if choice is None:
            state = self._state.update(0.0, 0.0)
            state = TrackState.UNCERTAIN if state is TrackState.TRACKING else state  # without the lost logic
            self._wait(frame)
            reason = "the network's output is not finite in this frame"
            return TrackResult(self.box, 0.0, 0.0, 0.0, state, reason, memory.updates, False, measured=False)
        energy, score = self._usual_apce(question, answer), choice.confidence
        ratio = self._apce.ratio(energy)
        state = self._state.update(score, ratio)
        sure, measured, reason = self._state.sure, self._state.measured, self._state.reason
        if measured:
            self.box = smooth(last, crop, choice, self.settings, width, height)
            self._waits = False
            self._prediction.seen(self.box)
        else:
            # The target is hidden or gone: following the noise would carry the search away from where it comes back.
            self._wait(frame)
        if self._state.lost_for == 1:
            # What went behind something, or out of the picture, shrank as it went, and will not come back that small.
            w, h = np.median(np.array(self._sizes), axis=0)
            self.box = Box.from_center(self.box.cx, self.box.cy, float(w), float(h))
        if measured and not self._state.lost_for:
            self.search.restart(self.box)
        elif state is TrackState.SEARCHING:
            reason = f"{reason}; {self.search.reason}"
        box, updated = self.box, False
        if answer.sample is not None and answer.scores is not None and self._taught:
            self._teach(answer.sample, answer.scores, crop.to_patch(box), score if sure else -1.0)
        if state is TrackState.TRACKING:
            self._apce.add(energy)
            near = seen is None and _off_middle(crop, choice) < REACH * self.geometry.search_size
            self._is_calm = near and score >= SCORE and ratio >= APCE
            self._sizes.append((box.w, box.h))
            updated = memory.accepts(score, energy, ratio, may=self._may_update(crop))
            if updated:
                self._lesson = self._template(scene, box)
        confidence = self._confidence(score, ratio)
        return TrackResult(
            box, confidence, energy, ratio, state, reason, memory.updates + updated, updated, measured, score=score
        )

    def rest(self) -> None:
        """What a frame leaves to be done, while its memory holds it: the camera's view, and ``learn``."""
        self._prediction.rest()
        self.learn()

    def learn(self) -> None:
        """Do the template update that a frame left to be done, if it did."""
        lesson, self._lesson = self._lesson, None  # it is not tried again if it fails
        if lesson is not None and self._memory.learn(lesson()):
            self.kernels = self._runtime.kernels(self._memory.blended())

    def _settle_on(self, box: Box, found: Sighting) -> TrackResult:
        """The search has found the target: it is followed from there."""
        self.box, self._waits = box, False
        self._state.found()
        self._prediction.seen(box)
        return TrackResult(
            box,
            self._confidence(found.score, found.apce_ratio),
            found.apce,
            found.apce_ratio,
            self._state.state,
            "",
            self._memory.updates,
            False,
            score=found.score,
        )

    def _usual_apce(self, question: Question, answer: Answer) -> float:
        """The APCE that the usual search patch would have: it grows with the map's side (docs/models.md)."""
        return answer.apce * self.geometry.map_size / self._map_sizes[question.crop.patch]

    def _stays_calm(self, question: Question, answer: Answer) -> bool:
        """Whether a calm target's smaller patch suffices for this frame."""
        choice = answer.choice
        if choice is None or choice.confidence < max(STAY_SCORE, self.settings.confidence_uncertain):
            return False
        ratio = self._apce.ratio(self._usual_apce(question, answer))
        return ratio >= max(STAY_APCE, self.settings.apce_uncertain)

    def _may_update(self, crop: Crop) -> bool:
        """Whether this frame has time for a template update."""
        small = crop.patch == self._calm_size
        return small or self._memory.frames_since >= PATIENCE * self.settings.template_interval

    def _wait(self, frame: NDArray[np.uint8]) -> None:
        """The target was not found in this frame, and the box goes where it should be, if it has not done so yet."""
        if not self._waits:
            self._carry(frame)
        self._waits = True

    def _carry(self, frame: NDArray[np.uint8]) -> None:
        height, width = frame.shape[:2]
        box, motion = self._prediction.carry(self.box)
        if motion is None:
            return
        # It may leave the picture and come back with it, but not from anywhere.
        self.box = Box.from_center(
            min(max(box.cx, -float(width)), 2.0 * width),
            min(max(box.cy, -float(height)), 2.0 * height),
            min(max(box.w, self.settings.min_side), float(width)),
            min(max(box.h, self.settings.min_side), float(height)),
        )
        self.search.shift(motion)

    def _confidence(self, score: float, apce_ratio: float) -> float:
        return self._calibration.probability(score, apce_ratio) if self._calibration else score

    @property
    def _taught(self) -> OnlineBranch | None:
        """The online branch while it has a say."""
        return self._online if self.settings.online else None

    def _teach(self, sample: torch.Tensor, scores: NDArray[np.float32], box: Box, score: float) -> None:
        """A frame's lesson for the online branch; negative ``score`` for a frame that is not sure."""
        if self._taught and score >= self.settings.template_confidence:
            self._taught.learn(sample, scores, box)

    def _set(self, settings: TrackerSettings) -> None:
        self.settings = settings
        self._anywhere = replace(settings, window_influence=0.0)  # of a search: no place is more likely than another

    def _taught_online(self, frame: NDArray[np.uint8]) -> OnlineBranch:
        crop = search_crop(self.box, self.geometry.search_size, self.geometry.template_size)
        patches, boxes = first_samples(frame, self.box, crop, self._border, self._runtime.geometry.crop)
        samples = torch.cat([self._runtime.search(self.kernels, patch).features for patch in patches])
        return OnlineBranch(self.geometry, samples, boxes)

    def _template(self, scene: Scene, box: Box, first: bool = False) -> Callable[[], Features]:
        """What gives the features of the template that a box is in the scene."""
        crop = template_crop(box, self._runtime.geometry.template_size)
        if self.geometry.crop == "exact" and not first:  # the first is never forgotten, and is cut to the pixel's part
            crop = snapped(crop)
        return scene.template(crop, self._border)


def _off_middle(crop: Crop, choice: Choice) -> float:
    """How far from the patch's middle a box is, patch pixels."""
    middle = crop.patch / 2
    return math.hypot(choice.box.cx - middle, choice.box.cy - middle)


CAMERA = CameraMotion()

_SIZES = 60
"""Frames of TRACKING whose median size a target is expected to have when it is back."""
