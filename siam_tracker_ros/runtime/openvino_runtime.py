"""A network run by OpenVINO (Intel) on a CPU, from the same ONNX files."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from siam_tracker_ros.runtime.exported import ExportedNetwork
from siam_tracker_ros.runtime.host import Arrays, FileRuntime, Pass


def is_available() -> bool:
    """Whether OpenVINO is installed."""
    return importlib.util.find_spec("openvino") is not None


@functools.cache
def _core() -> Any:
    """The process's one OpenVINO core, which is kept to the process's end.

    Its CPU plugin gives the thread that makes it a stack for signal handlers, and unmaps it when the core goes. With a
    second core, or when another thread lets it go, the kernel is left with the unmapped one: the next Ctrl-C is a
    segmentation fault.

    It comes without its reports to its maker: a robot says to nobody what it does unless it is asked to.
    """
    # OpenVINO goes on without that package; its own way to decline is a file in the user's home.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino.Core()


class OpenVinoRuntime(FileRuntime):
    """The passes as compiled models of OpenVINO.

    Args:
        exported: the network's files.
        threads: CPU threads.
        bfloat16: whether matrix products and convolutions may be computed in bfloat16, on a CPU that has it.
    """

    name = "openvino"

    def __init__(self, exported: ExportedNetwork, threads: int, bfloat16: bool = False) -> None:
        self._options = {
            "CACHE_DIR": str(exported.folder / "openvino"),
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
        }
        super().__init__(exported, torch.device("cpu"))

    def _ready(self, path: Path) -> Pass:
        model = _core().compile_model(self._read(path), "CPU", self._options)
        request = model.create_infer_request()
        outputs = [request.get_output_tensor(i).data for i in range(len(model.outputs))]
        given = [request.get_input_tensor(i).data for i in range(len(model.inputs))]
        last: list[NDArray[np.generic] | None] = [None] * len(given)

        def run(inputs: Sequence[NDArray[np.generic]], wanted: Sequence[int]) -> Arrays:
            for index, array in enumerate(inputs):
                if array is not last[index]:  # a target's kernels stay the same for many frames
                    given[index][...] = array
                    last[index] = array
            request.infer()
            # They are overwritten by the next frame.
            return [outputs[index].copy() for index in wanted or range(len(outputs))]

        return run

    def _read(self, path: Path) -> Any:
        """The file's model. It is given patches as float32: of bytes OpenVINO would make three copies of its own."""
        from openvino import Type
        from openvino.preprocess import PrePostProcessor

        model = _core().read_model(str(path))
        steps = PrePostProcessor(model)
        for index, each in enumerate(model.inputs):
            if each.element_type == Type.u8:
                steps.input(index).tensor().set_element_type(Type.f32)
        return steps.build()
