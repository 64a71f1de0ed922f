"""Weights as safetensors: read with every tensor accounted for, written with metadata."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn


class WeightsError(ValueError):
    """Weights that are missing, broken, or of another network; the message says which and what to do."""


def load_weights(network: nn.Module, path: Path, model: str) -> dict[str, str]:
    """Fill ``network`` from a safetensors file; all tensors must be there, of the right shape, and none left over.

    Returns:
        The file's metadata.

    Raises:
        WeightsError: no such file, not a readable safetensors file, another model's, or values that are not finite.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights file")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: not a readable safetensors file ({error})") from error
    if metadata.get("model", model) != model:
        raise WeightsError(f"{path} holds weights of {metadata['model']}, not of {model}")
    own = network.state_dict()
    faults = [f"missing: {k}" for k in own if k not in tensors]
    faults += [f"left over: {k}" for k in tensors if k not in own]
    faults += [
        f"{k}: shape {list(tensors[k].shape)}, expected {list(v.shape)}"
        for k, v in own.items()
        if k in tensors and tensors[k].shape != v.shape
    ]
    faults += [f"{k}: not finite" for k, v in tensors.items() if v.is_floating_point() and not v.isfinite().all()]
    if faults:
        more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise WeightsError(f"{path} does not fit {model}: " + "; ".join(faults[:5]) + more)
    network.load_state_dict(tensors)
    return metadata


def save_weights(network: nn.Module, path: Path, metadata: dict[str, str]) -> None:
    """Write ``network`` as safetensors; the file is complete or not there at all."""
    part = path.with_suffix(".part")
    save_file({k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}, part, metadata)
    part.replace(path)
