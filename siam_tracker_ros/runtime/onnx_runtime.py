"""A network run by ONNX Runtime: on CPUs, and on CUDA devices by its CUDA and TensorRT providers (Microsoft)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from siam_tracker_ros.runtime.exported import ExportedNetwork
from siam_tracker_ros.runtime.host import Arrays, FileRuntime, Pass

PROVIDERS = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"),
}
"""By kind: what computes, and what takes over the operations that it does not have."""


def _library() -> Any:
    """ONNX Runtime, without its reports to its maker: a robot says to nobody what it does unless it is asked to."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


def available_kinds() -> set[str]:
    """The kinds of :data:`PROVIDERS` that this build of ONNX Runtime has; none where it is not installed."""
    try:
        have = set(_library().get_available_providers())
    except ImportError:
        return set()
    return {kind for kind, providers in PROVIDERS.items() if providers[0] in have}


class OnnxRuntime(FileRuntime):
    """The passes as sessions of ONNX Runtime.

    Args:
        exported: the network's files.
        device: where it computes.
        threads: CPU threads for one operation.
        kind: of :data:`PROVIDERS`.

    Raises:
        RuntimeError: this build of ONNX Runtime does not have the provider, or cannot start it.
    """

    def __init__(self, exported: ExportedNetwork, device: torch.device, threads: int, kind: str = "cpu") -> None:
        self.name = "tensorrt" if kind == "tensorrt" else "onnx"
        self._threads, self._kind, self._device_index = threads, kind, device.index or 0
        super().__init__(exported, device)

    def _ready(self, path: Path) -> Pass:
        onnxruntime = _library()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        # Threads that wait for the next operation by spinning are faster, but must not spin until the next frame.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=self._providers(path.parent))
        except Exception as error:  # its exceptions have no common base of their own
            raise RuntimeError(f"{path}: ONNX Runtime cannot load it: {error}") from error
        if (used := session.get_providers()[0]) != PROVIDERS[self._kind][0]:
            raise RuntimeError(f"ONNX Runtime cannot start {PROVIDERS[self._kind][0]} and would use {used}")
        names, outputs = ([item.name for item in items] for items in (session.get_inputs(), session.get_outputs()))

        def run(inputs: Sequence[NDArray[np.generic]], wanted: Sequence[int]) -> Arrays:
            asked = [outputs[index] for index in wanted] or None
            return list(session.run(asked, dict(zip(names, inputs, strict=True))))

        return run

    def _providers(self, cache: Path) -> list[Any]:
        """The providers with their options; TensorRT keeps its engines, whose building takes minutes, in ``cache``."""
        options: dict[str, dict[str, Any]] = {
            "CUDAExecutionProvider": {"device_id": self._device_index},
            "TensorrtExecutionProvider": {
                "device_id": self._device_index,
                "trt_fp16_enable": self._dtype == np.float16,
                "trt_engine_cache_enable": True,
                "trt_engine_cache_path": str(cache),
                "trt_timing_cache_enable": True,
                "trt_timing_cache_path": str(cache),
            },
        }
        return [(name, options.get(name, {})) for name in PROVIDERS[self._kind]]
