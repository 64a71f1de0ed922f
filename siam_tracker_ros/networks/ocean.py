"""Ocean: object-aware anchor-free network, offline (``ocean_r50``) and with an online branch (``ocean_online_r50``).

Source: Zhang et al., "Ocean: Object-aware Anchor-free Tracking", equations 2, 3, 9, 10 and 11. What the paper leaves
out (a neck before the combination, the softmax over its three weights, scales before exponential and sigmoid) is as in
the authors' public checkpoints. Labels and losses (equations 1, 4 to 8) are the training's; the online branch's filter
and its optimiser are the tracker's, see ``tracking/online.py``.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siam_tracker_ros.geometry import CropRule
from siam_tracker_ros.networks.alignment import FeatureAlignment
from siam_tracker_ros.networks.backbones import ResNet50Stride8, Shortcuts
from siam_tracker_ros.networks.branches import adapting_convolution, central
from siam_tracker_ros.networks.correlation import depthwise_correlation
from siam_tracker_ros.networks.heads import weighted_sum
from siam_tracker_ros.networks.response import Geometry, Response

OBJECT_AWARE_WEIGHT = 0.07  # omega of equation 10 (section 5.1)


class DilatedCombination(nn.Module):
    """Feature combination, Ocean equation 9: ``S = sum_ab Phi_ab(f_e) * Phi_ab(f_s)``.

    Three parallel 3x3 convolutions with dilations (a across, b down) of (1, 1), (1, 2) and (2, 1); the sum is weighted
    by the softmax of three trained numbers.
    """

    def __init__(self, channels: int = 256) -> None:
        super().__init__()
        dilations = ((1, 1), (2, 1), (1, 2))  # down, across
        self.kernel, self.search = (
            nn.ModuleList(adapting_convolution(channels, channels, dilation) for dilation in dilations)
            for _ in range(2)
        )
        self.weight = nn.Parameter(torch.ones(3))

    def kernels(self, feature: Tensor) -> tuple[Tensor, ...]:
        """f_e [B, C, 7, 7] to kernels [B, C, 5, 5], [B, C, 3, 5] and [B, C, 5, 3]."""
        return tuple(phi(feature) for phi in self.kernel)

    def forward(self, kernels: tuple[Tensor, ...], feature: Tensor) -> Tensor:
        """Kernels and f_s [B, C, 31, 31] to S [B, C, 25, 25]."""
        pairs = zip(self.search, kernels, strict=True)
        return weighted_sum(
            self.weight.softmax(0), [depthwise_correlation(phi(feature), kernel) for phi, kernel in pairs]
        )


class Ocean(nn.Module):
    """Ocean on ResNet-50 to stage 4: 127 pixel templates, 255 pixel search patches, 25x25 response maps at stride 8.

    Args:
        shortcuts: ``3x3`` for the authors' checkpoints (and patches cut in whole pixels, as they do), ``1x1`` for
            ImageNet weights of torchvision.
        object_aware: False leaves out equations 2, 3 and 10, as some of the authors' checkpoints do.
    """

    def __init__(self, shortcuts: Shortcuts = "3x3", object_aware: bool = True) -> None:
        super().__init__()
        crop: CropRule = "round" if shortcuts == "3x3" else "exact"
        self.geometry = Geometry(template_size=127, search_size=255, stride=8, map_size=25, crop=crop)
        self.backbone = ResNet50Stride8(shortcuts, stages=3)
        width = 256
        self.neck = nn.Sequential(nn.Conv2d(1024, width, 1, bias=False), nn.BatchNorm2d(width))
        self.score_combination, self.box_combination = DilatedCombination(width), DilatedCombination(width)
        self.score_tower, self.box_tower = tower(width, 4), tower(width, 4)
        self.score = nn.Conv2d(width, 1, 3, padding=1)
        self.box = nn.Conv2d(width, 4, 3, padding=1)
        self.box_scale = nn.Parameter(torch.full((1,), 0.1))
        self.box_bias = nn.Parameter(torch.ones(1, 4, 1, 1))
        self.alignment = FeatureAlignment(width, self.geometry.stride) if object_aware else None
        self.object_score = nn.Conv2d(width, 1, 1) if object_aware else None

    def template(self, patch: Tensor) -> tuple[Tensor, ...]:
        """[B, 3, 127, 127] to f_e: the centre 7x7 of the features, [B, 256, 7, 7]."""
        return (central(self.neck(self.backbone(patch)[-1])),)

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """f_e to the three kernels of the score's combination, then those of the box's."""
        return (*self.score_combination.kernels(features[0]), *self.box_combination.kernels(features[0]))

    def search(self, kernels: tuple[Tensor, ...], patch: Tensor) -> Response:
        """[B, 3, 255, 255] to maps of 25x25, [B, 3, 271, 271] to 27x27."""
        feature = self.neck(self.backbone(patch)[-1])
        return self.localize(kernels, feature, online=feature)

    def localize(self, kernels: tuple[Tensor, ...], feature: Tensor, online: Tensor) -> Response:
        """Kernels and f_s [B, 256, 31, 31] to the response; ``online`` is what the online branch learns on."""
        box_response = self.box_tower(self.box_combination(kernels[3:], feature))
        distances = torch.exp(self.box_scale * self.box(box_response) + self.box_bias)
        regular = 0.1 * self.score(self.score_tower(self.score_combination(kernels[:3], feature)))
        maps, scores, aware = [regular], two_channels(regular), None
        if self.alignment is not None and self.object_score is not None:
            aware = self.object_score(F.relu(self.alignment(box_response, distances)))
            maps, scores = [regular, aware], mixed_logits(aware, regular, OBJECT_AWARE_WEIGHT)
        return Response(
            scores=scores,
            distances=distances,
            centerness=None,
            levels=tuple(two_channels(score) for score in maps),
            features=online,
            level_distances=(distances,) * len(maps) if self.training else (),
            object_aware=aware if self.training else None,
        )


class OceanOnline(Ocean):
    """Ocean with the online branch's own fourth stage (section 4.2): it shares the first three with the backbone."""

    def __init__(self, shortcuts: Shortcuts = "3x3", object_aware: bool = True) -> None:
        super().__init__(shortcuts, object_aware)
        self.online_stage = ResNet50Stride8(shortcuts, stages=3).layer3

    def search(self, kernels: tuple[Tensor, ...], patch: Tensor) -> Response:
        """As Ocean's, with features [B, 1024, 31, 31] of the online stage."""
        shared, last = self.backbone(patch)
        return self.localize(kernels, self.neck(last), online=self.online_stage(shared))


