"""launch/tracker.launch.py, run by launch itself. ROS distributions have launch; there is no wheel of it."""

import ast
from pathlib import Path

import pytest


def test_the_launch_file_declares_what_its_user_may_give(repository: Path):
    """Without launch, this much can be read: the arguments' names and their descriptions."""
    tree = ast.parse((repository / "launch" / "tracker.launch.py").read_text())
    declared = {}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id == "DeclareLaunchArgument":
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            declared[ast.literal_eval(call.args[0])] = set(given)
    assert set(declared) == {"image", "namespace", "params_file", "model", "preset", "device", "log_level"}
    assert all({"default_value", "description"} <= given for given in declared.values())


@pytest.fixture
def started(repository, monkeypatch, tmp_path):
    """Runs the launch file with arguments, without starting the process. Returns the node's action and command."""
    pytest.importorskip("launch.actions", reason="launch is not installed: there is no wheel of it")
    pytest.importorskip("launch_ros", reason="launch_ros is not installed: there is no wheel of it")
    import launch
    from launch.launch_description_sources import PythonLaunchDescriptionSource
    from launch_ros.actions import Node

    share = tmp_path / "share"
    (share / "ament_index" / "resource_index" / "packages").mkdir(parents=True)
    (share / "ament_index" / "resource_index" / "packages" / "siam_tracker_ros").touch()
    (share / "siam_tracker_ros").mkdir()
    (share / "siam_tracker_ros" / "config").symlink_to(repository / "config")
    (tmp_path / "lib" / "siam_tracker_ros").mkdir(parents=True)
    executable = tmp_path / "lib" / "siam_tracker_ros" / "tracker_node"
    executable.write_text(
        '#!/bin/sh\necho "$FASTDDS_DEFAULT_PROFILES_FILE" > "$0.profile"\n'
        'for word in "$@"; do echo "$word"; test -f "$word" && cat "$word"; done > "$0.said"\n'
    )
    executable.chmod(0o755)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "log"))
    monkeypatch.delenv("FASTDDS_DEFAULT_PROFILES_FILE", raising=False)
    monkeypatch.delenv("FASTRTPS_DEFAULT_PROFILES_FILE", raising=False)

    def start(**arguments: str) -> tuple[str, str]:
        source = PythonLaunchDescriptionSource(str(repository / "launch" / "tracker.launch.py"))
        include = launch.actions.IncludeLaunchDescription(source, launch_arguments=arguments.items())
        service = launch.LaunchService(noninteractive=True)
        service.include_launch_description(launch.LaunchDescription([include]))
        assert service.run() == 0
        assert issubclass(Node, launch.actions.ExecuteProcess)
        said = executable.with_name("tracker_node.said").read_text()
        return said, executable.with_name("tracker_node.profile").read_text().strip()

    return start


def test_by_default_the_parameter_file_stands(started, repository):
    said, profile = started()
    assert "image:=image" in said
    assert "image_timeout: 0.5" in said
    assert said.count("device:") == 1
    assert Path(profile) == repository / "config" / "fastdds.xml"


def test_arguments_reach_the_node(started, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("/**:\n  ros__parameters:\n    image_timeout: 1.25\n")
    said, _ = started(
        image="/front/image_raw",
        namespace="uav1",
        params_file=str(own),
        model="siamban_r50",
        preset="otb100",
        device="cpu",
    )
    assert "image:=/front/image_raw" in said
    assert "__ns:=/uav1" in said
    assert "image_timeout: 1.25" in said
    assert "model: siamban_r50" in said
    assert "preset: otb100" in said
    assert "device: cpu" in said


def test_the_users_own_dds_profile_stays(started, monkeypatch):
    monkeypatch.setenv("FASTDDS_DEFAULT_PROFILES_FILE", "/home/me/mine.xml")
    assert started()[1] == "/home/me/mine.xml"
