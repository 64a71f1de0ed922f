"""What a device can do at most: a matrix product and a copy, measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

SIDE = 1024  # of the matrices; 2048 on a GPU, which a smaller product does not fill
BYTES = 1 << 28  # copied: more than any cache holds


@dataclass(frozen=True)
class Ceiling:
    """The best of several tries.

    Attributes:
        flop: operations a second of a matrix product, a multiplication and an addition each.
        bytes: read and written a second by a copy in the device's memory.
    """

    flop: float
    bytes: float


def measure_ceiling(device: torch.device, dtype: torch.dtype = torch.float32, seconds: float = 1.0) -> Ceiling:
    """Measure both for ``seconds`` each, with as many threads as PyTorch has."""
    side = 2 * SIDE if device.type == "cuda" else SIDE
    a, b = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))
    product = torch.empty_like(a)
    source = torch.zeros(BYTES, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    flop = 2 * side**3 / _fastest(lambda: torch.mm(a, b, out=product), device, seconds)
    return Ceiling(flop, 2 * BYTES / _fastest(lambda: target.copy_(source), device, seconds))


def _fastest(work: Callable[[], object], device: torch.device, seconds: float) -> float:
    """The least time that some work took, seconds."""
    best, begun = float("inf"), time.perf_counter()
    while time.perf_counter() - begun < seconds or best == float("inf"):
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
        best = min(best, time.perf_counter() - start)
    return best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
