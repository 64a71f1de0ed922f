"""`make soak`'s program in its shortest form: real processes, every fault and every action once."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 240.0  # seconds after which a soak of seconds has gone wrong


def soak(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.soak", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_a_short_soak_holds_and_is_reported(tmp_path):
    process = soak("--minutes", "0.2", "--seed", "3", "--device", "cpu", "--out", str(tmp_path))
    output = process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 0, output
    report = json.loads((tmp_path / "metrics.json").read_text())
    assert report["held"] is True
    assert {check["name"] for check in report["checks"]} >= {
        "the node lives",
        "it ends when it is told to",
        "its memory is flat",
        "no thread is left",
        "every frame is accounted for",
        "its status keeps coming",
        "every call is answered rightly",
        "a target is followed at the end",
    }
    frames = report["frames"]
    assert frames["received"] == frames["processed"] + frames["dropped"] + frames["refused"]
    assert report["camera"]["published"] >= frames["received"] > 50
    assert len(report["camera"]["faults"]) == 11, "every fault has come"
    assert frames["refused"] > 5
    assert len(report["samples"]) >= 5
    assert cv2.imread(str(tmp_path / "soak.png")) is not None
    assert output.count("\nok ") == len(report["checks"])


@pytest.mark.slow
def test_ctrl_c_ends_it_with_the_report(tmp_path, wait):
    process = soak("--minutes", "5", "--device", "cpu", "--out", str(tmp_path))
    try:
        faults = tmp_path / "faults.jsonl"
        wait(lambda: faults.is_file() and faults.stat().st_size, "the first fault", timeout=LIMIT)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=60)[0]
    finally:
        process.kill()
    assert process.returncode == 130, output
    report = json.loads((tmp_path / "metrics.json").read_text())
    assert report["interrupted"] is True
    assert "every frame is accounted for" in output
    assert "Traceback" not in output


@pytest.mark.slow
def test_a_node_that_cannot_start_is_said(tmp_path):
    process = soak("--minutes", "1", "--model", "no_such_model", "--out", str(tmp_path))
    output = process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 1, output
    assert "NOT  the node lives: the tracker node ended with exit code 2" in output
    assert "Traceback" not in output


def test_a_length_that_is_none_is_refused(capsys):
    process = soak("--minutes", "0")
    assert "--minutes is 0.0; it must be above 0" in process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 2
