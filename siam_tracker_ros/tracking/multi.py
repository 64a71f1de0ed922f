"""Several targets followed in the same frames, with one pass of the network for all."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box, check_frame
from siam_tracker_ros.runtime.cuda_graph import CudaGraphRuntime
from siam_tracker_ros.runtime.device import free_memory
from siam_tracker_ros.runtime.protocol import Runtime
from siam_tracker_ros.tracking.calibration import Calibration
from siam_tracker_ros.tracking.contract import TrackResult
from siam_tracker_ros.tracking.follow import follow
from siam_tracker_ros.tracking.search_size import search_sizes
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.target import Target


class MultiTracker:
    """Follows any number of targets by name: ``add(id, frame, box)`` for each, ``update(frame)`` for every frame.

    Each target is followed as :class:`Tracker` follows its one. Frames are BGR uint8 [H, W, 3]; boxes are
    :class:`Box` or ``(x, y, w, h)``, top-left corner, pixels.
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
        self._runtime: Runtime | None = runtime
        self._calibration = calibration
        self._device = str(runtime.device)
        self._targets: dict[str, Target] = {}

    @property
    def device(self) -> str:
        """Where the network runs: ``cpu`` or ``cuda:N``."""
        return self._device

    @property
    def runtime(self) -> str:
        """What computes: ``eager`` (PyTorch), ``cuda_graph``, ``onnx``, ``tensorrt`` or ``openvino``."""
        return self._running().name

    @property
    def ids(self) -> tuple[str, ...]:
        """The targets, in the order in which they were added."""
        return tuple(self._targets)

    def rest(self) -> None:
        """Do now what the last frame left to be done, template updates above all, while no frame waits.

        Whoever follows a camera calls it once the frame's results are sent; otherwise the next ``add`` or ``update``
        does it first. The results are the same. The frame's memory must still hold it.
        """
        for target in self._targets.values():
            target.rest()

    @torch.inference_mode()
    def add(self, target_id: str, frame: NDArray[np.uint8], box: Box | Sequence[float]) -> None:
        """Start on a target; one of that name is started anew, and keeps its place in the order.

        Raises:
            FrameError: the frame is not BGR uint8 [H, W, 3]. BoxError: the box is not finite, outside, or under
                4 pixels. What was followed before stays as it was in both cases.
        """
        self._learn()
        self._targets[target_id] = Target(self._running(), self.settings, check_frame(frame), box, self._calibration)

    def remove(self, target_id: str) -> bool:
        """Stop following a target; whether there was one of that name."""
        return self._targets.pop(target_id, None) is not None

    def clear(self) -> None:
        """Stop following all of them."""
        self._targets.clear()

    def update(self, frame: NDArray[np.uint8], only: Collection[str] | None = None) -> dict[str, TrackResult]:
        """Find the targets in the next frame.

        Args:
            only: the targets to follow in this frame, as where one catches up with the others; None: all.

        Returns:
            The result of each, by name; nothing without a target.

        Raises:
            FrameError: as for ``add``; the targets stay as they were. KeyError: no target of a name in ``only``.
        """
        frame = check_frame(frame)
        names = [name for name in self._targets if only is None or name in only]
        if only is not None and len(names) != len(set(only)):
            raise KeyError(f"no target named {', '.join(sorted(set(only) - set(names)))}")
        if not names:
            return {}
        self._learn()
        return dict(zip(names, follow(self._running(), [self._targets[name] for name in names], frame), strict=True))

    def rescale(self, factor_x: float, factor_y: float) -> None:
        """The frames' width and height changed by these factors: the targets are where they were."""
        for target in self._targets.values():
            target.rescale(factor_x, factor_y)

    def configure(self, settings: TrackerSettings) -> None:
        """Change the settings of all targets; search sizes and ``online`` count from the next ``add``."""
        self.settings = settings
        for target in self._targets.values():
            target.configure(settings)

    def prepare(self, height: int, width: int, targets: int) -> None:
        """Make ready what frames of that size need, so that the first of them do not wait; nothing for most runtimes.

        Args:
            targets: how many may be followed at once.
        """
        runtime = self._running()
        if isinstance(runtime, CudaGraphRuntime) and not self._targets:
            sizes = search_sizes(runtime.geometry, self.settings)
            runtime.prepare(height, width, targets + self.settings.search_patches, sizes)

    def release(self) -> None:
        """Forget the targets and the network, and give its memory back. Nothing can be followed afterwards."""
        self._targets.clear()
        self._runtime = None
        free_memory()

    def _learn(self) -> None:
        for target in self._targets.values():
            target.learn()

    def _running(self) -> Runtime:
        if self._runtime is None:
            raise RuntimeError("the tracker was released: load it again")
        return self._runtime
