"""A run's curves as a picture, from the log that the run writes."""

from __future__ import annotations

import csv
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

mpl.use("Agg")

TERMS = {"loss": "loss", "score": "classification", "centerness": "centre-ness", "box": "1 - IoU"}


def plot_curves(logs: list[Path], path: Path) -> None:
    """Draw the loss and its terms over the optimiser steps.

    Args:
        logs: csv files with a column ``step`` and one per term; later files go on where earlier ones stopped.
        path: the PNG to write; nothing is written while there is nothing to draw.
    """
    rows: dict[int, dict[str, float]] = {}
    for log in logs:
        with log.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row.get("loss"):
                    rows[int(row["step"])] = {term: float(row[term]) for term in TERMS}
    if not rows:
        return
    steps = np.array(sorted(rows))
    figure = Figure(figsize=(10, 6), layout="constrained")
    for axes, (term, label) in zip(figure.subplots(2, 2).flat, TERMS.items(), strict=True):
        values = np.array([rows[step][term] for step in steps])
        width = max(len(values) // 40, 1)
        smooth = np.convolve(values, np.ones(width) / width, mode="valid")
        axes.plot(steps, values, color="0.8", linewidth=0.8)
        axes.plot(steps[width - 1 :], smooth, color="tab:blue")
        axes.set_title(label)
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
    part = path.with_suffix(".part.png")
    figure.savefig(part, dpi=110)
    part.replace(path)
