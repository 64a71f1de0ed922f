"""One target followed from frame to frame. Holds the target, knows no network's name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box, check_frame
from siam_tracker_ros.runtime.protocol import Runtime
from siam_tracker_ros.tracking.calibration import Calibration
from siam_tracker_ros.tracking.contract import TrackResult
from siam_tracker_ros.tracking.follow import follow
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.target import Target


class Tracker:
    """The tracker contract: ``init(frame, box)`` once, then ``update(frame)`` for every frame.

    Frames are BGR uint8 [H, W, 3]; boxes are :class:`Box` or ``(x, y, w, h)``, top-left corner, pixels.
    """

    def __init__(
        self,
        runtime: Runtime,
        model_name: str,
        settings: TrackerSettings | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self.model_name = model_name
        self.settings = settings or TrackerSettings()
        self._runtime, self._calibration = runtime, calibration
        self._target: Target | None = None

    @property
    def device(self) -> str:
        """Where the network runs: ``cpu`` or ``cuda:N``."""
        return str(self._runtime.device)

    @property
    def runtime(self) -> str:
        """What computes: ``eager`` (PyTorch), ``cuda_graph``, ``onnx``, ``tensorrt`` or ``openvino``."""
        return self._runtime.name

    def reset(self) -> None:
        """Forget the target."""
        self._target = None

    def configure(self, settings: TrackerSettings) -> None:
        """Change the settings while a target is followed; search sizes and ``online`` count from the next ``init``."""
        self.settings = settings
        if self._target is not None:
            self._target.configure(settings)

    def rest(self) -> None:
        """Do now what the last frame left to be done, a template update above all, while no frame waits.

        Whoever follows a camera calls it once the frame's result is sent; otherwise the next ``init`` or ``update``
        does it first. The results are the same. The frame's memory must still hold it.
        """
        if self._target is not None:
            self._target.rest()

    @torch.inference_mode()
    def init(self, frame: NDArray[np.uint8], box: Box | Sequence[float]) -> None:
        """Start on a target.

        Raises:
            FrameError: the frame is not BGR uint8 [H, W, 3]. BoxError: the box is not finite, outside, or under
                4 pixels. A target that was followed before stays as it was in both cases.
        """
        if self._target is not None:
            self._target.learn()
        self._target = Target(self._runtime, self.settings, check_frame(frame), box, self._calibration)

    def update(self, frame: NDArray[np.uint8]) -> TrackResult:
        """Find the target in the next frame.

        Raises:
            RuntimeError: no target was initialised. FrameError: as for ``init``; the target stays as it was.
        """
        if self._target is None:
            raise RuntimeError("no target: call init(frame, box) first")
        self._target.learn()
        return follow(self._runtime, [self._target], check_frame(frame))[0]
