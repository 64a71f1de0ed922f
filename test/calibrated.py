"""Networks of the zoo whose numbers behave, though nobody has trained them."""

from functools import cache

import torch
from torch import nn

from siam_tracker_ros.networks.zoo import MODELS


@cache
def calibrated(name: str, shortcuts: str | None = None, shallow: bool = False) -> nn.Module:
    """A network at random whose batch normalisation has seen the patches' statistics, so that nothing overflows.

    ``shallow`` keeps only the first block of each stage of a ResNet: all the code at a quarter of the cost.
    """
    torch.manual_seed(0)
    network = MODELS[name].build(shortcuts)
    for stage in ("layer1", "layer2", "layer3", "layer4") if shallow else ():
        if isinstance(blocks := getattr(network.backbone, stage, None), nn.Sequential):
            setattr(network.backbone, stage, blocks[:1])
    if shallow and hasattr(network, "online_stage"):
        network.online_stage = network.online_stage[:1]
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all that was seen
    g = network.geometry
    z, x = (torch.rand(2, 3, side, side) * 255 for side in (g.template_size, g.search_size))
    with torch.no_grad():
        network.train().search(network.kernels(network.template(z)), x)
        # Boxes of some 60 pixels, whatever the picture: nobody has taught it to keep the exponent small.
        start = {"siamban": 3.4, "ocean": 24.0, "afsn_mobile": 3.4}
        for module in network.modules():
            if isinstance(module, nn.Conv2d) and module.out_channels == 4:
                module.weight.mul_(0.01)
                nn.init.constant_(module.bias, next((b for k, b in start.items() if name.startswith(k)), 1.4))
    return network.eval()
