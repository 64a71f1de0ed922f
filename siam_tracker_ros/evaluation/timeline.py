"""One track over time as a picture: overlap, confidence, APCE, latency, template updates and state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from siam_tracker_ros.drawing import STATE_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class TimelineRow:
    """One frame of a track.

    time: seconds since the first frame. state: the TrackState's name. confidence: 0..1. apce: summed over
    the levels. latency_ms: milliseconds from the picture to its result. template_updates: accepted so far.
    iou: overlap with the true box, 0..1; nan where it is not known. hidden: True where nothing of the
    target can be seen.
    """

    time: float
    state: str
    confidence: float
    apce: float
    latency_ms: float
    template_updates: int
    iou: float = float("nan")
    hidden: bool = False


def plot_timeline(
    rows: Sequence[TimelineRow],
    path: str | Path,
    title: str = "",
    latency: str = "latency",
    mean_iou: float | None = None,
) -> None:
    """Draw the rows (at least one, in the order of time) as a PNG; ``latency`` names what its panel shows.

    The panel with the overlap is left out where no row knows it. ``mean_iou`` is written there where it is taken
    over more than these rows.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    if not rows:
        raise ValueError("A timeline needs at least one row.")
    time = np.array([row.time for row in rows])
    known = any(np.isfinite(row.iou) for row in rows)
    panels = ["confidence", "APCE", latency, "template\nupdates"]
    if known:
        panels.insert(0, "IoU")

    figure = Figure(figsize=(11, 1.5 * len(panels) + 1.2), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    heights = [1.0] * len(panels) + [0.22]
    axes = figure.subplots(len(panels) + 1, 1, sharex=True, height_ratios=heights)
    if title:
        figure.suptitle(title, fontsize=12)
    drawn = dict(zip(panels, axes, strict=False))

    if known:
        iou = np.array([row.iou for row in rows])
        drawn["IoU"].plot(time, iou, color="#1f6fb4", linewidth=1.3)
        mean = float(np.nanmean(iou)) if mean_iou is None else mean_iou
        drawn["IoU"].axhline(mean, color="#1f6fb4", linewidth=0.8, linestyle="--", label=f"mean {mean:.3f}")
        drawn["IoU"].set_ylim(-0.02, 1.02)
        drawn["IoU"].legend(loc="lower left", fontsize=8)
    drawn["confidence"].plot(time, [row.confidence for row in rows], color="#2a8a3a", linewidth=1.3)
    drawn["confidence"].set_ylim(-0.02, 1.02)
    drawn["APCE"].plot(time, [row.apce for row in rows], color="#8a5a1c", linewidth=1.3)
    drawn["APCE"].set_ylim(bottom=0)

    milliseconds = np.array([row.latency_ms for row in rows])
    finite = milliseconds[np.isfinite(milliseconds)]
    drawn[latency].plot(time, milliseconds, color="#6a3d9a", linewidth=1.0)
    drawn[latency].set_ylim(bottom=0)
    if finite.size:
        for percent, style in ((50, "--"), (95, ":")):
            value = float(np.percentile(finite, percent))
            drawn[latency].axhline(
                value, color="#6a3d9a", linewidth=0.9, linestyle=style, label=f"p{percent} {value:.1f} ms"
            )
        drawn[latency].legend(loc="upper left", fontsize=8)
    updates = [row.template_updates for row in rows]
    drawn["template\nupdates"].step(time, updates, where="post", color="#444444", linewidth=1.3)
    drawn["template\nupdates"].set_ylim(0, max(1, *updates) * 1.1)
    drawn["template\nupdates"].yaxis.set_major_locator(MaxNLocator(integer=True))

    for name, axis in drawn.items():
        axis.set_ylabel(name + (" [ms]" if name == latency else ""), fontsize=9)
        axis.grid(alpha=0.25)
        axis.tick_params(labelsize=8)
        for start, end in _spans([row.hidden for row in rows], time):
            axis.axvspan(start, end, color="#999999", alpha=0.35, linewidth=0)
    _draw_states(axes[-1], rows, time)
    if any(row.hidden for row in rows):
        axes[0].set_title("grey: the target is hidden", fontsize=8, loc="right")
    axes[-1].margins(x=0.01)
    axes[-1].set_xlabel("time [s]", fontsize=9)
    axes[-1].tick_params(labelsize=8)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(str(path))


def _draw_states(axis: Axes, rows: Sequence[TimelineRow], time: np.ndarray) -> None:
    """A band in the colours of the states, with a legend of those that occur."""
    from matplotlib.patches import Patch

    names = list(dict.fromkeys(row.state for row in rows))
    for name in names:
        blue, green, red = STATE_COLOURS.get(name, STATE_COLOURS["IDLE"])
        for start, end in _spans([row.state == name for row in rows], time):
            axis.axvspan(start, end, color=(red / 255, green / 255, blue / 255), linewidth=0)
    axis.set_yticks([])
    axis.set_ylabel("state", fontsize=9, rotation=0, ha="right", va="center")
    patches = []
    for name in names:
        blue, green, red = STATE_COLOURS.get(name, STATE_COLOURS["IDLE"])
        patches.append(Patch(color=(red / 255, green / 255, blue / 255), label=name))
    axis.legend(handles=patches, loc="upper center", bbox_to_anchor=(0.5, -1.9), ncols=len(patches), fontsize=8)


def _spans(flags: Sequence[bool], time: np.ndarray) -> list[tuple[float, float]]:
    """Where ``flags`` hold, as (start, end) in seconds: each frame lasts until the next."""
    if len(time) > 1:
        ends = np.append(time[1:], time[-1] + float(np.median(np.diff(time))))
    else:
        ends = time + 1 / 30
    spans: list[tuple[float, float]] = []
    for flag, start, end in zip(flags, time, ends, strict=True):
        if not flag:
            continue
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], float(end))
        else:
            spans.append((float(start), float(end)))
    return spans
