"""What a picture costs from one process to another: `make transport`, or `python -m benchmarks.transport`.

A camera (bench_camera.py) and a listener that does nothing (bench_listener.py) are processes of their own, started anew
for each transport, quality of service and size. Of each are told: the share of the pictures that arrived, the time from
the stamp, just before publishing, to the listener's callback, and the CPU time of both processes for a picture. Ctrl-C
ends it with what was measured so far.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.figures import environment, fill, machine_note, percentiles
from siam_tracker_ros.memory import TUNABLES
from siam_tracker_ros.nodes.dds import OLD_VARIABLE, PROFILE, VARIABLE
from siam_tracker_ros.nodes.demo import DemoError, Processes
from siam_tracker_ros.progress import progress_bar

CAMERA, LISTENER = "camera", "listener"
PATIENCE = 3.0  # seconds after the last picture was published in which it must arrive
START_TIMEOUT = 60.0  # seconds that the processes get to start and find one another

# One of Fast DDS's own sets of transports, as FASTDDS_BUILTIN_TRANSPORTS would choose it.
BUILTIN = """<?xml version="1.0" encoding="UTF-8" ?>
<dds xmlns="http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles">
  <profiles>
    <participant profile_name="bench" is_default_profile="true">
      <rtps><builtinTransports>{}</builtinTransports></rtps>
    </participant>
  </profiles>
</dds>
"""
# Name: what it is, Fast DDS's set (None: the package's profile), and whether the listener keeps its freed memory.
TRANSPORTS: dict[str, tuple[str, str | None, bool]] = {
    "package": ("the package's profile", None, True),
    "default": ("Fast DDS's default", "DEFAULT", True),
    "udp": ("UDP only", "UDPv4", True),
    "large_data": ("LARGE_DATA", "LARGE_DATA", True),
    "package_malloc": ("the package's profile, a listener with glibc's usual malloc", None, False),
}
QOS = (("best_effort", 1), ("best_effort", 10), ("reliable", 1), ("reliable", 10))
SIZES = ("640x480", "1280x720", "1920x1080", "1280x720 jpeg")


@dataclass(frozen=True)
class Cell:
    """One thing to measure. ``jpeg``: a CompressedImage."""

    transport: str
    reliability: str
    depth: int
    width: int
    height: int
    jpeg: bool

    @property
    def size(self) -> str:
        """As the tables have it."""
        return f"{self.width}x{self.height}" + " JPEG" * self.jpeg


def cells(transports: Sequence[str], qos: Sequence[tuple[str, int]], sizes: Sequence[str]) -> Iterator[Cell]:
    """All that is to be measured, in the order of the tables; the usual malloc with the package's own QoS only."""
    for transport in transports:
        for reliability, depth in qos if TRANSPORTS[transport][2] else qos[:1]:
            for size in sizes:
                pixels, _, kind = size.partition(" ")
                width, height = map(int, pixels.split("x"))
                yield Cell(transport, reliability, depth, width, height, bool(kind))


def measure(cell: Cell, frames: int, rate: float, logs: Path, stop: Stop) -> dict[str, Any]:
    """The figures of a cell. Raises: DemoError: a process failed. KeyboardInterrupt: it was told to stop."""
    _, builtin, keep = TRANSPORTS[cell.transport]
    namespace = f"transport_{os.getpid()}"
    with tempfile.TemporaryDirectory() as folder, Processes(logs) as processes:
        profile = Path(__file__).resolve().parents[1] / PROFILE
        if builtin is not None:
            profile = Path(folder, "profile.xml")
            profile.write_text(BUILTIN.format(builtin), encoding="utf-8")
        sent, got = Path(folder, "sent.json"), Path(folder, "got.json")
        values: dict[str, object] = {
            "frames": frames,
            "reliability": cell.reliability,
            "depth": cell.depth,
            "jpeg": cell.jpeg,
        }
        with environment(**{VARIABLE: str(profile), OLD_VARIABLE: str(profile)}):
            with environment(**({"GLIBC_TUNABLES": TUNABLES} if keep else {})):
                processes.start(LISTENER, "benchmarks.bench_listener", namespace, values | {"log": str(got)})
            picture = {"width": cell.width, "height": cell.height, "rate": float(rate)}
            processes.start(CAMERA, "benchmarks.bench_camera", namespace, values | picture | {"log": str(sent)})
        _wait(sent, processes, START_TIMEOUT + 3 * frames / rate, stop)
        if not _wait(got, processes, PATIENCE, stop):
            processes.end(LISTENER)  # which makes it write what it has
        camera, listener = (json.loads(path.read_text(encoding="utf-8")) for path in (sent, got))
    arrivals = listener["arrivals"]
    arrived = len(arrivals)
    return asdict(cell) | {
        "bytes": camera["bytes"],
        "published": camera["published"],
        "arrived": arrived,
        "latency_ms": percentiles([(now - stamp) / 1e6 for _, stamp, now in arrivals], (50, 95)),
        "publish_ms": percentiles([call * 1e3 for call in camera["calls"]], (50, 95)),
        "cpu_ms": (camera["cpu"] / camera["published"] + (listener["cpu"] / arrived if arrived else 0.0)) * 1e3,
    }


