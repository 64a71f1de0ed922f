"""The losses of the five papers on the response map.

None of them leaves out a part of the graph for what a batch happens to hold: without a positive point a term is zero
and still reaches its parameters, so that several processes wait for the same gradients.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from siam_tracker_ros.training.targets import iou_of_distances


def balanced_cross_entropy(scores: Tensor, labels: Tensor, hardest: int = 0) -> Tensor:
    """Cross-entropy, the mean over positives plus the mean over negatives, halved (SiamRPN++'s balance).

    AFSN, SAE (which calls it binary) and SiamBAN name the loss and no balance: without one the background, most of the
    map, would be most of the loss.

    Args:
        scores: logits, background then foreground, [B, 2, H, W].
        labels: 1, 0, or -1 for ignored, [B, H, W].
        hardest: count only this many negatives of each sample, those with the highest loss; 0: all of them.
            Most of a search patch is easy ground, whose mean hides the one look-alike.
    """
    loss = F.cross_entropy(scores, labels.clamp(min=0), reduction="none").flatten(1)
    positive, negative = labels.flatten(1) == 1, labels.flatten(1) == 0
    if 0 < hardest < loss.shape[1]:
        top = torch.where(negative, loss, -1.0).topk(hardest, dim=1).values
        ground = _mean_where(top, top >= 0)
    else:
        ground = _mean_where(loss, negative)
    return (_mean_where(loss, positive) + ground) / 2


def focal_loss(scores: Tensor, labels: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """HNE section 3.4: focal loss (Lin et al. 2017), summed over the points and divided by the number of positives.

    HNE gives no alpha, gamma and divisor; these are Lin et al.'s. A pair counts as one positive at least, so that a
    batch that shows no target weighs no hundred times as much as another.

    Args:
        scores: logits, background then foreground, [B, 2, H, W].
        labels: 1, 0, or -1 for ignored, [B, H, W].
    """
    loss = sigmoid_focal_loss(scores[:, 1] - scores[:, 0], labels.clamp(min=0).to(scores.dtype), alpha, gamma)
    positives = (labels == 1).sum().clamp(min=len(labels))
    return torch.where(labels >= 0, loss, 0.0).sum() / positives


def iou_loss(predicted: Tensor, target: Tensor, points: Tensor, form: Literal["linear", "log"] = "linear") -> Tensor:
    """The box's loss, the mean over the points that regress it.

    ``linear``: 1 - IoU (AFSN equation 9, SAE 10, SiamBAN 7). ``log``: -ln IoU (HNE equation 7; Ocean's equation 4 has
    the sum, which would weigh large targets more than its lambdas say: the mean here too).

    Args:
        predicted, target: l, t, r, b, patch pixels, [B, 4, H, W].
        points: which count, bool [B, H, W].
    """
    # Other points hold what nobody asked for, whose gradient could be infinite: they are out before the division.
    iou = iou_of_distances(torch.where(points[:, None], predicted, 1.0), torch.where(points[:, None], target, 1.0))
    return _mean_where(1 - iou if form == "linear" else -iou.clamp(min=1e-6).log(), points)


def centerness_loss(logits: Tensor, target: Tensor, inside: Tensor, outside: Tensor | None = None) -> Tensor:
    """AFSN equation 11, HNE section 3.4: binary cross-entropy with the centre-ness, over the number of points inside.

    AFSN's equation 11 sums over every point, those outside of the box towards 0; its text around it can be read both
    ways. HNE says 0 outside. FCOS, from which both take the branch, trains it inside alone.

    Args:
        logits, target: [B, 1, H, W].
        inside: points in the box, bool [B, H, W].
        outside: other points that count, bool [B, H, W]; None: none.
    """
    loss = F.binary_cross_entropy_with_logits(logits[:, 0], target[:, 0], reduction="none")
    counted = inside if outside is None else inside | outside
    return torch.where(counted, loss, 0.0).sum() / inside.sum().clamp(min=1)


def object_aware_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Ocean equation 5: binary cross-entropy with the IoU of each point's box.

    The paper sums over the points; here the mean over those whose box meets the target plus the mean over the others,
    halved, as in :func:`balanced_cross_entropy`.

    Args:
        logits: [B, 1, H, W].
        target: 0..1, [B, H, W].
    """
    loss = F.binary_cross_entropy_with_logits(logits[:, 0], target, reduction="none")
    return (_mean_where(loss, target > 0) + _mean_where(loss, target == 0)) / 2


def contrastive_loss(distances: Tensor, same: Tensor, margin: float = 2.0) -> Tensor:
    """HNE equation 6: ``1/N sum [y d^2 + (1 - y) max(0, m - d)^2]``.

    Args:
        distances: d, Euclidean, of each region's vector to its exemplar's, [N].
        same: y, whether the region is the exemplar's object, bool [N].
        margin: m.
    """
    return _mean(torch.where(same, distances**2, (margin - distances).clamp(min=0) ** 2))


def _mean_where(values: Tensor, where: Tensor) -> Tensor:
    """The mean of the values that ``where`` names; 0, with a gradient of zeros, if it names none."""
    return torch.where(where, values, 0.0).sum() / where.sum().clamp(min=1)


def _mean(values: Tensor) -> Tensor:
    return values.sum() / max(values.numel(), 1)
