"""The DDS profile that lets camera frames through between processes (config/fastdds.xml)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path

PROFILE = Path("config", "fastdds.xml")
VARIABLE = "FASTDDS_DEFAULT_PROFILES_FILE"
# The name that Fast DDS 2 reads (up to Jazzy); version 3 (Kilted) warns about it.
OLD_VARIABLE = "FASTRTPS_DEFAULT_PROFILES_FILE"
OLD_DISTRIBUTIONS = ("humble", "iron", "jazzy")


def use_shared_memory_profile(environment: MutableMapping[str, str] | None = None) -> Path | None:
    """Point Fast DDS at the package's profile. Call it before ``rclpy.init``.

    With default transports and best-effort QoS, images over 512 KiB get lost between processes. A profile
    that the user has chosen through either variable stays; other DDS vendors read neither.

    Args:
        environment: where the variables are read and set; the process's own by default.

    Returns:
        The profile's path, or None where the user's own stays or the package was installed without its
        config.
    """
    environment = os.environ if environment is None else environment
    if environment.get(VARIABLE) or environment.get(OLD_VARIABLE):
        return None
    profile = next((path for path in _candidates(environment) if path.is_file()), None)
    if profile is not None:
        environment[VARIABLE] = str(profile)
        if environment.get("ROS_DISTRO") in OLD_DISTRIBUTIONS:
            environment[OLD_VARIABLE] = str(profile)
    return profile


def _candidates(environment: MutableMapping[str, str]) -> Iterator[Path]:
    yield Path(__file__).resolve().parents[2] / PROFILE  # a checkout, or an editable install of one
    # An installed package: every prefix of the ament index, then the prefix of this Python.
    for prefix in environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        if prefix:
            yield Path(prefix) / "share" / "siam_tracker_ros" / PROFILE
    yield Path(sys.prefix) / "share" / "siam_tracker_ros" / PROFILE
