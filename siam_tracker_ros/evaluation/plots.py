"""The plots of a report, as PNG files. Every function takes the file's path and gives it back.

Figures come as mappings from trackers, whose order is kept. `colors` (of `tracker_colors`, for all trackers of a
report) gives a tracker the same colour in every plot, also where others have no figure; without it colours go by
the order of the mapping. Where there is no figure at all, ValueError is raised.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import TABLEAU_COLORS
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike, NDArray

from siam_tracker_ros.evaluation.confidence import Reliability
from siam_tracker_ros.evaluation.metrics import (
    NORMALIZED_THRESHOLDS,
    PRECISION_THRESHOLDS,
    SUCCESS_THRESHOLDS,
    AttributeMean,
)

__all__ = [
    "MOST_SEQUENCES",
    "plot_accuracy_robustness",
    "plot_attributes",
    "plot_eao",
    "plot_normalized_precision",
    "plot_precision",
    "plot_reliability",
    "plot_sequences",
    "plot_speed",
    "plot_success",
    "tracker_colors",
]

Floats = NDArray[np.float64]
Colors = Mapping[str, str]
_Inside = Literal["lower left", "lower right", "upper right"]
_Outside = Literal["outside upper center", "outside lower center"]

DPI = 120
MOST_SEQUENCES = 100
"""So many rows of bars can be read in one picture; of more sequences, the hardest are drawn."""

_PALETTE = [str(color) for color in TABLEAU_COLORS.values()]
_STYLES = ("-", "--", ":", "-.")
_LONGEST_NAME = 30
# Where a point's name may stand, in points from it: near to far, right first.
_PLACES = [
    (distance * x, distance * y)
    for distance in (7, 18, 30, 44, 60, 78)
    for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1), *((x, y) for x in (0.8, -0.8, 0.4, -0.4) for y in (0.8, -0.8)))
]


def tracker_colors(trackers: Iterable[str]) -> dict[str, str]:
    """The colour of each tracker, ``#rrggbb``, by order; after ten they begin again."""
    return {name: _PALETTE[index % len(_PALETTE)] for index, name in enumerate(trackers)}


def plot_success(
    path: Path,
    curves: Mapping[str, ArrayLike],
    auc: Mapping[str, float],
    title: str,
    *,
    notes: Mapping[str, str] | None = None,
    colors: Colors | None = None,
) -> Path:
    """Success plot, the best tracker first in the legend.

    curves: [21] over `SUCCESS_THRESHOLDS`, 0..1. auc: what the legend gives. notes: more words for a tracker's
    line of the legend, such as what is missing.
    """
    figure, axes = _one_plot(title)
    _draw_curves(axes, SUCCESS_THRESHOLDS, curves, auc, notes, colors, marker=".")
    axes.set(xlabel="IoU threshold", ylabel="share of frames above it", xlim=(0, 1), ylim=(0, 1.01))
    _add_legend(figure, axes, "lower left")
    return _saved(figure, path)


def plot_precision(
    path: Path,
    curves: Mapping[str, ArrayLike],
    values: Mapping[str, float],
    title: str,
    *,
    notes: Mapping[str, str] | None = None,
    colors: Colors | None = None,
) -> Path:
    """Precision plot.

    curves: [51] over `PRECISION_THRESHOLDS`, 0..1. values: at 20 pixels. title, notes: as in `plot_success`.
    """
    figure, axes = _one_plot(title)
    _draw_curves(axes, PRECISION_THRESHOLDS, curves, values, notes, colors)
    _finish_precision(figure, axes, "centre error, pixels", rank=20, most=50)
    return _saved(figure, path)


def plot_normalized_precision(
    path: Path,
    curves: Mapping[str, ArrayLike],
    values: Mapping[str, float],
    title: str,
    *,
    notes: Mapping[str, str] | None = None,
    colors: Colors | None = None,
) -> Path:
    """Normalised precision plot.

    curves: [51] over `NORMALIZED_THRESHOLDS`, 0..1. values: at 0.2. title, notes: as in `plot_success`.
    """
    figure, axes = _one_plot(title)
    _draw_curves(axes, NORMALIZED_THRESHOLDS, curves, values, notes, colors)
    _finish_precision(figure, axes, "centre error in sizes of the true box", rank=0.2, most=0.5)
    return _saved(figure, path)


