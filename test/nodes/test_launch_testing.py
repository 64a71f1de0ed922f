"""The launch_testing tests in launch_tests/, run where launch_testing is installed: ROS distributions have it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.ros

LAUNCH_TESTS = sorted(Path(__file__).with_name("launch_tests").glob("*.launch.py"))
LIMIT = 180.0  # seconds after which a launch test has gone wrong
PROGRAM = '#!/bin/sh\nexec "{python}" -m siam_tracker_ros.nodes.tracker_node "$@"\n'


@pytest.fixture
def prefix(repository: Path, tmp_path: Path) -> Path:
    """The package as it is installed, with this checkout's files."""
    share = tmp_path / "share" / "siam_tracker_ros"
    index = tmp_path / "share" / "ament_index" / "resource_index" / "packages"
    for folder in (share, index, tmp_path / "lib" / "siam_tracker_ros"):
        folder.mkdir(parents=True)
    (index / "siam_tracker_ros").touch()
    for name in ("config", "launch"):
        (share / name).symlink_to(repository / name)
    program = tmp_path / "lib" / "siam_tracker_ros" / "tracker_node"
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("file", LAUNCH_TESTS, ids=lambda path: path.name)
def test_launch_test(file: Path, prefix: Path, tmp_path: Path, repository: Path):
    for name in ("launch_testing", "launch_ros"):
        pytest.importorskip(f"{name}.actions", reason=f"{name} is not installed: there is no wheel of it")
    prefixes = os.pathsep.join([str(prefix), *filter(None, [os.environ.get("AMENT_PREFIX_PATH")])])
    environment = os.environ | {
        "AMENT_PREFIX_PATH": prefixes,
        "ROS_LOG_DIR": str(tmp_path / "log"),
        "PYTHONPATH": os.pathsep.join([str(repository), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    command = [sys.executable, "-m", "launch_testing.launch_test", str(file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr
