"""Figures of a race: percentiles of every stage, ratios, and shares of what the machine can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.evaluation.race import Laps

__all__ = ["PERCENTILES", "Ratio", "overhead", "percentiles", "ratio", "speed_of"]

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class Ratio:
    """How many times as fast one tracker is as another.

    Attributes:
        median: of the ratios of the medians of turns side by side.
        low, high: the least and the greatest of them.
        turns: how many.
    """

    median: float
    low: float
    high: float
    turns: int


def percentiles(seconds: NDArray[np.float64]) -> dict[str, float]:
    """Milliseconds: ``p50``, ``p95``, ``p99`` and ``mean``."""
    values = {f"p{p}": float(np.percentile(seconds, p)) * 1e3 for p in PERCENTILES}
    return values | {"mean": float(seconds.mean()) * 1e3}


def overhead(laps: Laps) -> float:
    """The share of all frames' time that is neither the network's nor that of its passes for template updates."""
    networks = sum(float(laps.stage(name).sum()) for name in ("network", "template"))
    return 1.0 - networks / float(laps.total().sum())


def ratio(ours: Laps, theirs: Laps) -> Ratio:
    """How many times as fast ours is. The turns of the one that has fewer count."""
    pairs = zip(ours.turns, theirs.turns, strict=False)
    each = [float(np.median(other) / np.median(own)) for own, other in pairs]
    return Ratio(float(np.median(each)), min(each), max(each), len(each))


def speed_of(laps: Laps, cost: Mapping[str, float] | None, ceiling: Mapping[str, float] | None) -> dict[str, Any]:
    """All figures of one tracker, as JSON values; times in milliseconds.

    Args:
        cost: ``flop``, ``moved`` and ``least`` bytes of a frame's search in the mean, where they are known.
        ceiling: ``flop`` and ``bytes`` a second of its device.
    """
    total = laps.total()
    figures: dict[str, Any] = {
        "frames": laps.count,
        "turns": len(laps.turns),
        "total_ms": percentiles(total),
        "fps": float(1.0 / np.median(total)),
        "init_ms": float(np.median(laps.inits)) * 1e3,
    }
    if not laps.stages:
        return figures
    known = sum(laps.stage(name) for name in laps.stages)
    figures["stages_ms"] = {
        **{name: percentiles(laps.stage(name)) for name in laps.stages},
        "other": percentiles(np.maximum(total - known, 0.0)),
    }
    figures["updates"] = float(np.mean(laps.stage("template") > 0))
    figures["overhead"] = overhead(laps)
    network = figures["stages_ms"]["network"]["mean"] / 1e3
    if cost and ceiling and network > 0:
        figures["cost"] = {name: float(value) for name, value in cost.items()}
        figures["share"] = {
            # Of the matrix product's speed, and of the time that the counted work would take at the ceilings.
            "matrix": cost["flop"] / network / ceiling["flop"],
            "copy": cost["least"] / network / ceiling["bytes"],
            "roof": max(cost["flop"] / ceiling["flop"], cost["least"] / ceiling["bytes"]) / network,
        }
    return figures
