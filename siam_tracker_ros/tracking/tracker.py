"""One target followed from frame to frame. Holds the state, knows no network's name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box, check_box, check_frame, search_crop, template_crop
from siam_tracker_ros.patches import crop_patch, mean_color
from siam_tracker_ros.runtime.eager import EagerRuntime
from siam_tracker_ros.tracking.apce import RunningApce, summed_apce
from siam_tracker_ros.tracking.contract import TrackResult
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
        self._window = cosine_window(runtime.geometry.map_size)
        self.reset()

    @property
    def device(self) -> str:
        """Where the network runs: ``cpu`` or ``cuda:N``."""
        return str(self._runtime.device)

    def reset(self) -> None:
        """Forget the target."""
        self._memory: TemplateMemory | None = None
        self._state = StateMachine(self.settings)
        self._apce = RunningApce()
        self._box = Box(0.0, 0.0, 0.0, 0.0)

    def configure(self, settings: TrackerSettings) -> None:
        """Change the settings while a target is followed."""
        self.settings = self._state.settings = settings
        if self._memory is not None:
            self._memory.settings = settings

    def init(self, frame: NDArray[np.uint8], box: Box | Sequence[float]) -> None:
        """Start on a target.

        Raises:
            FrameError: the frame is not BGR uint8 [H, W, 3]. BoxError: the box is not finite, outside, or under
                4 pixels. A target that was followed before stays as it was in both cases.
        """
        frame = check_frame(frame)
        box = check_box(box, frame.shape[1], frame.shape[0])
        border = mean_color(frame)
        memory = TemplateMemory(self._features(frame, box, border), self.settings)
        kernels = self._runtime.kernels(memory.blended())
        self.reset()
        self._memory, self._kernels, self._box, self._border = memory, kernels, box, border

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
        g = self._runtime.geometry
        crop = search_crop(self._box, g.search_size, g.template_size)
        maps = self._runtime.search(self._kernels, crop_patch(frame, crop, self._border))
        choice = choose(
            maps.foreground,
            maps.centerness,
            maps.boxes,
            crop.to_patch(self._box),
            self._window,
            self.settings,
        )
        if choice is None:
            state = self._state.update(0.0, 0.0)
            reason = "the network's output is not finite in this frame"
            return TrackResult(self._box, 0.0, 0.0, 0.0, state, reason, memory.updates, False, measured=False)
        energy, confidence = summed_apce(maps.levels), choice.confidence
        ratio = self._apce.ratio(energy)
        state = self._state.update(confidence, ratio)
        sure = confidence >= self.settings.confidence_uncertain
        measured = sure or (state is not TrackState.LOST and ratio >= self.settings.apce_uncertain)
        if measured:
            # Otherwise the target is hidden or gone, and the box waits where it was seen last: following the noise
            # would carry the search away from the place where the target comes back.
            self._box = smooth(self._box, crop, choice, self.settings, width, height)
        box, updated = self._box, False
        if state is TrackState.TRACKING:
            self._apce.add(energy)
            updated = memory.offer(confidence, energy, ratio, lambda: self._features(frame, box, self._border))
            if updated:
                self._kernels = self._runtime.kernels(memory.blended())
        return TrackResult(box, confidence, energy, ratio, state, self._state.reason, memory.updates, updated, measured)

    def _features(self, frame: NDArray[np.uint8], box: Box, border: Sequence[float]) -> Features:
        crop = template_crop(box, self._runtime.geometry.template_size)
        return self._runtime.template(crop_patch(frame, crop, border))
