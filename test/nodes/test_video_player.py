"""The player as it runs: a process of its own whose frames arrive over DDS."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from siam_tracker_ros.nodes.image_message import to_bgr
from siam_tracker_ros.nodes.stamps import to_nanoseconds
from siam_tracker_ros.video import VideoWriter

pytestmark = pytest.mark.ros

COUNT, FPS, SIZE = 12, 30.0, (96, 64)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with VideoWriter(path, FPS, SIZE) as video:
        for number in range(COUNT):
            video.write(np.full((SIZE[1], SIZE[0], 3), 20 * number, np.uint8))
    return path


@pytest.fixture
def play(request) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a player with parameters, in a namespace of the test's own."""
    started: list[subprocess.Popen[str]] = []

    def start(namespace: str, **parameters: object) -> subprocess.Popen[str]:
        words = [word for name, value in parameters.items() for word in ("-p", f"{name}:={json.dumps(value)}")]
        command = [sys.executable, "-m", "siam_tracker_ros.nodes.video_player", "--ros-args"]
        command += ["-r", f"__ns:=/{namespace}", *words]
        root = Path(__file__).resolve().parents[2]
        started.append(subprocess.Popen(command, cwd=root, env=os.environ, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


class Camera:
    """What arrives of a player's images, listened to through an Operator."""

    def __init__(self, operator, namespace: str) -> None:
        self.images: list[Image] = []
        # Deep enough for a test that is held up for a while.
        deep = QoSProfile(depth=100, reliability=QoSReliabilityPolicy.BEST_EFFORT)
        operator.node.create_subscription(Image, f"/{namespace}/image", self.images.append, deep)
        self.play = operator.node.create_client(Trigger, f"/{namespace}/video_player/play")

    @property
    def numbers(self) -> list[int]:
        """The frames' numbers, read from their brightness."""
        return [round(float(to_bgr(image).mean()) / 20) for image in self.images]

    @property
    def stamps(self) -> list[int]:
        return [to_nanoseconds(image.header.stamp) for image in self.images]


def test_every_frame_arrives_in_order_at_the_video_s_rate(play, clip, connect, wait, tmp_path):
    operator = connect("/rate/siam_tracker", "/rate/unused")
    camera = Camera(operator, "rate")
    log = tmp_path / "log.json"
    player = play(
        "rate", video=str(clip), hold_first_frame=True, wait_for_subscribers=1, log=str(log), frame_id="front"
    )
    # Held until it is told to play: the first frame over and over, each time with a new stamp.
    wait(lambda: len(camera.images) >= 5, "the still picture")
    assert set(camera.numbers) == {0}
    assert operator.call(camera.play, Trigger.Request()).success
    wait(log.exists, "the player to finish")
    written = json.loads(log.read_text())
    entries = written["published"]
    wait(lambda: camera.stamps[-1] == entries[-1]["stamp"], "the last frame")

    assert (written["fps"], written["size"]) == (FPS, list(SIZE))
    held = sum(entry["held"] for entry in entries)
    assert held >= 5
    assert [entry["held"] for entry in entries] == [True] * held + [False] * (COUNT - 1)
    assert [entry["index"] for entry in entries] == [0] * held + list(range(1, COUNT))
    # The subscriber may have found the camera a picture later than the camera found it, but then none is
    # missing.
    stamps = [entry["stamp"] for entry in entries]
    assert camera.stamps == stamps[-len(camera.stamps) :]
    assert camera.numbers[-COUNT:] == list(range(COUNT))
    assert stamps == sorted(set(stamps))
    # A busy machine may hold a camera up, but never makes it faster.
    assert stamps[-1] - stamps[held] >= 0.9 * (COUNT - 2) / FPS * 1e9
    image = camera.images[-1]
    assert (image.width, image.height, image.encoding, image.step) == (*SIZE, "bgr8", 3 * SIZE[0])
    assert image.header.frame_id == "front"

    assert player.poll() is None, "it stays until it is told to end, as its last frame may be on its way"
    player.send_signal(signal.SIGINT)
    assert player.wait(10) == 0


def test_frames_beyond_the_memory_for_them_are_decoded_on_the_way(play, clip, wait, tmp_path):
    log = tmp_path / "log.json"
    play("memory", video=str(clip), preload_megabytes=0, rate=60.0, log=str(log))
    wait(log.exists, "the player to finish")
    written = json.loads(log.read_text())
    assert [entry["index"] for entry in written["published"]] == list(range(COUNT))
    assert not any(entry["held"] for entry in written["published"])
    assert written["fps"] == pytest.approx(60.0)


def test_without_a_log_it_ends_with_the_video(play, clip):
    assert play("ends", video=str(clip), rate=200.0).wait(60) == 0


def test_ctrl_c_ends_it_and_the_log_says_what_was_published(play, clip, connect, wait, tmp_path):
    camera = Camera(connect("/stop/siam_tracker", "/stop/unused"), "stop")
    log = tmp_path / "log.json"
    player = play("stop", video=str(clip), hold_first_frame=True, wait_for_subscribers=1, log=str(log))
    wait(lambda: bool(camera.images), "a picture")
    player.send_signal(signal.SIGINT)
    assert player.wait(10) == 0
    assert json.loads(log.read_text())["published"]
    assert "Traceback" not in player.communicate()[1]


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({}, "parameter 'video' is empty"),
        ({"video": "missing.mp4"}, "missing.mp4: no such file or folder"),
        ({"video": 5}, "video"),
    ],
)
def test_what_cannot_be_played_is_refused_in_a_sentence(play, parameters, says):
    player = play("refused", **parameters)
    error = player.communicate(timeout=60)[1]
    assert player.returncode == 2, error
    assert says in error
    assert "Traceback" not in error
