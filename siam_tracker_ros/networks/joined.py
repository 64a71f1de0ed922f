"""Convolutions that do the same to different inputs, joined to one: the same numbers with fewer, larger operations.

A small network on a CPU spends a good part of its time between its operations. All of this is for running, not for
training: the joined layers hold copies of the weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


def convolutions(module: nn.Module) -> list[nn.Conv2d]:
    """A module's convolutions, in the order in which they were made; its batch normalisation is folded already."""
    return [part for part in module.modules() if isinstance(part, nn.Conv2d)]


def side_by_side(layers: Sequence[nn.Conv2d]) -> nn.Conv2d:
    """One convolution for several of the same input: their outputs, one after the other."""
    first = layers[0]
    joined = _like(first, first.in_channels, sum(layer.out_channels for layer in layers), first.groups)
    return _filled(joined, torch.cat([layer.weight for layer in layers]), layers)


def grouped(layers: Sequence[nn.Conv2d]) -> nn.Conv2d:
    """One grouped convolution for several of the same shape: their inputs one after the other, and their outputs."""
    first, count = layers[0], len(layers)
    joined = _like(first, first.in_channels * count, first.out_channels * count, first.groups * count)
    return _filled(joined, torch.cat([layer.weight for layer in layers]), layers)


def joined_towers(towers: Sequence[nn.Module]) -> nn.Sequential:
    """``separable_tower`` several times, on inputs one after the other: depthwise, ReLU6, pointwise, and again."""
    layers: list[nn.Module] = []
    for index, together in enumerate(zip(*(convolutions(tower) for tower in towers), strict=True)):
        layers.append(grouped(together))
        if index % 2 == 0:
            layers.append(nn.ReLU6(inplace=True))
    return nn.Sequential(*layers)


def dense(blocks: Sequence[tuple[int, int, nn.Conv2d]], inputs: int, outputs: int) -> nn.Conv2d:
    """A 1x1 convolution put together of smaller ones: each reads and writes from a channel of its own on.

    Args:
        blocks: first output channel, first input channel, layer (1x1, one group). Where outputs overlap they add up.
        inputs, outputs: channels of the whole.
    """
    whole = nn.Conv2d(inputs, outputs, 1)
    with torch.no_grad():
        whole.weight.zero_()
        whole.bias.zero_()  # type: ignore[union-attr]
        for row, column, layer in blocks:
            whole.weight[row : row + layer.out_channels, column : column + layer.in_channels] += layer.weight
            if layer.bias is not None:
                whole.bias[row : row + layer.out_channels] += layer.bias  # type: ignore[index]
    return whole


def scaled(layer: nn.Conv2d, factor: float) -> nn.Conv2d:
    """The layer with all that it gives times a factor."""
    copy = _like(layer, layer.in_channels, layer.out_channels, layer.groups)
    with torch.no_grad():
        copy.weight.copy_(layer.weight * factor)
        copy.bias.copy_(layer.bias * factor if layer.bias is not None else 0.0)  # type: ignore[union-attr,arg-type]
    return copy


def columns(layer: nn.Conv2d, start: int, end: int, bias: bool) -> nn.Conv2d:
    """The part of a 1x1 convolution that reads the input channels from ``start`` to ``end``."""
    part = nn.Conv2d(end - start, layer.out_channels, 1, bias=bias)
    with torch.no_grad():
        part.weight.copy_(layer.weight[:, start:end])
        if part.bias is not None and layer.bias is not None:
            part.bias.copy_(layer.bias)
    return part


def _like(layer: nn.Conv2d, inputs: int, outputs: int, groups: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, layer.kernel_size, layer.stride, layer.padding, layer.dilation, groups)  # type: ignore[arg-type]


def _filled(joined: nn.Conv2d, weight: torch.Tensor, layers: Sequence[nn.Conv2d]) -> nn.Conv2d:
    with torch.no_grad():
        joined.weight.copy_(weight)
        bias = [layer.bias if layer.bias is not None else weight.new_zeros(layer.out_channels) for layer in layers]
        joined.bias.copy_(torch.cat(bias))  # type: ignore[union-attr]
    return joined
