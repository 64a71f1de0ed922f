"""colcon builds and installs both packages, as on a ROS 2 distribution, and the installed node starts."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

# The one command that builds both, which README gives. colcon does not look below a package that it has found,
# so that the nested one is named as well.
COMMAND = "colcon build --base-paths . siam_tracker_interfaces"

EXECUTABLES = ("siam-track", "track_recorder", "tracker_node", "video_player")

# What is not in the sources, or has nothing to do with them.
LEFT_OUT = (
    ".git", ".venv*", "build", "install", "log", "out", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis", "test"
)  # fmt: skip


def colcon() -> str | None:
    """Returns colcon of the environment that runs these tests, or the distribution's."""
    own = Path(sys.prefix, "bin", "colcon")
    return str(own) if own.is_file() else shutil.which("colcon")


@pytest.fixture(scope="module")
def prefix_variables() -> dict[str, str]:
    """The variables with which colcon finds the packages that both depend on, as after sourcing a distribution."""
    env = dict(os.environ)
    if not env.get("ROS_DISTRO"):
        env["AMENT_PREFIX_PATH"] = env["CMAKE_PREFIX_PATH"] = sys.prefix
    env["PATH"] = f"{Path(sys.prefix, 'bin')}:{env['PATH']}"
    return env


@pytest.fixture(scope="module")
def workspace(repository: Path, tmp_path_factory: pytest.TempPathFactory, prefix_variables: dict[str, str]) -> Path:
    """A copy of the checkout in which the command has been run."""
    program = colcon()
    if program is None:
        pytest.skip("colcon is not installed")
    root = tmp_path_factory.mktemp("colcon") / "siam_tracker_ros"
    shutil.copytree(repository, root, ignore=shutil.ignore_patterns(*LEFT_OUT))
    command = [program, *COMMAND.split()[1:], "--event-handlers", "console_direct+"]
    options = ["--cmake-args", f"-DPython3_EXECUTABLE={sys.executable}", "-DBUILD_TESTING=OFF"]
    answer = subprocess.run(
        [*command, *options],
        cwd=root,
        env=prefix_variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout[-4000:]
    assert "2 packages finished" in answer.stdout
    return root


@pytest.fixture(scope="module")
def installed(workspace: Path) -> Path:
    return workspace / "install" / "siam_tracker_ros"


@pytest.fixture(scope="module")
def installed_package(installed: Path) -> Path:
    (package,) = installed.glob("l*/**/siam_tracker_ros/geometry.py")
    return package.parent


def test_readme_gives_the_command(repository: Path) -> None:
    assert COMMAND in (repository / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXECUTABLES)
def test_executables_lie_where_ros2_run_looks(installed: Path, name: str) -> None:
    path = installed / "lib" / "siam_tracker_ros" / name
    assert path.is_file()
    assert os.access(path, os.X_OK)


def test_share_has_the_manifest_launch_files_and_parameters(repository: Path, installed: Path) -> None:
    share = installed / "share" / "siam_tracker_ros"
    assert (share / "package.xml").is_file()
    for folder in ("launch", "config"):
        expected = {
            str(path.relative_to(repository))
            for path in (repository / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert expected
        assert expected == {str(path.relative_to(share)) for path in (share / folder).rglob("*") if path.is_file()}
    assert (share / "config" / "fastdds.xml").is_file()
    assert (installed / "share" / "ament_index" / "resource_index" / "packages" / "siam_tracker_ros").is_file()


def test_the_python_package_is_whole(repository: Path, installed_package: Path) -> None:
    source = repository / "siam_tracker_ros"
    wanted = [*source.rglob("*.py"), *(source / "weights").iterdir(), source / "py.typed"]
    missing = [
        str(path.relative_to(source))
        for path in wanted
        if path.is_file() and not (installed_package / path.relative_to(source)).is_file()
    ]
    assert missing == []


def test_interfaces_are_installed(workspace: Path) -> None:
    share = workspace / "install" / "siam_tracker_interfaces" / "share" / "siam_tracker_interfaces"
    assert (share / "srv" / "InitTarget.srv").is_file()
    assert (share / "msg" / "TrackerStatus.msg").is_file()


@pytest.fixture
def in_workspace(workspace: Path) -> list[str]:
    """The start of a command that runs after the workspace's setup script."""
    return ["bash", "-c", f'. "{workspace}/install/local_setup.bash" && exec "$@"', "bash"]


def test_python_takes_what_was_installed(
    in_workspace: list[str], workspace: Path, prefix_variables: dict[str, str], tmp_path: Path
) -> None:
    program = (
        "import siam_tracker_ros, siam_tracker_interfaces.srv as srv; print(siam_tracker_ros.__file__, srv.__file__)"
    )
    answer = subprocess.run(
        [*in_workspace, sys.executable, "-c", program],
        env=prefix_variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert [path.startswith(str(workspace / "install")) for path in answer.stdout.split()] == [True, True]


@pytest.fixture
def node_process(
    in_workspace: list[str], installed: Path, prefix_variables: dict[str, str], tmp_path: Path
) -> Iterator[subprocess.Popen[str]]:
    """The installed node, as a process."""
    executable = installed / "lib" / "siam_tracker_ros" / "tracker_node"
    process = subprocess.Popen(
        [*in_workspace, str(executable), "--ros-args", "-p", "device:=cpu"],
        env=prefix_variables,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


@pytest.mark.ros
def test_the_installed_node_starts_and_ends(node_process: subprocess.Popen[str]) -> None:
    import rclpy

    from siam_tracker_interfaces.srv import InitTarget

    context = rclpy.Context()
    rclpy.init(context=context)
    client_node = rclpy.create_node("operator", context=context)
    try:
        client = client_node.create_client(InitTarget, "/siam_tracker/init_target")
        found = client.wait_for_service(timeout_sec=120)
        ended = node_process.poll()
        assert found or ended is None, f"the node ended with {ended}: {node_process.communicate()[0]}"
        assert found, "the node did not offer its service in time"
    finally:
        client_node.destroy_node()
        rclpy.shutdown(context=context)
    node_process.send_signal(signal.SIGINT)
    output, _ = node_process.communicate(timeout=60)
    assert node_process.returncode == 0, output
