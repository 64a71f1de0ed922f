"""Runs other programs and keeps what they print."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ros_env.errors import SetupError

# Lines of a failed program's output that are shown; the rest is in the log.
SHOWN_LINES = 40


def run(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    show: bool = False,
) -> None:
    """Runs a program and waits for its end.

    What it prints goes to the log, or, where `show` is set and there is a terminal, to the terminal.
    Raises SetupError with the end of the output when the program fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    show = show and sys.stdout.isatty()
    # Python holds back what is printed, but not its errors, which would then lie far above the end that is shown.
    env = {"PYTHONUNBUFFERED": "1", **(os.environ if env is None else env)}
    with log.open("w", encoding="utf-8", errors="replace") as output:
        output.write("$ " + " ".join(command) + "\n")
        output.flush()
        to = None if show else output
        try:
            code = subprocess.run(command, stdout=to, stderr=to, env=env, cwd=cwd, check=False).returncode
        except OSError as error:
            raise SetupError(f"{command[0]} cannot be started: {error}") from error
    if code == 0:
        return
    sentence = f"this failed with exit code {code}: {' '.join(command)}"
    if show:
        raise SetupError(sentence)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LINES:]
    raise SetupError("\n".join([*lines, sentence, f"its output is in {log}"]))