def plot_sequences(
    path: Path,
    auc: Mapping[str, Mapping[str, float]],
    *,
    measure: str = "success AUC",
    most: int = MOST_SEQUENCES,
    colors: Colors | None = None,
) -> Path:
    """Bars for each sequence, the hardest of the first tracker at the top.

    auc: tracker -> sequence -> figure, 0..1; where a tracker lacks a sequence, a cross says so. measure: what the
    figure is. most: of more sequences only the hardest are drawn; the means stay those of all.
    """
    trackers = [tracker for tracker, found in auc.items() if found]
    _check(trackers)
    first = auc[trackers[0]]
    names = sorted({name for tracker in trackers for name in auc[tracker]})
    names.sort(key=lambda name: first.get(name, math.inf))
    shown = names[:most]
    figure, axes = _bar_plot(len(shown), len(trackers))
    for tracker, color, rows, height in _bars(trackers, len(shown), colors):
        mean = float(np.mean(list(auc[tracker].values())))
        values = np.array([auc[tracker].get(name, math.nan) for name in shown])
        axes.barh(rows, values, height, color=color, label=_label(tracker, mean))
        axes.axvline(mean, color=color, linestyle="--", linewidth=1)
        missing = rows[np.isnan(values)]
        axes.plot(np.full(len(missing), 0.008), missing, "x", color=color, markersize=5)
    _name_rows(axes, shown)
    words = ["dashed: mean"]
    if any(name not in auc[tracker] for tracker in trackers for name in shown):
        words.append("x: not measured")
    if len(shown) < len(names):
        words.append(f"the {len(shown)} hardest of {len(names)} sequences")
    axes.set(xlim=(0, 1), xlabel=f"{measure} ({'; '.join(words)})")
    _add_legend(figure, axes, "outside upper center")
    return _saved(figure, path)


def plot_attributes(
    path: Path,
    means: Mapping[str, Mapping[str, AttributeMean]],
    *,
    measure: str = "success AUC",
    colors: Colors | None = None,
) -> Path:
    """Bars for each attribute with whiskers for the interval, and how many sequences have it.

    means: tracker -> attribute -> mean, as `metrics.attribute_means` gives them. measure: what the figure is.
    """
    trackers = [tracker for tracker, found in means.items() if found]
    _check(trackers)
    names = sorted({name for tracker in trackers for name in means[tracker]})
    figure, axes = _bar_plot(len(names), len(trackers))
    for tracker, color, rows, height in _bars(trackers, len(names), colors):
        held = [index for index, name in enumerate(names) if name in means[tracker]]
        found = [means[tracker][names[index]] for index in held]
        middle = np.array([one.mean for one in found])
        low, high = np.array([one.interval for one in found]).T
        axes.barh(
            rows[held],
            middle,
            height,
            color=color,
            label=_plain(tracker),
            xerr=np.maximum([middle - low, high - middle], 0.0),
            error_kw={"ecolor": "0.15", "elinewidth": 1, "capsize": 0 if len(trackers) > 4 else 2},
        )
    rows_names = []
    for name in names:
        counts = sorted({means[tracker][name].sequences for tracker in trackers if name in means[tracker]})
        rows_names.append(f"{name} ({' or '.join(map(str, counts))})")
    _name_rows(axes, rows_names)
    axes.set(xlim=(0, 1), xlabel=f"{measure}, mean and 95 % interval (in brackets: number of sequences)")
    _add_legend(figure, axes, "outside upper center")
    return _saved(figure, path)


