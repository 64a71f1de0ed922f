"""An environment keeps what it was made from, and is never mixed up with another one."""

import os
import platform
import sys
from pathlib import Path

import pytest

from ros_env.environment import (
    Environment,
    empty,
    read_environment,
    wanted_environment,
    write_environment,
)
from ros_env.errors import SetupError

RUNNING = os.path.realpath(sys.executable)


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    return tmp_path / ".venv"


def test_a_new_environment_is_made_from_the_running_interpreter(venv: Path, tmp_path: Path) -> None:
    wanted = wanted_environment(venv, tmp_path, "", chosen=False)
    assert wanted == Environment(RUNNING, platform.python_version(), "", str(tmp_path))
    write_environment(venv, wanted)
    assert read_environment(venv) == wanted


def test_an_existing_environment_keeps_its_interpreter_unless_one_is_named(venv: Path, tmp_path: Path) -> None:
    other = Environment("/bin/sh", "3.12.1", "", str(tmp_path))
    write_environment(venv, other)
    assert wanted_environment(venv, tmp_path, "", chosen=False) == other
    assert wanted_environment(venv, tmp_path, "", chosen=True).python == RUNNING


def test_an_environment_whose_interpreter_or_checkout_moved_is_made_anew(venv: Path, tmp_path: Path) -> None:
    write_environment(venv, Environment("/nowhere/python3.12", "3.12.1", "", str(tmp_path)))
    assert wanted_environment(venv, tmp_path, "", chosen=False).python == RUNNING
    write_environment(venv, Environment("/bin/sh", "3.12.1", "", "/nowhere/checkout"))
    assert wanted_environment(venv, tmp_path, "", chosen=False).root == str(tmp_path)


def test_a_folder_that_the_set_up_did_not_make_is_left_alone(venv: Path, tmp_path: Path) -> None:
    venv.mkdir()
    (venv / "pyvenv.cfg").write_text("")
    with pytest.raises(SetupError, match="was not made by make setup: move it away"):
        wanted_environment(venv, tmp_path, "", chosen=True)


@pytest.mark.parametrize(
    ("made_with", "sourced", "remedy"),
    [
        ("", "jazzy", "unset ROS_DISTRO"),
        ("humble", "", "source /opt/ros/humble/setup.bash"),
        ("humble", "jazzy", "source /opt/ros/humble/setup.bash"),
    ],
)
def test_wheels_and_distributions_are_not_mixed(
    venv: Path, tmp_path: Path, made_with: str, sourced: str, remedy: str
) -> None:
    write_environment(venv, Environment("/bin/sh", "3.10.12", made_with, str(tmp_path)))
    with pytest.raises(SetupError, match=remedy):
        wanted_environment(venv, tmp_path, sourced, chosen=False)


def test_emptying_removes_everything(venv: Path, tmp_path: Path) -> None:
    write_environment(venv, Environment("/bin/sh", "3.10.12", "", str(tmp_path)))
    (venv / "lib").mkdir()
    (venv / "lib64").symlink_to("lib")
    (venv / "pyvenv.cfg").write_text("")
    empty(venv)
    assert list(venv.iterdir()) == []
    assert read_environment(venv) is None
