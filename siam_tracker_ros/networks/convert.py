"""Public checkpoints of other projects as weights of this package, every tensor accounted for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from siam_tracker_ros.networks.checkpoint import CheckpointError, open_checkpoint
from siam_tracker_ros.networks.layouts import LAYOUTS, NANOTRACK_WITH_HEAD, Layout, looks_like
from siam_tracker_ros.networks.weights import FORMAT_VERSION, compare, save_tensors
from siam_tracker_ros.networks.zoo import MODELS

_COUNTER = ".num_batches_tracked"


@dataclass(frozen=True)
class Mapped:
    """A checkpoint's tensors under our names.

    Attributes:
        tensors: all that the layout fills, by our names, in the network's types.
        taken: how many of them came from the checkpoint.
        kept: counters that the checkpoint lacks, as older versions of PyTorch had none; the network's own stay.
        left_out: tensors left out by design: the reason to their names.
        others: what lies beside the weights and is none.
    """

    tensors: dict[str, Tensor]
    taken: int
    kept: int
    left_out: dict[str, list[str]]
    others: tuple[str, ...]


def map_checkpoint(layout: Layout, path: Path, own: Mapping[str, Tensor]) -> Mapped:
    """Read a checkpoint and bring its tensors under the names of a network whose state dictionary is ``own``.

    Raises:
        CheckpointError: it cannot be read, or a tensor is missing, left over, misshapen or not finite.
    """
    checkpoint = open_checkpoint(path)
    expected = {k: v for k, v in own.items() if k.startswith(layout.parts)} if layout.parts else dict(own)
    left_out: dict[str, list[str]] = {}
    given: dict[str, Tensor] = {}
    # Faults are told by the checkpoint's names, which is what its owner can look for.
    theirs_of: dict[str, str] = {}
    left_over: list[str] = []
    for theirs, tensor in checkpoint.tensors.items():
        if reason := layout.reason_to_leave_out(theirs):
            left_out.setdefault(reason, []).append(theirs)
            continue
        ours = layout.ours(theirs)
        if ours is None or ours not in expected:
            left_over.append(theirs)
            continue
        if layout.squeezes_are_linear and (tensor.dim(), expected[ours].dim()) == (2, 4):
            tensor = tensor[:, :, None, None]  # a linear layer is a 1x1 convolution
        theirs_of[ours] = theirs
        given[theirs] = tensor
    kept = {k for k in expected if k.endswith(_COUNTER) and k not in theirs_of}
    wanted = {theirs_of.get(k, layout.theirs(k)): v for k, v in expected.items() if k not in kept}
    if mismatch := replace(compare(wanted, given), left_over=tuple(left_over)):
        message = f"{path} is not a complete checkpoint of the layout {layout.name}: {mismatch.summary()}"
        likely = looks_like(checkpoint.tensors)
        if likely is not None and likely.name != layout.name:
            message += f"; it looks like {likely.name}: use `siam-track convert {likely.name}`"
        raise CheckpointError(message, mismatch.lines())
    tensors = {k: v if k in kept else given[theirs_of[k]].to(v.dtype) for k, v in expected.items()}
    return Mapped(tensors, len(given), len(kept), left_out, checkpoint.others)


@dataclass(frozen=True)
class Conversion:
    """What was converted: the layout, where the tensors went, and the metadata that was written."""

    layout: Layout
    mapped: Mapped
    metadata: dict[str, str]


def convert(name: str, source: Path, out: Path, with_head: bool = False) -> Conversion:
    """Convert a public checkpoint to safetensors for this package.

    Args:
        name: one of ``LAYOUTS``.
        source: the checkpoint.
        out: the safetensors file, overwritten; complete or not there at all.
        with_head: of NanoTrack take the head as well as the backbone.

    Raises:
        CheckpointError: the checkpoint cannot be read or does not fit; nothing is written then.
        WeightsError: ``out`` cannot be written.
    """
    layout = NANOTRACK_WITH_HEAD if with_head and name == "nanotrack" else LAYOUTS[name]
    object_aware = not _lacks_optional(layout, source)
    network = MODELS[layout.model].build(layout.shortcuts, object_aware)
    mapped = map_checkpoint(layout, source, network.state_dict())
    metadata = {
        "format_version": FORMAT_VERSION,
        "model": layout.model,
        "layout": layout.name,
        "source": source.name,
        "source_sha256": _sha256(source),
        "image": layout.image,
    }
    if layout.shortcuts:
        metadata["shortcuts"] = layout.shortcuts
    if not object_aware:
        metadata["object_aware"] = "false"
    if layout.parts:
        metadata["part"] = "backbone and head" if with_head else "backbone"
        metadata["prefixes"] = " ".join(layout.parts)
    save_tensors(mapped.tensors, out, metadata)
    return Conversion(layout, mapped, metadata)


def _lacks_optional(layout: Layout, source: Path) -> bool:
    """Whether a checkpoint has nothing at all of the part that the layout does not insist on."""
    if not layout.optional:
        return False
    return not any(name.startswith(layout.optional) for name in open_checkpoint(source).tensors)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