def plot_reliability(path: Path, diagrams: Mapping[str, Reliability], *, colors: Colors | None = None) -> Path:
    """Reliability diagrams over the share of each tracker's frames in each bin."""
    _check(diagrams)
    colors = colors or tracker_colors(diagrams)
    styles = _line_styles(colors)
    figure = _figure((6.4, 6.4))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot([0, 1], [0, 1], color="0.5", linewidth=1, linestyle="--")
    for number, (tracker, diagram) in enumerate(diagrams.items()):
        held = diagram.frames > 0
        upper.plot(
            diagram.confidence[held],
            diagram.right[held],
            styles[tracker],
            marker="o",
            markersize=4,
            color=colors[tracker],
            label=f"{_plain(tracker)}: ECE {diagram.expected_error:.3f}, {diagram.frames.sum():,} frames",
        )
        bins = np.diff(diagram.edges)
        width = 0.9 * bins / len(diagrams)
        left = diagram.edges[:-1] + 0.05 * bins + number * width
        lower.bar(left, diagram.frames / diagram.frames.sum(), width, align="edge", color=colors[tracker])
    upper.set_title("How often a box is right, by its confidence (dashed: as often as it says)", fontsize=11)
    upper.set(ylabel="share of boxes with IoU > 0.5", xlim=(0, 1), ylim=(0, 1.01))
    lower.set(ylabel="share of frames", xlabel="confidence")
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
        axes.set_axisbelow(True)
    _add_legend(figure, upper, "outside lower center")
    return _saved(figure, path)


def plot_speed(
    path: Path,
    points: Mapping[str, tuple[float, float]],
    *,
    measure: str = "success AUC",
    machine: str = "",
    colors: Colors | None = None,
) -> Path:
    """Accuracy against speed; the upper right is best.

    points: tracker -> frames a second and the figure, 0..1; one without a speed (0) or with nan is left out.
    measure: what the figure is. machine: what the speeds were taken on, for the axis.
    """
    known = {name: point for name, point in points.items() if point[0] > 0 and np.isfinite(point).all()}
    _check(known)
    figure, axes = _one_plot("Accuracy and speed")
    speeds = [speed for speed, _ in known.values()]
    axes.set_xscale("log")
    axes.set_xlim(min(speeds) / 1.7, max(speeds) * 1.7)
    axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(f"frames a second, {machine}" if machine else "frames a second", parse_math=False)
    axes.set(ylabel=measure, ylim=_span([value for _, value in known.values()]))
    _draw_named_points(figure, axes, known, colors or tracker_colors(points))
    return _saved(figure, path)


def plot_accuracy_robustness(
    path: Path, points: Mapping[str, tuple[float, float]], *, colors: Colors | None = None
) -> Path:
    """VOT's plot of accuracy and robustness; the upper right is best.

    points: tracker -> robustness (`vot.reliability`) and accuracy, 0..1; one with nan is left out.
    """
    known = {name: point for name, point in points.items() if np.isfinite(point).all()}
    _check(known)
    figure, axes = _one_plot("Accuracy and robustness")
    axes.set(xlabel="robustness: chance to be on the target after 30 frames", ylabel="accuracy: mean overlap")
    axes.set_xlim(_span([x for x, _ in known.values()]))
    axes.set_ylim(_span([y for _, y in known.values()]))
    _draw_named_points(figure, axes, known, colors or tracker_colors(points))
    return _saved(figure, path)


def plot_eao(
    path: Path,
    curves: Mapping[str, ArrayLike],
    values: Mapping[str, float],
    interval: tuple[int, int],
    *,
    colors: Colors | None = None,
) -> Path:
    """Expected average overlap by length of the sequence.

    curves: [L] of `vot.eao_curve`, entry j of j frames; L may differ. values: the EAO, which is the mean over
    `interval` (shaded), nan where the curve does not reach it.
    """
    figure, axes = _one_plot(f"Expected average overlap [mean from {interval[0]} to {interval[1]} frames]")
    axes.axvspan(*interval, color="0.92", linewidth=0)
    longest = max((len(np.asarray(curve)) for curve in curves.values()), default=0)
    _draw_curves(axes, np.arange(longest, dtype=np.float64), curves, values, None, colors)
    axes.set(xlabel="length of the sequence, frames", ylabel="expected average overlap", ylim=(0, 1.01))
    axes.set_xlim(1, max(2, min(longest - 1, 2 * interval[1])))
    _add_legend(figure, axes, "upper right")
    return _saved(figure, path)


