"""Siamese tracker with hard negative samples emphasis (``siam_hne_r50``).

Source: "Hard Negative Samples Emphasis Tracker without Anchors" (HNE), equations 1 and 9. What emphasises
the hard negatives is a loss on an embedding (equation 6): it trains the shared features, so the network is searched
with as if the embedding were not there. Labels and losses (equations 3 to 8) are the training's.
"""

from __future__ import annotations

from torch import Tensor, nn

from siam_tracker_ros.networks.backbones import ResNet50Stride8
from siam_tracker_ros.networks.branches import CorrelationBranch, LevelHeads, LevelNeck, central
from siam_tracker_ros.networks.embedding import RegionEmbedding
from siam_tracker_ros.networks.heads import PredictionFusion, convolution_tower
from siam_tracker_ros.networks.response import Geometry, Response


class FCOSHead(nn.Module):
    """A level's head (figure 3): equation 1 with four 3x3 convolutions in each branch, and a centre-ness sub-branch.

    The paper gives no width of the four convolutions; 96 channels keep a search under 60 GFLOP.
    """

    def __init__(self, channels: int = 256, width: int = 96) -> None:
        super().__init__()
        self.classification = CorrelationBranch(channels, convolution_tower(channels, 4, width))
        self.regression = CorrelationBranch(channels, convolution_tower(channels, 4, width))
        self.score = nn.Conv2d(width, 2, 1)
        self.centerness = nn.Conv2d(width, 1, 1)
        self.distance = nn.Conv2d(width, 4, 1)

    def kernels(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        """phi(z) [B, C, 7, 7] to the kernels of the two branches [B, C, 5, 5]."""
        return self.classification.kernel(feature), self.regression.kernel(feature)

    def forward(self, kernels: tuple[Tensor, Tensor], feature: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Kernels and phi(x) [B, C, 31, 31] to score [B, 2, H, W], centre-ness [B, 1, H, W], distances [B, 4, H, W]."""
        c = self.classification(kernels[0], feature)
        return self.score(c), self.centerness(c), self.distance(self.regression(kernels[1], feature))


class SiamHNE(nn.Module):
    """HNE on ResNet-50: 127 pixel templates, 255 pixel search patches, 25x25 response maps at stride 8."""

    geometry = Geometry(template_size=127, search_size=255, stride=8, map_size=25)

    def __init__(self) -> None:
        super().__init__()
        self.backbone = ResNet50Stride8()
        self.neck = LevelNeck(self.backbone.channels)
        self.heads = LevelHeads(FCOSHead() for _ in self.backbone.channels)
        self.fusion = PredictionFusion((1 / 3, 1 / 3, 1 / 3), unit=self.geometry.stride)
        self.embedding = RegionEmbedding(2 * 256, stride=self.geometry.stride)

    def features(self, patch: Tensor) -> tuple[Tensor, ...]:
        """Patch [B, 3, S, S] to the levels phi_2, phi_3, phi_4, [B, 256, s, s]."""
        return self.neck(self.backbone(patch))

    def template(self, patch: Tensor) -> tuple[Tensor, ...]:
        """[B, 3, 127, 127] to the centre 7x7 of each level's features, 256 channels."""
        return tuple(central(level) for level in self.features(patch))

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Template features to score and box kernels of each level in turn, [B, 256, 5, 5]."""
        return self.heads.kernels(features)

    def search(self, kernels: tuple[Tensor, ...], patch: Tensor) -> Response:
        """[B, 3, 255, 255] to maps of 25x25: equation 1 on each level, then equation 9."""
        return self.localize(kernels, self.features(patch))

    def localize(self, kernels: tuple[Tensor, ...], levels: tuple[Tensor, ...]) -> Response:
        """Kernels and the search patch's features [B, 256, 31, 31] to the response."""
        scores, centers, boxes = self.heads(kernels, levels)
        return self.fusion(scores, centers, boxes, levels[1])

    def embed(self, levels: tuple[Tensor, ...], regions: Tensor, patch_size: int) -> Tensor:
        """The vectors that the contrastive loss compares (section 3.3); ``search`` does not compute them.

        Args:
            levels: ``features`` of template or search patches, [B, 256, s, s].
            regions: index of the patch, x0, y0, x1, y1 in patch pixels, [K, 5].
            patch_size: side of the patches, pixels.

        Returns:
            [K, 256].
        """
        return self.embedding(levels[1:], regions, patch_size)
