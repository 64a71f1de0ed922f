"""Which device and number format a network runs in, and the device's memory."""

from __future__ import annotations

import gc
import re
from pathlib import Path
from typing import cast

import torch

PRECISIONS = ("float32", "float16", "bfloat16")


class DeviceError(ValueError):
    """A device or precision that this machine does not have."""


def resolve_device(device: str = "auto") -> torch.device:
    """``auto`` (CUDA where there is one, else CPU), ``cpu``, ``cuda`` or ``cuda:N`` to a torch device.

    Raises:
        DeviceError: the name is unknown, or the CUDA device asked for is not there.
    """
    if device == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    if device == "cpu":
        return torch.device("cpu")
    match = re.fullmatch(r"cuda(?::(\d+))?", device)
    if not match:
        raise DeviceError(f"unknown device '{device}'; use auto, cpu, cuda or cuda:N")
    index, count = int(match[1] or 0), torch.cuda.device_count() if torch.cuda.is_available() else 0
    if index >= count:
        raise DeviceError(f"device '{device}' is not there: this machine has {count} CUDA devices; use auto or cpu")
    return torch.device("cuda", index)


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """``float32``; ``float16`` on CUDA; ``bfloat16`` on CUDA and on CPUs that compute in it.

    Raises:
        DeviceError: unknown name, or a half precision that the device does not compute in.
    """
    if precision not in PRECISIONS:
        raise DeviceError(f"unknown precision '{precision}'; use one of {', '.join(PRECISIONS)}")
    if precision == "float16" and device.type != "cuda":
        raise DeviceError("precision float16 needs a CUDA device; use float32 on the CPU")
    if precision == "bfloat16" and device.type == "cpu" and not cpu_has_bfloat16():
        raise DeviceError("precision bfloat16 needs a CPU with bfloat16 instructions; use float32 on this one")
    return cast(torch.dtype, getattr(torch, precision))


def cpu_has_bfloat16() -> bool:
    """Whether the CPU has instructions for products in bfloat16 (AVX512-BF16, AMX-BF16, Arm's BF16)."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    flags = {flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split()}
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device's memory is exhausted, so that the same may work later."""
    return isinstance(error, torch.cuda.OutOfMemoryError | MemoryError)


def free_memory() -> None:
    """Give memory back to the device that PyTorch keeps for tensors to come; nothing on a machine without CUDA."""
    gc.collect()  # what only cycles still hold would keep its memory
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def used_memory(device: str) -> int:
    """Bytes that this process's tensors take on a CUDA device; 0 for the CPU."""
    return int(torch.cuda.memory_allocated(device)) if device.startswith("cuda") else 0
