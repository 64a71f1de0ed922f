"""Whether two runtimes give the same numbers, and how fast one is, on a picture that is the same everywhere."""

from __future__ import annotations

import time

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siam_tracker_ros.runtime.protocol import Maps, Runtime

SAME_SCORE = 0.01
"""Difference of the foreground's probability up to which two runtimes agree, at every point."""

SAME_BOX = 0.5
"""Difference of a box's sides, patch pixels, up to which they agree, where the score is over a half of its peak."""


def disagreement(expected: Runtime, other: Runtime) -> str:
    """In what another runtime's answer to a drawn picture differs from the expected one; empty where it does not."""
    a, b = _searched(expected), _searched(other)
    for name in ("foreground", "centerness", "boxes", "levels"):
        if not np.isfinite(getattr(b, name)).all() and np.isfinite(getattr(a, name)).all():
            return f"{name} are not finite"
    if (score := float(np.abs(a.foreground - b.foreground).max())) > SAME_SCORE:
        return f"scores differ by {score:.3g}"
    matter = a.foreground > a.foreground.max() / 2
    if (pixels := float(np.abs(a.boxes[matter] - b.boxes[matter]).max())) > SAME_BOX:
        return f"boxes differ by {pixels:.3g} pixels"
    return ""


def drawn_picture(size: int) -> NDArray[np.uint8]:
    """A picture with edges and shades at all scales, uint8 [size, size, 3], the same everywhere."""
    rng, whole = np.random.default_rng(0), np.zeros((size, size, 3), np.float32)
    for side in (3, 8, 24, 72):
        part = rng.uniform(0, 255, (side, side, 3)).astype(np.float32)
        whole += cv2.resize(part, (size, size), interpolation=cv2.INTER_LINEAR) / 4
    return whole.clip(0, 255).astype(np.uint8)


@torch.inference_mode()
def _kernels(runtime: Runtime, picture: NDArray[np.uint8]) -> tuple[Tensor, ...]:
    side = runtime.geometry.template_size
    start = (picture.shape[0] - side) // 2
    middle = np.ascontiguousarray(picture[start : start + side, start : start + side])
    return runtime.kernels(runtime.template(middle))


@torch.inference_mode()
def _searched(runtime: Runtime) -> Maps:
    picture = drawn_picture(runtime.geometry.search_size)
    return runtime.search(_kernels(runtime, picture), picture)


@torch.inference_mode()
def median_ms(runtime: Runtime, seconds: float = 0.5, most: int = 30) -> float:
    """The median time of a search, of as many as half a second holds, two at least; the first do not count."""
    picture = drawn_picture(runtime.geometry.search_size)
    kernels = _kernels(runtime, picture)
    runtime.search(kernels, picture)
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < 3 or (len(times) < most and time.perf_counter() - begun < seconds):
        start = time.perf_counter()
        runtime.search(kernels, picture)
        times.append((time.perf_counter() - start) * 1e3)
    return float(np.median(times[1:]))
