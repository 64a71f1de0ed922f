"""The benchmark in small: real processes over real DDS; what it writes is looked at, and no time is judged."""

import argparse
import json
import signal

import cv2
import numpy as np
import pytest

from benchmarks.node_cost import parse_camera
from benchmarks.node_cost_report import LONG_RUN, Camera, Run, goals, markdown, summary

pytestmark = pytest.mark.ros

LIMIT = 120.0  # seconds after which a run of seconds has gone wrong
MS = 10**6


@pytest.mark.parametrize(
    "text", ["", "1280x720", "1280x720@0", "1280x720@-1", "50x720@30", "1280x720@30Hz", "1280x720@2000", "x@"]
)
def test_a_camera_that_cannot_be_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="WIDTHxHEIGHT@RATE"):
        parse_camera(text)


def made(camera: Camera, frames: int, own_ms: float, copy_ms: float = 2.0, slow: int = 0) -> Run:
    """A run in which each picture takes 1 ms to the node, ``own_ms`` in it and 0.5 ms to the listener."""
    run = Run(camera, [copy_ms] * 3, [1.0] * 5, first=1, last=frames)
    run.memory = [(0.5 * i, 100.0, 80.0) for i in range(20)]
    noted = np.zeros((frames + 1, 3), np.int64)
    received = {}
    for number in range(1, frames + 1):
        stamp = number * 33 * MS
        called = stamp + MS
        handed = called + round((own_ms + (20 if number <= slow else 0)) * MS)
        noted[number] = called, called + MS // 4, handed
        received[number] = stamp, handed + MS // 2
    run.take(received, noted)
    return run


def test_the_parts_of_a_frames_way():
    run = made(Camera(1280, 720, 30.0), 20, 0.75)
    figures = summary(run, [run])
    medians = {name: part["p50"] for name, part in figures["parts_ms"].items()}
    assert medians == pytest.approx(
        {"image": 1.0, "to_worker": 0.25, "own": 0.75, "detection": 0.5, "own_and_detection": 1.25, "total": 2.25}
    )
    assert (figures["published"], figures["detections"]) == (20, 20)
    assert figures["p99_over_p50"] == pytest.approx(1.0)
    assert figures["memory_mb"]["per_minute_in_second_half"] == pytest.approx(0.0, abs=1e-9)


def test_pictures_without_a_detection_or_before_the_first_that_counts_do_not_count():
    run = made(Camera(1280, 720, 30.0), 20, 0.75)
    noted = np.ones((21, 3), np.int64)
    noted[7, 2] = 0  # the node handed none over
    run.first = 5
    run.take({number: (1, 2) for number in range(1, 21) if number != 9}, noted)
    assert len(run.moments) == 14
    assert summary(run, [run])["published"] == 16


def judged(*runs: Run) -> dict[str, bool]:
    return {name: held for name, held, _ in goals([summary(run, list(runs)) for run in runs])}


def test_goals_are_judged_by_what_was_measured():
    small, large = Camera(1280, 720, 30.0), Camera(3840, 2160, 10.0)
    good = judged(made(small, 20, 0.75), made(large, 20, 1.75))
    assert len(good) == 3
    assert all(good.values())
    slow = judged(made(small, 20, 1.75), made(large, 20, 4.75))
    assert [held for name, held in slow.items() if "message at its listener" in name] == [True]
    assert [held for name, held in slow.items() if "publishing" in name] == [False]
    assert [held for name, held in slow.items() if "copy" in name] == [False]


@pytest.mark.parametrize(("slow", "held"), [(50, True), (200, False)])
def test_a_long_run_is_judged_by_its_tail_and_its_memory(slow, held):
    run = made(Camera(640, 480, 30.0), LONG_RUN, 0.75, slow=slow)
    found = judged(run)
    assert [value for name, value in found.items() if "p99" in name] == [held]
    assert [value for name, value in found.items() if "memory" in name] == [True]
    run.memory = [(i, 100.0, 80.0 + i) for i in range(20)]
    assert [value for name, value in judged(run).items() if "memory" in name] == [False]


def test_the_table_has_a_column_for_each_camera():
    runs = [made(Camera(1280, 720, 30.0), 20, 0.75), made(Camera(3840, 2160, 10.0), 20, 1.75)]
    text = markdown({"machine": "a machine", "frames": 20, "cameras": [summary(run, runs) for run in runs]})
    header = next(line for line in text.splitlines() if line.startswith("| milliseconds"))
    assert "1280x720, 30 Hz | 3840x2160, 10 Hz" in header
    table = text.split("| goal |")[0]
    assert {line.count("|") for line in table.splitlines() if line.startswith("|")} == {4}


def test_a_short_run_over_dds_is_reported(tmp_path, start_benchmark):
    page = tmp_path / "page.md"
    page.write_text("<!-- figures: begin -->\n<!-- figures: end -->\n")
    arguments = ("--frames", "30", "--camera", "320x240@60", "--out", str(tmp_path), "--page", str(page))
    process = start_benchmark("node_cost", *arguments)
    output = process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 0, output
    report = json.loads((tmp_path / "node_cost.json").read_text())
    (camera,) = report["cameras"]
    assert (camera["width"], camera["height"], camera["published"]) == (320, 240, 30)
    assert camera["detections"] >= 20
    parts = camera["parts_ms"]
    assert all(0 < part["p50"] <= part["p95"] <= part["p99"] for part in parts.values())
    assert parts["to_worker"]["p50"] < parts["own"]["p50"] < parts["own_and_detection"]["p50"] < parts["total"]["p50"]
    assert camera["plain_listener_ms"]["p50"] > 0
    assert camera["memory_mb"]["second_half"] > 10
    assert cv2.imread(str(tmp_path / "node_cost.png")) is not None
    assert "320x240, 60 Hz" in page.read_text()
    assert page.read_text().count("image's stamp to detection at its listener") == 1


def test_ctrl_c_ends_it_with_what_was_measured(tmp_path, start_benchmark):
    process = start_benchmark(
        "node_cost", "--frames", "100000", "--camera", "320x240@200", "640x480@30", "--out", str(tmp_path)
    )
    assert process.stdout is not None
    assert any("/100000" in line for line in process.stdout), "the progress of the first camera"
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 130, output
    (camera,) = json.loads((tmp_path / "node_cost.json").read_text())["cameras"]
    assert 0 < camera["detections"] < 100000
    assert "Traceback" not in output


def test_a_run_of_no_length_is_refused(start_benchmark):
    process = start_benchmark("node_cost", "--frames", "0")
    assert "--frames is 0; it must be at least 10" in process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 2
