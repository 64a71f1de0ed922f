"""On what machine and with which libraries figures were taken."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["cpu_name", "describe_machine", "machine_line"]

_LIBRARIES = ("torch", "onnxruntime", "openvino", "opencv-contrib-python-headless", "opencv-contrib-python", "numpy")


def describe_machine(devices: dict[str, str], threads: int, jobs: int) -> dict[str, Any]:
    """What speed depends on, as JSON values.

    devices: tracker -> what it ran on. threads: CPU threads of a tracker. jobs: trackers at the same time.
    """
    return {
        "cpu": cpu_name(),
        "cores": _usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: version for name in _LIBRARIES if (version := _version(name))},
        "devices": devices,
        "threads": threads,
        "jobs": jobs,
    }


def machine_line(machine: dict[str, Any]) -> str:
    """One line of `describe_machine` for a table's foot."""
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    devices = ", ".join(f"{tracker} on {device}" for tracker, device in machine["devices"].items())
    shared = "" if machine["jobs"] == 1 else f", {machine['jobs']} processes at once (speeds are not comparable)"
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads a tracker{shared}; "
        f"{devices}; {machine['system']}, Python {machine['python']}, {libraries}"
    )


def cpu_name() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _usable_cores() -> int:
    """The cores that this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
