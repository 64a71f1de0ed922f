"""This process's main memory: how much it takes, and keeping what it frees.

An image goes through several blocks of its own size, and so do a network's layers. glibc gives large blocks back to the
system as soon as they are free, and the system hands the next ones out page by page, zeroed: for each image, that takes
longer than to copy it several times over (docs/node_cost.md has how long).
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from pathlib import Path

# mallopt(3). The largest block that glibc takes from its heap on 64 bits; larger ones are given back as before.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
LARGEST_BLOCK = 32 * 2**20
KEEP = 2**30  # bytes at the heap's end that may lie free

# The same for other programs that receive images, as the environment variable GLIBC_TUNABLES.
TUNABLES = ":".join(
    f"glibc.malloc.{name}={value}"
    for name, value in {"mmap_threshold": LARGEST_BLOCK, "trim_threshold": KEEP, "arena_max": 1}.items()
)


def keep_freed_memory(environment: Mapping[str, str] | None = None) -> bool:
    """Let this process keep what it frees. Call it before anything starts a thread, as the import of rclpy may: the
    process then has one heap for all of them, where else each has its own, of 64 MB at most, which is given back.

    Args:
        environment: where settings of the user's own are looked for, GLIBC_TUNABLES and MALLOC_..., which stay; the
            process's own by default.

    Returns:
        Whether it does; not with settings of the user's own, nor with another C library than glibc.
    """
    environment = os.environ if environment is None else environment
    own = any(name.startswith("MALLOC_") and name.endswith("_") for name in environment)
    if sys.platform != "linux" or own or "glibc.malloc" in environment.get("GLIBC_TUNABLES", ""):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((M_MMAP_THRESHOLD, LARGEST_BLOCK), (M_TRIM_THRESHOLD, KEEP), (M_ARENA_MAX, 1))
    return sum(mallopt(*each) for each in settings) == len(settings)


def resident_memory() -> int:
    """Bytes of main memory that this process takes; 0 where the system does not tell (it is Linux that does)."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
