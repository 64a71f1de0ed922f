"""Siamese anchor-free tracking with multiscale spatial attention (``siam_sae_r50``).

Source: "Siamese anchor-free object tracking with multiscale spatial attentions" (SAE), equations 1 to 8. Labels and
losses (equations 9 to 12) are the training's.
"""

from __future__ import annotations

from torch import Tensor, nn

from siam_tracker_ros.networks.attention import SpatialAttentionExtraction
from siam_tracker_ros.networks.backbones import ResNet50Stride8
from siam_tracker_ros.networks.branches import BoxAdaptiveHead, LevelHeads, LevelNeck, central
from siam_tracker_ros.networks.heads import PredictionFusion
from siam_tracker_ros.networks.response import Geometry, Response


class SiamSAE(nn.Module):
    """SAE on ResNet-50: 127 pixel templates, 255 pixel search patches, 25x25 response maps at stride 8."""

    geometry = Geometry(template_size=127, search_size=255, stride=8, map_size=25)

    def __init__(self) -> None:
        super().__init__()
        self.backbone = ResNet50Stride8()
        self.neck = LevelNeck(self.backbone.channels)
        self.attention = nn.ModuleList(SpatialAttentionExtraction() for _ in self.backbone.channels)
        self.heads = LevelHeads(BoxAdaptiveHead() for _ in self.backbone.channels)
        self.fusion = PredictionFusion((1 / 3, 1 / 3, 1 / 3), unit=self.geometry.stride, centerness=False)

    def template(self, patch: Tensor) -> tuple[Tensor, ...]:
        """[B, 3, 127, 127] to g(phi(z)): attention within the centre 7x7 of each level (equation 6)."""
        levels = self.neck(self.backbone(patch))
        return tuple(attend(central(level)) for attend, level in zip(self.attention, levels, strict=True))

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """g(phi(z)) to score and box kernels of each level in turn, [B, 256, 5, 5]."""
        return self.heads.kernels(features)

    def search(self, kernels: tuple[Tensor, ...], patch: Tensor) -> Response:
        """[B, 3, 255, 255] to maps of 25x25: equations 6 and 7 on each level, then equation 8."""
        levels = self.neck(self.backbone(patch))
        attended = [attend(level) for attend, level in zip(self.attention, levels, strict=True)]
        scores, boxes = self.heads(kernels, attended)
        return self.fusion(scores, (), boxes, levels[1])
