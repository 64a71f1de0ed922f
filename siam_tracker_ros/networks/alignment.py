"""Feature alignment: a convolution that samples where the predicted box lies."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FeatureAlignment(nn.Module):
    """A 3x3 convolution whose grid is stretched over each point's predicted box (Ocean equations 2 and 3).

    ``f[u] = sum_g w[g] x[u + g + dt]``, where ``u + g + dt`` are the box's corners, sides' middles and centre; samples
    are bilinear, zero outside the map. As in the authors' checkpoints a box is one pixel wider than ``l + r`` and its
    centre half a pixel up-left: they count pixels from 0 and measure from the middle of an odd patch.

    Args:
        channels: of the input and output.
        stride: patch pixels between two neighbouring points.
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.weight = nn.Parameter(torch.empty(channels, channels, 3, 3))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def forward(self, x: Tensor, distances: Tensor) -> Tensor:
        """Features [B, C, H, W] and l, t, r, b in patch pixels [B, 4, H, W] to [B, C, H, W]."""
        b, c, h, w = x.shape
        left, top, right, bottom = distances.unbind(1)  # [B, H, W]
        columns, rows = self._samples(left, right, w, across=True), self._samples(top, bottom, h, across=False)
        grid = torch.stack((2 * columns / (w - 1) - 1, 2 * rows / (h - 1) - 1), dim=-1)  # [B, 9, H, W, 2]
        samples = F.grid_sample(x, grid.reshape(b, 9 * h, w, 2), align_corners=True)  # zeros outside
        samples = samples.reshape(b, c * 9, h * w)
        return (self.weight.flatten(1) @ samples).reshape(b, -1, h, w)

    def _samples(self, before: Tensor, after: Tensor, count: int, across: bool) -> Tensor:
        """Columns (or rows) of the nine samples of every point, in map points, [B, 9, H, W]."""
        line = torch.arange(count, dtype=before.dtype, device=before.device)
        place = line[None, None, :] if across else line[None, :, None]
        center = place + ((after - before) / 2 - 0.5) / self.stride  # [B, H, W]
        reach = (before + after + 1) / (2 * self.stride)
        step = torch.arange(-1, 2, dtype=before.dtype, device=before.device)
        steps = step.repeat(3) if across else step.repeat_interleave(3)  # the kernel's columns, rows
        return center[:, None] + steps[None, :, None, None] * reach[:, None]
