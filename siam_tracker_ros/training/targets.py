"""Labels of the response map's points: positive or not, distances to the box's sides, centre-ness."""

from __future__ import annotations

import torch
from torch import Tensor


def box_distances(points: Tensor, boxes: Tensor) -> Tensor:
    """AFSN equation 8: ``l = x - x0, t = y - y0, r = x1 - x, b = y1 - y``.

    Args:
        points: x, y in patch pixels, [2, H, W].
        boxes: x0, y0, x1, y1 in patch pixels, [B, 4].

    Returns:
        [B, 4, H, W]; all positive exactly where the point lies inside the box.
    """
    x, y = points[0], points[1]
    x0, y0, x1, y1 = (boxes[:, i, None, None] for i in range(4))
    return torch.stack((x - x0, y - y0, x1 - x, y1 - y), dim=1)


def centerness(distances: Tensor) -> Tensor:
    """AFSN equation 10: ``sqrt(min(l, r) / max(l, r) * min(t, b) / max(t, b))``, 0 outside the box.

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
    """AFSN section 3.2: a point in the box is positive (1), every other negative (0). [B, 4, H, W] to [B, H, W]."""
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
