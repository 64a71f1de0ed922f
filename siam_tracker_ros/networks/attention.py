"""Spatial attention over a feature map."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SpatialAttentionExtraction(nn.Module):
    """The SAE block: non-local context, squeeze-excitation transform, residual.

    Source: "Siamese anchor-free object tracking with multiscale spatial attentions", equations 2 to 5 and figure 4.
    ``A = softmax_row(m n)`` (2), ``N = r(A s)`` (3), ``z = x + conv(ReLU(BN(conv(N))))`` (4, 5), with 1x1
    convolutions to m, n and s of half the channels.

    Args:
        channels: of the input and output.
        squeeze: by how much the transform's middle is narrower than the context; the paper gives no number.
    """

    def __init__(self, channels: int = 256, squeeze: int = 2) -> None:
        super().__init__()
        half = channels // 2
        self.m, self.n, self.s = (nn.Conv2d(channels, half, 1) for _ in range(3))
        self.transform = nn.Sequential(
            nn.Conv2d(half, half // squeeze, 1, bias=False),
            nn.BatchNorm2d(half // squeeze),
            nn.ReLU(inplace=True),
            nn.Conv2d(half // squeeze, channels, 1),
        )
        # The block begins as the identity, so that what comes before it trains as if it were not there yet.
        for parameter in self.transform[3].parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h, w] to the same, each position with what it draws from all others."""
        b, _, h, w = x.shape
        m, n, s = self.m(x).flatten(2), self.n(x).flatten(2), self.s(x).flatten(2)  # [B, C/2, N], N = h w
        attention = torch.softmax(m.transpose(1, 2) @ n, dim=2)  # [B, N, N]
        context = (attention @ s.transpose(1, 2)).transpose(1, 2).reshape(b, -1, h, w)  # [B, C/2, h, w]
        return x + self.transform(context)
