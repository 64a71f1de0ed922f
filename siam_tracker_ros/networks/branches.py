"""The box-adaptive head: each branch adapts template and search features, correlates them and predicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from siam_tracker_ros.networks.correlation import depthwise_correlation


def adapting_convolution(inputs: int, outputs: int, dilation: tuple[int, int] = (1, 1)) -> nn.Sequential:
    """Unpadded 3x3 convolution, batch normalisation and ReLU: what fits a feature to one task before the correlation.

    Args:
        dilation: down and across.
    """
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, dilation=dilation, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def pointwise_prediction(channels: int, outputs: int) -> nn.Sequential:
    """1x1 convolution, batch normalisation, ReLU and a 1x1 convolution to ``outputs`` channels."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, outputs, 1),
    )


class CorrelationBranch(nn.Module):
    """One task on one level: ``P = predict([phi(x)] * [phi(z)])`` (SiamBAN equation 1, SAE equation 7, HNE equation 1).

    Args:
        channels: of the level's features.
        predict: what turns the correlation [B, C, H, W] into the branch's output.
    """

    def __init__(self, channels: int, predict: nn.Module) -> None:
        super().__init__()
        self.kernel = adapting_convolution(channels, channels)
        self.search = adapting_convolution(channels, channels)
        self.predict = predict

    def correlate(self, kernel: Tensor, feature: Tensor) -> Tensor:
        """Kernel ``self.kernel(phi(z))`` [B, C, 5, 5] and phi(x) [B, C, 31, 31] to [B, C, 25, 25]."""
        return depthwise_correlation(self.search(feature), kernel)

    def forward(self, kernel: Tensor, feature: Tensor) -> Tensor:
        """As :meth:`correlate`, and the prediction on it."""
        return self.predict(self.correlate(kernel, feature))


class BoxAdaptiveHead(nn.Module):
    """A level's two branches, classification (2 channels) and regression (4 channels), without anchors."""

    def __init__(self, channels: int = 256) -> None:
        super().__init__()
        self.score = CorrelationBranch(channels, pointwise_prediction(channels, 2))
        self.box = CorrelationBranch(channels, pointwise_prediction(channels, 4))

    def kernels(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        """phi(z) [B, C, 7, 7] to the kernels of the two branches [B, C, 5, 5]."""
        return self.score.kernel(feature), self.box.kernel(feature)

    def forward(self, kernels: tuple[Tensor, Tensor], feature: Tensor) -> tuple[Tensor, Tensor]:
        """Kernels and phi(x) [B, C, 31, 31] to score [B, 2, 25, 25] and the branch's box output [B, 4, 25, 25]."""
        return self.score(kernels[0], feature), self.box(kernels[1], feature)


class LevelHeads(nn.ModuleList):
    """One head a level, each with ``kernels`` and ``forward`` as :class:`BoxAdaptiveHead` has them."""

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Each level's phi(z) [B, C, 7, 7] to its two kernels, [B, C, 5, 5], level after level."""
        pairs = [cast(BoxAdaptiveHead, head).kernels(level) for head, level in zip(self, features, strict=True)]
        return tuple(kernel for pair in pairs for kernel in pair)

    def forward(self, kernels: tuple[Tensor, ...], levels: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], ...]:
        """Kernels and each level's phi(x) [B, C, 31, 31] to the heads' outputs: all scores, then all that follow."""
        pairs = zip(kernels[::2], kernels[1::2], strict=True)
        return tuple(zip(*(head(pair, x) for head, pair, x in zip(self, pairs, levels, strict=True)), strict=True))


class LevelNeck(nn.ModuleList):
    """A 1x1 convolution and batch normalisation for each level, to one width.

    Args:
        channels: of the levels.
        width: of the outputs.
    """

    def __init__(self, channels: tuple[int, ...], width: int = 256) -> None:
        super().__init__(nn.Sequential(nn.Conv2d(c, width, 1, bias=False), nn.BatchNorm2d(width)) for c in channels)

    def forward(self, levels: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Levels [B, C_l, s, s] to levels [B, width, s, s]."""
        return tuple(neck(level) for neck, level in zip(self, levels, strict=True))


def central(feature: Tensor) -> Tensor:
    """The centre 7x7 of template features [B, C, 15, 15], which still covers the whole target (SiamBAN section 3.1)."""
    return feature[:, :, 4:11, 4:11].contiguous()
