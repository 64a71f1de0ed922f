"""A run's curves as a picture, from the logs that the run writes."""

from __future__ import annotations

import csv
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

mpl.use("Agg")

AUC = "validation/auc"
TITLES = {
    "loss": "loss",
    "score": "classification",
    "box": "box (IoU loss)",
    "centerness": "centre-ness",
    "object": "object-aware classification",
    "contrastive": "contrastive",
    "levels": "the other levels' own losses",
    "gradient": "norm of the gradient",
    "rate": "learning rate of new layers",
    AUC: "tracking score (success AUC)",
}
_AS_THEY_ARE = {"rate", AUC}
Curves = dict[str, tuple[list[int], list[float]]]


def logs_of(out: Path) -> list[Path]:
    """The logs of a run's folder, one for each time that it was started, in their order."""
    return sorted((out / "log").glob("*/metrics.csv"))


def read_curves(logs: list[Path]) -> Curves:
    """The logged values by name: steps and values.

    Args:
        logs: csv files with a column ``step`` and one per value; later files go on where earlier ones stopped.
    """
    found: dict[str, dict[int, float]] = {}
    for log in logs:
        with log.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                for name, text in row.items():
                    if text and name not in ("step", "epoch"):
                        found.setdefault(name, {})[int(row["step"])] = float(text)
    return {name: (sorted(values), [values[step] for step in sorted(values)]) for name, values in found.items()}


def plot_curves(logs: list[Path], path: Path) -> None:
    """Draw everything that was logged over the optimiser steps; grey: as logged, blue: a running mean.

    Args:
        logs: as for :func:`read_curves`.
        path: the PNG to write; nothing is written while there is nothing to draw.
    """
    curves = read_curves(logs)
    names = [name for name in TITLES if name in curves]
    if "loss" not in curves:
        return
    rows = (len(names) + 1) // 2
    figure = Figure(figsize=(10, 2.6 * rows), layout="constrained")
    for axes, name in zip(figure.subplots(rows, 2, squeeze=False).flat, names, strict=False):
        steps, values = (np.array(part) for part in curves[name])
        marker = "." if len(steps) < 60 else ""
        if name in _AS_THEY_ARE:
            axes.plot(steps, values, color="tab:blue", marker=marker)
        else:
            width = max(len(values) // 40, 1)
            smooth = np.convolve(values, np.ones(width) / width, mode="valid")
            axes.plot(steps, values, color="0.8", linewidth=0.8)
            axes.plot(steps[width - 1 :], smooth, color="tab:blue", marker=marker)
        axes.set_title(TITLES.get(name, name))
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
    for axes in figure.axes[len(names) :]:
        axes.remove()
    part = path.with_suffix(".part.png")
    figure.savefig(part, dpi=110)
    part.replace(path)
