"""A progress bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm


class _Lines:
    """Turns a bar that is redrawn in place into lines, for a log."""

    def write(self, text: str) -> None:
        if words := text.strip():
            print(words, file=sys.stderr)

    def flush(self) -> None:
        sys.stderr.flush()


def progress_bar(what: str, total: int | None, unit: str = "frame") -> Any:
    """A tqdm bar on stderr: redrawn five times a second on a terminal, a line every five seconds elsewhere."""
    on_terminal = sys.stderr.isatty()
    return tqdm(
        desc=what,
        total=total,
        unit=unit,
        file=None if on_terminal else _Lines(),
        dynamic_ncols=on_terminal,
        mininterval=0.2 if on_terminal else 5.0,
        ascii=not on_terminal,
    )
