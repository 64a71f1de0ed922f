"""How much main memory this process takes."""

from __future__ import annotations

import os
from pathlib import Path


def resident_memory() -> int:
    """Bytes of main memory that this process takes; 0 where the system does not tell (it is Linux that does)."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
