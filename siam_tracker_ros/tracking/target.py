"""One target: what is remembered of it, where it is looked for next, and what a response means for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box, Crop, check_box, search_crop, start_box, template_crop
from siam_tracker_ros.networks.response import Geometry
from siam_tracker_ros.patches import crop_patch, mean_color
from siam_tracker_ros.runtime.eager import EagerRuntime, Maps
from siam_tracker_ros.tracking.apce import RunningApce, summed_apce
from siam_tracker_ros.tracking.contract import TrackResult
from siam_tracker_ros.tracking.online import OnlineBranch
from siam_tracker_ros.tracking.online_samples import first_samples
from siam_tracker_ros.tracking.scoring import choose, cosine_window, smooth
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.state import StateMachine, TrackState
from siam_tracker_ros.tracking.templates import Features, TemplateMemory


class Target:
    """The state of one target. The network is run by whoever holds it, for several targets at once.

    For every frame: ``plan`` says where to look, ``patch`` cuts that out, ``settle`` takes the network's maps.

    Args:
        frame: BGR uint8 [H, W, 3], checked.
        box: x, y, w, h, top-left corner, pixels.

    Raises:
        BoxError: the box is not finite, outside, or under 4 pixels.
    """

    def __init__(
        self, runtime: EagerRuntime, settings: TrackerSettings, frame: NDArray[np.uint8], box: Box | Sequence[float]
    ) -> None:
        height, width = frame.shape[:2]
        own = runtime.geometry
        self.box = start_box(check_box(box, width, height), own.crop)
        self.settings = settings
        self._runtime = runtime
        self._border = mean_color(frame)
        small = self.box.area < settings.small_target_share * width * height
        size = (settings.small_target_search_size if small else 0) or settings.search_size
        self.geometry: Geometry = own.at(size) if size else own
        self._window = cosine_window(self.geometry.map_size)
        self._state = StateMachine(settings)
        self._apce = RunningApce()
        self._memory = TemplateMemory(self._features(frame, self.box), settings)
        self.kernels = runtime.kernels(self._memory.blended())
        self._online = self._taught_online(frame) if settings.online else None

    def configure(self, settings: TrackerSettings) -> None:
        """Change the settings; search sizes and ``online`` count from the next start only."""
        self.settings = self._state.settings = self._memory.settings = settings

    def rescale(self, factor_x: float, factor_y: float) -> None:
        """The frames' size changed by these factors: the target is where it was, in the new pixels."""
        box = self.box
        self.box = Box(box.x * factor_x, box.y * factor_y, box.w * factor_x, box.h * factor_y)

    def plan(self) -> Crop:
        """Where to look in the next frame."""
        return search_crop(self.box, self.geometry.search_size, self.geometry.template_size)

    def patch(self, frame: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
        """What lies there, uint8 [S, S, 3], filled with the first frame's mean colour outside the frame."""
        return crop_patch(frame, crop, self._border, self._runtime.geometry.crop)

    def settle(self, frame: NDArray[np.uint8], crop: Crop, maps: Maps) -> TrackResult:
        """Where the target is, by the network's response to the patch of ``crop``."""
        height, width = frame.shape[:2]
        memory = self._memory
        online = self._online if self.settings.online else None
        sample, scores = online.score(maps.features) if online else (maps.features, None)
        choice = choose(
            maps.foreground,
            maps.centerness,
            maps.boxes,
            crop.to_patch(self.box),
            self._window,
            self.settings,
            scores,
        )
        if choice is None:
            state = self._state.update(0.0, 0.0)
            state = TrackState.UNCERTAIN if state is TrackState.TRACKING else state  # without the lost logic
            reason = "the network's output is not finite in this frame"
            return TrackResult(self.box, 0.0, 0.0, 0.0, state, reason, memory.updates, False, measured=False)
        energy, score = summed_apce(maps.levels), choice.confidence
        ratio = self._apce.ratio(energy)
        state = self._state.update(score, ratio)
        sure = score >= self.settings.confidence_uncertain or not self.settings.lost_logic
        measured = sure or (state is not TrackState.LOST and ratio >= self.settings.apce_uncertain)
        if measured:
            # Otherwise the target is hidden or gone, and the box waits where it was seen last: following the noise
            # would carry the search away from the place where the target comes back.
            self.box = smooth(self.box, crop, choice, self.settings, width, height)
        box, updated = self.box, False
        if online and scores is not None and sure and score >= self.settings.template_confidence:
            online.learn(sample, scores, crop.to_patch(box))
        if state is TrackState.TRACKING:
            self._apce.add(energy)
            updated = memory.offer(score, energy, ratio, self._features_of(frame, box))
            if updated:
                self.kernels = self._runtime.kernels(memory.blended())
        return TrackResult(
            box, score, energy, ratio, state, self._state.reason, memory.updates, updated, measured, score=score
        )

    def _taught_online(self, frame: NDArray[np.uint8]) -> OnlineBranch:
        crop = search_crop(self.box, self.geometry.search_size, self.geometry.template_size)
        patches, boxes = first_samples(frame, self.box, crop, self._border, self._runtime.geometry.crop)
        samples = torch.cat([self._runtime.search(self.kernels, patch).features for patch in patches])
        return OnlineBranch(self.geometry, samples, boxes)

    def _features_of(self, frame: NDArray[np.uint8], box: Box) -> Callable[[], Features]:
        return lambda: self._features(frame, box)

    def _features(self, frame: NDArray[np.uint8], box: Box) -> Features:
        crop = template_crop(box, self._runtime.geometry.template_size)
        return self._runtime.template(self.patch(frame, crop))


def follow(runtime: EagerRuntime, targets: Sequence[Target], frame: NDArray[np.uint8]) -> list[TrackResult]:
    """Find every target in the next frame, with one pass of the network for all whose patches are of one size."""
    crops = [target.plan() for target in targets]
    results: dict[int, TrackResult] = {}
    for size in dict.fromkeys(target.geometry.search_size for target in targets):
        group = [index for index, target in enumerate(targets) if target.geometry.search_size == size]
        patches = [targets[index].patch(frame, crops[index]) for index in group]
        maps = runtime.search_many([targets[index].kernels for index in group], patches)
        for index, one in zip(group, maps, strict=True):
            results[index] = targets[index].settle(frame, crops[index], one)
    return [results[index] for index in range(len(targets))]
