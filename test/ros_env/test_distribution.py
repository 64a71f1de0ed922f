"""What a sourced distribution provides is found, and what it lacks is named with the command that installs it."""

import shutil
from pathlib import Path

import pytest

from ros_env.distribution import OPTIONAL, REQUIRED, Distribution, check_distribution, sourced_distribution
from ros_env.errors import SetupError


def fake_prefix(folder: Path, packages: list[str]) -> Path:
    index = folder / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True)
    for package in packages:
        (index / package).write_text("")
    return folder


@pytest.fixture
def complete(tmp_path: Path) -> Distribution:
    return Distribution("jazzy", (fake_prefix(tmp_path / "jazzy", [*REQUIRED, *OPTIONAL]),))


@pytest.fixture(autouse=True)
def colcon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/usr/bin/{name}")


def test_nothing_sourced() -> None:
    assert sourced_distribution({"AMENT_PREFIX_PATH": "/somewhere"}) is None


def test_sourced_prefixes_in_order() -> None:
    environ = {"ROS_DISTRO": "humble", "AMENT_PREFIX_PATH": "/ws/install:/opt/ros/humble:"}
    assert sourced_distribution(environ) == Distribution("humble", (Path("/ws/install"), Path("/opt/ros/humble")))


def test_a_name_without_prefixes_is_refused() -> None:
    with pytest.raises(SetupError, match=r"source /opt/ros/humble/setup\.bash, or unset ROS_DISTRO"):
        sourced_distribution({"ROS_DISTRO": "humble"})


def test_a_complete_distribution(complete: Distribution) -> None:
    assert check_distribution(complete) == []


def test_missing_packages_are_named_for_apt(tmp_path: Path) -> None:
    packages = [package for package in REQUIRED if package not in {"vision_msgs", "std_srvs"}]
    distribution = Distribution("humble", (fake_prefix(tmp_path / "humble", packages),))
    with pytest.raises(SetupError, match="sudo apt install ros-humble-std-srvs ros-humble-vision-msgs"):
        check_distribution(distribution)


def test_an_overlaid_workspace_counts(tmp_path: Path) -> None:
    base = fake_prefix(tmp_path / "base", [package for package in REQUIRED if package != "vision_msgs"])
    workspace = fake_prefix(tmp_path / "workspace", ["vision_msgs"])
    assert Distribution("kilted", (workspace, base)).missing(list(REQUIRED)) == []


def test_missing_optional_packages_are_told(tmp_path: Path) -> None:
    distribution = Distribution("kilted", (fake_prefix(tmp_path / "kilted", list(REQUIRED)),))
    sentences = check_distribution(distribution)
    assert len(sentences) == len(OPTIONAL)
    assert "sudo apt install ros-kilted-cv-bridge" in sentences[0]


def test_missing_colcon_is_told(complete: Distribution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **_: None)
    with pytest.raises(SetupError, match="sudo apt install python3-colcon-common-extensions"):
        check_distribution(complete)
