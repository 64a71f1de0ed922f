"""Steps of the device's work, recorded as CUDA graphs on their first run and replayed from then on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Step = Callable[[], tuple[Tensor, ...]]
"""Work that reads and writes tensors which stay where they are, with neither a copy from nor one to the host."""

WARM_UPS = 3
"""Runs before a capture, as PyTorch's documentation of CUDA graphs has it: libraries set themselves up in them."""


class Capture:
    """Makes steps into CUDA graphs, on a CUDA device. On any other, and where recording fails, a step stays as it is.

    All graphs share one pool of memory and one stream to record on. That is safe as they are replayed one after the
    other and what one gives is used, or copied, before the next is replayed.

    Args:
        enabled: False: record nothing.
    """

    def __init__(self, device: torch.device, enabled: bool = True) -> None:
        self.device = device
        self.enabled = enabled and device.type == "cuda"
        self.failure: str | None = None
        """Why a step was not recorded, the latest reason; None while all were."""
        self._stream: torch.cuda.Stream | None = None
        self._pool: Any = None

    def __call__(self, step: Step) -> Step:
        """The step, recorded when it is called first. Its outputs are overwritten by the next call of any step."""
        return _Captured(self, step)

    def restart(self) -> None:
        """All graphs are gone: their pool goes with them, since one that held nothing cannot be filled again."""
        self._stream = self._pool = None

    def record(self, step: Step) -> Step:
        """What to call instead of the step: its replay, or the step itself if it cannot be recorded."""
        if not self.enabled:
            return step
        try:
            return self._recorded(step)
        except RuntimeError as error:
            # CUDA's errors, running out of memory among them. If the device itself is at fault, the step will say so.
            if self.failure is None:
                warnings.warn(f"no CUDA graph, the network runs without: {error}", RuntimeWarning, stacklevel=2)
            self.failure = str(error)
            self.restart()  # what is left of a broken capture is in neither the next one's stream nor its pool
            return step

    def _recorded(self, step: Step) -> Step:
        current = torch.cuda.current_stream(self.device)
        benchmark = torch.backends.cudnn.benchmark
        with torch.cuda.device(self.device):
            if self._stream is None:
                self._stream, self._pool = torch.cuda.Stream(self.device), torch.cuda.graph_pool_handle()
            graph = torch.cuda.CUDAGraph()
            try:
                torch.backends.cudnn.benchmark = True  # the fastest algorithm is found in the warm-up and kept
                self._stream.wait_stream(current)
                with torch.cuda.stream(self._stream):
                    for _ in range(WARM_UPS):
                        step()
                current.wait_stream(self._stream)
                # Another thread may use the device meanwhile: this one's calls alone can break the capture.
                with torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"):
                    outputs = step()
            finally:
                torch.backends.cudnn.benchmark = benchmark
                torch.cuda.set_stream(current)  # a capture that fails leaves its own stream behind

        def replay() -> tuple[Tensor, ...]:
            graph.replay()
            return outputs

        return replay


class _Captured:
    """A step that is recorded when it is called first, when its inputs hold what they are made for."""

    def __init__(self, capture: Capture, step: Step) -> None:
        self._capture, self._step = capture, step
        self._run: Step | None = None

    def __call__(self) -> tuple[Tensor, ...]:
        if self._run is None:
            self._run = self._capture.record(self._step)
        return self._run()
