"""One target followed from frame to frame. Holds the state, knows no network's name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box, Crop, check_box, check_frame, search_crop, start_box, template_crop
from siam_tracker_ros.patches import crop_patch, mean_color
from siam_tracker_ros.runtime.eager import EagerRuntime
from siam_tracker_ros.tracking.apce import RunningApce, summed_apce
from siam_tracker_ros.tracking.contract import TrackResult
from siam_tracker_ros.tracking.online import OnlineBranch
from siam_tracker_ros.tracking.online_samples import first_samples
from siam_tracker_ros.tracking.scoring import choose, cosine_window, smooth
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.state import StateMachine, TrackState
from siam_tracker_ros.tracking.templates import Features, TemplateMemory


class Tracker:
    """The tracker contract: ``init(frame, box)`` once, then ``update(frame)`` for every frame.

    Frames are BGR uint8 [H, W, 3]; boxes are :class:`Box` or ``(x, y, w, h)``, top-left corner, pixels.
    """

    def __init__(self, runtime: EagerRuntime, model_name: str, settings: TrackerSettings | None = None) -> None:
        self.model_name = model_name
        self.settings = settings or TrackerSettings()
        self._runtime = runtime
        self.reset()

    @property
    def device(self) -> str:
        """Where the network runs: ``cpu`` or ``cuda:N``."""
        return str(self._runtime.device)

    def reset(self) -> None:
        """Forget the target."""
        self._memory: TemplateMemory | None = None
        self._online: OnlineBranch | None = None
        self._state = StateMachine(self.settings)
        self._apce = RunningApce()
        self._box = Box(0.0, 0.0, 0.0, 0.0)

    def configure(self, settings: TrackerSettings) -> None:
        """Change the settings while a target is followed; search sizes and ``online`` count from the next ``init``."""
        self.settings = self._state.settings = settings
        if self._memory is not None:
            self._memory.settings = settings

    @torch.inference_mode()
    def init(self, frame: NDArray[np.uint8], box: Box | Sequence[float]) -> None:
        """Start on a target.

        Raises:
            FrameError: the frame is not BGR uint8 [H, W, 3]. BoxError: the box is not finite, outside, or under
                4 pixels. A target that was followed before stays as it was in both cases.
        """
        frame = check_frame(frame)
        height, width = frame.shape[:2]
        settings, own = self.settings, self._runtime.geometry
        box = start_box(check_box(box, width, height), own.crop)
        border = mean_color(frame)
        small = box.area < settings.small_target_share * width * height
        size = (settings.small_target_search_size if small else 0) or settings.search_size
        geometry = own.at(size) if size else own
        memory = TemplateMemory(self._features(frame, box, border), settings)
        kernels = self._runtime.kernels(memory.blended())
        online = None
        if settings.online:
            crop = search_crop(box, geometry.search_size, geometry.template_size)
            patches, boxes = first_samples(frame, box, crop, border, own.crop)
            samples = torch.cat([self._runtime.search(kernels, patch).features for patch in patches])
            online = OnlineBranch(geometry, samples, boxes)
        self.reset()
        self._memory, self._kernels, self._box, self._border, self._online = memory, kernels, box, border, online
        self._geometry, self._window = geometry, cosine_window(geometry.map_size)

    @torch.inference_mode()
    def update(self, frame: NDArray[np.uint8]) -> TrackResult:
        """Find the target in the next frame.

        Raises:
            RuntimeError: no target was initialised. FrameError: as for ``init``; the target stays as it was.
        """
        memory = self._memory
        if memory is None:
            raise RuntimeError("no target: call init(frame, box) first")
        frame = check_frame(frame)
        height, width = frame.shape[:2]
        g = self._geometry
        crop = search_crop(self._box, g.search_size, g.template_size)
        maps = self._runtime.search(self._kernels, self._patch(frame, crop, self._border))
        online = self._online if self.settings.online else None
        sample, scores = online.score(maps.features) if online else (maps.features, None)
        choice = choose(
            maps.foreground,
            maps.centerness,
            maps.boxes,
            crop.to_patch(self._box),
            self._window,
            self.settings,
            scores,
        )
        if choice is None:
            state = self._state.update(0.0, 0.0)
            state = TrackState.UNCERTAIN if state is TrackState.TRACKING else state  # without the lost logic
            reason = "the network's output is not finite in this frame"
            return TrackResult(self._box, 0.0, 0.0, 0.0, state, reason, memory.updates, False, measured=False)
        energy, confidence = summed_apce(maps.levels), choice.confidence
        ratio = self._apce.ratio(energy)
        state = self._state.update(confidence, ratio)
        sure = confidence >= self.settings.confidence_uncertain or not self.settings.lost_logic
        measured = sure or (state is not TrackState.LOST and ratio >= self.settings.apce_uncertain)
        if measured:
            # Otherwise the target is hidden or gone, and the box waits where it was seen last: following the noise
            # would carry the search away from the place where the target comes back.
            self._box = smooth(self._box, crop, choice, self.settings, width, height)
        box, updated = self._box, False
        if online and scores is not None and sure and confidence >= self.settings.template_confidence:
            online.learn(sample, scores, crop.to_patch(box))
        if state is TrackState.TRACKING:
            self._apce.add(energy)
            updated = memory.offer(confidence, energy, ratio, lambda: self._features(frame, box, self._border))
            if updated:
                self._kernels = self._runtime.kernels(memory.blended())
        return TrackResult(box, confidence, energy, ratio, state, self._state.reason, memory.updates, updated, measured)

    def _features(self, frame: NDArray[np.uint8], box: Box, border: Sequence[float]) -> Features:
        crop = template_crop(box, self._runtime.geometry.template_size)
        return self._runtime.template(self._patch(frame, crop, border))

    def _patch(self, frame: NDArray[np.uint8], crop: Crop, border: Sequence[float]) -> NDArray[np.uint8]:
        return crop_patch(frame, crop, border, self._runtime.geometry.crop)
