"""A network's score turned into what a confidence should be: the probability that the box overlaps by more than half.

Platt scaling (Platt 1999) with a second feature: a logistic function of the score's logit and of the logarithm of the
APCE relative to its running mean. It is fitted to annotated videos by ``python -m benchmarks.fit_confidence``.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LOWEST, _HIGHEST = 1e-3, 1 - 1e-3
_RATIOS = 0.05, 2.0


class CalibrationError(ValueError):
    """A calibration file that cannot be used; the message names it and says why."""


@dataclass(frozen=True)
class Calibration:
    """``1 / (1 + exp(-(bias + score logit(s) + apce log(r))))`` of a score s, 0..1, and an APCE ratio r, 1 is usual.

    Attributes:
        bias, score, apce: the three weights; ``score`` and ``apce`` are 0 or more, so that more evidence never gives
            less confidence.
        source: what it was fitted on, a sentence.
    """

    bias: float
    score: float
    apce: float
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("bias", "score", "apce"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise CalibrationError(f"{name} is {value!r}; it must be a finite number")
            if value < 0 and name != "bias":
                raise CalibrationError(f"{name} is {value}; it must be 0 or more")

    def probability(self, score: float, apce_ratio: float) -> float:
        """The probability that the box's IoU is over 0.5, 0..1, of one frame's score and APCE ratio."""
        # As features and logistic have it, whose arrays cost more for one number than the rest of what is done with it.
        s, r = min(max(score, _LOWEST), _HIGHEST), min(max(apce_ratio, _RATIOS[0]), _RATIOS[1])
        evidence = self.bias + self.score * math.log(s / (1 - s)) + self.apce * math.log(r)
        return 0.5 * (1.0 + math.tanh(0.5 * evidence))


def features(scores: ArrayLike, apce_ratios: ArrayLike) -> NDArray[np.float64]:
    """What the probability is a function of, [N, 3]: 1, the logit of the scores, the logarithm of the APCE ratios.

    Scores and ratios are kept off the ends, where both functions are infinite.
    """
    s = np.clip(np.asarray(scores, np.float64), _LOWEST, _HIGHEST)
    r = np.clip(np.asarray(apce_ratios, np.float64), *_RATIOS)
    return np.column_stack([np.ones_like(s), np.log(s / (1 - s)), np.log(r)])


def logistic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """``1 / (1 + exp(-v))`` without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(values)))


def fit(
    scores: ArrayLike,
    apce_ratios: ArrayLike,
    right: ArrayLike,
    weights: ArrayLike | None = None,
    ridge: float = 1e-2,
    source: str = "",
) -> Calibration:
    """The calibration of greatest likelihood, by Newton's method; the same numbers give the same answer.

    Args:
        scores, apce_ratios: [N], as for :class:`Calibration`.
        right: [N], whether the frame's IoU is over 0.5.
        weights: [N], how much each frame counts, 0 or more; the same for all by default.
        ridge: pull of ``score`` and ``apce`` towards 0, in frames' weight; keeps separable data finite.

    Raises:
        ValueError: nothing to fit, shapes that differ, or frames that are all right or all wrong.
    """
    x, y = features(scores, apce_ratios), np.asarray(right, np.float64)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
    if y.shape != (len(x),) or w.shape != y.shape:
        raise ValueError(f"scores, ratios, right and weights must be equally long, not {len(x)}, {y.shape}, {w.shape}")
    if not 0 < float(w @ y) < float(w.sum()):
        raise ValueError("a calibration needs frames that are right and frames that are wrong")
    free = np.array([True, True, True])
    while True:
        theta = _newton(x[:, free], y, w, np.array([0.0, ridge, ridge])[free])
        full = np.zeros(3)
        full[free] = theta
        wrong = free & (full < 0) & np.array([False, True, True])
        if not wrong.any():
            return Calibration(float(full[0]), float(full[1]), float(full[2]), source)
        free &= ~wrong  # a feature that would count the wrong way round is left out


def _newton(
    x: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64], ridge: NDArray[np.float64]
) -> NDArray[np.float64]:
    def loss(theta: NDArray[np.float64]) -> float:
        z = x @ theta
        return float(w @ (np.logaddexp(0.0, z) - y * z) + 0.5 * ridge @ theta**2)

    theta = np.zeros(x.shape[1])
    for _ in range(100):
        p = logistic(x @ theta)
        slope = x.T @ (w * (p - y)) + ridge * theta
        curvature = (x * (w * p * (1 - p))[:, None]).T @ x + np.diag(ridge + 1e-9)
        step, length, before = np.linalg.solve(curvature, slope), 1.0, loss(theta)
        while loss(theta - length * step) > before and length > 1e-6:
            length /= 2
        theta = theta - length * step
        if float(np.abs(length * step).max()) < 1e-9:
            break
    return theta


def calibration_path(weights: Path) -> Path:
    """Where the calibration of a weights file lies: beside it, ``NAME.calibration.json``."""
    return weights.with_name(f"{weights.stem}.calibration.json")


def read_calibration(weights: Path) -> Calibration | None:
    """The calibration that lies beside a weights file; None where there is none.

    Raises:
        CalibrationError: the file is there and cannot be used.
    """
    path = calibration_path(weights)
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Calibration(**values)
    except (OSError, ValueError, TypeError) as error:
        raise CalibrationError(f"{path} is no calibration: {error}") from error


def write_calibration(weights: Path, calibration: Calibration) -> Path:
    """Put a calibration beside a weights file, replacing the one that was there."""
    path = calibration_path(weights)
    path.write_text(json.dumps(asdict(calibration), indent=2) + "\n", encoding="utf-8")
    return path
