"""A ROS 2 distribution that is sourced in this shell: what it is, and what it provides."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ros_env.errors import SetupError

# Without these the interfaces cannot be built or the node cannot run.
REQUIRED = (
    "ament_cmake",
    "diagnostic_msgs",
    "geometry_msgs",
    "rclpy",
    "rosidl_default_generators",
    "sensor_msgs",
    "std_msgs",
    "std_srvs",
    "vision_msgs",
)

# Without these the node runs, with less.
OPTIONAL = {
    "cv_bridge": "encodings beyond bgr8, rgb8, mono8, bgra8 and rgba8 are refused",
    "launch_ros": "the launch files cannot be used",
}


@dataclass(frozen=True)
class Distribution:
    """A sourced distribution: its name (ROS_DISTRO), and the prefixes that AMENT_PREFIX_PATH names."""

    name: str
    prefixes: tuple[Path, ...]

    def provides(self, package: str) -> bool:
        """Whether one of the prefixes has the package."""
        index = Path("share", "ament_index", "resource_index", "packages", package)
        return any((prefix / index).is_file() for prefix in self.prefixes)

    def missing(self, packages: tuple[str, ...] | list[str]) -> list[str]:
        """Returns those of the packages that no prefix has."""
        return [package for package in packages if not self.provides(package)]

    def apt_names(self, packages: list[str]) -> str:
        """Returns the names of the Debian packages, as apt takes them."""
        return " ".join(f"ros-{self.name}-{package.replace('_', '-')}" for package in packages)


def sourced_distribution(environ: Mapping[str, str]) -> Distribution | None:
    """Returns the distribution that the environment variables speak of, None where there is none.

    Raises SetupError where ROS_DISTRO is set but no prefix is: then nothing was sourced.
    """
    name = environ.get("ROS_DISTRO", "")
    if not name:
        return None
    prefixes = tuple(Path(part) for part in environ.get("AMENT_PREFIX_PATH", "").split(":") if part)
    if not prefixes:
        raise SetupError(
            f"ROS_DISTRO is {name} but AMENT_PREFIX_PATH is empty: "
            f"source /opt/ros/{name}/setup.bash, or unset ROS_DISTRO"
        )
    return Distribution(name, prefixes)


def check_distribution(distribution: Distribution) -> list[str]:
    """Returns sentences about what is optional and missing.

    Raises SetupError, with the command that installs it, where something required is missing.
    """
    missing = distribution.missing(REQUIRED)
    if missing:
        raise SetupError(
            f"ROS 2 {distribution.name} lacks {', '.join(missing)}: sudo apt install {distribution.apt_names(missing)}"
        )
    if shutil.which("colcon") is None:
        raise SetupError("colcon is not found: sudo apt install python3-colcon-common-extensions")
    return [
        f"{package} is not installed, so {effect} (sudo apt install {distribution.apt_names([package])})"
        for package, effect in OPTIONAL.items()
        if not distribution.provides(package)
    ]
