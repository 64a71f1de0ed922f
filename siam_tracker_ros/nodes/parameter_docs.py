"""The parameters on paper: ``config/tracker.yaml`` and ``docs/parameters.md``, both made of the one table that the node
declares them from.

``python -m siam_tracker_ros.nodes.parameter_docs`` writes them into the checkout; with ``--check`` it only says which
of the two is out of date (exit code 1).
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from siam_tracker_ros.nodes.parameters import ENTRIES, TRACKER_PREFIX, Entry

ROOT = Path(__file__).resolve().parents[2]
YAML_FILE, TABLE_FILE = Path("config", "tracker.yaml"), Path("docs", "parameters.md")
COMMAND = "python -m siam_tracker_ros.nodes.parameter_docs"

YAML_HEAD = f"""\
# Parameters of tracker_node, with their defaults. `ros2 param describe /siam_tracker NAME` says the same.
# "fixed": cannot change while the node runs. A decimal number must have its point: 1.0, not 1.
# Made by `{COMMAND}`.
/**:
  ros__parameters:"""

YAML_TRACKER = """\
    # Settings of the tracker: each model has its own (preset); those below are afsn_mobile's. To set one, take its
    # first # away, and that of the next line."""

TABLE_HEAD = f"""\
# Parameters

Made by `{COMMAND}`; [config/tracker.yaml](../config/tracker.yaml) is the same as a parameter file,
with every default, and `ros2 param describe /siam_tracker NAME` says it of a running node.

A *fixed* parameter cannot change while the node runs; the others may, several in one request where they only make sense
together. A bad value is refused with the reason. A decimal number must have its point: `1.0`, not `1`.

`use_sim_time` is ROS's own: ages and latencies are then those of the simulated clock.
"""

TABLE_TRACKER = """\
## The tracker's settings

Each model has its own values, and some have several sets of them, the presets (`siam-track models` names them): what
`model` and `preset` give counts until a parameter says otherwise. The defaults in this table are `afsn_mobile`'s.
"""


def yaml_text(entries: Sequence[Entry] = ENTRIES) -> str:
    """The parameter file. The tracker's settings are commented out, since a model brings its own."""
    lines = [YAML_HEAD]
    for group, members in _groups(entries).items():
        of_tracker = group == TRACKER_PREFIX.rstrip(".")
        off = "#" if of_tracker else ""
        indent = "    "
        if group:
            lines += [YAML_TRACKER] if of_tracker else []
            lines.append(f"    {off}{group}:")
            indent = "      "
        for entry in members:
            remarks = [_alternatives(entry.choices), _span(entry)]
            remarks = [*filter(None, remarks), *(["fixed"] if entry.fixed else [])]
            text = entry.text + (f" ({'; '.join(remarks)})" if remarks else "")
            lines += textwrap.wrap(text, 110, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
            lines.append(f"{indent}{off}{entry.name.removeprefix(f'{group}.')}: {_yaml(entry.default)}")
    return "\n".join(lines) + "\n"


def table_text(entries: Sequence[Entry] = ENTRIES) -> str:
    """The tables in Markdown: the node's parameters, then the tracker's settings."""
    tracker = [entry for entry in entries if entry.name.startswith(TRACKER_PREFIX)]
    others = [entry for entry in entries if entry not in tracker]
    parts = [TABLE_HEAD, _table(_in_groups(others)), "", TABLE_TRACKER, _table(tracker)]
    return "\n".join(parts) + "\n"


def _table(entries: Sequence[Entry]) -> str:
    lines = ["| parameter | type | default | allowed | while it runs | meaning |", "|---|---|---|---|---|---|"]
    for entry in entries:
        allowed = ", ".join(f"`{_named(choice)}`" for choice in entry.choices) or _span(entry)
        cells = [
            f"`{entry.name}`",
            type(entry.default).__name__.replace("str", "string").replace("float", "double"),
            f"`{_yaml(entry.default)}`",
            allowed,
            "fixed" if entry.fixed else "changes",
            entry.text,
        ]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)


def _groups(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The entries by what stands before the point of their names, in the order in which they come first.

    Those without a point come together where they stand, so that a reader finds what belongs together.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        group, _, rest = entry.name.rpartition(".")
        if "." in group:
            raise ValueError(f"parameter '{entry.name}' has two points in its name; the file knows one level")
        groups.setdefault(group if rest else "", []).append(entry)
    return groups


def _in_groups(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for members in _groups(entries).values() for entry in members]


def _alternatives(choices: Sequence[str]) -> str:
    names = [_named(choice) for choice in choices]
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _span(entry: Entry) -> str:
    if entry.low is None or entry.high is None or isinstance(entry.default, bool):
        return ""
    return f"{entry.low:g} to {entry.high:g}"


def _named(choice: str) -> str:
    return choice or '""'


def _yaml(value: Any) -> str:
    """A value as YAML has it, of the same type when it is read back."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and "e" in repr(value):
        return f"{value:.12f}".rstrip("0")
    text = str(value)
    return text if yaml.safe_load(text) == value else json.dumps(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the two files, or check them. ``arguments``: the command line's by default."""
    parser = argparse.ArgumentParser(prog="parameter_docs", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; say which file is out of date")
    options = parser.parse_args(arguments)
    stale = []
    for name, text in ((YAML_FILE, yaml_text()), (TABLE_FILE, table_text())):
        path = ROOT / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not options.check:
            path.write_text(text, encoding="utf-8")
            print(f"written: {name}")
    if options.check and stale:
        print(f"out of date: {', '.join(map(str, stale))}; run `{COMMAND}`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