def tower(channels: int, depth: int) -> nn.Sequential:
    """``depth`` times 3x3 convolution, batch normalisation and ReLU."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def two_channels(logit: Tensor) -> Tensor:
    """A foreground logit [B, 1, H, W] as logits of background and foreground, [B, 2, H, W]."""
    return torch.cat((torch.zeros_like(logit), logit), dim=1)


def mixed_logits(aware: Tensor, regular: Tensor, weight: float) -> Tensor:
    """Two-channel logits whose softmax is ``p_cls = omega p_o + (1 - omega) p_r`` (Ocean equation 10).

    Args:
        aware, regular: logits of p_o and p_r, [B, 1, H, W].
        weight: omega, between 0 and 1.

    Returns:
        log(1 - p_cls), log(p_cls), [B, 2, H, W]; exact where a sum of probabilities would have rounded to 0 or 1.
    """
    first, second = math.log(weight), math.log(1 - weight)
    # log(sigmoid(x)) = -softplus(-x), and log(exp(a) + exp(b)) = max(a, b) + softplus(-|a - b|): ONNX has these.
    logits = []
    for sign in (-1, 1):
        a, b = first - F.softplus(-sign * aware), second - F.softplus(-sign * regular)
        logits.append(torch.maximum(a, b) + F.softplus(-(a - b).abs()))
    return torch.cat(logits, dim=1)
