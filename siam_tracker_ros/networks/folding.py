"""Batch normalisation folded into the convolution before it: the same function with fewer operations."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norm(module: nn.Module) -> nn.Module:
    """Fold, in place, every batch normalisation that directly follows a convolution; ``module`` is in eval mode.

    Found are neighbours in a Sequential and torchvision's ``convN``/``bnN`` attribute pairs.
    """
    if isinstance(module, nn.Sequential):
        for i in range(1, len(module)):
            before, after = module[i - 1], module[i]
            if isinstance(before, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
                module[i - 1], module[i] = fuse_conv_bn_eval(before, after), nn.Identity()
    for name, child in list(module.named_children()):
        partner = name.replace("conv", "bn")
        norm = getattr(module, partner, None) if name.startswith("conv") else None
        if isinstance(child, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(child, norm))
            setattr(module, partner, nn.Identity())
        else:
            fold_batch_norm(child)
    return module
