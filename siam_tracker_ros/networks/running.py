"""A network as it is run: in evaluation, with fewer operations, and still the same function."""

from __future__ import annotations

import copy

from torch import nn

from siam_tracker_ros.networks.afsn_mobile import AFSNMobile
from siam_tracker_ros.networks.afsn_mobile_joined import JoinedAFSNMobile
from siam_tracker_ros.networks.folding import fold_batch_norm


def for_running(network: nn.Module) -> nn.Module:
    """A copy of a network for inference; what it is a copy of stays as it is and may be trained on."""
    if isinstance(network, AFSNMobile):
        return JoinedAFSNMobile(network).eval()
    return fold_batch_norm(copy.deepcopy(network).eval())
