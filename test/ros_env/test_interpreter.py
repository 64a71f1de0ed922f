"""Interpreters and machines that cannot make the environment are refused with what to do."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ros_env import interpreter
from ros_env.errors import SetupError


@pytest.mark.parametrize("minor", [10, 11, 12, 13])
def test_supported_versions(minor: int) -> None:
    interpreter.check_version((3, minor))


@pytest.mark.parametrize("version", [(3, 9), (3, 14), (2, 7)])
def test_other_versions_are_refused_with_one_that_is_here(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **_: name if name == "python3.11" else None)
    with pytest.raises(
        SetupError, match=r"3\.10 to 3\.13 is needed.*python3\.11 is on this machine: PYTHON=python3\.11"
    ):
        interpreter.check_version(version)


def test_other_versions_are_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(SetupError, match=r"Install one and name it: PYTHON=python3\.12 make setup"):
        interpreter.check_version((3, 9))


@pytest.mark.parametrize(("machine", "system"), [("aarch64", "Linux"), ("x86_64", "Darwin")])
def test_machines_without_wheels_are_sent_to_a_distribution(machine: str, system: str) -> None:
    with pytest.raises(SetupError, match="install a ROS 2 distribution"):
        interpreter.check_machine(machine, system)


def test_missing_compilers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name, **_: None if name in {"cc", "c++"} else name)
    with pytest.raises(SetupError, match=r"a C compiler, a C\+\+ compiler.*apt install build-essential"):
        interpreter.check_compilers()


def test_missing_headers_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **_: name)
    monkeypatch.setattr(interpreter.sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(SetupError, match=rf"apt install python3\.{sys.version_info[1]}-dev"):
        interpreter.check_compilers()


def test_a_full_disk_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(interpreter, "NEEDED_BYTES", 10**18)
    with pytest.raises(SetupError, match="GB free"):
        interpreter.check_disk(tmp_path)


@pytest.mark.skipif(shutil.which("python3.9") is None, reason="python3.9 is not on this machine")
def test_an_older_interpreter_can_read_the_program_and_refuses(repository: Path, tmp_path: Path) -> None:
    probe = subprocess.run(["python3.9", "--version"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        pytest.skip("python3.9 does not start here")
    answer = subprocess.run(
        ["python3.9", "-m", "ros_env", "--chosen", "--venv", str(tmp_path / "venv")],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answer.returncode == 1
    assert "this is Python 3.9; 3.10 to 3.13 is needed" in answer.stdout
    assert not (tmp_path / "venv").exists()
