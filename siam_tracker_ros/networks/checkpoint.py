"""PyTorch checkpoints of other projects: read without running what is in them, freed of wrappers and prefixes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from siam_tracker_ros.networks.legacy_tar import is_legacy_tar, read_legacy_tar

# Under these keys training scripts put the weights, beside the epoch and the optimizer's state.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
# Data-parallel training puts the first before every name, TracKit's online training the second.
PREFIXES = ("module.", "feature_extractor.")


class CheckpointError(ValueError):
    """A checkpoint that cannot be read or does not fit.

    Attributes:
        faults: every fault, where the message has only the first of them.
    """

    def __init__(self, message: str, faults: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        tensors: the weights by name.
        others: names of what lies beside them and is no weight: the epoch, the optimizer's state.
    """

    tensors: dict[str, Tensor]
    others: tuple[str, ...]


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of :func:`open_checkpoint`, by name."""
    return open_checkpoint(path).tensors


def open_checkpoint(path: Path) -> Checkpoint:
    """Read a PyTorch checkpoint with ``weights_only=True``: nothing in the file is executed.

    A dictionary of tensors, or one wrapped in another (``WRAPPERS``, once more inside of it); ``PREFIXES`` are taken
    off the names. Files of all ages of PyTorch.

    Raises:
        CheckpointError: the file is missing, truncated, no checkpoint, asks for code, or has no dictionary of tensors.
    """
    content = _load(path)
    others: list[str] = []
    for _ in range(2):
        if not isinstance(content, Mapping):
            break
        wrapper = next((key for key in WRAPPERS if isinstance(content.get(key), Mapping)), None)
        if wrapper is None:
            break
        others += [str(key) for key in content if key != wrapper]
        content = content[wrapper]
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path}: holds no state dictionary but a {type(content).__name__}")
    tensors: dict[str, Tensor] = {}
    for key, value in content.items():
        name = _without_prefixes(str(key))
        if not isinstance(value, Tensor):
            others.append(name)
        elif name in tensors:
            raise CheckpointError(f"{path}: two of its tensors are named {name} once prefixes like 'module.' are off")
        else:
            tensors[name] = value.detach()
    if not tensors:
        raise CheckpointError(f"{path}: holds no state dictionary: no tensor is in it")
    return Checkpoint(tensors, tuple(others))


def _without_prefixes(name: str) -> str:
    while name.startswith(PREFIXES):
        name = name.split(".", 1)[1]
    return name


def _load(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such checkpoint") from None
    except IsADirectoryError:
        raise CheckpointError(f"{path}: is a folder, not a checkpoint file") from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    if fault := _what_else(head):
        raise CheckpointError(f"{path}: not a readable PyTorch checkpoint: {fault}")
    try:
        if is_legacy_tar(head):
            return read_legacy_tar(path)
        with warnings.catch_warnings(), torch.serialization.safe_globals(_harmless()):
            warnings.simplefilter("ignore")  # what is wrong is said in one sentence, below
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a dozen types for a broken file
        raise CheckpointError(f"{path}: not a readable PyTorch checkpoint: {_reason(str(error))}") from error


def _harmless() -> list[Any]:
    """Besides tensors: training scripts of that time stored losses and learning rates as numpy scalars next to them."""
    scalar = np.float64(0).__reduce__()[0]
    kinds = ("Float16", "Float32", "Float64", "Int32", "Int64", "Bool")
    return [
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
        np.dtype,
        *(getattr(np.dtypes, f"{kind}DType") for kind in kinds),
    ]


def _what_else(head: bytes) -> str | None:
    """What a file is that begins like this, if it is no checkpoint."""
    if not head:
        return "it is empty"
    if head.startswith(b"PK\x03\x04") or is_legacy_tar(head) or (head[0] == 0x80 and head[1:2] in b"\2\3\4\5"):
        return None
    if head.lstrip()[:1] == b"<":
        return "it is a web page, so the download went wrong"
    if head.startswith(b"version https://git-lfs"):
        return "it is a pointer of git-lfs; fetch the file itself with 'git lfs pull'"
    if head[8:10] == b'{"':
        return "it is a safetensors file, which needs no conversion if it is this package's"
    return "it is neither a zip archive nor a pickle nor PyTorch's old tar format"


def _reason(error: str) -> str:
    """One clause for what is wrong, without PyTorch's advice to load the file unsafely."""
    if match := re.search(r"GLOBAL ([^\s,;]+)", error):
        return (
            f"it asks for {match[1]}, which weights do not need and which could run code, so nothing of it was run "
            "(a whole pickled model is refused too: save its state_dict)"
        )
    if "TorchScript" in error:
        return "it is a TorchScript program; save the module's state_dict"
    if "reduce" in error or "Can only" in error or "operand" in error:
        return "it asks for more than weights, which could run code, so nothing of it was run"
    return "it is truncated or damaged; download or copy it again"
