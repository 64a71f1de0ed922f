"""Everything from the uploaded frame to the chosen box on the GPU, as CUDA graphs.

A frame costs one copy to the device, one launch for all targets and one small copy back, where the eager runtime
launches hundreds of small kernels and chooses on the host. ``docs/runtimes.md`` says what is copied and recorded when.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from typing import TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from siam_tracker_ros.geometry import Box, Crop, search_crop, template_crop
from siam_tracker_ros.runtime.capture import Capture
from siam_tracker_ros.runtime.device_crop import halvings
from siam_tracker_ros.runtime.device_frame import DeviceFrame
from siam_tracker_ros.runtime.device_steps import HalvingStep, KernelsStep, SearchStep, TemplateStep
from siam_tracker_ros.runtime.eager import EagerRuntime
from siam_tracker_ros.runtime.passes import KernelsPass
from siam_tracker_ros.tracking.scene import Answer, Question
from siam_tracker_ros.tracking.scoring import cosine_window
from siam_tracker_ros.tracking.settings import TrackerSettings

BATCHES = (1, 2, 3, 4, 6, 8, 12, 16)
"""Targets that one graph may be for; questions are rounded up to these, and shared out over several beyond the last."""

MOST_STEPS = 32
"""Steps that are kept recorded, with their inputs: those that were used last."""

T = TypeVar("T")


class CudaGraphRuntime(EagerRuntime):
    """A network whose frames stay on the device: it opens scenes of its own (``scene.OpensScenes``).

    Patches that come from the host are run as by :class:`EagerRuntime`. Used by one thread at a time; of the scenes
    that it opened, only the last one is of use.

    Args:
        capture: False: run the same steps without graphs, as on a device that is not CUDA.
    """

    name = "cuda_graph"

    def __init__(
        self, network: nn.Module, device: torch.device, dtype: torch.dtype = torch.float32, capture: bool = True
    ) -> None:
        super().__init__(network, device, dtype)
        self._kernels = KernelsPass(cast(nn.Module, self._network))
        self._capture = Capture(device, capture)
        self._steps: OrderedDict[Hashable, object] = OrderedDict()
        self._frame: DeviceFrame | None = None

    @property
    def failure(self) -> str | None:
        """Why something runs without a CUDA graph, None while nothing does; it works all the same."""
        return self._capture.failure

    @torch.inference_mode()
    def open_scene(self, frame: NDArray[np.uint8]) -> DeviceScene:
        """The next frame, BGR uint8 [H, W, 3]: it is copied to the device.

        With the first one, and with one of another size, what the graphs read moves, and they are recorded anew.
        """
        height, width = frame.shape[:2]
        if self._frame is None or (self._frame.height, self._frame.width) != (height, width):
            self._steps.clear()
            self._frame = None  # its memory is free before the next is taken
            self._capture.restart()
            self._frame = DeviceFrame(height, width, self.device)
        self._frame.take(frame)
        return DeviceScene(self, frame)

    @torch.inference_mode()
    def prepare(self, height: int, width: int, most: int = 1, sizes: Sequence[int] = ()) -> None:
        """Record now what frames of that size will need, so that no frame has to wait for it.

        Args:
            most: questions that are asked at once, at most: targets, and places where lost ones are looked for.
            sizes: sides of the search patches, pixels; none: the network's own.
        """
        black, template_size = (0.0, 0.0, 0.0), self.geometry.template_size
        box = Box.from_center(width / 2, height / 2, 32.0, 32.0)
        scene = self.open_scene(np.zeros((height, width, 3), np.uint8))
        self._halve_for(self._opened(), Crop(box.cx, box.cy, 1e9, self.geometry.search_size))  # all levels
        kernels = self.kernels(self.look_at(template_crop(box, template_size), black))
        for g in [self.geometry.at(size) for size in sizes] or [self.geometry]:
            crop = search_crop(box, g.search_size, template_size)
            question = Question(kernels, crop, black, crop.to_patch(box), cosine_window(g.map_size), TrackerSettings())
            _, largest = next(_batches([question] * most))
            for count in BATCHES[: BATCHES.index(largest) + 1]:
                scene.answers([question] * count)

    @torch.inference_mode()
    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Template features to what the correlation needs of them."""
        key = "kernels", tuple(part.shape for part in features)
        return self._step(key, partial(KernelsStep, self._kernels, features, self._capture))(features)

    @torch.inference_mode()
    def look(self, questions: Sequence[Question]) -> list[Answer]:
        """Answers to questions about the frame that was opened last; their patches are all of one size."""
        frame = self._opened()
        answers: list[Answer] = []
        for part, count in _batches(questions):
            for question in part:
                self._halve_for(frame, question.crop)
            kernels, size = part[0].kernels, part[0].crop.patch
            points, rule = self._grid(size), self.geometry.crop
            make = partial(SearchStep, self._search, frame, points, rule, count, size, kernels, self._capture)
            answers += self._step(("search", count, size), make)(part)
        return answers

    @torch.inference_mode()
    def look_at(self, crop: Crop, border: tuple[float, float, float]) -> tuple[Tensor, ...]:
        """The features of a crop of the template's size, in the frame that was opened last."""
        frame = self._opened()
        self._halve_for(frame, crop)
        make = partial(TemplateStep, self._template, frame, self.geometry.crop, crop.patch, self._capture)
        return self._step(("template", crop.patch), make)(crop, border)

    def _halve_for(self, frame: DeviceFrame, crop: Crop) -> None:
        """Compute the frame's levels up to that which a patch is cut from, unless they are there."""
        wanted = halvings(crop.scale, frame.top) if self.geometry.crop == "exact" else 0
        for level in range(frame.filled + 1, wanted + 1):
            self._step(("halve", level), partial(HalvingStep, frame, level, self._capture))()
            frame.filled = level

    def _opened(self) -> DeviceFrame:
        if self._frame is None:
            raise RuntimeError("no frame: open a scene first")
        return self._frame

    def _step(self, key: Hashable, make: Callable[[], T]) -> T:
        """The step of that key, made if it is not kept; those that were not used for long are dropped."""
        if key not in self._steps:
            self._steps[key] = make()
            if len(self._steps) > MOST_STEPS:
                self._steps.popitem(last=False)
        self._steps.move_to_end(key)
        return cast(T, self._steps[key])


class DeviceScene:
    """A frame on the runtime's device, see ``scene.Scene``."""

    def __init__(self, runtime: CudaGraphRuntime, frame: NDArray[np.uint8]) -> None:
        self._runtime = runtime
        self.frame = frame

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        """One pass of the network for questions whose patches are all of one size; one answer each."""
        return self._runtime.look(questions)

    def template(self, crop: Crop, border: tuple[float, float, float]) -> Callable[[], tuple[Tensor, ...]]:
        """What gives the features of what is in a crop of the template's size, as long as this is the last scene."""
        return partial(self._runtime.look_at, crop, border)


def _batches(questions: Sequence[Question]) -> Iterator[tuple[Sequence[Question], int]]:
    """The questions in turns, and the size of the graph that each is for."""
    for start in range(0, len(questions), BATCHES[-1]):
        part = questions[start : start + BATCHES[-1]]
        yield part, next(count for count in BATCHES if count >= len(part))
