"""make demo's program, end to end: its own processes over real DDS, and what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("skimage", reason="the demo's photographs lie in scikit-image's wheel")

from siam_tracker_ros.nodes.demo import main
from siam_tracker_ros.video import VideoWriter, open_source

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 240.0  # seconds after which a demo of a few seconds has gone wrong


def demo(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "siam_tracker_ros.nodes.demo", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def children(pid: int) -> list[int]:
    """The processes that a demo has started and that still run: its namespace is in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"/demo_{pid}\0" in command:
            found.append(int(folder.name))
    return found


def test_the_demo_follows_its_own_clip_and_says_so(tmp_path):
    process = demo("--size", "640x360", "--seconds", "3", "--device", "cpu", "--out", str(tmp_path))
    output = process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 0, output
    assert "\nfollowed: mean IoU" in output
    assert "latency" in output
    assert children(process.pid) == []

    figures = json.loads((tmp_path / "metrics.json").read_text())
    assert figures["followed"] is True
    frames = figures["frames"]
    assert frames["published"] == 89
    assert frames["lost"] == 0, "no frame is lost between processes"
    assert frames["received"] == frames["processed"] + frames["dropped"] == 89
    assert figures["mean_iou"] > 0.5
    assert 0 < figures["latency_ms"]["p50"] <= figures["latency_ms"]["p95"] <= figures["latency_ms"]["max"]
    assert figures["model"] == "afsn_mobile"
    assert figures["machine"]["cores"] >= 1

    video = open_source(tmp_path / "tracked.mp4")
    assert (len(list(video)), video.size, video.fps) == (90, (640, 360), 30.0)
    for name in ("timeline.png", "strip.jpg"):
        picture = cv2.imread(str(tmp_path / name))
        assert picture is not None
        assert picture.std() > 10
    recorded = [json.loads(line) for line in (tmp_path / "recording.jsonl").read_text().splitlines()]
    assert {message["topic"] for message in recorded} == {"detection", "detections", "status"}


def test_a_video_without_the_target_is_not_followed(tmp_path):
    """The target's picture is there once, then only noise: the demo must not claim to have followed
    anything.
    """
    random = np.random.default_rng(1)
    clip = tmp_path / "clip.mp4"
    with VideoWriter(clip, 30, (320, 240)) as video:
        first = cv2.resize(random.integers(0, 256, (12, 16, 3), dtype=np.uint8), (320, 240))
        video.write(first)
        for _ in range(60):
            video.write(np.full((240, 320, 3), 90, np.uint8))
    (tmp_path / "groundtruth.txt").write_text("100,100,40,30\n" + "250,30,40,30\n" * 60)
    process = demo("--video", str(clip), "--device", "cpu", "--out", str(tmp_path / "out"))
    output = process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 1, output
    assert "NOT followed: mean IoU is" in output
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["followed"] is False


def test_a_process_that_ends_is_named_with_its_last_words(tmp_path):
    arguments = ["--size", "320x180", "--seconds", "0.5", "--model", "no_such_model", "--out", str(tmp_path)]
    process = demo(*arguments)
    output = process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 1, output
    assert "error: the tracker node ended with exit code 2; it said:" in output
    assert "no_such_model" in output
    assert "Traceback" not in output
    assert children(process.pid) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_every_process(tmp_path, wait, number):
    process = demo("--size", "320x180", "--seconds", "1", "--out", str(tmp_path))
    try:
        wait(lambda: len(children(process.pid)) == 3, "the demo's processes", timeout=LIMIT)
        process.send_signal(number)
        output = process.communicate(timeout=60)[0]
        assert process.returncode == 130, output
        assert "interrupted" in output
        assert "Traceback" not in output
        # One that was just being started is ended by the system, when the demo has ended.
        wait(lambda: not children(process.pid), "the demo's processes to end")
    finally:
        process.kill()


def test_the_processes_do_not_outlive_a_demo_that_is_killed(tmp_path, wait):
    process = demo("--size", "320x180", "--seconds", "1", "--out", str(tmp_path))
    wait(lambda: len(children(process.pid)) == 3, "the demo's processes", timeout=LIMIT)
    process.kill()
    process.communicate()
    wait(lambda: not children(process.pid), "them to end")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--video", "missing.mp4", "--box", "1,2,30,40"], "missing.mp4: no such file or folder"),
        (["--video", "CLIP"], "where is the target in the first frame"),
        (["--video", "CLIP", "--box", "1,2,3"], "is not x,y,w,h"),
        (["--video", "CLIP", "--box", "900,2,30,40"], "outside"),
        (["--size", "small"], "is not WIDTHxHEIGHT"),
        (["--seconds", "99"], "FlightSettings.duration is 99"),
    ],
)
def test_bad_input_is_said_in_one_sentence(tmp_path, capsys, arguments, says):
    clip = tmp_path / "clip.mp4"
    with VideoWriter(clip, 30, (320, 240)) as video:
        video.write(np.zeros((240, 320, 3), np.uint8))
    words = [str(clip) if word == "CLIP" else word for word in arguments]
    assert main([*words, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert says in error
    assert len(error.strip().splitlines()) == 1
