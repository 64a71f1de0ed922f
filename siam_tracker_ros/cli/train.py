"""``siam-track train``: train a model by a recipe, resumable."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def train_command(
    recipe: Annotated[Path, typer.Argument(help="Recipe in YAML, for example config/train/afsn_mobile.yaml.")],
    data: Annotated[Path, typer.Option(help="Folder that holds the recipe's sources.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; an unfinished run in it goes on.")] = Path("out/train"),
    start_from: Annotated[
        Path | None,
        typer.Option(help="Public weights to start from: what siam-track convert wrote, or NanoTrack v3's checkpoint."),
    ] = None,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Processes that prepare pairs.")] = 1,
    threads: Annotated[int, typer.Option(min=0, max=256, help="CPU threads; 0: as many as cores.")] = 0,
) -> None:
    """Train a model by a recipe.

    Ctrl-C stops it; the same command goes on where it stopped. The folder receives the recipe as it was read, a
    checkpoint, the curves as a picture and, at the end, the weights.
    """
    if find_spec("lightning") is None:
        typer.echo("siam-track train: needs the package lightning; install it with 'pip install lightning'", err=True)
        raise typer.Exit(EXIT_USAGE)
    from siam_tracker_ros.runtime.threads import set_torch_threads
    from siam_tracker_ros.training.module import BrokenBatch
    from siam_tracker_ros.training.recipe import read_recipe
    from siam_tracker_ros.training.run import train

    if threads:
        set_torch_threads(threads)
    try:
        weights = train(
            read_recipe(recipe), data, out, start_from, workers, say=lambda text: typer.echo(text, err=True)
        )
    except KeyboardInterrupt:
        typer.echo(f"stopped; the same command goes on from {out / 'last.ckpt'}", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    except BrokenBatch as error:
        typer.echo(f"siam-track train: {error}", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    except ValueError as error:  # recipe, checkpoint and data errors say what and where
        typer.echo(f"siam-track train: {error}", err=True)
        raise typer.Exit(EXIT_USAGE) from None
    typer.echo(f"weights: {weights}")
