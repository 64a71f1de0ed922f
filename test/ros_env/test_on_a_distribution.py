"""The set-up on top of a ROS distribution, played by the prefix in which these tests run."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from ros_env.distribution import sourced_distribution
from ros_env.environment import STATE, wanted_environment
from ros_env.plan import Plan
from ros_env.steps import Stamps, run_steps

pytest.importorskip("rclpy", reason="needs ROS 2")

PREFIX = Path(sys.prefix)


@pytest.fixture
def sourced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Sets what a distribution's setup.bash sets, for the prefix of these tests; the loader's are set already."""
    if os.environ.get("ROS_DISTRO") or not (PREFIX / "share" / "vision_msgs").is_dir():
        pytest.skip("this environment has no ROS from wheels")
    monkeypatch.setenv("ROS_DISTRO", "kilted")
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(PREFIX))
    monkeypatch.setenv("CMAKE_PREFIX_PATH", str(PREFIX))
    monkeypatch.setenv("PYTHONPATH", sysconfig.get_path("purelib"))
    monkeypatch.setenv("PATH", f"{PREFIX / 'bin'}:{os.environ['PATH']}")


@pytest.mark.ros
def test_interfaces_are_built_beside_the_distribution(
    repository: Path, tmp_path: Path, sourced: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / "venv"
    distribution = sourced_distribution(os.environ)
    assert distribution is not None
    assert shutil.which("colcon") == str(PREFIX / "bin" / "colcon")
    environment = wanted_environment(venv, repository, distribution.name, chosen=True)
    steps = Plan(repository, venv, environment, distribution, lambda _: None).steps()
    # The steps that download are left out.
    done = run_steps([step for step in steps if step.name in {"venv", "interfaces"}], Stamps(venv / STATE), print)
    assert done == ["venv", "interfaces"]
    assert "include-system-site-packages = true" in (venv / "pyvenv.cfg").read_text()
    assert (venv / "lib" / "libsiam_tracker_interfaces__rosidl_typesupport_c.so").is_file()
    assert not (venv / "share" / "vision_msgs").exists()

    program = "import rclpy, vision_msgs, siam_tracker_interfaces.srv as own; print(own.__file__, vision_msgs.__file__)"
    answer = subprocess.run(
        ["bash", "-c", '. "$0"/local_setup.bash && exec "$0"/bin/python -c "$1"', str(venv), program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    own, vision = answer.stdout.split()
    assert own.startswith(str(venv))
    assert vision.startswith(str(PREFIX))
