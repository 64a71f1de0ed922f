"""Where a training starts: public weights put into our networks, every tensor accounted for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from siam_tracker_ros.networks.afsn_mobile import AFSNMobile


class CheckpointError(ValueError):
    """A checkpoint that cannot be read or does not fit; the message lists what is missing, left over or misshapen."""


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """A PyTorch checkpoint's tensors, by name, loaded with ``weights_only=True`` (nothing in the file is executed).

    Raises:
        CheckpointError: the file is missing, truncated, or holds no state dictionary.
    """
    # Training scripts of that time stored the learning rate as a numpy scalar next to the weights.
    harmless: list[Any] = [
        (np.float64(0).__reduce__()[0], "numpy.core.multiarray.scalar"),
        np.dtype,
        np.dtypes.Float64DType,
        np.dtypes.Float32DType,
    ]
    try:
        with torch.serialization.safe_globals(harmless):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such checkpoint") from None
    except Exception as error:  # torch.load raises a dozen types for a broken file
        raise CheckpointError(f"{path}: not a readable PyTorch checkpoint ({str(error).splitlines()[0]})") from error
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict):
        raise CheckpointError(f"{path}: holds no state dictionary")
    return {str(k).removeprefix("module."): v for k, v in state.items() if isinstance(v, Tensor)}


_EXPANDING = {"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1"}
_HEAD = {
    "corr_dw_cls.conv_kernel": "deep_score.depthwise_kernel",
    "corr_dw_cls.conv_search": "deep_score.depthwise_search",
    "corr_pw_cls.conv_kernel": "deep_score.pixelwise_kernel",
    "corr_pw_cls.conv_search": "deep_score.pixelwise_search",
    "corr_pw_cls.CA_layer.fc1": "deep_score.pixelwise.attention.1",
    "corr_pw_cls.CA_layer.fc2": "deep_score.pixelwise.attention.3",
    "corr_pw_cls.conv": "deep_score.pixelwise.mix",
    "down_cls.0": "deep_score.reduce",
    "cls_tower": "head4.classification",
    "bbox_tower": "head4.regression",
    "cls_logits.0": "head4.score",
    "bbox_pred.0": "head4.distance",
}
_HEAD |= {
    k.replace("_cls", "_reg"): v.replace("deep_score", "deep_box") for k, v in _HEAD.items() if v.startswith("deep_")
}


def nanotrack_name(name: str) -> str | None:
    """Our name of a NanoTrack v3 tensor; None for those that its own network never uses (its neck, counters)."""
    if name.startswith("neck.") or name.endswith("num_batches_tracked"):
        return None
    if match := re.fullmatch(r"backbone\.features\.(\d+)\.conv\.(\d+)\.(.+)", name):
        block, part, rest = int(match[1]), match[2], match[3]
        squeeze = {"fc.0": "fc1", "fc.2": "fc2"}
        if rest.startswith("fc."):
            place = "1" if block == 1 else "2.0"
            return f"backbone.features.{block}.block.{place}.{squeeze[rest[:4]]}{rest[4:]}"
        if block == 1:
            place = {"0": "0.0", "1": "0.1", "4": "2.0", "5": "2.1"}[part]
        else:
            last = "2" if block in (2, 3) else "3"
            place = (_EXPANDING | {"7": f"{last}.0", "8": f"{last}.1"})[part]
        return f"backbone.features.{block}.block.{place}.{rest}"
    if name.startswith("ban_head."):
        rest = name.removeprefix("ban_head.")
        for theirs in sorted(_HEAD, key=len, reverse=True):
            if rest.startswith(theirs + "."):
                return _HEAD[theirs] + rest[len(theirs) :]
    return name


def start_from_nanotrack(network: AFSNMobile, path: Path) -> list[str]:
    """Put NanoTrack v3's backbone and head into ``network``; the rest keeps its initial values.

    Returns:
        The names of the parameters and buffers that the checkpoint does not have (levels 2 and 3, centre-ness).

    Raises:
        CheckpointError: a tensor is left over or has another shape; nothing is loaded then.
    """
    own = network.state_dict()
    loaded: dict[str, Tensor] = {}
    wrong: list[str] = []
    for theirs, tensor in read_checkpoint(path).items():
        ours = nanotrack_name(theirs)
        if ours is None:
            continue
        if ours not in own:
            wrong.append(f"{theirs}: left over")
            continue
        if own[ours].dim() == 4 and tensor.dim() == 2:  # a linear layer is a 1x1 convolution
            tensor = tensor[:, :, None, None]
        if own[ours].shape != tensor.shape:
            wrong.append(f"{theirs}: shape {list(tensor.shape)}, expected {list(own[ours].shape)}")
        loaded[ours] = tensor
    if wrong:
        raise CheckpointError(f"{path} is not a NanoTrack v3 checkpoint: " + "; ".join(wrong))
    network.load_state_dict(loaded, strict=False)
    return [k for k in own if k not in loaded and not k.endswith("num_batches_tracked")]
