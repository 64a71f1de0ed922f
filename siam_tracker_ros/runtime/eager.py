"""A network run by PyTorch as it is: the runtime that is always there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from siam_tracker_ros.networks.response import Geometry, SiameseNetwork, point_grid
from siam_tracker_ros.networks.running import for_running
from siam_tracker_ros.runtime.passes import SearchPass, TemplatePass, maps_of
from siam_tracker_ros.runtime.protocol import Maps

__all__ = ["EagerRuntime", "Maps"]


class EagerRuntime:
    """Holds a network on its device and turns patches into maps. One copy to and one from the device per call."""

    name = "eager"

    def __init__(self, network: nn.Module, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self.geometry = cast(Geometry, network.geometry)
        self.device, self.dtype = device, dtype
        placed = self.placed(network)
        self._network = cast(SiameseNetwork, placed)
        self._template, self._search = TemplatePass(placed, dtype), SearchPass(placed, dtype)
        self._points: dict[int, NDArray[np.float32]] = {}

    def placed(self, network: nn.Module) -> nn.Module:
        """A copy of the network on the device, ready to run."""
        return for_running(network).to(device=self.device, dtype=self.dtype).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def template(self, patch: NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """Template patch uint8 [T, T, 3] to the features of each level."""
        return cast(tuple[Tensor, ...], self._template(self._upload(patch)))

    @torch.inference_mode()
    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Template features to what the correlation needs of them."""
        return self._network.kernels(features)

    def search(self, kernels: tuple[Tensor, ...], patch: NDArray[np.uint8]) -> Maps:
        """Search patch uint8 [S, S, 3], S as ``Geometry.at`` allows, to the maps."""
        return self.search_many([kernels], [patch])[0]

    @torch.inference_mode()
    def search_many(self, kernels: Sequence[tuple[Tensor, ...]], patches: Sequence[NDArray[np.uint8]]) -> list[Maps]:
        """One pass for B search patches of one size, each with its own target's kernels; B is 1 or more."""
        joined = kernels[0] if len(kernels) == 1 else tuple(torch.cat(parts) for parts in zip(*kernels, strict=True))
        rows, features = self._search(self._upload(*patches), *joined)
        points = self._grid(patches[0].shape[0])
        # [B, 6 + L, N]: one copy back
        return [maps_of(own, points, features[index : index + 1]) for index, own in enumerate(rows.cpu().numpy())]

    def _grid(self, search_size: int) -> NDArray[np.float32]:
        """The response points of a search patch, [2, N], made once for each side."""
        if search_size not in self._points:
            self._points[search_size] = point_grid(self.geometry.at(search_size)).flatten(1).numpy()
        return self._points[search_size]

    def _upload(self, *patches: NDArray[np.uint8]) -> Tensor:
        joined = patches[0][None] if len(patches) == 1 else np.stack(patches)
        return torch.from_numpy(joined).to(self.device)