def _figure(size: tuple[float, float]) -> Figure:
    # Without pyplot nothing is kept for a window, and no backend is chosen for the rest of the program.
    figure = Figure(figsize=size, layout="constrained", dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def _one_plot(title: str) -> tuple[Figure, Axes]:
    figure = _figure((6.4, 4.8))
    axes = figure.subplots()
    axes.set_title(title, parse_math=False, fontsize=11)
    axes.grid(alpha=0.3)
    return figure, axes


def _draw_curves(
    axes: Axes,
    thresholds: Floats,
    curves: Mapping[str, ArrayLike],
    values: Mapping[str, float],
    notes: Mapping[str, str] | None,
    colors: Colors | None,
    marker: str = "",
) -> None:
    """A line for each tracker, the best first in the legend."""
    _check(curves)
    colors = colors or tracker_colors(curves)
    styles = _line_styles(colors)
    for tracker in sorted(curves, key=lambda name: -np.nan_to_num(values[name], nan=-1.0)):
        note = notes.get(tracker, "") if notes else ""
        label = _label(tracker, values[tracker]) + (f", {note}" if note else "")
        curve = np.asarray(curves[tracker], dtype=np.float64)
        axes.plot(thresholds[: len(curve)], curve, styles[tracker], marker=marker, color=colors[tracker], label=label)


def _finish_precision(figure: Figure, axes: Axes, error: str, *, rank: float, most: float) -> None:
    """Axes and legend of a plot over an error up to `most`, by which trackers are ranked at `rank`."""
    axes.axvline(rank, color="0.6", linewidth=1)
    axes.set(xlabel=f"{error} (ranked at {rank:g})", ylabel="share of frames within it", xlim=(0, most), ylim=(0, 1.01))
    _add_legend(figure, axes, "lower right")


def _bar_plot(rows: int, bars: int) -> tuple[Figure, Axes]:
    """A figure high enough for so many rows of so many bars."""
    each = 0.10 if bars <= 4 else 0.07
    figure = _figure((8.0, 0.9 + rows * (0.14 + each * bars)))
    axes = figure.subplots()
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    return figure, axes


def _bars(trackers: list[str], rows: int, colors: Colors | None) -> list[tuple[str, str, Floats, float]]:
    """Each tracker, its colour, the middle of its bar in each row [rows], and a bar's height; a row is 1 high."""
    height = 0.8 / len(trackers)
    colors = colors or tracker_colors(trackers)
    middle = np.arange(rows, dtype=np.float64)
    return [
        (tracker, colors[tracker], middle + (index - (len(trackers) - 1) / 2) * height, height)
        for index, tracker in enumerate(trackers)
    ]


def _name_rows(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), [_plain(name) for name in names], parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)


