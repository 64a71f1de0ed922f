"""What programs print is kept, and shown when they fail."""

import sys
from pathlib import Path

import pytest

from ros_env.errors import SetupError
from ros_env.shell import run


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "step.log"
    run([sys.executable, "-c", "import os; print('hello', os.environ['X'])"], log=log, env={"X": "there"})
    assert log.read_text().splitlines()[-1] == "hello there"


def test_a_failure_shows_the_end_of_the_output_and_where_the_rest_is(tmp_path: Path) -> None:
    program = "print(*range(100), sep='\\n'); raise SystemExit('no network')"
    with pytest.raises(SetupError) as caught:
        run([sys.executable, "-c", program], log=tmp_path / "step.log")
    lines = str(caught.value).splitlines()
    assert "no network" in lines
    assert "99" in lines
    assert "1" not in lines
    assert "failed with exit code 1" in lines[-2]
    assert lines[-1] == f"its output is in {tmp_path / 'step.log'}"


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"colcon-that-is-not-there cannot be started"):
        run(["colcon-that-is-not-there"], log=tmp_path / "step.log")