class Stop:
    """Whether Ctrl-C was pressed."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


def _wait(path: Path, processes: Processes, seconds: float, stop: Stop) -> bool:
    """Whether the file is there, within so many seconds."""
    end = time.monotonic() + seconds
    while not path.exists():
        processes.check()
        if stop.asked:
            raise KeyboardInterrupt
        if time.monotonic() > end:
            if path.name == "sent.json":
                raise DemoError("the camera did not publish all of its pictures")
            return False
        time.sleep(0.02)
    return True


def markdown(report: Mapping[str, Any]) -> str:
    """A table for each size."""
    found = report["cells"]
    lines = [f"{report['frames']} pictures at {report['rate']:g} Hz for each row. {report['machine']}."]
    for size in dict.fromkeys(_size(each) for each in found):
        chosen = [each for each in found if _size(each) == size]
        lines += [
            "",
            f"**{size}**, {chosen[0]['bytes'] / 1e6:.2f} MB",
            "",
            "| transport | QoS | depth | arrived | latency p50 / p95, ms | publishing p50, ms | CPU of both, ms |",
            "|---|---|---|---|---|---|---|",
        ]
        for each in chosen:
            times = " / ".join(_number(value) for value in each["latency_ms"].values())
            lines.append(
                f"| {TRANSPORTS[each['transport']][0]} | {each['reliability'].replace('_', ' ')} | {each['depth']} "
                f"| {each['arrived'] / max(each['published'], 1):.0%} | {times} "
                f"| {_number(each['publish_ms']['p50'])} | {each['cpu_ms']:.1f} |"
            )
    return "\n".join(lines) + "\n"


def _size(cell: Mapping[str, Any]) -> str:
    return f"{cell['width']}x{cell['height']}" + " JPEG" * bool(cell["jpeg"])


def _number(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "-"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure. ``arguments``: the command line's by default. Returns the exit code: 1 where a process failed, 130 after
    Ctrl-C.
    """
    parser = argparse.ArgumentParser(prog="transport", description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--transport", nargs="+", choices=list(TRANSPORTS), default=list(TRANSPORTS))
    parser.add_argument("--size", nargs="+", default=list(SIZES), help="WIDTHxHEIGHT, 'WIDTHxHEIGHT jpeg'")
    parser.add_argument("--frames", type=int, default=100, help="pictures of each row")
    parser.add_argument("--rate", type=float, default=30.0, help="of the camera, Hz")
    parser.add_argument("--out", type=Path, default=Path("out/transport"), help="folder for what is written")
    parser.add_argument("--page", type=Path, help="a page of docs/ whose figures are replaced")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    load, stop = os.getloadavg()[0], Stop()
    wanted, found, code = list(cells(options.transport, QOS, options.size)), [], 0
    try:
        with progress_bar("transport", len(wanted), unit="row") as bar:
            for cell in wanted:
                bar.set_postfix_str(f"{cell.transport}, {cell.reliability} {cell.depth}, {cell.size}")
                found.append(measure(cell, options.frames, options.rate, options.out / "logs", stop))
                bar.update()
    except KeyboardInterrupt:
        code = 130
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 1
    report = {"machine": machine_note(load), "frames": options.frames, "rate": options.rate, "cells": found}
    (options.out / "transport.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = markdown(report)
    (options.out / "transport.md").write_text(text, encoding="utf-8")
    if options.page and found:
        fill(options.page, text)
    print(f"\n{text}\nwritten to {options.out}: transport.json, transport.md")
    return code


if __name__ == "__main__":
    sys.exit(main())
