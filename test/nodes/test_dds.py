import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from siam_tracker_ros.nodes import dds
from siam_tracker_ros.nodes.dds import OLD_VARIABLE, VARIABLE, use_shared_memory_profile


def test_the_checkouts_profile_is_used_and_is_for_large_images():
    environment: dict[str, str] = {}
    profile = use_shared_memory_profile(environment)
    assert profile is not None
    assert environment == {VARIABLE: str(profile)}
    root = ElementTree.parse(profile).getroot()
    sizes = [int(node.text or 0) for node in root.iter() if node.tag.endswith("segment_size")]
    assert sizes
    assert min(sizes) >= 64 * 2**20


@pytest.mark.parametrize("distribution", ["humble", "jazzy"])
def test_fast_dds_2_finds_it_under_its_own_name(distribution):
    environment = {"ROS_DISTRO": distribution}
    profile = use_shared_memory_profile(environment)
    assert environment[OLD_VARIABLE] == environment[VARIABLE] == str(profile)


@pytest.mark.parametrize("name", [VARIABLE, OLD_VARIABLE])
def test_the_users_own_profile_stays(name):
    environment = {name: "/home/me/mine.xml"}
    assert use_shared_memory_profile(environment) is None
    assert environment == {name: "/home/me/mine.xml"}


def test_an_installed_package_finds_it_in_the_ament_index(tmp_path, monkeypatch):
    installed = tmp_path / "second" / "share" / "siam_tracker_ros" / "config" / "fastdds.xml"
    installed.parent.mkdir(parents=True)
    installed.write_text("<dds/>")
    elsewhere = tmp_path / "site-packages" / "siam_tracker_ros" / "nodes" / "dds.py"
    monkeypatch.setattr(dds, "__file__", str(elsewhere))
    environment = {"AMENT_PREFIX_PATH": os.pathsep.join([str(tmp_path / "first"), str(tmp_path / "second")])}
    assert use_shared_memory_profile(environment) == installed


def test_a_package_without_its_config_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(dds, "__file__", str(tmp_path / "a" / "b" / "dds.py"))
    monkeypatch.setattr(dds.sys, "prefix", str(tmp_path))
    environment = {"AMENT_PREFIX_PATH": ""}
    assert use_shared_memory_profile(environment) is None
    assert environment == {"AMENT_PREFIX_PATH": ""}


def test_the_process_environment_is_the_default(monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.delenv(OLD_VARIABLE, raising=False)
    monkeypatch.delenv("ROS_DISTRO", raising=False)
    profile = use_shared_memory_profile()
    assert profile is not None
    assert Path(os.environ[VARIABLE]) == profile
