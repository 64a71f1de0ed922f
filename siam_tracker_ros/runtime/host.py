"""What the runtimes that compute patch by patch from ONNX files have in common: ONNX Runtime and OpenVINO."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siam_tracker_ros.networks.response import point_grid
from siam_tracker_ros.runtime.device_choice import CHOICE_NUMBERS, choice_numbers, choice_of
from siam_tracker_ros.runtime.exported import ExportedNetwork
from siam_tracker_ros.runtime.passes import maps_of
from siam_tracker_ros.runtime.protocol import Maps
from siam_tracker_ros.tracking.scene import Answer, HostScene, Question, answer

Arrays = list[NDArray[np.generic]]
Pass = Callable[[Sequence[NDArray[np.generic]], Sequence[int]], Arrays]
"""One file, ready to run: its inputs in order, and which outputs are wanted, to those, which are the caller's to keep.

An input that is the same object as the last time has the same numbers.
"""


ALL: tuple[int, ...] = ()
CHOICE, ROWS_AND_FEATURES = (0,), (1, 2)
"""Outputs of a search's file; ``ALL`` of any."""


class FileRuntime(ABC):
    """Runs the passes of an exported network, each made ready when it is first needed.

    A library brings :meth:`_ready`, which makes a :data:`Pass` of a file.
    """

    name = "file"

    def __init__(self, exported: ExportedNetwork, device: torch.device) -> None:
        self.device, self.geometry = device, exported.geometry
        self._exported = exported
        self._dtype = np.dtype(exported.facts.precision)
        self._template = self._ready(exported.template())
        self._kernels = self._ready(exported.kernels())
        self._held: tuple[tuple[Tensor, ...], Arrays] = (), []  # the last target's kernels, and their arrays
        self._searches: dict[int, tuple[Pass, NDArray[np.float32]]] = {}
        self._search(self.geometry.search_size)

    @abstractmethod
    def _ready(self, path: Path) -> Pass:
        """Make a file ready to run."""

    def template(self, patch: NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """Template patch uint8 [T, T, 3] to the features of each level."""
        return _tensors(self._template([patch[None]], ALL))

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Template features to what the correlation needs of them."""
        return _tensors(self._kernels([feature.numpy() for feature in features], ALL))

    def search(self, kernels: tuple[Tensor, ...], patch: NDArray[np.uint8]) -> Maps:
        """Search patch uint8 [S, S, 3], S as ``Geometry.at`` allows, to the maps."""
        run, points = self._search(patch.shape[0])
        no_choice = np.ones((1, points.shape[1]), np.float32), np.ones((1, CHOICE_NUMBERS), np.float32)
        rows, features = run([patch[None], *no_choice, *self._arrays(kernels)], ROWS_AND_FEATURES)
        return maps_of(rows[0].astype(np.float32, copy=False), points, torch.from_numpy(features))

    def open_scene(self, frame: NDArray[np.uint8]) -> FileScene:
        """The next frame, BGR uint8 [H, W, 3]."""
        return FileScene(self, frame)

    def look(self, question: Question, patch: NDArray[np.uint8]) -> Answer:
        """The answer to a question, whose patch is uint8 [S, S, 3]."""
        run, points = self._search(patch.shape[0])
        numbers = np.array([choice_numbers(question.last, question.settings)], np.float32)
        given: Arrays = [patch[None], question.window[None], numbers, *self._arrays(question.kernels)]
        if question.online is None:
            (row,) = run(given, CHOICE)[0]
            return Answer(choice_of(row), float(row[7]))
        # The online branch learns on the maps themselves.
        rows, features = run(given, ROWS_AND_FEATURES)
        return answer(question, maps_of(rows[0].astype(np.float32, copy=False), points, torch.from_numpy(features)))

    def _arrays(self, kernels: tuple[Tensor, ...]) -> Arrays:
        if kernels is not self._held[0]:
            self._held = kernels, [kernel.numpy() for kernel in kernels]
        return self._held[1]

    def search_many(self, kernels: Sequence[tuple[Tensor, ...]], patches: Sequence[NDArray[np.uint8]]) -> list[Maps]:
        """B search patches, each with its own target's kernels, one after the other: a CPU gains nothing by a batch."""
        return [self.search(own, patch) for own, patch in zip(kernels, patches, strict=True)]

    def prepare_sizes(self, sizes: Sequence[int]) -> None:
        """Make the search passes for these sides ready now, so that no frame waits for it."""
        for size in sizes:
            self._search(size)

    def _search(self, size: int) -> tuple[Pass, NDArray[np.float32]]:
        """The search pass for a side, and where its response points lie, [2, N]."""
        if size not in self._searches:
            points = point_grid(self.geometry.at(size)).flatten(1).numpy()
            self._searches[size] = self._ready(self._exported.search(size)), points
        return self._searches[size]


class FileScene(HostScene):
    """Cuts patches on the host; the rest is done by the file, the choice of the point too."""

    def __init__(self, runtime: FileRuntime, frame: NDArray[np.uint8]) -> None:
        super().__init__(runtime, frame)
        self._files = runtime

    def look(self, questions: Sequence[Question], patches: Sequence[NDArray[np.uint8]]) -> list[Answer]:
        """The answers that each question's patch gives."""
        return [self._files.look(question, patch) for question, patch in zip(questions, patches, strict=True)]


def _tensors(arrays: Arrays) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(array) for array in arrays)
