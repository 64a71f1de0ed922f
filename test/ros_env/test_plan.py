"""Which steps make an environment, and what they run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ros_env import plan as plan_module
from ros_env.distribution import Distribution
from ros_env.environment import Environment
from ros_env.interfaces import build_environment, clean_environment, colcon_command
from ros_env.plan import Plan


def plan_for(repository: Path, venv: Path, distribution: Distribution | None) -> Plan:
    name = distribution.name if distribution else ""
    environment = Environment("/usr/bin/python3", "3.12.3", name, str(repository))
    return Plan(repository, venv, environment, distribution, lambda _: None)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Collects the commands that a plan would run."""
    collected: list[list[str]] = []

    def collect(command: Sequence[str], **_: object) -> None:
        collected.append(list(command))

    monkeypatch.setattr(plan_module, "run", collect)
    return collected


def test_with_wheels(repository: Path, tmp_path: Path) -> None:
    names = [step.name for step in plan_for(repository, tmp_path / "venv", None).steps()]
    assert names == [
        "venv",
        "ros",
        "targets",
        "interfaces",
        "torch",
        "libraries",
        "development",
        "package",
        "trial",
    ]


def test_on_a_distribution_there_are_no_ros_wheels_and_no_overlay(
    repository: Path, tmp_path: Path, commands: list[list[str]]
) -> None:
    steps = plan_for(repository, tmp_path / "venv", Distribution("jazzy", (Path("/opt/ros/jazzy"),))).steps()
    by_name = {step.name: step for step in steps}
    assert [*by_name] == ["venv", "interfaces", "torch", "libraries", "development", "package", "trial"]
    by_name["interfaces"].action()
    by_name["libraries"].action()
    text = " ".join(word for command in commands for word in command)
    assert "siam_tracker_interfaces" in text
    assert "overlay" not in text
    assert "ros.txt" not in text
    # The distribution's messages are compiled against its NumPy, so that pip must not bring the next major version.
    constraints = [command for command in commands if "numpy<" in " ".join(command)]
    assert len(constraints) == 1


def test_a_distribution_is_seen_by_the_environment(
    repository: Path, tmp_path: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    distribution = Distribution("jazzy", (Path("/opt/ros/jazzy"),))
    environment = Environment("/usr/bin/python3", "3.12.3", "jazzy", str(repository))
    plan = Plan(repository, tmp_path / "venv", environment, distribution, said.append)
    monkeypatch.setattr(plan_module.interpreter, "check_before_creation", lambda *_, **__: None)
    monkeypatch.setattr(plan_module, "check_distribution", lambda _: ["cv_bridge is not installed"])
    plan.steps()[0].action()
    assert commands == [
        ["/usr/bin/python3", "-c", "import rclpy"],
        ["/usr/bin/python3", "-m", "venv", "--system-site-packages", str(tmp_path / "venv")],
    ]
    assert said == ["cv_bridge is not installed"]


def test_every_pip_step_has_its_requirements_and_the_constraints(
    repository: Path, tmp_path: Path, commands: list[list[str]]
) -> None:
    for step in plan_for(repository, tmp_path / "venv", None).steps():
        if step.name in {"ros", "torch", "libraries", "development"}:
            step.action()
    files = [command[command.index("--requirement") + 1] for command in commands]
    assert [Path(file).stem for file in files] == ["ros", "torch", "libraries", "development"]
    assert all(Path(file).is_file() for file in files)
    assert all(Path(command[command.index("--constraint") + 1]).name == "constraints.txt" for command in commands)


def test_torch_and_torchvision_come_together(repository: Path) -> None:
    lines = (repository / "ros_env" / "requirements" / "torch.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split(">")[0] for line in lines if not line.startswith("#")] == ["torch", "torchvision"]


@pytest.fixture
def shell() -> Mapping[str, str]:
    return {
        "PATH": "/usr/bin",
        "HOME": "/home/robot",
        "AMENT_PREFIX_PATH": "/opt/ros/jazzy",
        "CMAKE_PREFIX_PATH": "/opt/ros/jazzy",
        "PYTHONPATH": "/opt/ros/jazzy/lib/python3.12/site-packages",
        "LD_LIBRARY_PATH": "/opt/ros/jazzy/lib",
        "PYTHONHOME": "/elsewhere",
    }


def test_building_with_wheels_sees_only_the_environment(shell: Mapping[str, str]) -> None:
    env = build_environment(Path("/repo/.venv"), shell, distribution=False)
    assert env["AMENT_PREFIX_PATH"] == env["CMAKE_PREFIX_PATH"] == "/repo/.venv"
    assert env["PATH"] == "/repo/.venv/bin:/usr/bin"
    assert env["HOME"] == "/home/robot"
    assert not {"PYTHONPATH", "PYTHONHOME"} & env.keys()


def test_building_on_a_distribution_adds_to_it(shell: Mapping[str, str]) -> None:
    env = build_environment(Path("/repo/.venv"), shell, distribution=True)
    assert env["AMENT_PREFIX_PATH"] == env["CMAKE_PREFIX_PATH"] == "/repo/.venv:/opt/ros/jazzy"
    assert env["PYTHONPATH"] == "/opt/ros/jazzy/lib/python3.12/site-packages"
    assert env["LD_LIBRARY_PATH"] == "/opt/ros/jazzy/lib"


def test_what_the_wheels_of_another_environment_set_is_dropped() -> None:
    inherited = {"_ROS_WHEELS_BOOTSTRAP_COMPLETE": "1", "LD_LIBRARY_PATH": "/other/.venv/lib", "LANG": "C"}
    assert clean_environment(inherited, distribution=False) == {"LANG": "C"}


def test_colcon_installs_into_the_environment() -> None:
    command = colcon_command("colcon", Path("/r/.venv"), Path("/r/.venv/.setup/i"), [Path("/r/a"), Path("/r/b")])
    text = " ".join(command)
    assert "build --base-paths /r/a /r/b --build-base" in text
    assert "--install-base /r/.venv --merge-install" in text
    assert command[-1] == "-DPython3_EXECUTABLE=/r/.venv/bin/python"
