"""Weights as safetensors: read with every tensor accounted for, written with metadata."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

FORMAT_VERSION = "1"
_LAST_STAGE = "backbone.layer4."


class WeightsError(ValueError):
    """Weights that are missing, broken, or of another network; the message says which and what to do."""


@dataclass(frozen=True)
class Mismatch:
    """How given tensors differ from those that a network has, as lists of names; true if they do.

    Attributes:
        missing: the network's, not given.
        left_over: given, not the network's.
        unlike: of another shape or type, with both.
        not_finite: with NaN or infinite values.
    """

    missing: tuple[str, ...]
    left_over: tuple[str, ...]
    unlike: tuple[str, ...]
    not_finite: tuple[str, ...]

    def __bool__(self) -> bool:
        return any(names for _, names in self._kinds())

    def _kinds(self) -> list[tuple[str, tuple[str, ...]]]:
        return [
            ("left over", self.left_over),
            ("of another shape", self.unlike),
            ("not finite", self.not_finite),
            ("missing", self.missing),
        ]

    def lines(self) -> list[str]:
        """All of them, one per line."""
        return [f"{kind}: {name}" for kind, names in self._kinds() for name in names]

    def summary(self, first: int = 3) -> str:
        """How many of each kind, and the first few names."""
        return "; ".join(
            f"{len(names)} {kind}: {', '.join(names[:first])}{', ...' if len(names) > first else ''}"
            for kind, names in self._kinds()
            if names
        )


def compare(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> Mismatch:
    """How ``given`` differs from what a network has (``own``), by name, shape, type and values."""
    unlike, not_finite = [], []
    for name, tensor in given.items():
        if name not in own:
            continue
        expected = own[name]
        if tensor.shape != expected.shape:
            unlike.append(f"{name} {list(tensor.shape)}, expected {list(expected.shape)}")
        elif tensor.layout != expected.layout or tensor.is_quantized or tensor.device.type == "meta":
            unlike.append(f"{name}, which holds no plain numbers")
        elif tensor.is_floating_point() != expected.is_floating_point() or tensor.is_complex():
            unlike.append(f"{name} {tensor.dtype}, expected {expected.dtype}")
        # A value that is finite may not be so in the network's type.
        elif tensor.is_floating_point() and not tensor.to(expected.dtype).isfinite().all():
            not_finite.append(name)
    missing, left_over = (tuple(k for k in one if k not in other) for one, other in ((own, given), (given, own)))
    return Mismatch(missing, left_over, tuple(unlike), tuple(not_finite))


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a safetensors file.

    Raises:
        WeightsError: no such file, or not a readable safetensors file.
    """
    return _read(path, tensors=False)[0]


def load_weights(network: nn.Module, path: Path, model: str) -> dict[str, str]:
    """Fill ``network`` from a safetensors file; all tensors must be there, of the right shape, and none left over.

    Returns:
        The file's metadata.

    Raises:
        WeightsError: no such file, not a readable safetensors file, another model's, or values that are not finite.
    """
    metadata, tensors = _read(path)
    if part := metadata.get("part"):
        raise WeightsError(
            f"{path} holds only the {part}, a starting point for training (siam-track train --start-from), no tracker"
        )
    if metadata.get("model", model) != model:
        raise WeightsError(f"{path} holds weights of {metadata['model']}, not of {model}")
    if mismatch := compare(network.state_dict(), tensors):
        raise WeightsError(f"{path} does not fit {model}: {mismatch.summary()}")
    network.load_state_dict(tensors)
    return metadata


def load_part(network: nn.Module, path: Path) -> tuple[dict[str, str], list[str]]:
    """Fill the part of ``network`` that a converted starting point holds, for example its backbone.

    Returns:
        The file's metadata, and the names of the network's tensors that the file does not have.

    Raises:
        WeightsError: as :func:`load_weights`, and if the file holds no starting point.
    """
    metadata, tensors = _read(path)
    if "part" not in metadata:
        raise WeightsError(f"{path} holds a whole network, not a starting point as siam-track convert writes them")
    own = network.state_dict()
    if not any(name.startswith(_LAST_STAGE) for name in own):  # Ocean's backbone ends before it
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(_LAST_STAGE)}
    prefixes = tuple(metadata.get("prefixes", "").split())
    mismatch = compare({k: v for k, v in own.items() if k.startswith(prefixes)}, tensors)
    if mismatch or not tensors:
        raise WeightsError(f"{path} does not fit the network's {metadata['part']}: {mismatch.summary() or 'empty'}")
    network.load_state_dict(tensors, strict=False)
    return metadata, [name for name in own if name not in tensors]


def save_weights(network: nn.Module, path: Path, metadata: dict[str, str]) -> None:
    """Write ``network`` as safetensors; the file is complete or not there at all."""
    save_tensors(network.state_dict(), path, metadata)


def save_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    """Write tensors as safetensors; the file is complete or not there at all.

    Raises:
        WeightsError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    # Copies: safetensors refuses tensors that share memory. Its own save_file makes a file that others cannot read.
    content = save({k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}, metadata)
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        part.unlink(missing_ok=True)


def _read(path: Path, tensors: bool = True) -> tuple[dict[str, str], dict[str, Tensor]]:
    if not path.is_file():
        raise WeightsError(f"{path}: {'is a folder' if path.is_dir() else 'no such weights file'}")
    try:
        with path.open("rb") as start:
            head = start.read(2)
        # A zip archive, or a pickle.
        if head == b"PK" or (head[:1] == b"\x80" and head[1:] in (b"\2", b"\3", b"\4", b"\5")):
            raise WeightsError(
                f"{path} is a PyTorch checkpoint, which could run code; "
                f"use `siam-track convert LAYOUT {path} OUT.safetensors`, which reads it safely"
            )
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            found = {name: file.get_tensor(name) for name in file.keys()} if tensors else {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: not a readable safetensors file ({error})") from error
    if (version := metadata.get("format_version", FORMAT_VERSION)) != FORMAT_VERSION:
        raise WeightsError(f"{path} is of format {version}, and this version of the package reads {FORMAT_VERSION}")
    return metadata, found
