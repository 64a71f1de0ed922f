"""The figures of node_cost.py: as JSON values, as Markdown, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter
from numpy.typing import NDArray

from benchmarks.figures import percentiles
from benchmarks.no_cost_tracker import ARRIVED, SENT, TRACKED

GOAL_SIZE, GOAL_MS = (1280, 720), 3.0  # from a picture to its detection, half of the time
LONG_RUN, GOAL_TAIL = 10_000, 1.5  # frames, and p99 / p50
FLAT = 0.01  # by which share the memory of the second half may lie above that of the first

# The columns of a run's moments: nanoseconds.
STAMPED, CALLED, LOOKED, HANDED, HEARD = range(5)
PARTS = {
    "image": (STAMPED, CALLED),
    "to_worker": (CALLED, LOOKED),
    "own": (CALLED, HANDED),
    "detection": (HANDED, HEARD),
    "own_and_detection": (CALLED, HEARD),
    "total": (STAMPED, HEARD),
}
"""The parts of a frame's way, each from one moment to another."""


@dataclass(frozen=True)
class Camera:
    """A camera's pixels and frames a second."""

    width: int
    height: int
    rate: float

    def __str__(self) -> str:
        return f"{self.width}x{self.height} at {self.rate:g} Hz"

    @property
    def parameters(self) -> dict[str, object]:
        """Those of bench_camera.py."""
        return {"width": self.width, "height": self.height, "rate": float(self.rate)}


@dataclass
class Run:
    """What was measured with one camera.

    Attributes:
        copy_ms: of plain copies of its picture.
        plain_ms: from the stamp to the callback of a plain listener.
        first, last: numbers of the pictures that count.
        memory: seconds, resident MB and the process's own MB, twice a second.
        moments: int64 [N, 5], nanoseconds, of the pictures that gave a detection.
    """

    camera: Camera
    copy_ms: list[float]
    plain_ms: list[float] = field(default_factory=list)
    first: int = 1
    last: int = 0
    memory: list[tuple[float, float, float]] = field(default_factory=list)
    moments: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 5), np.int64))

    def take(self, received: Mapping[int, tuple[int, int]], noted: NDArray[np.int64]) -> None:
        """Put together what the listener received and what the node noted; both by the picture's number."""
        rows = []
        for number in range(self.first, self.last + 1):
            if number in received and number < len(noted) and noted[number].all():
                stamp, heard = received[number]
                note = noted[number]
                rows.append((stamp, note[ARRIVED], note[TRACKED], note[SENT], heard))
        self.moments = np.array(rows, np.int64).reshape(-1, 5)

    def part(self, name: str) -> NDArray[np.float64]:
        """Milliseconds of a part of the way, of each frame."""
        begin, end = PARTS[name]
        return (self.moments[:, end] - self.moments[:, begin]) / 1e6


def summary(run: Run, runs: Sequence[Run]) -> dict[str, Any]:
    """A run's figures as JSON values. ``runs``: all of them, the one of 1280x720 (or the first) is compared with."""
    reference = next((each for each in runs if (each.camera.width, each.camera.height) == GOAL_SIZE), runs[0])
    copy, total = float(np.median(run.copy_ms)), percentiles(run.part("total"))
    seconds, resident, own = np.array(run.memory).T
    middle = len(own) // 2
    late, at = own[middle:], seconds[middle:] / 60
    return {
        "width": run.camera.width,
        "height": run.camera.height,
        "rate": run.camera.rate,
        "published": run.last - run.first + 1,
        "detections": len(run.moments),
        "copy_ms": copy,
        "plain_listener_ms": percentiles(run.plain_ms),
        "parts_ms": {name: percentiles(run.part(name)) for name in PARTS},
        "longest_ms": float(run.part("total").max()),
        "p99_over_p50": total["p99"] / total["p50"],
        "own_over_reference_ms": float(np.median(run.part("own")) - np.median(reference.part("own"))),
        "reference": str(reference.camera),
        "memory_mb": {
            "resident": float(resident[-1]),
            "first_half": float(np.median(own[:middle])) if middle else float(own[0]),
            "second_half": float(np.median(late)),
            "per_minute_in_second_half": float(np.polyfit(at, late, 1)[0]) if len(late) > 2 else 0.0,
        },
        "memory": [[round(value, 2) for value in sample] for sample in run.memory],
    }


def goals(cameras: Sequence[Mapping[str, Any]]) -> list[tuple[str, bool, str]]:
    """What is asked of the node, whether it holds, and what was found."""
    found = []
    for camera in cameras:
        size = f"{camera['width']}x{camera['height']}"
        p50, more, copy = camera["parts_ms"]["total"]["p50"], camera["own_over_reference_ms"], camera["copy_ms"]
        if (camera["width"], camera["height"]) == GOAL_SIZE:
            inside = camera["parts_ms"]["own_and_detection"]["p50"]
            name = f"{size}: image message at the node to detection message at its listener under {GOAL_MS:g} ms (p50)"
            found.append((name, inside < GOAL_MS, f"{inside:.2f} ms"))
            name = f"{size}: the same from the image's publishing, its transport included"
            found.append((name, p50 < GOAL_MS, f"{p50:.2f} ms"))
        if camera["width"] >= 3840:
            words = f"{more:+.2f} ms in the node against {camera['reference']}; a copy takes {copy:.2f} ms"
            found.append((f"{size}: costs the node no more than one copy of its picture", more <= copy, words))
        if camera["published"] >= LONG_RUN:
            tail, memory = camera["p99_over_p50"], camera["memory_mb"]
            held = tail <= GOAL_TAIL
            found.append((f"{size}: p99 at most {GOAL_TAIL:g} times p50", held, f"{tail:.2f} times"))
            first, second = memory["first_half"], memory["second_half"]
            words = f"{first:.1f} MB in the first half, {second:.1f} MB in the second"
            found.append((f"{size}: memory flat (within {FLAT:.0%})", second - first <= FLAT * first, words))
    return found


