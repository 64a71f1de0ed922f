"""The command itself: what it says, its exit codes, and that two of them do not get in each other's way."""

import subprocess
import sys
from pathlib import Path

import pytest

from ros_env import cli
from ros_env.environment import write_environment
from ros_env.errors import SetupError
from ros_env.plan import Plan
from ros_env.steps import Step


@pytest.fixture(autouse=True)
def nothing_sourced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROS_DISTRO", raising=False)
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)


def use_steps(monkeypatch: pytest.MonkeyPatch, *actions: tuple[str, object]) -> None:
    def steps(plan: Plan) -> list[Step]:
        def make_venv() -> None:
            write_environment(plan.venv, plan.environment)

        first = Step("venv", "virtual environment", make_venv)
        return [first, *(Step(name, f"the {name}", action) for name, action in actions)]  # type: ignore[arg-type]

    monkeypatch.setattr(Plan, "steps", steps)


def raises(error: BaseException) -> object:
    def action() -> None:
        raise error

    return action


def test_steps_are_said_and_a_second_run_finds_nothing_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use_steps(monkeypatch, ("ros", lambda: None))
    arguments = ["--venv", str(tmp_path / "venv")]
    assert cli.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[1/2] virtual environment ..."
    assert lines[-1].startswith("venv: 2 steps done in ")
    assert cli.main(arguments) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("venv: up to date in 0.")
    assert line.endswith("ROS 2 from wheels)")


def test_an_interruption_keeps_what_is_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--venv", str(tmp_path / "venv")]
    use_steps(monkeypatch, ("ros", raises(KeyboardInterrupt())))
    assert cli.main(arguments) == 130
    assert "interrupted; what is done is kept" in capsys.readouterr().out
    use_steps(monkeypatch, ("ros", lambda: None))
    assert cli.main(arguments) == 0
    assert "virtual environment" not in capsys.readouterr().out


def test_what_cannot_be_done_is_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use_steps(monkeypatch, ("ros", raises(SetupError("no network"))))
    assert cli.main(["--venv", str(tmp_path / "venv")]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "make setup: no network"


def test_a_second_set_up_waits_for_the_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, repository: Path) -> None:
    use_steps(monkeypatch)
    with cli._OnlyOne():
        other = subprocess.Popen(
            [sys.executable, "-c", "from ros_env.cli import _OnlyOne\nwith _OnlyOne(): print('mine')"],
            cwd=repository,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert other.stdout is not None
        assert "another make setup is running" in other.stdout.readline()
        assert other.poll() is None
    output, _ = other.communicate(timeout=30)
    assert output == "mine\n"
