"""A network run by PyTorch as it is: the runtime that is always there."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from siam_tracker_ros.networks.response import Geometry, SiameseNetwork, point_grid
from siam_tracker_ros.runtime.fold import fold_batch_norm


@dataclass(frozen=True)
class Maps:
    """A response on the host, float32; N = map_size squared points, row by row.

    Attributes:
        foreground: probability that the point lies on the target, 0..1, [N].
        centerness: 0..1, [N]; 1 everywhere for networks that have none.
        boxes: corners x0, y0, x1, y1 in search patch pixels, [N, 4].
        levels: each level's response map, foreground less background logit, [L, N].
        features: the search patch's features, still on the device, for the online branch [1, C, h, w].
    """

    foreground: NDArray[np.float32]
    centerness: NDArray[np.float32]
    boxes: NDArray[np.float32]
    levels: NDArray[np.float32]
    features: Tensor


class EagerRuntime:
    """Holds a network on its device and turns patches into maps. One copy to and one from the device per call."""

    name = "eager"

    def __init__(self, network: nn.Module, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self.geometry = cast(Geometry, network.geometry)
        self.device, self.dtype = device, dtype
        folded = fold_batch_norm(copy.deepcopy(network).eval())
        placed = folded.to(device=device, dtype=dtype).to(memory_format=torch.channels_last)
        self._network = cast(SiameseNetwork, placed)
        self._points: dict[int, Tensor] = {}

    @torch.inference_mode()
    def template(self, patch: NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """Template patch uint8 [T, T, 3] to the features of each level."""
        return self._network.template(self._upload(patch))

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
        response = self._network.search(joined, self._upload(*patches))
        score, box = response.scores.flatten(2).float(), response.distances.flatten(2).float()  # [B, 2, N], [B, 4, N]
        points, center = self._grid(patches[0].shape[0]), response.centerness
        packed = torch.cat(
            (
                score.softmax(1)[:, 1:],
                torch.ones_like(score[:, :1]) if center is None else center.flatten(2).float().sigmoid(),
                points - box[:, :2],
                points + box[:, 2:],
                *((level[:, 1:] - level[:, :1]).flatten(2).float() for level in response.levels),
            ),
            dim=1,
        )
        # [B, 6 + L, N]: one copy back
        return [
            Maps(rows[0], rows[1], rows[2:6].T, rows[6:], response.features[index : index + 1])
            for index, rows in enumerate(packed.cpu().numpy())
        ]

    def _grid(self, search_size: int) -> Tensor:
        """The response points of a search patch, [2, N], made once for each side."""
        if search_size not in self._points:
            self._points[search_size] = point_grid(self.geometry.at(search_size), self.device).flatten(1)
        return self._points[search_size]

    def _upload(self, *patches: NDArray[np.uint8]) -> Tensor:
        joined = patches[0][None] if len(patches) == 1 else np.stack(patches)
        # The picture's own layout is channels-last, so this is a type change and no transposition.
        return torch.from_numpy(joined).to(self.device).permute(0, 3, 1, 2).to(self.dtype)
