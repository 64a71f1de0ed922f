"""What a runtime is to the tracker: patches in, maps out, whatever library computes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siam_tracker_ros.networks.response import Geometry


@dataclass(frozen=True)
class Maps:
    """A response on the host, float32; N = map_size squared points, row by row.

    Attributes:
        foreground: probability that the point lies on the target, 0..1, [N].
        centerness: 0..1, [N]; 1 everywhere for networks that have none.
        boxes: corners x0, y0, x1, y1 in search patch pixels, [N, 4].
        levels: each level's response map, foreground less background logit, [L, N].
        features: the search patch's features, where the runtime left them, for the online branch [1, C, h, w].
    """

    foreground: NDArray[np.float32]
    centerness: NDArray[np.float32]
    boxes: NDArray[np.float32]
    levels: NDArray[np.float32]
    features: Tensor


class Runtime(Protocol):
    """A network, ready to run. It is used by one thread at a time."""

    @property
    def name(self) -> str:
        """What computes: ``eager`` (PyTorch), ``cuda_graph``, ``onnx``, ``tensorrt`` or ``openvino``."""
        ...

    @property
    def geometry(self) -> Geometry:
        """The network's sizes."""
        ...

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    def template(self, patch: NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """Template patch uint8 [T, T, 3] to the features of each level."""
        ...

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Template features, of one template or blended of several, to what the correlation needs of them."""
        ...

    def search(self, kernels: tuple[Tensor, ...], patch: NDArray[np.uint8]) -> Maps:
        """Search patch uint8 [S, S, 3], S as ``Geometry.at`` allows, to the maps."""
        ...

    def search_many(self, kernels: Sequence[tuple[Tensor, ...]], patches: Sequence[NDArray[np.uint8]]) -> list[Maps]:
        """B search patches of one size, each with its own target's kernels; B is 1 or more."""
        ...
