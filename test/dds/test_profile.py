"""Images of a camera arrive in another process, all of them, with the profile of config/fastdds.xml."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

PROGRAMS = Path(__file__).resolve().parent
NAMESPACE = "{http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles}"
FRAME_4K = 3840 * 2160 * 3


@pytest.fixture
def profile(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = repository / "config" / "fastdds.xml"
    monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp")
    monkeypatch.setenv("FASTDDS_DEFAULT_PROFILES_FILE", str(path))
    return path


def segment_size(profile: Path) -> int:
    return int(ElementTree.parse(profile).getroot().findtext(f".//{NAMESPACE}segment_size") or 0)


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.ros
@pytest.mark.parametrize(
    ("width", "height", "count", "rate"),
    [(1280, 720, 90, 30), (3840, 2160, 12, 5)],
    ids=["1280x720 at 30 Hz", "3840x2160 at 5 Hz"],
)
def test_no_image_is_lost_between_processes(
    profile: Path, processes: list[subprocess.Popen[str]], width: int, height: int, count: int, rate: int
) -> None:
    free = os.statvfs("/dev/shm")
    if free.f_bavail * free.f_frsize < 2.5 * segment_size(profile):
        pytest.skip("/dev/shm has too little room for two segments")
    sender_command = [sys.executable, str(PROGRAMS / "send_images.py"), *map(str, (width, height, count, rate))]
    receiver_command = [sys.executable, str(PROGRAMS / "receive_images.py"), str(count), "30"]
    for command in (receiver_command, sender_command):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
    output, errors = processes[0].communicate(timeout=120)
    assert processes[0].returncode == 0, errors
    assert json.loads(output) == list(range(1, count + 1))
    _, sender_errors = processes[1].communicate(timeout=30)
    assert processes[1].returncode == 0, sender_errors
    # Fast DDS complains on stderr about a profile that it cannot read, and about a segment that it cannot make.
    assert "Error" not in errors + sender_errors


def test_the_segment_holds_several_4k_images(profile: Path) -> None:
    assert segment_size(profile) >= 4 * FRAME_4K


@pytest.mark.ros
def test_a_node_makes_the_segment_of_the_profile(profile: Path, processes: list[subprocess.Popen[str]]) -> None:
    shared_memory = Path("/dev/shm")
    before = {path.name for path in shared_memory.iterdir()}
    program = (
        "import rclpy; rclpy.init(); node = rclpy.create_node('one'); print('made', flush=True); "
        "input(); node.destroy_node(); rclpy.shutdown()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    processes.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "made\n"
    sizes = [path.stat().st_size for path in shared_memory.iterdir() if path.name not in before]
    assert max(sizes) >= segment_size(profile)
    process.communicate("\n", timeout=30)
    assert process.returncode == 0


@pytest.mark.ros
def test_more_processes_than_four_find_one_another(profile: Path, processes: list[subprocess.Popen[str]]) -> None:
    program = (
        "import rclpy, sys, time; rclpy.init(); node = rclpy.create_node(f'n{sys.argv[1]}')\n"
        "end = time.monotonic() + 60\n"
        "while len(set(node.get_node_names())) < 6 and time.monotonic() < end: rclpy.spin_once(node, timeout_sec=0.1)\n"
        "print(len(set(node.get_node_names())), flush=True); input(); rclpy.shutdown()"
    )
    processes.extend(
        subprocess.Popen(
            [sys.executable, "-c", program, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(6)
    )
    found = [process.stdout.readline().strip() for process in processes if process.stdout is not None]
    assert found == ["6"] * 6
    for process in processes:
        process.communicate("\n", timeout=30)
