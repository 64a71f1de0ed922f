"""Cross-correlation of a search feature map with a template feature map."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def depthwise_correlation(search: Tensor, kernel: Tensor, padding: int = 0) -> Tensor:
    """Channel-by-channel cross-correlation (SiamRPN++ section 3.3; AFSN equation 3: ``R = R_S * R_T``).

    Args:
        search: [B, C, H, W].
        kernel: template features [B, C, h, w].
        padding: zeros added on each side of the search features.

    Returns:
        [B, C, H + 2 padding - h + 1, W + 2 padding - w + 1].
    """
    b, c, h, w = search.shape
    out = F.conv2d(
        search.reshape(1, b * c, h, w),
        kernel.reshape(b * c, 1, *kernel.shape[2:]),
        padding=padding,
        groups=b * c,
    )
    return out.reshape(b, c, *out.shape[2:])


def pixelwise_correlation(search: Tensor, kernel: Tensor) -> Tensor:
    """Every template pixel as a 1x1 kernel over the search features (Alpha-Refine, Yan et al. 2021, section 3.2).

    Args:
        search: [B, C, H, W].
        kernel: template features [B, C, h, w].

    Returns:
        [B, h w, H, W]: channel ``i`` is the search features' inner product with template pixel ``i``.
    """
    b, _, h, w = search.shape
    return torch.bmm(kernel.flatten(2).transpose(1, 2), search.flatten(2)).reshape(b, -1, h, w)
