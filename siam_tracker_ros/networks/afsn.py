"""AFSN: anchor-free Siamese network with dual fusion (``afsn_r50``).

Source: "Anchor-Free Siamese Network Based on Multi-Template Updates for Object Tracking", equations 1 to 5. The
multi-template update (equations 6 and 7) is the tracker's, see ``tracking/templates.py`` and ``tracking/apce.py``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from siam_tracker_ros.networks.backbones import ResNet50Stride8
from siam_tracker_ros.networks.branches import LevelNeck, central
from siam_tracker_ros.networks.correlation import depthwise_correlation
from siam_tracker_ros.networks.heads import PredictionFusion, PredictionSubnetwork, convolution_tower
from siam_tracker_ros.networks.response import Geometry, Response


def concatenate_levels(r2: Tensor, r3: Tensor, r4: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Feature fusion: ``R~3 = Cat(R4, R3)`` (equation 1), ``R~2 = Cat(R~3, R2)`` (equation 2).

    Args:
        r2, r3, r4: [B, C_l, H, W].

    Returns:
        R~2 [B, C_4 + C_3 + C_2, H, W], R~3 [B, C_4 + C_3, H, W], R4, shallow to deep.
    """
    fused3 = torch.cat((r4, r3), dim=1)
    return torch.cat((fused3, r2), dim=1), fused3, r4


class AFSN(nn.Module):
    """AFSN on ResNet-50: 127 pixel templates, 255 pixel search patches, 25x25 response maps at stride 8."""

    geometry = Geometry(template_size=127, search_size=255, stride=8, map_size=25)
    width = 256

    def __init__(self) -> None:
        super().__init__()
        self.backbone = ResNet50Stride8()
        self.neck = LevelNeck(self.backbone.channels, self.width)
        # The response maps are 3, 2 and 1 times 256 wide; a 1x1 convolution brings each to 256 (below equation 3).
        self.reduce = nn.ModuleList(nn.Conv2d(n * self.width, self.width, 1) for n in (3, 2, 1))
        # The paper gives no depth of the two branches; one 3x3 each keeps a search at 54 GFLOP.
        self.heads = nn.ModuleList(
            PredictionSubnetwork(self.width, convolution_tower(self.width, 1), convolution_tower(self.width, 1))
            for _ in range(3)
        )
        self.fusion = PredictionFusion((1 / 3, 1 / 3, 1 / 3), unit=self.geometry.stride)

    def features(self, patch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Patch [B, 3, S, S] to R~2 [B, 768, s, s], R~3 [B, 512, s, s], R4 [B, 256, s, s] (equations 1, 2)."""
        r2, r3, r4 = self.neck(self.backbone(patch))
        return concatenate_levels(r2, r3, r4)

    def template(self, patch: Tensor) -> tuple[Tensor, ...]:
        """[B, 3, 127, 127] to the centre 7x7 of R~2, 768 channels, the first of which are R~3 and R4."""
        return (central(self.features(patch)[0]),)

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The template features are the correlation's kernels (equation 3)."""
        return features

    def search(self, kernels: tuple[Tensor, ...], patch: Tensor) -> Response:
        """[B, 3, 255, 255] to maps of 25x25: equation 3, the three subnetworks, equation 5."""
        scores, centers, boxes = [], [], []
        features = self.features(patch)
        # Channel by channel, and R~3 and R4 are the first channels of R~2: so are their correlations.
        correlated = depthwise_correlation(features[0], kernels[0])  # [B, 768, 25, 25]
        for level, reduce, head in zip(features, self.reduce, self.heads, strict=True):
            response = reduce(correlated[:, : level.shape[1]])  # [B, 256, 25, 25]
            score, center, box = head(response, response)
            scores.append(score)
            centers.append(center)
            boxes.append(box)
        return self.fusion(tuple(scores), tuple(centers), tuple(boxes), features[-1])
