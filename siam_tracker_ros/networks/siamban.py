"""SiamBAN: Siamese box adaptive network (``siamban_r50``).

Source: Chen et al., "Siamese Box Adaptive Network for Visual Tracking", equations 1, 2 and 8. What the paper leaves
out (the softmax over the fusion weights, the scale before the exponential, 3x3 shortcuts) is as in its authors' public
checkpoints. Labels, samples and losses (equations 3 to 7) are the training's, see ``training/targets.py``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from siam_tracker_ros.geometry import CropRule
from siam_tracker_ros.networks.backbones import ResNet50Stride8, Shortcuts
from siam_tracker_ros.networks.branches import BoxAdaptiveHead, LevelHeads, LevelNeck, central
from siam_tracker_ros.networks.heads import weighted_sum
from siam_tracker_ros.networks.response import Geometry, Response


class MultiLevelFusion(nn.Module):
    """Multi-level prediction, SiamBAN equation 2: ``P_cls-all = sum alpha_l P_l``, ``P_reg-all = sum beta_l P_l``.

    The weights are the softmax of trained numbers. A level's distances are ``exp(scale_l P_l)`` before the sum
    (section 3.2: the exponential maps any number to a positive one), patch pixels.
    """

    def __init__(self, levels: int = 3) -> None:
        super().__init__()
        self.alpha, self.beta, self.scale = (nn.Parameter(torch.ones(levels)) for _ in range(3))

    def forward(self, scores: tuple[Tensor, ...], boxes: tuple[Tensor, ...], features: Tensor) -> Response:
        """Levels' scores [B, 2, H, W] and box outputs [B, 4, H, W] to one Response; ``features`` are handed on."""
        distances = tuple(torch.exp(box * scale) for box, scale in zip(boxes, self.scale, strict=True))
        return Response(
            scores=weighted_sum(self.alpha.softmax(0), scores),
            distances=weighted_sum(self.beta.softmax(0), distances),
            centerness=None,
            levels=scores,
            features=features,
            level_distances=distances if self.training else (),
        )


class SiamBAN(nn.Module):
    """SiamBAN on ResNet-50: 127 pixel templates, 255 pixel search patches, 25x25 response maps at stride 8.

    Args:
        shortcuts: ``3x3`` for the authors' checkpoints (and patches cut in whole pixels, as they do), ``1x1`` for
            half the cost and ImageNet weights of torchvision.
    """

    def __init__(self, shortcuts: Shortcuts = "3x3") -> None:
        super().__init__()
        crop: CropRule = "floor" if shortcuts == "3x3" else "exact"
        self.geometry = Geometry(template_size=127, search_size=255, stride=8, map_size=25, crop=crop)
        self.backbone = ResNet50Stride8(shortcuts)
        self.neck = LevelNeck(self.backbone.channels)
        self.heads = LevelHeads(BoxAdaptiveHead() for _ in self.backbone.channels)
        self.fusion = MultiLevelFusion()

    def template(self, patch: Tensor) -> tuple[Tensor, ...]:
        """[B, 3, 127, 127] to the centre 7x7 of each level's features, 256 channels."""
        return tuple(central(level) for level in self.neck(self.backbone(patch)))

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Template features to score and box kernels of each level in turn, [B, 256, 5, 5]."""
        return self.heads.kernels(features)

    def search(self, kernels: tuple[Tensor, ...], patch: Tensor) -> Response:
        """[B, 3, 255, 255] to maps of 25x25: equation 1 on each level, then equation 2."""
        levels = self.neck(self.backbone(patch))
        scores, boxes = self.heads(kernels, levels)
        return self.fusion(scores, boxes, levels[1])
