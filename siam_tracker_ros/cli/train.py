"""``siam-track train``: train a model by a recipe, resumable."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
_LOOK, _MACHINE = "Before a run (nothing is trained)", "The machine"


def train_command(
    recipe: Annotated[
        Path, typer.Argument(help="Recipe in YAML, for example config/train/afsn_mobile.yaml.", show_default=False)
    ],
    data: Annotated[Path, typer.Option(help="Folder that holds the recipe's data sets.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder of the run; an unfinished run in it goes on.")] = Path("out/train"),
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="Public weights to start from: what siam-track convert wrote, or NanoTrack v3's checkpoint.",
            show_default="random weights",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Read the recipe, the data sets and the start; say what is there.", rich_help_panel=_LOOK
        ),
    ] = False,
    show_batch: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.png", help="Draw the first pairs with their labels.", show_default=False, rich_help_panel=_LOOK
        ),
    ] = None,
    profile: Annotated[
        bool,
        typer.Option(
            "--profile",
            help="Time some steps: loader, forward, backward, optimiser; a table, and profile.png in the run's folder.",
            rich_help_panel=_LOOK,
        ),
    ] = False,
    workers: Annotated[
        int,
        typer.Option(min=0, max=64, help="Processes that prepare pairs, for each device.", rich_help_panel=_MACHINE),
    ] = 1,
    threads: Annotated[
        int, typer.Option(min=0, max=256, help="CPU threads; 0: as many as cores.", rich_help_panel=_MACHINE)
    ] = 0,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, gpu or mps.", rich_help_panel=_MACHINE)] = "auto",
    devices: Annotated[
        str,
        typer.Option(help="How many of each machine (2), which (0,3), or auto: all.", rich_help_panel=_MACHINE),
    ] = "1",
    nodes: Annotated[
        int, typer.Option(min=1, help="Machines; start the same command on each.", rich_help_panel=_MACHINE)
    ] = 1,
    strategy: Annotated[
        str,
        typer.Option(
            help="How several devices work together, in Lightning's words; auto: ddp.",
            rich_help_panel=_MACHINE,
        ),
    ] = "auto",
    precision: Annotated[
        str | None,
        typer.Option(help="32-true, bf16-mixed or 16-mixed.", show_default="the recipe's", rich_help_panel=_MACHINE),
    ] = None,
) -> None:
    """Train a model by a recipe.

    Ctrl-C or SIGTERM ends it after the step that is being done; the same command goes on where it
    stopped, to the same weights. The folder of the run receives the recipe as it was read, checkpoints,
    logs (CSV and TensorBoard), curves as a picture and, at the end, the weights and their model card.
    docs/training.md has the rest.
    """
    if missing := [name for name in ("lightning", "tensorboard") if find_spec(name) is None]:
        needed = " and ".join(missing)
        typer.echo(f"siam-track train: needs {needed}; install with 'pip install {' '.join(missing)}'", err=True)
        raise typer.Exit(EXIT_USAGE)
    from siam_tracker_ros.runtime.threads import set_torch_threads
    from siam_tracker_ros.training import preview
    from siam_tracker_ros.training.hardware import Hardware, first_process, parse_devices
    from siam_tracker_ros.training.module import BrokenBatch
    from siam_tracker_ros.training.recipe import read_recipe
    from siam_tracker_ros.training.run import train

    if threads:
        set_torch_threads(threads)
    try:
        hardware = Hardware(accelerator, parse_devices(devices), nodes, strategy, workers)
        read = read_recipe(recipe, precision)
        if check:
            preview.check(read, data, out, start_from, typer.echo)
            return
        if show_batch is not None:
            preview.show(read, data, out, show_batch, _say)
            typer.echo(f"pairs: {show_batch}")
            return
        if profile:
            found = preview.measure(read, data, out, start_from, hardware, _say)
            if first_process():
                typer.echo(f"{found.table()}\n{found.verdict()}\npicture: {out / 'profile.png'}")
            return
        weights = train(read, data, out, start_from, hardware, say=_say)
    except KeyboardInterrupt:
        if not first_process():
            return  # the first one speaks; the launcher would end it if another did not exit with 0
        typer.echo(f"stopped; the same command goes on from {out / 'last.ckpt'}", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    except BrokenBatch as error:
        if not first_process():
            return
        typer.echo(f"siam-track train: {error}", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    except (ValueError, OSError) as error:  # recipe, checkpoint, data and machine errors say what and where
        typer.echo(f"siam-track train: {error}", err=True)
        raise typer.Exit(EXIT_USAGE) from None
    if first_process():
        typer.echo(f"weights: {weights}")


def _say(text: str) -> None:
    typer.echo(text, err=True)
