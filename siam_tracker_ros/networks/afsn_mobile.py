"""The embedded default ``afsn_mobile``: AFSN's design on MobileNetV3-small, for two CPU cores at camera rate.

As AFSN: three levels fused by concatenation (equations 1, 2), depthwise correlation at each (equation 3), an
anchor-free subnetwork with centre-ness at each (section 3.2), a trained weighted sum of the three (equation 5).
Not as AFSN: the deepest level's response also holds a pixel-wise correlation, and its convolutions are separable,
which is the head of NanoTrack v3 (HonglinChu/SiamTrackers, Apache-2.0), whose public weights the training starts from.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from siam_tracker_ros.networks.afsn import concatenate_levels
from siam_tracker_ros.networks.backbones import MobileNetV3Stride16
from siam_tracker_ros.networks.correlation import depthwise_correlation
from siam_tracker_ros.networks.heads import (
    PixelwiseResponse,
    PredictionFusion,
    PredictionSubnetwork,
    separable_tower,
)
from siam_tracker_ros.networks.response import Geometry, Response


def pointwise(inputs: int, outputs: int) -> nn.Sequential:
    """1x1 convolution and batch normalisation."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs))


class DeepCorrelation(nn.Module):
    """The deepest level's response for one branch: depthwise and pixel-wise correlation side by side."""

    def __init__(self, channels: int = 96, pixels: int = 64) -> None:
        super().__init__()
        self.depthwise_kernel = pointwise(channels, channels)
        self.depthwise_search = pointwise(channels, channels)
        self.pixelwise_kernel = pointwise(channels, channels)
        self.pixelwise_search = pointwise(channels, channels)
        self.pixelwise = PixelwiseResponse(pixels)
        self.reduce = nn.Conv2d(channels + pixels, channels, 1)

    def kernels(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        """R4 of the template [B, 96, 8, 8] to the pixel-wise kernel [B, 96, 8, 8] and depthwise [B, 96, 4, 4]."""
        return self.pixelwise_kernel(feature), self.depthwise_kernel(feature[:, :, 2:6, 2:6])

    def forward(self, kernels: tuple[Tensor, Tensor], search: Tensor) -> Tensor:
        """R4 of the search patch [B, 96, 16, 16] to [B, 96, 15, 15]."""
        pixelwise = self.pixelwise(self.pixelwise_search(search), kernels[0])
        depthwise = depthwise_correlation(self.depthwise_search(search), kernels[1], padding=1)
        return self.reduce(torch.cat((pixelwise, depthwise), dim=1))


class AFSNMobile(nn.Module):
    """AFSN on MobileNetV3-small: 127 pixel templates, 255 pixel search patches, 15x15 response maps at stride 16."""

    geometry = Geometry(template_size=127, search_size=255, stride=16, map_size=15)
    width = 48  # channels that levels 2 and 3 add, and of their response

    def __init__(self) -> None:
        super().__init__()
        self.backbone = MobileNetV3Stride16()
        c2, c3, c4 = self.backbone.channels
        self.neck2, self.neck3 = pointwise(c2, self.width), pointwise(c3, self.width)
        self.reduce2, self.reduce3 = (
            nn.Sequential(*pointwise(c4 + n * self.width, self.width), nn.ReLU6(inplace=True)) for n in (2, 1)
        )
        self.head2, self.head3 = (
            PredictionSubnetwork(self.width, separable_tower(self.width, 2), separable_tower(self.width, 2))
            for _ in range(2)
        )
        self.deep_score, self.deep_box = DeepCorrelation(c4), DeepCorrelation(c4)
        self.head4 = PredictionSubnetwork(c4, separable_tower(c4, 6), separable_tower(c4, 6))
        # Levels 2 and 3 begin at weight zero: training starts from what level 4 already knows.
        self.fusion = PredictionFusion((0.0, 0.0, 1.0))

    def features(self, patch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Patch [B, 3, S, S] to R~2 [B, 192, s, s], R~3 [B, 144, s, s], R4 [B, 96, s, s] (equations 1, 2)."""
        r2, r3, r4 = self.backbone(patch)
        return concatenate_levels(self.neck2(r2), self.neck3(r3), r4)

    def template(self, patch: Tensor) -> tuple[Tensor, ...]:
        """[B, 3, 127, 127] to R~2, R~3, R4 of 8x8, 192, 144 and 96 channels."""
        return self.features(patch)

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Centre 4x4 of R~2 and R~3, and the four kernels of R4 (score and box, pixel-wise and depthwise)."""
        r2, r3, r4 = features
        centre = slice(2, 6)
        return (
            r2[:, :, centre, centre].contiguous(),
            r3[:, :, centre, centre].contiguous(),
            *self.deep_score.kernels(r4),
            *self.deep_box.kernels(r4),
        )

    def search(self, kernels: tuple[Tensor, ...], patch: Tensor) -> Response:
        """[B, 3, 255, 255] to maps of 15x15."""
        k2, k3, score_pixelwise, score_depthwise, box_pixelwise, box_depthwise = kernels
        r2, r3, r4 = self.features(patch)
        response2 = self.reduce2(depthwise_correlation(r2, k2, padding=1))  # [B, 48, 15, 15]
        response3 = self.reduce3(depthwise_correlation(r3, k3, padding=1))  # [B, 48, 15, 15]
        score_response = self.deep_score((score_pixelwise, score_depthwise), r4)  # [B, 96, 15, 15]
        box_response = self.deep_box((box_pixelwise, box_depthwise), r4)  # [B, 96, 15, 15]
        outputs = (
            self.head2(response2, response2),
            self.head3(response3, response3),
            self.head4(score_response, box_response),
        )
        scores, centers, boxes = zip(*outputs, strict=True)
        return self.fusion(scores, centers, boxes, r4)
