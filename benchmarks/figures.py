"""What the benchmarks of the node share: percentiles, the machine in a line, and figures in a page of docs/."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from siam_tracker_ros.evaluation.machine import describe_machine

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def percentiles(values: ArrayLike, shares: Sequence[int] = (50, 95, 99)) -> dict[str, float]:
    """``{"p50": ...}``; nan where there are no values."""
    found = np.asarray(values, np.float64)
    return {f"p{share}": float(np.percentile(found, share)) if found.size else float("nan") for share in shares}


def machine_note(load: float) -> str:
    """The machine and the middleware in a sentence. ``load``: the load average of the minute before the run."""
    machine = describe_machine({}, 1, 1)
    named = {"rclpy": "ros_rclpy", "Fast DDS": "ros_fastdds"}
    versions = ", ".join(f"{what} {version}" for what, name in named.items() if (version := _version(name)))
    distribution = os.environ.get("ROS_DISTRO", "")
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}, "
        f"{versions or f'ROS 2 {distribution}'}; load average of the minute before: {load:.2f}"
    )


def fill(page: Path, figures: str) -> None:
    """Put figures in the place of those in a page.

    Raises:
        ValueError: the page has no place for them, a line ``<!-- figures: begin -->`` and one with ``end``.
    """
    text = page.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise ValueError(f"{page} has no lines {BEGIN} and {END}, between which the figures would go")
    page.write_text(f"{before}{BEGIN}\n\n{figures.strip()}\n\n{END}{after}", encoding="utf-8")


@contextmanager
def environment(**variables: str | None) -> Iterator[None]:
    """Environment variables for what is started in the block; None: without it."""
    before = {name: os.environ.get(name) for name in variables}
    _set(variables)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
