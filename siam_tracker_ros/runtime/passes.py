"""The three passes of a network from picture to numbers, as every runtime runs them: one place for the decoding."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from siam_tracker_ros.networks.response import SiameseNetwork
from siam_tracker_ros.runtime.device_choice import chosen
from siam_tracker_ros.runtime.protocol import Maps


class _Pass(nn.Module):
    def __init__(self, network: nn.Module, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.network = network
        self.dtype = dtype

    @property
    def _siamese(self) -> SiameseNetwork:
        return cast(SiameseNetwork, self.network)

    def _image(self, patch: Tensor) -> Tensor:
        # A picture's own layout is channels-last, so this is a type change and no transposition. The type first: there
        # are fewer bytes to be moved where a library does transpose.
        return patch.to(self.dtype).permute(0, 3, 1, 2)


class TemplatePass(_Pass):
    """Template patches to features."""

    def forward(self, patch: Tensor) -> tuple[Tensor, ...]:
        """uint8 [B, T, T, 3] to the features of each level, [B, C_l, h, w]."""
        return self._siamese.template(self._image(patch))


class KernelsPass(_Pass):
    """Template features to kernels."""

    def forward(self, *features: Tensor) -> tuple[Tensor, ...]:
        """The features of each level, [B, C_l, h, w], to the kernels."""
        return self._siamese.kernels(features)


class SearchPass(_Pass):
    """Search patches and kernels to the numbers that the tracker reads, in one tensor."""

    def forward(self, patch: Tensor, *kernels: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 [B, S, S, 3] and kernels to rows float32 [B, 6 + L, N], and the features [B, C, h, w].

        The rows are foreground and centre-ness, 0..1, the distances l, t, r, b in patch pixels, and of each of L levels
        the foreground less the background logit; N are the points of the response map, row by row.
        """
        response = self._siamese.search(kernels, self._image(patch))
        score, center = response.scores.flatten(2).float(), response.centerness
        rows = (
            score.softmax(1)[:, 1:],
            torch.ones_like(score[:, :1]) if center is None else center.flatten(2).float().sigmoid(),
            response.distances.flatten(2).float(),
            *((level[:, 1:] - level[:, :1]).flatten(2).float() for level in response.levels),
        )
        return torch.cat(rows, dim=1), response.features


class LookPass(nn.Module):
    """As :class:`SearchPass`, and the choice that is made of its rows.

    Args:
        points: where the response points lie, x and y in patch pixels, [2, N].
    """

    def __init__(self, network: nn.Module, points: Tensor, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.search = SearchPass(network, dtype)
        self.register_buffer("points", points.float())

    def forward(self, patch: Tensor, window: Tensor, numbers: Tensor, *kernels: Tensor) -> tuple[Tensor, ...]:
        """Patches and kernels, cosine windows [B, N], numbers of ``choice_numbers`` [B, 7], all but patches float32.

        Returns:
            :func:`~siam_tracker_ros.runtime.device_choice.chosen` [B, 9], the rows and the features.
        """
        rows, features = self.search(patch, *kernels)
        return chosen(rows, cast(Tensor, self.points), window, numbers), rows, features


def maps_of(rows: NDArray[np.float32], points: NDArray[np.float32], features: Tensor) -> Maps:
    """One patch's maps.

    Args:
        rows: from :class:`SearchPass`, [6 + L, N].
        points: where the response points lie, x and y in patch pixels, [2, N].
        features: [1, C, h, w].
    """
    corners = np.empty((4, rows.shape[1]), np.float32)
    np.subtract(points, rows[2:4], out=corners[:2])
    np.add(points, rows[4:6], out=corners[2:])
    return Maps(rows[0], rows[1], corners.T, rows[6:], features)
