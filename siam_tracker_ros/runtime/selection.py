"""Which runtime a network gets: the one asked for, or the fastest that is installed and gives the right numbers."""

from __future__ import annotations

import importlib.util
import json
import logging
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import torch
from torch import nn

from siam_tracker_ros.evaluation.machine import cpu_name
from siam_tracker_ros.runtime.agreement import disagreement, median_ms
from siam_tracker_ros.runtime.cuda_graph import CudaGraphRuntime
from siam_tracker_ros.runtime.eager import EagerRuntime
from siam_tracker_ros.runtime.exported import ExportedNetwork, engine_folder, facts_of
from siam_tracker_ros.runtime.onnx_runtime import OnnxRuntime, available_kinds
from siam_tracker_ros.runtime.openvino_runtime import OpenVinoRuntime
from siam_tracker_ros.runtime.openvino_runtime import is_available as has_openvino
from siam_tracker_ros.runtime.protocol import Runtime

LOG = logging.getLogger(__name__)

RUNTIMES = ("auto", "eager", "cuda_graph", "onnx", "openvino", "tensorrt")
PACKAGES = {"onnx": "onnxruntime", "openvino": "openvino", "tensorrt": "onnxruntime-gpu with TensorRT"}


class RuntimeChoiceError(ValueError):
    """A runtime that is unknown, not installed, or not for this device; the message says what to do."""


def make_runtime(
    network: nn.Module,
    model: str,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    runtime: str = "auto",
    threads: int = 0,
) -> Runtime:
    """A network ready to run.

    Args:
        network: with its weights; it is copied.
        model: its zoo name.
        device, dtype: where and in which number format it computes.
        runtime: one of :data:`RUNTIMES`. ``auto`` measures those that are installed and remembers the fastest.
        threads: CPU threads; 0: as many as PyTorch uses.

    Raises:
        RuntimeChoiceError: an unknown runtime, or one that is not installed or not for this device and precision.
    """
    if runtime not in RUNTIMES:
        raise RuntimeChoiceError(f"unknown runtime '{runtime}'; use one of {', '.join(RUNTIMES)}")
    candidates = Candidates(network, model, device, dtype, threads or torch.get_num_threads())
    if runtime == "auto":
        return fastest(candidates)
    makers = candidates.makers()
    if runtime not in makers:
        raise RuntimeChoiceError(candidates.why_not(runtime))
    try:
        return makers[runtime]()
    except (RuntimeError, ImportError, ValueError) as error:
        raise RuntimeChoiceError(f"runtime {runtime} cannot run {model} on {device}: {error}") from error


def run_exported(exported: ExportedNetwork, device: torch.device, runtime: str = "auto", threads: int = 0) -> Runtime:
    """A folder of ONNX files, ready to run; ``auto`` takes OpenVINO or ONNX Runtime, the first that is there.

    Raises:
        RuntimeChoiceError: as :func:`make_runtime`; PyTorch cannot run such files.
    """
    makers = file_runtimes(exported, device, threads or torch.get_num_threads())
    name = next(iter(makers), "") if runtime == "auto" else runtime
    if name not in makers:
        able = f"use one of {', '.join(makers)}" if makers else "install onnxruntime or openvino"
        raise RuntimeChoiceError(f"runtime '{runtime}' cannot run the ONNX files of {exported.folder} here; {able}")
    try:
        return makers[name]()
    except (RuntimeError, ImportError, ValueError) as error:
        raise RuntimeChoiceError(f"runtime {name} cannot run {exported.folder}: {error}") from error


def file_runtimes(exported: ExportedNetwork, device: torch.device, threads: int) -> dict[str, Callable[[], Runtime]]:
    """By name, what makes each runtime of this machine that runs ONNX files on a device."""
    kinds = available_kinds()
    makers: dict[str, Callable[[], Runtime]] = {}
    half = exported.facts.precision == "float16"
    if device.type == "cpu" and has_openvino() and not half:
        makers["openvino"] = lambda: OpenVinoRuntime(exported, threads)
    if device.type in kinds and not (half and device.type == "cpu"):
        makers["onnx"] = lambda: OnnxRuntime(exported, device, threads, device.type)
    if device.type == "cuda" and "tensorrt" in kinds:
        makers["tensorrt"] = lambda: OnnxRuntime(exported, device, threads, "tensorrt")
    return makers


def runtime_names(device: torch.device, dtype: torch.dtype) -> tuple[str, ...]:
    """The runtimes that are installed here for a device and number format, PyTorch's own first."""
    return tuple(Candidates(nn.Identity(), "", device, dtype, 1).makers())


