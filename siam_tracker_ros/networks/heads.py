"""Anchor-free prediction: classification, centre-ness and distances per point of the response map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from siam_tracker_ros.networks.correlation import pixelwise_correlation
from siam_tracker_ros.networks.response import Response


class PredictionFusion(nn.Module):
    """Weighted sums of the levels' outputs, weights trained: AFSN equation 5, SAE equation 8, HNE equation 9.

    ``C_all = sum alpha_l C_l``, ``R_all = sum beta_l R_l``, ``Cen_all = sum lambda_l Cen_l``. Distances are fused as
    logarithms (``R_l`` is the regression branch's own output) and become pixels by ``exp(R_all) * unit``.

    Args:
        start: the weights' initial values, one a level.
        unit: pixels that a log-distance of 0 means.
        centerness: whether the levels have a centre-ness (SAE's have none).
    """

    def __init__(self, start: tuple[float, ...], unit: float = 1.0, centerness: bool = True) -> None:
        super().__init__()
        self.unit = unit
        self.alpha = nn.Parameter(torch.tensor(start))
        self.beta = nn.Parameter(torch.tensor(start))
        self.lamda = nn.Parameter(torch.tensor(start)) if centerness else None

    def forward(
        self,
        scores: tuple[Tensor, ...],
        centers: tuple[Tensor, ...],
        boxes: tuple[Tensor, ...],
        features: Tensor,
    ) -> Response:
        """Levels' scores [B, 2, H, W], centre-ness [B, 1, H, W], log-distances [B, 4, H, W] to one Response.

        ``centers`` is empty where the levels have no centre-ness; ``features`` [B, C, h, w] are handed on.
        """
        return Response(
            scores=weighted_sum(self.alpha, scores),
            distances=torch.exp(weighted_sum(self.beta, boxes)) * self.unit,
            centerness=None if self.lamda is None else weighted_sum(self.lamda, centers),
            levels=scores,
            features=features,
            level_distances=tuple(torch.exp(box) * self.unit for box in boxes) if self.training else (),
        )


def weighted_sum(weights: Tensor, outputs: Sequence[Tensor]) -> Tensor:
    """``sum weights[l] outputs[l]`` of L tensors of one shape; weights [L]."""
    total = outputs[0] * weights[0]
    for i in range(1, len(outputs)):
        total = total + outputs[i] * weights[i]
    return total


def convolution_tower(channels: int, depth: int, width: int | None = None) -> nn.Sequential:
    """``depth`` times 3x3 convolution, group normalisation and ReLU, as FCOS (Tian et al. 2019) builds its towers.

    Args:
        channels: of the input.
        width: of every layer's output, a multiple of 32; ``channels`` by default.
    """
    width = width or channels
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [
            nn.Conv2d(width if i else channels, width, 3, padding=1),
            nn.GroupNorm(32, width),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def separable_tower(channels: int, depth: int) -> nn.Sequential:
    """``depth`` times depthwise 3x3 + BN + ReLU6 and pointwise 1x1 + BN: the mobile tower."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU6(inplace=True),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        ]
    return nn.Sequential(*layers)


class PredictionSubnetwork(nn.Module):
    """AFSN's prediction subnetwork (section 3.2, figure 2) on one level's response map.

    A classification tower ends in the 2-channel score and, in parallel, the centre-ness; a regression tower ends in
    the four distances, as logarithms in units of the stride.
    """

    def __init__(self, channels: int, classification: nn.Module, regression: nn.Module) -> None:
        super().__init__()
        self.classification, self.regression = classification, regression
        self.score = nn.Conv2d(channels, 2, 1)
        self.centerness = nn.Conv2d(channels, 1, 1)
        self.distance = nn.Conv2d(channels, 4, 1)

    def forward(self, score_response: Tensor, box_response: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Response maps [B, C, H, W] to score [B, 2, H, W], centre-ness [B, 1, H, W], log-distances [B, 4, H, W]."""
        c = self.classification(score_response)
        return self.score(c), self.centerness(c), self.distance(self.regression(box_response))


class PixelwiseResponse(nn.Module):
    """Pixel-wise correlation re-weighted by channel attention and brought from 16x16 to 15x15.

    Each of the 64 channels is the answer of one template pixel; the attention says which pixels of the template are
    the target's and not its background's.
    """

    def __init__(self, pixels: int = 64) -> None:
        super().__init__()
        self.attention = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(pixels, pixels, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(pixels, pixels, 1),
            nn.Sigmoid(),
        )
        self.mix = nn.Sequential(
            nn.Conv2d(pixels, pixels, 2, groups=pixels, bias=False),
            nn.BatchNorm2d(pixels),
            nn.ReLU6(inplace=True),
            nn.Conv2d(pixels, pixels, 1),
            nn.BatchNorm2d(pixels),
        )

    def forward(self, search: Tensor, kernel: Tensor) -> Tensor:
        """Search [B, C, 16, 16] and kernel [B, C, 8, 8] to [B, 64, 15, 15]."""
        response = pixelwise_correlation(search, kernel)
        return self.mix(response * self.attention(response))
