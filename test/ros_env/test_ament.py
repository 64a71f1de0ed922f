"""The checkout's package is known to the environment's prefix."""

from pathlib import Path

import pytest

from ros_env.ament import register_package


def test_registration_links_the_checkout_and_can_be_repeated(repository: Path, tmp_path: Path) -> None:
    register_package(repository, tmp_path)
    register_package(repository, tmp_path)
    share = tmp_path / "share" / "siam_tracker_ros"
    assert (share / "config" / "fastdds.xml").is_file()
    assert (share / "package.xml").read_text() == (repository / "package.xml").read_text()
    assert (tmp_path / "share/ament_index/resource_index/packages/siam_tracker_ros").is_file()


def test_ament_finds_the_package(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = pytest.importorskip("ament_index_python.packages", reason="needs ROS 2")
    register_package(repository, tmp_path)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    share = tmp_path / "share" / "siam_tracker_ros"
    assert packages.get_package_share_directory("siam_tracker_ros") == str(share)
