"""What every network of the zoo takes and gives, so that the tracker knows no network's name."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from siam_tracker_ros.geometry import CropRule


@dataclass(frozen=True)
class Geometry:
    """Sizes that the tracker needs of a network, in patch pixels.

    Attributes:
        template_size: side of the template patch.
        search_size: side of the search patch.
        stride: distance between two neighbouring points of the response map (equation 4 of AFSN: ``s``).
        map_size: side of the response map, points.
        crop: how patches are cut; not ``exact`` for networks whose authors cut them otherwise.
    """

    template_size: int
    search_size: int
    stride: int
    map_size: int
    crop: CropRule = "exact"

    def at(self, search_size: int) -> Geometry:
        """The same for search patches of another side, pixels, rounded to the nearest that keeps the map centred."""
        double = 2 * self.stride
        steps = max(round((search_size - self.search_size) / double), -((self.map_size - 3) // 2))
        return dataclasses.replace(
            self, search_size=self.search_size + steps * double, map_size=self.map_size + 2 * steps
        )


@dataclass(frozen=True)
class Response:
    """A search patch's answer; H = W = ``Geometry.map_size``.

    Attributes:
        scores: classification logits, background then foreground, [B, 2, H, W].
        distances: l, t, r, b from the point to the box's sides, patch pixels, positive, [B, 4, H, W].
        centerness: centre-ness logit, [B, 1, H, W]; None for networks that have none.
        levels: each level's own classification logits [B, 2, H, W], shallow to deep, for APCE and deep supervision.
        features: the search patch's features that the online branch learns on, [B, C, h, w].
        level_distances: each level's own distances [B, 4, H, W], filled while training only.
        object_aware: Ocean's object-aware logit, [B, 1, H, W], filled while training only; ``levels[0]`` is the
            regular one, which has another label.
    """

    scores: Tensor
    distances: Tensor
    centerness: Tensor | None
    levels: tuple[Tensor, ...]
    features: Tensor
    level_distances: tuple[Tensor, ...] = ()
    object_aware: Tensor | None = None


class SiameseNetwork(Protocol):
    """The three methods that the tracker calls. A template is prepared once; a frame costs one ``search``."""

    geometry: Geometry

    def template(self, patch: Tensor) -> tuple[Tensor, ...]:
        """Template patch [B, 3, T, T] (BGR, 0..255) to the features R_T of each level, which equation 7 blends."""
        ...

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Template features to what the correlation needs of them; cached until the template changes."""
        ...

    def search(self, kernels: tuple[Tensor, ...], patch: Tensor) -> Response:
        """Search patch [B, 3, S, S] (BGR, 0..255) and cached kernels to the response, S as ``Geometry.at`` allows."""
        ...


def point_grid(geometry: Geometry, device: torch.device | str = "cpu") -> Tensor:
    """Where each response point lies in the search patch: x, y in patch pixels, [2, H, W].

    AFSN equation 4 maps point (i, j) to (s/2 + i s, s/2 + j s); the offset is the paper's for a map that covers the
    whole patch. The map here is the patch less the template's reach, so the offset is what puts the map's middle
    point on the patch's middle.
    """
    g = geometry
    first = g.search_size / 2 - (g.map_size - 1) / 2 * g.stride
    line = first + g.stride * torch.arange(g.map_size, dtype=torch.float32, device=device)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack((x, y))  # [2, H, W]
