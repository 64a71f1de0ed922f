"""Backbones: torchvision's networks cut and re-strided so that three levels share one resolution."""

from __future__ import annotations

from typing import Literal, cast

import torchvision
from torch import Tensor, nn
from torchvision.models.mobilenetv3 import InvertedResidual
from torchvision.models.resnet import Bottleneck
from torchvision.ops.misc import SqueezeExcitation

Shortcuts = Literal["1x1", "3x3"]


class InteriorConv2d(nn.Conv2d):
    """A convolution of the map without its outermost ring, which lines a 1x1 shortcut up with an unpadded 3x3."""

    @classmethod
    def of(cls, conv: nn.Conv2d) -> InteriorConv2d:
        """The same convolution, weights shared by name, on the interior."""
        return cls(conv.in_channels, conv.out_channels, 1, stride=conv.stride[0], bias=conv.bias is not None)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] to the convolution of x[:, :, 1:-1, 1:-1]."""
        return super().forward(x[:, :, 1:-1, 1:-1])


class ResNet50Stride8(nn.Module):
    """ResNet-50 whose stages 2 to 4 all have stride 8 (AFSN section 3.1, SiamBAN section 3.1, after SiamRPN++).

    The strides of stages 3 and 4 become dilations 2 and 4, half of that in a stage's first block. The stem and the
    striding block of stage 2 are not padded, so that a 127 pixel template gives 15x15 and a 255 pixel search patch
    31x31. All names are torchvision's.

    Args:
        shortcuts: ``1x1`` as in torchvision, so that its ImageNet weights load; ``3x3`` in stages 2 to 4 as in the
            checkpoints of SiamBAN's and Ocean's authors, at twice the cost of the whole network.
        stages: 4, or 3 to end before torchvision's ``layer4`` (Ocean section 4.1, which counts the stem as a stage).
    """

    def __init__(self, shortcuts: Shortcuts = "1x1", stages: Literal[3, 4] = 4) -> None:
        super().__init__()
        net = torchvision.models.resnet50(weights=None, replace_stride_with_dilation=[False, True, True])
        self.conv1, self.bn1, self.relu = net.conv1, net.bn1, net.relu
        self.conv1.padding = (0, 0)
        self.maxpool = net.maxpool
        self.layer1, self.layer2, self.layer3 = net.layer1, net.layer2, net.layer3
        self.layer4 = net.layer4 if stages == 4 else None
        self.channels = (512, 1024, 2048)[: stages - 1]
        first = [cast(Bottleneck, stage[0]) for stage in (net.layer2, net.layer3, net.layer4)[: stages - 1]]
        first[0].conv2.padding = (0, 0)
        if shortcuts == "3x3":
            for block in first:
                widen_shortcut(block)
        else:
            shortcut = cast(nn.Sequential, first[0].downsample)
            shortcut[0] = InteriorConv2d.of(cast(nn.Conv2d, shortcut[0]))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """[B, 3, S, S] to the levels R2 [B, 512, s, s], R3 [B, 1024, s, s] and, of 4 stages, R4 [B, 2048, s, s]."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        r2 = self.layer2(self.layer1(x))
        r3 = self.layer3(r2)
        return (r2, r3) if self.layer4 is None else (r2, r3, self.layer4(r3))


def widen_shortcut(block: Bottleneck) -> None:
    """Replace a block's 1x1 shortcut by a 3x3 convolution with the stride, padding and dilation of its own 3x3."""
    shortcut = cast(nn.Sequential, block.downsample)
    old, own = cast(nn.Conv2d, shortcut[0]), block.conv2
    shortcut[0] = nn.Conv2d(
        old.in_channels,
        old.out_channels,
        3,
        stride=cast(tuple[int, int], own.stride),
        padding=own.padding,
        dilation=cast(tuple[int, int], own.dilation),
        bias=False,
    )


class MobileNetV3Stride16(nn.Module):
    """torchvision's ``mobilenet_v3_small`` cut after its 96-channel block, which runs at stride 16 instead of 32.

    The squeeze-excitation of the expanding blocks comes before their activation, not after it, which is the order of
    the public tracking weights that the mobile models start from. 127 gives 8x8, 255 gives 16x16.
    """

    channels = (40, 48, 96)

    def __init__(self) -> None:
        super().__init__()
        net = torchvision.models.mobilenet_v3_small(weights=None, norm_layer=nn.BatchNorm2d)
        self.features = net.features[:10]
        for module in self.features[2:]:
            block = cast(InvertedResidual, module).block
            for i, part in enumerate(block):
                if isinstance(part, SqueezeExcitation):
                    depthwise = cast(nn.Sequential, block[i - 1])
                    block[i] = nn.Sequential(part, depthwise[2])
                    depthwise[2] = nn.Identity()
        last = cast(InvertedResidual, self.features[9]).block
        for module in last.modules():
            if isinstance(module, nn.Conv2d):
                module.stride = (1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, 3, S, S] to the three levels R2 [B, 40, s, s], R3 [B, 48, s, s], R4 [B, 96, s, s]."""
        r2 = self.features[:7](x)
        r3 = self.features[7:9](r2)
        return r2, r3, self.features[9](r3)
