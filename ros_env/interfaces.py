"""Builds the message and service packages with colcon, into the environment itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

OVERLAY = Path("ros_env", "overlay", "vision_msgs")
INTERFACES = Path("siam_tracker_interfaces")


# What a shell or the interpreter of another environment may have set, and would reach into this one.
_FOREIGN = (
    "AMENT_PREFIX_PATH",
    "CMAKE_PREFIX_PATH",
    "COLCON_PREFIX_PATH",
    "PYTHONPATH",
    "ROS_PYTHON_VERSION",
    "ROS_VERSION",
)

# The ROS wheels start the interpreter a second time, with LD_LIBRARY_PATH set, and mark that they did.
_WHEELS_MARK = "_ROS_WHEELS_BOOTSTRAP_COMPLETE"


def clean_environment(environ: Mapping[str, str], distribution: bool) -> dict[str, str]:
    """Returns the environment variables without those that belong to another environment.

    Those of a sourced distribution stay.
    """
    env = dict(environ)
    env.pop("PYTHONHOME", None)
    if env.pop(_WHEELS_MARK, None) and not distribution:
        env.pop("LD_LIBRARY_PATH", None)
    if not distribution:
        for name in _FOREIGN:
            env.pop(name, None)
    return env


def build_environment(venv: Path, environ: Mapping[str, str], distribution: bool) -> dict[str, str]:
    """Returns the environment variables for a build: the venv's programs and prefix before all others.

    Without a distribution the prefixes that the shell may name are left out.
    """
    env = clean_environment(environ, distribution)
    env["VIRTUAL_ENV"] = str(venv)
    env["PATH"] = os.pathsep.join([str(venv / "bin"), env.get("PATH", "")])
    for name in ("AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH"):
        others = env.get(name, "") if distribution else ""
        env[name] = os.pathsep.join(part for part in (str(venv), *others.split(os.pathsep)) if part)
    return env


def colcon_command(colcon: str, venv: Path, work: Path, folders: Sequence[Path]) -> list[str]:
    """Returns the command that builds the packages in `folders` and installs them merged into the venv.

    work: where build files and logs go.
    """
    return [
        colcon,
        *("--log-base", str(work / "log"), "build"),
        *("--base-paths", *map(str, folders)),
        *("--build-base", str(work / "build"), "--install-base", str(venv), "--merge-install"),
        *("--event-handlers", "console_direct+", "console_cohesion-"),
        *("--cmake-args", "-DBUILD_TESTING=OFF", f"-DPython3_EXECUTABLE={venv / 'bin' / 'python'}"),
    ]
