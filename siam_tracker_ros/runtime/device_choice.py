"""The choice of a point on the device, for several targets at once: ``scoring.choose`` and ``summed_apce`` in torch.

The same formulas as there, in float32, without a copy to the host. The settings are tensors, so that changing them
changes no CUDA graph.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.tracking.scoring import Choice
from siam_tracker_ros.tracking.settings import TrackerSettings

CHOICE_NUMBERS = 7
"""Numbers that say how a target's points are weighed: those of :func:`choice_numbers`."""


def choice_numbers(last: Box, settings: TrackerSettings) -> tuple[float, ...]:
    """The last box's width and height, patch pixels, and the settings that weigh the points."""
    s = settings
    return (last.w, last.h, s.penalty_k, s.window_influence, s.score_power, s.centerness_power, s.box_agreement)


def chosen(rows: Tensor, points: Tensor, window: Tensor, numbers: Tensor) -> Tensor:
    """Each target's best point of those whose values are finite.

    Args:
        rows: from ``SearchPass``, float32 [B, 6 + L, N].
        points: where the response points lie, x and y in patch pixels, [2, N].
        window: cosine windows, [B, N].
        numbers: of :func:`choice_numbers`, [B, 7].

    Returns:
        x, y, w, h of the agreed box in patch pixels, score, penalty, confidence, APCE summed over the levels, and 1
        where there is a finite point, else 0 and nothing but the APCE means anything; float32 [B, 9].
    """
    last_w, last_h, k, influence, score_power, centerness_power, agreement = numbers[:, :, None].unbind(1)  # [B, 1]
    corners = torch.cat((points - rows[:, 2:4], points + rows[:, 4:6]), dim=1)  # x0, y0, x1, y1, [B, 4, N]
    finite = corners.isfinite().all(1) & rows[:, :2].isfinite().all(1)  # [B, N]
    foreground, centerness = rows[:, :2].masked_fill(~finite[:, None], 0.0).unbind(1)
    corners = corners.masked_fill(~finite[:, None], 0.0)
    score = foreground * centerness**centerness_power
    w, h = (corners[:, 2:] - corners[:, :2]).clamp(1e-3, 1e6).unbind(1)
    size = _change(_padded_size(w, h) / _padded_size(last_w, last_h))
    ratio = _change((last_w / last_h) / (w / h))
    penalty = torch.exp(-k * (ratio * size - 1.0))
    total = penalty * score**score_power * (1.0 - influence) + window * influence
    best = total.masked_fill(~finite, -torch.inf).argmax(1, keepdim=True)  # [B, 1], the first of equals
    confidence = foreground * centerness.sqrt()
    return torch.cat(
        (
            _agreed_box(corners, finite, best, agreement),
            *(values.gather(1, best) for values in (score, penalty, confidence)),
            summed_apce(rows[:, 6:])[:, None],
            finite.any(1, keepdim=True).float(),
        ),
        dim=1,
    )


def choice_of(row: NDArray[np.float32]) -> Choice | None:
    """One target's row of :func:`chosen`, [9], on the host; None where no point is finite."""
    x, y, w, h, score, penalty, confidence, _, finite = (float(value) for value in row)
    return Choice(Box(x, y, w, h), score, penalty, confidence) if finite else None


def summed_apce(levels: Tensor) -> Tensor:
    """The APCE (AFSN equation 6) of response maps [B, L, N], summed over the levels, [B]; as ``apce.summed_apce``."""
    low = levels.amin(2)
    energy = (levels - low[..., None]).square().mean(2)
    peak = levels.amax(2) - low
    has_peak = energy.isfinite() & (energy > 0)
    return torch.where(has_peak, peak.square() / energy, torch.zeros_like(energy)).sum(1)


def _change(ratio: Tensor) -> Tensor:
    return torch.maximum(ratio, 1.0 / ratio)


def _padded_size(w: Tensor, h: Tensor) -> Tensor:
    p = (w + h) * 0.5
    return torch.sqrt((w + p) * (h + p))


def _agreed_box(corners: Tensor, counts: Tensor, best: Tensor, agreement: Tensor) -> Tensor:
    """``scoring.agreed_box``: the median of the boxes that agree with the best point's.

    Args:
        corners: x0, y0, x1, y1, finite, [B, 4, N].
        counts: points whose boxes may count, [B, N].
        best: the chosen point, [B, 1].
        agreement: IoU with its box from which a box counts, [B, 1].

    Returns:
        x, y, w, h, [B, 4].
    """
    own = corners.gather(2, best[:, None].expand(-1, 4, -1))  # [B, 4, 1]
    overlap = torch.minimum(corners[:, 2:], own[:, 2:]) - torch.maximum(corners[:, :2], own[:, :2])
    common = _area(overlap)  # [B, N]
    union = _area(corners[:, 2:] - corners[:, :2]) + _area(own[:, 2:] - own[:, :2]) - common
    agrees = counts & (common >= agreement * union) & (common > 0.0) & (agreement < 1.0)
    itself = torch.arange(corners.shape[2], device=corners.device) == best
    agrees = agrees | (itself & ~agrees.any(1, keepdim=True))
    # How many agree is known on the device only: sorted, with all others behind them, their middle is the median.
    ordered = corners.masked_fill(~agrees[:, None], torch.inf).sort(dim=2).values
    count = agrees.sum(1)[:, None, None].expand(-1, 4, -1)  # [B, 4, 1]
    middle = (ordered.gather(2, (count - 1) // 2) + ordered.gather(2, count // 2)) / 2
    x0, y0, x1, y1 = middle.squeeze(2).unbind(1)
    return torch.stack((x0, y0, (x1 - x0).clamp(1e-3, 1e6), (y1 - y0).clamp(1e-3, 1e6)), dim=1)


def _area(sides: Tensor) -> Tensor:
    """Width times height of sides [B, 2, N], 0 where one is negative, [B, N]."""
    w, h = sides.clamp(min=0.0).unbind(1)
    return w * h
