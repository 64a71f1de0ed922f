"""The benchmark in small: real processes over real DDS; what it writes is looked at, and no time is judged."""

import json
import signal

import pytest

from benchmarks.transport import QOS, SIZES, TRANSPORTS, cells, markdown

pytestmark = pytest.mark.ros

LIMIT = 120.0  # seconds after which a run of seconds has gone wrong


def test_every_transport_is_measured_with_every_quality_of_service_and_size():
    found = list(cells(list(TRANSPORTS), QOS, SIZES))
    assert len(found) == len(set(found)) == (4 * len(QOS) + 1) * len(SIZES)
    assert {cell.size for cell in found if cell.jpeg} == {"1280x720 JPEG"}
    assert {(cell.reliability, cell.depth) for cell in found if cell.transport == "package_malloc"} == {QOS[0]}


def test_what_never_arrived_has_no_latency():
    cell = {"transport": "default", "reliability": "best_effort", "depth": 1, "width": 1280, "height": 720}
    cell |= {"jpeg": False, "bytes": 2764800, "published": 10, "arrived": 0, "cpu_ms": 1.0}
    cell |= {"latency_ms": {"p50": float("nan"), "p95": float("nan")}, "publish_ms": {"p50": 1.5, "p95": 2.0}}
    text = markdown({"machine": "a machine", "frames": 10, "rate": 30.0, "cells": [cell]})
    assert "**1280x720**, 2.76 MB" in text
    assert "| Fast DDS's default | best effort | 1 | 0% | - / - | 1.5 | 1.0 |" in text


def test_a_short_run_over_dds_is_reported(tmp_path, start_benchmark):
    page = tmp_path / "page.md"
    page.write_text("<!-- figures: begin -->\n<!-- figures: end -->\n")
    arguments = ("--transport", "package", "--size", "320x240", "--frames", "15", "--rate", "60")
    process = start_benchmark("transport", *arguments, "--out", str(tmp_path), "--page", str(page))
    output = process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 0, output
    found = json.loads((tmp_path / "transport.json").read_text())["cells"]
    assert [(cell["reliability"], cell["depth"]) for cell in found] == list(QOS)
    for cell in found:
        assert (cell["published"], cell["bytes"]) == (15, 320 * 240 * 3)
        assert 0 < cell["arrived"] <= 15
        assert 0 < cell["latency_ms"]["p50"] <= cell["latency_ms"]["p95"]
        assert cell["cpu_ms"] > 0
    assert "**320x240**, 0.23 MB" in page.read_text()


def test_ctrl_c_ends_it_with_what_was_measured(tmp_path, start_benchmark):
    process = start_benchmark("transport", "--size", "320x240", "--frames", "100000", "--out", str(tmp_path))
    assert process.stdout is not None
    assert any("0/17" in line for line in process.stdout), "the progress of the first row"
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 130, output
    assert json.loads((tmp_path / "transport.json").read_text())["cells"] == []
    assert "Traceback" not in output
