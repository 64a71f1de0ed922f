"""Labels of the response map's points: positive or not, distances to the box's sides, centre-ness."""

from __future__ import annotations

import torch
from torch import Tensor

from siam_tracker_ros.training.recipe_loss import LabelRecipe


def box_distances(points: Tensor, boxes: Tensor) -> Tensor:
    """``l = x - x0, t = y - y0, r = x1 - x, b = y1 - y`` (AFSN 8, SAE 9, SiamBAN 5, Ocean 1, HNE 3).

    Args:
        points: x, y in patch pixels, [2, H, W].
        boxes: x0, y0, x1, y1 in patch pixels, [B, 4].

    Returns:
        [B, 4, H, W]; all positive exactly where the point lies inside the box. (HNE prints ``r = X + x1`` and
        ``b = Y - y1``, which are no distances; its figure shows these.)
    """
    x, y = points[0], points[1]
    x0, y0, x1, y1 = (boxes[:, i, None, None] for i in range(4))
    return torch.stack((x - x0, y - y0, x1 - x, y1 - y), dim=1)


def centerness(distances: Tensor) -> Tensor:
    """``sqrt(min(l, r) / max(l, r) * min(t, b) / max(t, b))``, 0 outside the box (AFSN 10, HNE 4).

    Args:
        distances: l, t, r, b [B, 4, H, W].

    Returns:
        0..1, 1 at the box's centre, [B, 1, H, W].
    """
    left, top, right, bottom = distances.clamp(min=0).unbind(1)
    horizontal = torch.minimum(left, right) / torch.maximum(left, right).clamp(min=1e-6)
    vertical = torch.minimum(top, bottom) / torch.maximum(top, bottom).clamp(min=1e-6)
    return (horizontal * vertical).sqrt()[:, None]


def inside_labels(distances: Tensor) -> Tensor:
    """A point in the box is positive (1), every other negative (0): AFSN section 3.2, SAE above equation 9, HNE
    section 3.2. l, t, r, b [B, 4, H, W] to [B, H, W]."""
    return (distances.amin(dim=1) > 0).long()


def ellipse_labels(points: Tensor, boxes: Tensor) -> Tensor:
    """SiamBAN section 3.3: positive (1) inside the ellipse of half the box's axes, negative (0) outside the box's
    inscribed ellipse, ignored (-1) between.

    Args:
        points: [2, H, W]. boxes: x0, y0, x1, y1 [B, 4].

    Returns:
        [B, H, W], -1, 0 or 1.
    """
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = ((boxes[:, 2:] - boxes[:, :2]) / 2).clamp(min=1e-6)
    offset = (points[None] - centre[:, :, None, None]) / half[:, :, None, None]
    radius = (offset**2).sum(1)  # 1 on the inscribed ellipse, 1/4 on the inner one
    labels = torch.full(radius.shape, -1, dtype=torch.long, device=points.device)
    labels[radius > 1] = 0
    labels[radius < 0.25] = 1
    return labels


def disc_labels(points: Tensor, boxes: Tensor, radius: float) -> Tensor:
    """Ocean equation 7: positive (1) within ``radius`` patch pixels of the box's centre, else negative (0).

    The equation knows no box, so that the disc of a small target reaches over its sides; as printed.

    Args:
        points: [2, H, W]. boxes: x0, y0, x1, y1 [B, 4].

    Returns:
        [B, H, W], 0 or 1.
    """
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    return ((points[None] - centre[:, :, None, None]).norm(dim=1) <= radius).long()


def labels_of(recipe: LabelRecipe, points: Tensor, boxes: Tensor) -> Tensor:
    """The labels of pairs that show the target, before points are drawn from them.

    Args:
        points: x, y in patch pixels, [2, H, W].
        boxes: x0, y0, x1, y1 in patch pixels, [B, 4].

    Returns:
        1 positive, 0 negative, -1 ignored, [B, H, W].
    """
    if recipe.kind == "ellipse":
        return ellipse_labels(points, boxes)
    if recipe.kind == "disc":
        return disc_labels(points, boxes, recipe.radius)
    return inside_labels(box_distances(points, boxes))


def draw_points(labels: Tensor, most_positive: int, most_negative: int, index: Tensor) -> Tensor:
    """Keep at most so many positive and negative points of each pair and ignore the rest (SiamBAN section 3.5).

    The paper does not say which; they are drawn evenly, by the pair's number alone, so that a run that goes on after
    an interrupt draws the same.

    Args:
        labels: 1, 0 or -1, [B, H, W].
        most_positive, most_negative: 0 keeps all.
        index: the pairs' numbers, [B].

    Returns:
        Labels with -1 where a point was not drawn, [B, H, W].
    """
    if not (most_positive or most_negative):
        return labels
    flat = labels.flatten(1)
    order = uniform(index, flat.shape[1]).to(labels.device)
    kept = flat.clone()
    for value, most in ((1, most_positive), (0, most_negative)):
        if 0 < most < flat.shape[1]:
            rank = torch.where(flat == value, order, 2.0).argsort(1).argsort(1)  # the points of this label first
            kept[(flat == value) & (rank >= most)] = -1
    return kept.view_as(labels)


def uniform(index: Tensor, count: int) -> Tensor:
    """``count`` numbers from 0 to 1 for each pair, from its number alone: [B] to [B, count], on the host."""
    rows = [torch.rand(count, generator=torch.Generator().manual_seed(number)) for number in index.tolist()]
    return torch.stack(rows)


def iou_of_distances(predicted: Tensor, target: Tensor) -> Tensor:
    """IoU of two boxes from one point's distances to their sides, negative ones too where the point lies outside.

    Args:
        predicted, target: l, t, r, b, [B, 4, ...].

    Returns:
        0..1, [B, ...].
    """
    shared = torch.minimum(predicted, target)
    overlap = (shared[:, 0] + shared[:, 2]).clamp(min=0) * (shared[:, 1] + shared[:, 3]).clamp(min=0)
    areas = [(d[:, 0] + d[:, 2]) * (d[:, 1] + d[:, 3]) for d in (predicted, target)]
    return overlap / (areas[0] + areas[1] - overlap).clamp(min=1e-6)


def object_aware_labels(predicted: Tensor, target: Tensor, shown: Tensor) -> Tensor:
    """Ocean section 3.3: a point's label is the IoU of its own predicted box with the truth, in or out of the box.

    Args:
        predicted, target: l, t, r, b, patch pixels, [B, 4, H, W]. The prediction is taken as it is: no gradient
            flows through a label.
        shown: bool [B], whether the search patch shows the target; all labels are 0 where it does not.

    Returns:
        0..1, [B, H, W].
    """
    return iou_of_distances(predicted.detach(), target) * shown[:, None, None]
