"""Average peak-to-correlation energy: how sharp and lonely a response map's peak is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def apce(response: NDArray[np.floating]) -> float:
    """AFSN equation 6: ``|F_max - F_min|^2 / mean((F_wh - F_min)^2)`` over all points.

    Args:
        response: a response map of any shape, any unit (the measure does not change with scale or offset).

    Returns:
        1 or more: the number of points for a single peak on flat ground, small for a map of many peaks.
        0 for a flat map, which has no peak, and for a map that is not finite.
    """
    low = response.min()
    energy = float(np.mean((response - low) ** 2))
    peak = float(response.max() - low)
    if not np.isfinite(energy) or energy <= 0.0:
        return 0.0
    return peak * peak / energy


def summed_apce(levels: NDArray[np.floating]) -> float:
    """The APCE summed over the levels' response maps [L, ...] (AFSN section 3.3: R2, R3 and R4)."""
    total = 0.0
    for level in levels.reshape(len(levels), -1):  # few and small: one by one costs less than all at once
        above = level - level.min()
        energy, peak = float(above @ above) / above.size, float(above.max())
        if energy > 0.0 and math.isfinite(energy):
            total += peak * peak / energy
    return total


class RunningApce:
    """The running mean of the APCE over frames in which the target was sure, for a threshold relative to it."""

    def __init__(self, rate: float = 0.05) -> None:
        self.rate = rate
        self.mean = 0.0

    def ratio(self, value: float) -> float:
        """``value`` over the mean so far; 1 while there is no mean."""
        return value / self.mean if self.mean > 0 else 1.0

    def add(self, value: float) -> None:
        """Take a sure frame's value into the mean."""
        self.mean = value if self.mean == 0 else (1 - self.rate) * self.mean + self.rate * value
