"""What a process takes of the machine, as Linux tells it."""

from __future__ import annotations

from pathlib import Path


def process_usage(pid: int) -> tuple[float, float, int, int]:
    """A process's resident memory and its own part of it in MB, its threads, its open files; zeros if it has ended.

    Its own part is what it does not share: without the libraries' files, and without the shared memory through which
    images come, whose pages fill up as they are used.
    """
    folder = Path(f"/proc/{pid}")
    try:
        lines = dict(line.split(":", 1) for line in (folder / "status").read_text(encoding="ascii").splitlines())
        rss, own = (int(lines[name].split()[0]) * 1.024e-3 for name in ("VmRSS", "RssAnon"))
        return rss, own, int(lines["Threads"]), len(list((folder / "fd").iterdir()))
    except (OSError, KeyError):
        return 0.0, 0.0, 0, 0
