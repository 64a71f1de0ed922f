"""What an existing environment was made from, remembered inside it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from ros_env.errors import SetupError

# Inside the environment: stamps, logs and build files of the set-up.
STATE = ".setup"
_RECORD = "environment.json"


@dataclass(frozen=True)
class Environment:
    """What an environment is made from; a different one needs a new environment.

    python: the base interpreter's real path; version: its version, as 3.11.7; distribution: ROS_DISTRO, or
    empty for ROS from wheels; root: the checkout, whose path the environment's scripts contain.
    """

    python: str
    version: str
    distribution: str
    root: str

    def lines(self) -> tuple[str, ...]:
        """Returns the values as the inputs of a step."""
        return (self.python, self.version, self.distribution, self.root)


def read_environment(venv: Path) -> Environment | None:
    """Returns what the environment in a folder was made from, None if it was not made by the set-up."""
    try:
        content = json.loads((venv / STATE / _RECORD).read_text(encoding="utf-8"))
        return Environment(**content)
    except (OSError, ValueError, TypeError):
        return None


def write_environment(venv: Path, environment: Environment) -> None:
    """Remembers, inside the environment, what it is made from."""
    folder = venv / STATE
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{_RECORD}.part"
    part.write_text(json.dumps(asdict(environment), indent=1) + "\n", encoding="utf-8")
    part.replace(folder / _RECORD)


def wanted_environment(venv: Path, root: Path, distribution: str, chosen: bool) -> Environment:
    """Returns the environment to make, or to keep.

    chosen: the user named the running interpreter; otherwise an existing environment keeps its own.
    Raises SetupError where the folder holds something else, or was made for another source of ROS.
    """
    python = os.path.realpath(sys.executable)
    running = Environment(python, platform.python_version(), distribution, str(root))
    existing = read_environment(venv)
    if existing is None:
        if venv.exists() and any(venv.iterdir()):
            raise SetupError(f"{venv} was not made by make setup: move it away and run make setup again")
        return running
    if existing.distribution != distribution:
        have = f"ROS 2 {existing.distribution}" if existing.distribution else "ROS from Python wheels"
        here = f"ROS 2 {distribution} is sourced" if distribution else "no ROS distribution is sourced"
        source = f"source /opt/ros/{existing.distribution}/setup.bash"
        remedy = source if existing.distribution else "unset ROS_DISTRO"
        raise SetupError(
            f"{venv} was made with {have}, and {here} in this shell: {remedy}, "
            "or run make distclean and then make setup"
        )
    if chosen or not Path(existing.python).exists() or existing.root != str(root):
        return running
    return existing


def empty(venv: Path) -> None:
    """Removes an environment's files, and last of all what tells that it was made by the set-up."""
    if not venv.exists():
        return
    for path in venv.iterdir():
        if path.name == STATE:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    shutil.rmtree(venv / STATE, ignore_errors=True)