def _add_legend(figure: Figure, axes: Axes, place: _Inside | _Outside) -> None:
    """The legend in the plot, or below it where it would cover much; the figure grows by what it takes there."""
    handles, labels = axes.get_legend_handles_labels()
    longest = max(len(label) for label in labels)
    if place in get_args(_Inside) and len(labels) <= 5 and longest <= 36:
        legend = axes.legend(handles, labels, loc=place, fontsize=9)
    else:
        outside: _Outside = "outside upper center" if place == "outside upper center" else "outside lower center"
        columns = max(1, min(len(labels), 4, int(14 * figure.get_figwidth() / (longest + 6))))
        figure.set_figheight(figure.get_figheight() + 0.25 + 0.17 * math.ceil(len(labels) / columns))
        legend = figure.legend(handles, labels, loc=outside, ncols=columns, fontsize=9)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _draw_named_points(figure: Figure, axes: Axes, points: Mapping[str, tuple[float, float]], colors: Colors) -> None:
    """Points with their names beside them, each where it covers least; far from its point with a thin line."""
    for name, point in points.items():
        axes.plot(*point, "o", markersize=8, color=colors[name])
    figure.draw_without_rendering()  # settles where the axes are, in pixels
    centers: dict[str, Floats] = {name: axes.transData.transform(point) for name, point in points.items()}
    scale = DPI / 72
    taken = [_around(center, 6 * scale) for center in centers.values()]
    for name in sorted(points, key=lambda name: -centers[name][1]):
        text = axes.text(0, 0, _plain(name), fontsize=9, parse_math=False)
        size = np.array([text.get_window_extent().width, text.get_window_extent().height])
        text.remove()
        covers = {
            place: _name_and_line(centers[name], np.multiply(place, scale), np.sign(place), size) for place in _PLACES
        }
        place = min(_PLACES, key=lambda place: _cost(covers[place], taken, axes.get_window_extent()))
        taken += covers[place]
        axes.annotate(
            _plain(name),
            points[name],
            place,
            textcoords="offset points",
            ha=("right", "center", "left")[int(np.sign(place[0])) + 1],
            va=("top", "center", "bottom")[int(np.sign(place[1])) + 1],
            fontsize=9,
            parse_math=False,
            arrowprops={"arrowstyle": "-", "color": colors[name], "linewidth": 1} if len(covers[place]) > 1 else None,
        )


def _name_and_line(center: Floats, offset: Floats, side: Floats, size: Floats) -> list[Bbox]:
    """What a name covers, pixels: itself, and spots along the line to its point where it is far from it.

    side: -1, 0 or 1 for left, middle or right of the point, and for below, middle or above it.
    """
    corner = center + offset + (side - 1) / 2 * size
    shares = np.linspace(0.3, 0.9, 6) if np.hypot(*offset) > 12 * DPI / 72 else np.empty(0)
    return [
        Bbox([corner - (3, 0), corner + size + (3, 0)]),
        *(_around(center + share * offset, 1.0) for share in shares),
    ]


def _cost(covers: list[Bbox], taken: list[Bbox], inside: Bbox) -> int:
    """How bad it is to write a name there: out of the axes, over what is there, or with a line across it."""
    name, *line = covers
    within = inside.x0 < name.x0 and name.x1 < inside.x1 and inside.y0 < name.y0 and name.y1 < inside.y1
    crossings = sum(spot.overlaps(other) for spot in line for other in taken)
    return 100 * (not within) + 4 * name.count_overlaps(taken) + crossings


def _around(center: Floats, radius: float) -> Bbox:
    return Bbox([center - radius, center + radius])


def _span(values: list[float]) -> tuple[float, float]:
    """Ends of an axis around values of 0..1, with some room for names; not so near that noise looks large."""
    low, high = min(values), max(values)
    room = max(0.25 * (high - low), 0.1 - (high - low) / 2, 0.03)
    return max(0.0, low - room), min(1.0, high + room)


def _line_styles(colors: Colors) -> dict[str, str]:
    """Solid, and others for trackers whose colour an earlier one has."""
    given = list(colors.values())
    return {
        name: _STYLES[given[:index].count(color) % len(_STYLES)] for index, (name, color) in enumerate(colors.items())
    }


def _label(tracker: str, value: float) -> str:
    return f"{_plain(tracker)} [{value:.3f}]"


def _plain(text: str) -> str:
    """A name as matplotlib can draw it: of a long one its end, which of a path tells more."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = f"\N{HORIZONTAL ELLIPSIS}{text[1 - _LONGEST_NAME :]}" if len(text) > _LONGEST_NAME else text
    # matplotlib leaves out of a legend what begins with an underscore.
    return f" {text}" if text.startswith("_") else text


def _saved(figure: Figure, path: Path) -> Path:
    figure.savefig(path, dpi=DPI)
    return path


def _check(figures: Any) -> None:
    if not figures:
        raise ValueError("there is no figure to plot")
