"""Networks of the zoo whose numbers behave, though nobody has trained them."""

from functools import cache

import torch
from torch import nn

from siam_tracker_ros.networks.zoo import MODELS


@cache
def calibrated(name: str, shortcuts: str | None = None) -> nn.Module:
    """A network at random whose batch normalisation has seen the patches' statistics, so that nothing overflows."""
    torch.manual_seed(0)
    network = MODELS[name].build(shortcuts)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all that was seen
    g = network.geometry
    z, x = (torch.rand(2, 3, side, side) * 255 for side in (g.template_size, g.search_size))
    with torch.no_grad():
        network.train().search(network.kernels(network.template(z)), x)
    return network.eval()
