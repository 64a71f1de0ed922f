"""Finds packages that an interrupted pip left half installed, which pip itself takes for installed."""

from __future__ import annotations

import shutil
from pathlib import Path


def drop_unfinished(site_packages: Path) -> list[str]:
    """Makes pip forget the half-installed packages, so that it installs them again.

    pip writes INSTALLER and then RECORD after all other files of a package. What begins with ~ is a package
    that was being replaced. Returns the names of the folders that were removed.
    """
    dropped = []
    for folder in sorted(site_packages.glob("*.dist-info")):
        if not ((folder / "INSTALLER").is_file() and (folder / "RECORD").is_file()):
            shutil.rmtree(folder)
            dropped.append(folder.name)
    for leftover in sorted(site_packages.glob("~*")):
        if leftover.is_dir():
            shutil.rmtree(leftover)
            dropped.append(leftover.name)
    return dropped
