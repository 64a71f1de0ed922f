"""Makes the environment's prefix know the package of this checkout, as an installed package is known."""

from __future__ import annotations

from pathlib import Path

PACKAGE = "siam_tracker_ros"


def register_package(root: Path, prefix: Path) -> None:
    """Links the checkout's manifest, launch files and parameters into the prefix and its ament index.

    Links, so that `get_package_share_directory` shows the checkout's files as they are now.
    """
    share = prefix / "share" / PACKAGE
    share.mkdir(parents=True, exist_ok=True)
    for name in ("package.xml", "launch", "config"):
        _link(root / name, share / name)
    index = prefix / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True, exist_ok=True)
    _link(root / "resource" / PACKAGE, index / PACKAGE)


def _link(target: Path, link: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target, target_is_directory=target.is_dir())