class Candidates:
    """The runtimes that could run a network here."""

    def __init__(self, network: nn.Module, model: str, device: torch.device, dtype: torch.dtype, threads: int) -> None:
        self.network, self.model, self.device, self.dtype, self.threads = network, model, device, dtype, threads
        self._exported: ExportedNetwork | None = None

    @property
    def exported(self) -> ExportedNetwork:
        """The network's files, in the folder that is kept for the next time."""
        if self._exported is None:
            # A CPU computes in bfloat16 by itself: the file is the same.
            facts = facts_of(self.network, self.model, torch.float32 if self.device.type == "cpu" else self.dtype)
            self._exported = ExportedNetwork(engine_folder(facts), facts, self.network)
        return self._exported

    def makers(self) -> dict[str, Callable[[], Runtime]]:
        """By name, what makes each; those that are for this device and precision and are installed."""
        found: dict[str, Callable[[], Runtime]] = {"eager": self._eager}
        kinds = available_kinds()
        if self.device.type == "cuda":
            found["cuda_graph"] = lambda: CudaGraphRuntime(self.network, self.device, self.dtype)
            if "cuda" in kinds:
                found["onnx"] = lambda: OnnxRuntime(self.exported, self.device, self.threads, "cuda")
            if "tensorrt" in kinds:
                found["tensorrt"] = lambda: OnnxRuntime(self.exported, self.device, self.threads, "tensorrt")
            return found
        if has_openvino():
            bfloat16 = self.dtype == torch.bfloat16
            found["openvino"] = lambda: OpenVinoRuntime(self.exported, self.threads, bfloat16)
        if "cpu" in kinds and self.dtype == torch.float32:
            found["onnx"] = lambda: OnnxRuntime(self.exported, self.device, self.threads)
        return found

    def _eager(self) -> Runtime:
        return EagerRuntime(self.network, self.device, self.dtype)

    def why_not(self, runtime: str) -> str:
        """Why a runtime of :data:`RUNTIMES` is not among the makers, a sentence."""
        on = f"{self.device.type} in {str(self.dtype).removeprefix('torch.')}"
        package = PACKAGES.get(runtime, "")
        installed = importlib.util.find_spec(package.split()[0].replace("-gpu", "")) is not None if package else True
        reason = f"it does not run on {on} here" if installed else f"it is not installed (pip install {package})"
        return f"runtime '{runtime}' cannot be used: {reason}; use one of {', '.join(['auto', *self.makers()])}"


def fastest(candidates: Candidates) -> Runtime:
    """The fastest runtime whose numbers are PyTorch's; measured once for a network, a machine and its libraries."""
    makers = candidates.makers()
    eager = makers["eager"]()
    if len(makers) == 1:
        return eager
    folder = candidates.exported.folder
    note = folder / "fastest.json"
    key = _circumstances(candidates, sorted(makers))
    if (name := _remembered(note, key)) in makers:
        try:
            return eager if name == "eager" else makers[name]()
        except (RuntimeError, ImportError, ValueError) as error:
            LOG.warning("runtime %s, the fastest so far, cannot be used any more: %s", name, error)
    measured = {"eager": (eager, median_ms(eager))}
    for name, make in makers.items():
        if name == "eager":
            continue
        try:
            runtime = make()
            if fault := disagreement(eager, runtime):
                LOG.warning("runtime %s is left out for %s: %s", name, candidates.model, fault)
                continue
            measured[name] = runtime, median_ms(runtime)
        except (RuntimeError, ImportError, ValueError) as error:
            LOG.warning("runtime %s is left out for %s: %s", name, candidates.model, error)
    name = min(measured, key=lambda each: measured[each][1])
    times = {each: round(ms, 3) for each, (_, ms) in measured.items()}
    _remember(note, {**key, "fastest": name, "search_ms": times})
    return measured[name][0]


def _circumstances(candidates: Candidates, names: list[str]) -> dict[str, object]:
    """All that decides which runtime is the fastest."""
    return {
        "device": str(candidates.device),
        "precision": str(candidates.dtype),
        "threads": candidates.threads,
        "cpu": cpu_name(),
        "runtimes": {name: _version(name) for name in names},
    }


def _version(name: str) -> str:
    package = {"eager": "torch", "onnx": "onnxruntime", "tensorrt": "onnxruntime-gpu"}.get(name, name)
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def _remembered(note: Path, key: dict[str, object]) -> str:
    try:
        for entry in json.loads(note.read_text(encoding="utf-8")):
            if {name: entry.get(name) for name in key} == key:
                return str(entry["fastest"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass  # nothing remembered, or nothing that can be read: it is measured again
    return ""


def _remember(note: Path, entry: dict[str, object]) -> None:
    try:
        entries = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else []
        kept = [old for old in entries if any(old.get(k) != entry[k] for k in ("device", "precision", "threads"))]
    except (OSError, ValueError, AttributeError):
        kept = []
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps([*kept, entry], indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        LOG.warning("%s cannot be written (%s): runtimes are measured anew next time", note, error)
