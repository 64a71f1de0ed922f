"""`siam-track convert`: public checkpoints as weights of this package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

EXIT_FAILED, EXIT_USAGE = 1, 2


def convert_command(
    layout: Annotated[
        str,
        typer.Argument(
            metavar="LAYOUT",
            help="What the checkpoint is: siamban, ocean, ocean_online (the authors' trackers), "
            "resnet50 (torchvision's ImageNet weights) or nanotrack (NanoTrack v3).",
        ),
    ],
    # Typer's own checks of paths would answer with a box of five lines.
    checkpoint: Annotated[
        Path,
        typer.Argument(metavar="CHECKPOINT", help="PyTorch checkpoint; nothing in it is executed.", readable=False),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Weights to write, ending in .safetensors.", readable=False)
    ],
    head: Annotated[
        bool, typer.Option("--head", help="Of nanotrack take its head too, not only the backbone.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUT.")] = False,
    all_faults: Annotated[
        bool, typer.Option("--all-faults", help="Of a checkpoint that does not fit print every fault.")
    ] = False,
) -> None:
    """Convert a public checkpoint to weights of this package; every tensor is accounted for.

    A tensor that is missing, left over, of another shape or not finite refuses the checkpoint, and nothing is
    written. siamban, ocean and ocean_online give whole trackers, for --tracker OUT and load_tracker; resnet50 and
    nanotrack give starting points, for siam-track train --start-from OUT.
    """
    if fault := _wrong_paths(checkpoint, out, force):
        raise _stop(fault, EXIT_USAGE)
    from siam_tracker_ros.networks.checkpoint import CheckpointError
    from siam_tracker_ros.networks.convert import convert
    from siam_tracker_ros.networks.layouts import LAYOUTS
    from siam_tracker_ros.networks.weights import WeightsError

    if layout not in LAYOUTS:
        raise _stop(f"unknown layout '{layout}'; use one of {', '.join(LAYOUTS)}", EXIT_USAGE)
    if head and layout != "nanotrack":
        raise _stop("--head is for nanotrack only", EXIT_USAGE)
    try:
        done = convert(layout, checkpoint, out, with_head=head)
    except CheckpointError as error:
        for line in error.faults if all_faults else ():
            typer.echo(line, err=True)
        hint = f" (--all-faults prints all {len(error.faults)})" if error.faults and not all_faults else ""
        raise _stop(f"{error}{hint}", EXIT_FAILED) from error
    except WeightsError as error:
        raise _stop(str(error), EXIT_FAILED) from error

    mapped, metadata = done.mapped, done.metadata
    numbers = sum(tensor.numel() for tensor in mapped.tensors.values())
    typer.echo(f"{checkpoint}: {done.layout.summary}")
    typer.echo(f"  mapped     {mapped.taken} tensors; {numbers / 1e6:.2f} million numbers written")
    if mapped.kept:
        typer.echo(f"  kept       {mapped.kept} counters (num_batches_tracked) that the checkpoint does not have, at 0")
    for reason, names in mapped.left_out.items():
        typer.echo(f"  left out   {len(names)} tensors, {names[0]} and so on: {reason}")
    if mapped.others:
        more = ", ..." if len(mapped.others) > 8 else ""
        typer.echo(f"  besides    {', '.join(mapped.others[:8])}{more}: no weights")
    typer.echo(f"  sha256     {metadata['source_sha256']}")
    if "part" in metadata:
        typer.echo(f"written: {out}, the {metadata['part']} only; use: siam-track train --start-from {out}")
    else:
        kind = f"{metadata['model']} with {metadata['shortcuts']} shortcuts"
        if metadata.get("object_aware") == "false":
            kind += ", without the object-aware head, which the checkpoint does not have"
        typer.echo(f"written: {out}, {kind}; use: siam-track eval FOLDER --tracker {out}")


def _wrong_paths(checkpoint: Path, out: Path, force: bool) -> str | None:
    """What is wrong with the arguments, if anything; said before anything slow."""
    if checkpoint.is_dir():
        return f"{checkpoint} is a folder; give the checkpoint file in it"
    if not checkpoint.exists():
        return f"{checkpoint}: no such checkpoint"
    if out.suffix != ".safetensors":
        return f"OUT must end in .safetensors, and {out} does not"
    if out.is_dir():
        return f"{out} is a folder; give the name of a file to write"
    if not out.parent.is_dir():
        return f"{out.parent}: no such folder; make it first, or write OUT elsewhere"
    if out.exists():
        if out.samefile(checkpoint):
            return f"{out} is the checkpoint itself; write OUT elsewhere"
        if not force:
            return f"{out} is there already; give another name, or --force to overwrite it"
    if not os.access(out.parent, os.W_OK):
        return f"{out.parent}: no permission to write in this folder; write OUT elsewhere"
    return None


def _stop(message: str, code: int) -> typer.Exit:
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(code)
