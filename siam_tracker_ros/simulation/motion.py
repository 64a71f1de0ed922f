"""Smooth motion over time: values given at a few moments, eased from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """A value over time in seconds, with no jump in its speed; before the first and after the last key it
    rests.
    """

    keys: tuple[tuple[float, float], ...]

    def __call__(self, time: np.ndarray | float) -> np.ndarray:
        """The values at ``time`` (seconds, any shape)."""
        times = np.array([key[0] for key in self.keys])
        values = np.array([key[1] for key in self.keys])
        time = np.asarray(time, np.float64)
        if len(times) == 1:
            return np.full(time.shape, values[0])
        left = np.clip(np.searchsorted(times, time, side="right") - 1, 0, len(times) - 2)
        part = np.clip((time - times[left]) / (times[left + 1] - times[left]), 0.0, 1.0)
        eased = part * part * (3 - 2 * part)
        return values[left] + (values[left + 1] - values[left]) * eased


@dataclass(frozen=True)
class Travelled:
    """The distance gone by something whose speed is a Curve; ``length`` seconds are prepared."""

    speed: Curve
    length: float
    start: float = 0.0

    def __post_init__(self) -> None:
        times = np.linspace(0.0, self.length, max(2, int(self.length * 240) + 1))
        speeds = self.speed(times)
        steps = np.diff(times) * (speeds[1:] + speeds[:-1]) / 2
        object.__setattr__(self, "_times", times)
        object.__setattr__(self, "_way", np.concatenate([[0.0], np.cumsum(steps)]) + self.start)

    def __call__(self, time: np.ndarray | float) -> np.ndarray:
        """Where it is at ``time`` (seconds)."""
        return np.interp(time, self._times, self._way)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Shake:
    """The small unrest of a flying camera: a few slow sines whose phases come from a seed."""

    seed: int
    size: float
    frequencies: Sequence[float] = (0.37, 0.83, 1.7, 3.1)

    def __call__(self, time: float) -> float:
        """The displacement at ``time`` (seconds), within about ``size``."""
        phases = np.random.default_rng(self.seed).uniform(0, 2 * np.pi, len(self.frequencies))
        waves = [np.sin(2 * np.pi * f * time + p) / (1 + f) for f, p in zip(self.frequencies, phases, strict=True)]
        return float(self.size * np.sum(waves) / 1.6)