def markdown(report: Mapping[str, Any]) -> str:
    """The tables of a report."""
    cameras = report["cameras"]
    lines = [
        f"{report['frames']} pictures of each camera. {report['machine']}.",
        "",
        "| milliseconds: p50 / p95 / p99 | " + " | ".join(_name(each) for each in cameras) + " |",
        "|---" * (1 + len(cameras)) + "|",
    ]
    rows = {
        "**image's stamp to detection at its listener**": lambda c: c["parts_ms"]["total"],
        "stamp to the node's callback": lambda c: c["parts_ms"]["image"],
        "stamp to a plain listener's callback, without the node": lambda c: c["plain_listener_ms"],
        "**the node: its callback to the detection handed to DDS**": lambda c: c["parts_ms"]["own"],
        "of that, callback to the worker with the pixels": lambda c: c["parts_ms"]["to_worker"],
        "detection handed to DDS to its listener's callback": lambda c: c["parts_ms"]["detection"],
        "the node's callback to the detection at its listener": lambda c: c["parts_ms"]["own_and_detection"],
    }
    for name, figures in rows.items():
        lines.append(f"| {name} | " + " | ".join(_three(figures(each)) for each in cameras) + " |")
    single = {
        "one plain copy of such a picture": lambda c: f"{c['copy_ms']:.2f}",
        "the node's part (p50) against 1280x720": lambda c: f"{c['own_over_reference_ms']:+.2f}",
        "p99 / p50 of stamp to detection": lambda c: f"{c['p99_over_p50']:.2f}",
        "longest": lambda c: f"{c['longest_ms']:.1f}",
        "detections of pictures": lambda c: f"{c['detections']} of {c['published']}",
        "memory of its own, MB: first half / second half": lambda c: (
            f"{c['memory_mb']['first_half']:.1f} / {c['memory_mb']['second_half']:.1f}"
        ),
        "its slope in the second half, MB a minute": lambda c: f"{c['memory_mb']['per_minute_in_second_half']:+.2f}",
    }
    for name, text in single.items():
        lines.append(f"| {name} | " + " | ".join(text(each) for each in cameras) + " |")
    if judged := goals(cameras):
        lines += ["", "| goal | held | found |", "|---|---|---|"]
        lines += [f"| {name} | {'yes' if held else 'no'} | {words} |" for name, held, words in judged]
    return "\n".join(lines) + "\n"


def plot(runs: Sequence[Run], path: Path) -> None:
    """Where a frame's time goes, how it is distributed, and what it and the memory are over the run, as a PNG."""
    figure = Figure(figsize=(13, 9), layout="constrained")
    FigureCanvasAgg(figure)
    (bars, spread), (course, memory) = figure.subplots(2, 2)
    figure.suptitle("from a picture to its detection, with a tracker of no cost")
    names = [str(run.camera).replace(" at ", "\n") for run in runs]
    left = np.zeros(len(runs))
    words = {"image": "image's way in", "own": "the node", "detection": "detection's way out"}
    for (part, label), color in zip(words.items(), ("tab:gray", "tab:orange", "tab:blue"), strict=True):
        width = np.array([np.median(run.part(part)) for run in runs])
        drawn = bars.barh(names, width, left=left, label=label, color=color, height=0.5)
        left += width
    sums = [" + ".join(f"{np.median(run.part(part)):.2f}" for part in words) for run in runs]
    bars.bar_label(drawn, sums, padding=4, fontsize="small")
    bars.margins(x=0.3)
    bars.barh(names, [np.median(r.copy_ms) for r in runs], height=0.08, color="black", label="a plain copy")
    bars.invert_yaxis()
    bars.set_xlabel("milliseconds (p50)")
    bars.legend(fontsize="small")
    for index, run in enumerate(runs):
        total, color = run.part("total"), f"C{index}"
        at = (run.moments[:, STAMPED] - run.moments[0, STAMPED]) / 1e9
        spread.ecdf(run.part("own_and_detection"), color=color, label=str(run.camera))
        course.plot(at, total, ".", markersize=2, alpha=0.3, color=color)
        many = max(len(total) // 60, 10)
        groups = range(0, len(total) - many + 1, many)
        course.plot([at[i] for i in groups], [np.median(total[i : i + many]) for i in groups], color=color)
        seconds, _, own = np.array(run.memory).T
        memory.plot(seconds, own, color=color)
    for axes, scale in ((spread, "set_xscale"), (course, "set_yscale")):
        getattr(axes, scale)("log")
    for axis in (spread.xaxis, course.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
    spread.set_xlabel("milliseconds from the node's callback to the detection at its listener")
    spread.set_ylabel("share of the frames that take no longer")
    spread.set_yticks([0, 0.5, 0.95, 0.99])
    spread.legend(fontsize="small")
    course.set_xlabel("seconds")
    course.set_ylabel("image's stamp to detection at its listener, ms")
    memory.set_xlabel("seconds")
    memory.set_ylabel("memory of the node's own, MB")
    memory.set_ylim(0, None)
    for axes in (spread, course):
        axes.grid(alpha=0.3, which="both")
    figure.savefig(path, dpi=110)


def _name(camera: Mapping[str, Any]) -> str:
    return f"{camera['width']}x{camera['height']}, {camera['rate']:g} Hz"


def _three(figures: Mapping[str, float]) -> str:
    return f"{figures['p50']:.2f} / {figures['p95']:.2f} / {figures['p99']:.2f}"
