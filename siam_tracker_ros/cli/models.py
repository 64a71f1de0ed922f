"""`siam-track models`: what `load_tracker` and `--tracker` take by name."""

from __future__ import annotations

from typing import Any

import typer


def models_command() -> None:
    """List the models of the zoo: size, input, whether trained weights are here, and the paper."""
    from siam_tracker_ros.networks.zoo import MODELS

    for entry in MODELS.values():
        network = entry.build()
        shape: Any = network.geometry
        parameters = sum(parameter.numel() for parameter in network.parameters())
        path = entry.weights_path
        weights = (
            f"{path.name}, {path.stat().st_size / 2**20:.1f} MiB" if path else "none here; train it or give --weights"
        )
        typer.echo(typer.style(entry.name, bold=True))
        typer.echo(f"  {entry.summary}")
        typer.echo(f"  parameters  {parameters / 1e6:.2f} million")
        typer.echo(
            f"  input       template {shape.template_size}x{shape.template_size}, "
            f"search {shape.search_size}x{shape.search_size} pixels, stride {shape.stride}"
        )
        typer.echo(f"  weights     {weights}")
        typer.echo(f"  paper       {entry.paper}")
