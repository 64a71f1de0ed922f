"""The terms of AFSN's loss (equations 9, 11, 12)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def balanced_cross_entropy(scores: Tensor, labels: Tensor, hardest: int = 0) -> Tensor:
    """Cross-entropy, the mean over positives plus the mean over negatives, halved (SiamRPN++'s balance).

    Args:
        scores: logits, background then foreground, [B, 2, H, W].
        labels: 1, 0, or -1 for ignored, [B, H, W].
        hardest: count only this many negatives of each sample, those with the highest loss; 0: all of them.
            Most of a search patch is easy ground, whose mean hides the one look-alike.
    """
    loss = F.cross_entropy(scores, labels.clamp(min=0), reduction="none").flatten(1)
    positive, negative = labels.flatten(1) == 1, labels.flatten(1) == 0
    terms = [loss[positive].mean()] if positive.any() else []
    if negative.any():
        if hardest:
            top = torch.where(negative, loss, -torch.ones_like(loss)).topk(min(hardest, loss.shape[1]), dim=1).values
            terms.append(top[top >= 0].mean())
        else:
            terms.append(loss[negative].mean())
    return torch.stack(terms).sum() / 2 if terms else scores.sum() * 0


def iou_of_distances(predicted: Tensor, target: Tensor) -> Tensor:
    """IoU of two boxes that contain the same point, from their distances to its sides [..., 4] (l, t, r, b)."""
    width = torch.minimum(predicted[..., 0], target[..., 0]) + torch.minimum(predicted[..., 2], target[..., 2])
    height = torch.minimum(predicted[..., 1], target[..., 1]) + torch.minimum(predicted[..., 3], target[..., 3])
    intersection = width.clamp(min=0) * height.clamp(min=0)
    area = (predicted[..., 0] + predicted[..., 2]) * (predicted[..., 1] + predicted[..., 3])
    union = area + (target[..., 0] + target[..., 2]) * (target[..., 1] + target[..., 3]) - intersection
    return intersection / union.clamp(min=1e-6)


def iou_loss(predicted: Tensor, target: Tensor, positive: Tensor) -> Tensor:
    """AFSN equation 9 with ``L_IOU = 1 - IoU``: the mean over positive points.

    Args:
        predicted, target: distances, [B, 4, H, W].
        positive: bool [B, H, W].
    """
    if not positive.any():
        return predicted.sum() * 0
    return (1 - iou_of_distances(predicted.movedim(1, -1)[positive], target.movedim(1, -1)[positive])).mean()


def centerness_loss(logits: Tensor, target: Tensor, positive: Tensor) -> Tensor:
    """AFSN equation 11: binary cross-entropy with the centre-ness, the mean over positive points.

    Args:
        logits, target: [B, 1, H, W].
        positive: bool [B, H, W].
    """
    if not positive.any():
        return logits.sum() * 0
    return F.binary_cross_entropy_with_logits(logits[:, 0][positive], target[:, 0][positive])
