"""The command ``siam-track`` and its sub-commands. Torch is imported by the one that runs, not by
``--help``.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import typer

COMMANDS = ("run", "eval", "train", "models")

app = typer.Typer(
    name="siam-track",
    help="Follow one thing in a video; evaluate and train the trackers that do it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _name in COMMANDS:
    if find_spec(f"siam_tracker_ros.cli.{_name}"):
        app.command(_name)(getattr(import_module(f"siam_tracker_ros.cli.{_name}"), f"{_name}_command"))


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
