"""Whether two runtimes give the same numbers, and how fast one is, on a picture that is the same everywhere."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siam_tracker_ros.geometry import Box, search_crop, template_crop
from siam_tracker_ros.runtime.protocol import Maps, Runtime
from siam_tracker_ros.tracking.scene import Answer, OpensScenes, Question, open_scene
from siam_tracker_ros.tracking.scoring import cosine_window
from siam_tracker_ros.tracking.settings import TrackerSettings

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
    if isinstance(other, OpensScenes):
        return _scene_disagreement(expected, other)
    return ""


@torch.inference_mode()
def _scene_disagreement(expected: Runtime, other: Runtime) -> str:
    """The same for a runtime that cuts patches and chooses by itself."""
    one, two = _asker(expected)().choice, _asker(other)().choice
    if one is None or two is None:
        return "" if one is two else "its choice is not finite"
    pixels = max(abs(x - y) for x, y in zip(one.box.as_tuple(), two.box.as_tuple(), strict=True))
    return f"chosen boxes differ by {pixels:.3g} pixels" if pixels > SAME_BOX else ""


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
    """The median time from a frame to a box, of as many frames as half a second holds, two at least."""
    times: list[float] = []
    ask = _asker(runtime)
    ask()
    begun = time.perf_counter()
    while len(times) < 3 or (len(times) < most and time.perf_counter() - begun < seconds):
        start = time.perf_counter()
        ask()
        times.append((time.perf_counter() - start) * 1e3)
    return float(np.median(times[1:]))


def _asker(runtime: Runtime) -> Callable[[], Answer]:
    """What looks for the middle of a drawn frame in that frame, as a tracker would."""
    geometry, black = runtime.geometry, (0.0, 0.0, 0.0)
    frame = drawn_picture(2 * geometry.search_size)
    box = Box.from_center(geometry.search_size, geometry.search_size, geometry.template_size / 2, 40.0)
    template = open_scene(runtime, frame).template(template_crop(box, geometry.template_size), black)
    kernels = runtime.kernels(template())
    crop = search_crop(box, geometry.search_size, geometry.template_size)
    window = cosine_window(geometry.map_size)
    question = Question(kernels, crop, black, crop.to_patch(box), window, TrackerSettings())
    return lambda: open_scene(runtime, frame).answers([question])[0]
