"""The command line of the set-up."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from ros_env import interpreter
from ros_env.distribution import sourced_distribution
from ros_env.environment import STATE, wanted_environment
from ros_env.errors import SetupError
from ros_env.plan import Plan
from ros_env.steps import Stamps, run_steps

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Makes the environment, or finds that nothing has changed; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make setup", description=__doc__)
    parser.add_argument(
        "--chosen",
        action="store_true",
        help="the user named this interpreter: use it even if .venv has another",
    )
    parser.add_argument(
        "--venv", type=Path, default=ROOT / ".venv", help="the environment's folder (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    start = time.monotonic()
    try:
        with _OnlyOne():
            _set_up(options.venv.resolve(), options.chosen, start)
    except SetupError as error:
        _say(f"make setup: {error}")
        return 1
    except KeyboardInterrupt:
        _say("\nmake setup: interrupted; what is done is kept, run make setup again to go on")
        return 130
    return 0


def _set_up(venv: Path, chosen: bool, start: float) -> None:
    distribution = sourced_distribution(os.environ)
    environment = wanted_environment(venv, ROOT, distribution.name if distribution else "", chosen)
    if chosen:
        interpreter.check_version(sys.version_info[:2])
    plan = Plan(ROOT, venv, environment, distribution, _say)
    done = run_steps(plan.steps(), Stamps(venv / STATE), _say)
    seconds = time.monotonic() - start
    where = f"ROS 2 {distribution.name}" if distribution else "ROS 2 from wheels"
    state = f"{len(done)} steps done" if done else "up to date"
    _say(f"{venv.name}: {state} in {seconds:.1f} s (Python {environment.version}, {where})")


class _OnlyOne:
    """Waits while another set-up of this checkout is running."""

    def __enter__(self) -> None:
        self._folder = os.open(Path(__file__).parent, os.O_RDONLY)
        try:
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _say("another make setup is running in this checkout; waiting for it ...")
            fcntl.flock(self._folder, fcntl.LOCK_EX)

    def __exit__(self, *exception: object) -> None:
        os.close(self._folder)


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    print(line, flush=True)
