"""The command ``siam-track`` and its sub-commands. Torch is imported by the one that runs, not by
``--help``.
"""

from __future__ import annotations

import typer

from siam_tracker_ros.cli.bag import bag_command
from siam_tracker_ros.cli.bench import bench_command
from siam_tracker_ros.cli.convert import convert_command
from siam_tracker_ros.cli.eval import eval_command
from siam_tracker_ros.cli.export import export_command
from siam_tracker_ros.cli.models import models_command
from siam_tracker_ros.cli.run import run_command
from siam_tracker_ros.cli.train import train_command
from siam_tracker_ros.memory import keep_freed_memory

app = typer.Typer(
    name="siam-track",
    help="Follow one thing in a video; evaluate and train the trackers that do it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run_command)
app.command("bag")(bag_command)
app.command("eval")(eval_command)
app.command("train")(train_command)
app.command("convert")(convert_command)
app.command("export")(export_command)
app.command("bench")(bench_command)
app.command("models")(models_command)


def main() -> None:
    """Run the command line."""
    keep_freed_memory()  # frames and layers come and go in the same sizes
    app()


if __name__ == "__main__":
    main()
