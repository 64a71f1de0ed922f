"""Which Python interpreter the environment can be made with, and what must be on the machine beside it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
from pathlib import Path

from ros_env.errors import SetupError

OLDEST = (3, 10)
NEWEST = (3, 13)

# What the wheels with CUDA, ROS and the libraries take, unpacked, with room for pip's downloads.
NEEDED_BYTES = 9_000_000_000


def check_version(version: tuple[int, int]) -> None:
    """Raises SetupError unless this version of Python is supported: one for which there are ROS wheels."""
    if OLDEST <= version <= NEWEST:
        return
    found = [name for minor in range(NEWEST[1], OLDEST[1] - 1, -1) if shutil.which(name := f"python3.{minor}")]
    choice = found[0] if found else f"python3.{NEWEST[1] - 1}"
    raise SetupError(
        f"this is Python {version[0]}.{version[1]}; 3.{OLDEST[1]} to 3.{NEWEST[1]} is needed. "
        + (f"{choice} is on this machine" if found else "Install one and name it")
        + f": PYTHON={choice} make setup"
    )


def check_machine(machine: str, system: str) -> None:
    """Raises SetupError where there are no ROS wheels for this kind of machine."""
    if system != "Linux" or machine not in {"x86_64", "AMD64"}:
        raise SetupError(
            f"there are ROS wheels for Linux on x86-64 only, and this is {system} on {machine}: install a "
            "ROS 2 distribution (Humble, Jazzy or Kilted), source its setup.bash and run make setup again"
        )


def check_venv_module() -> None:
    """Raises SetupError where Python comes without its venv module, which Debian splits off."""
    try:
        import ensurepip
        import venv
    except ImportError as error:
        name = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise SetupError(f"this Python has no {error.name} module: sudo apt install {name}") from error
    del ensurepip, venv


def check_compilers() -> None:
    """Raises SetupError without C and C++ compilers, make and Python's headers: interfaces are compiled."""
    missing = [
        what
        for what, command in (
            ("a C compiler", os.environ.get("CC", "cc").split()[0]),
            ("a C++ compiler", os.environ.get("CXX", "c++").split()[0]),
            ("make", "make"),
        )
        if shutil.which(command) is None
    ]
    if missing:
        raise SetupError(f"not found: {', '.join(missing)}. On Debian and Ubuntu: sudo apt install build-essential")
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.is_file():
        name = f"python{sys.version_info[0]}.{sys.version_info[1]}-dev"
        raise SetupError(f"Python's headers are missing ({header}): sudo apt install {name}")


def check_disk(folder: Path) -> None:
    """Raises SetupError where the disk has too little room for a new environment."""
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise SetupError(
            f"{folder} has {free / 1e9:.1f} GB free; the environment needs about {NEEDED_BYTES / 1e9:.0f} GB"
        )


def check_before_creation(folder: Path, needs_wheels: bool) -> None:
    """Raises SetupError, saying what to install, where the environment cannot be made here."""
    check_version(sys.version_info[:2])
    if needs_wheels:
        check_machine(platform.machine(), platform.system())
    check_venv_module()
    check_compilers()
    check_disk(folder)
