"""The plots of speed, as PNG files. Every function takes the file's path and gives it back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogFormatter

from siam_tracker_ros.evaluation.long_run import EVERY, LongRun

__all__ = ["plot_long_run", "plot_speed_stages"]

DPI = 120
_COLORS = {"network": "C0", "crop": "C1", "scoring": "C2", "template": "C3", "other": "C4"}
_WHOLE = "0.6"


def plot_speed_stages(path: Path, trackers: Mapping[str, Mapping[str, Any]], title: str) -> Path:
    """Left, what a frame's mean time is made of; right, its median with the 95th and 99th percentile.

    trackers: name -> figures of `speed.speed_of`, the fastest first.
    """
    figure = Figure(figsize=(12, 1.6 + 0.42 * len(trackers)), layout="constrained")
    parts, range_ = figure.subplots(1, 2, sharey=True)
    for row, speed in enumerate(trackers.values()):
        stages, left = speed.get("stages_ms", {}), 0.0
        for name in _COLORS:
            share = stages[name]["mean"] / speed["total_ms"]["mean"] if stages else 0.0
            parts.barh(row, 100 * share, left=left, color=_COLORS[name])
            left += 100 * share
        if not stages:
            parts.barh(row, 100, color=_WHOLE)
        total = speed["total_ms"]
        range_.plot([total["p50"], total["p99"]], [row, row], color="C0", linewidth=1)
        for name, marker in (("p50", "o"), ("p95", "|"), ("p99", ">")):
            range_.plot(total[name], row, marker, color="C0", label=name if not row else None)
        range_.annotate(f" {total['p50']:.1f}", (total["p50"], row), xytext=(0, 5), textcoords="offset points")
    parts.set_yticks(range(len(trackers)), list(trackers))
    parts.invert_yaxis()
    parts.set_xlabel("share of a frame's time, % (grey: not told)")
    handles = [Patch(color=color, label=name) for name, color in _COLORS.items()]
    parts.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5, frameon=False)
    range_.set_xscale("log")
    for axis in (range_.xaxis.set_major_formatter, range_.xaxis.set_minor_formatter):
        axis(LogFormatter(labelOnlyBase=False, minor_thresholds=(2, 0.5)))
    range_.set_xlabel("milliseconds a frame (fewer is faster)")
    range_.grid(axis="x", which="both", alpha=0.3)
    range_.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    figure.suptitle(title)
    return _save(figure, path)


def plot_long_run(path: Path, run: LongRun, title: str) -> Path:
    """Every frame's time with the median and the 99th percentile, those of the same work, and the process's memory."""
    figure = Figure(figsize=(12, 6), layout="constrained")
    times, memory = figure.subplots(2, 1, sharex=True)
    milliseconds = 1e3 * run.times
    times.plot(np.arange(len(milliseconds)), milliseconds, ".", markersize=1, color="C0")
    for percent, style in ((50, "-"), (99, "--")):
        value = float(np.percentile(milliseconds, percent))
        times.axhline(value, color="C3", linestyle=style, label=f"p{percent} {value:.2f} ms")
        if len(run.again):
            value = float(np.percentile(1e3 * run.again, percent))
            times.axhline(value, color="C2", linestyle=style, label=f"p{percent} {value:.2f} ms, the same search again")
    times.set_ylim(0, min(float(milliseconds.max()), 5 * float(np.median(milliseconds))) * 1.05)
    times.set_ylabel("milliseconds from frame to box")
    times.legend(loc="upper right")
    memory.plot(EVERY * np.arange(1, len(run.memory) + 1), run.memory / 1e6, color="C1")
    memory.set_ylim(0, 1.2 * float(run.memory.max(initial=1)) / 1e6)
    memory.set_ylabel("memory of the process, MB")
    memory.set_xlabel("frame")
    figure.suptitle(title)
    return _save(figure, path)


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=DPI)
    return path
