"""The figures of VOT's supervised protocol of 2013 to 2019, in numpy alone; `supervised` runs it.

The tracker starts on the first frame. Where its box no longer overlaps the target it has failed: it starts
anew five frames later. Accuracy is the mean overlap without the ten frames after each start (burn-in), in
which it is too high. Robustness counts failures. EAO, the expected average overlap, is the mean over a year's
usual lengths of how high the average overlap is on a sequence of that length, with 0 from a failure on.

Sources: Kristan et al., "A Novel Performance Evaluation Methodology for Single-Target Trackers", TPAMI 2016
(accuracy, robustness, burn-in), and "The Visual Object Tracking VOT2015 Challenge Results" (EAO). Intervals,
the order of operations and the sensitivity 30 are those of the VOT tool kit's stacks for 2016, 2018 and 2019.

Overlaps here are exact areas; the tool kit counts whole pixels, so figures differ a little on small targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siam_tracker_ros.datasets.vot import bounding_boxes
from siam_tracker_ros.evaluation.metrics import bootstrap_pooled_interval

__all__ = [
    "BURN_IN",
    "EAO_INTERVALS",
    "RESTART_AFTER",
    "SupervisedRun",
    "VotScores",
    "accuracy",
    "bounding_box",
    "eao",
    "eao_curve",
    "overlap",
    "reliability",
    "score",
]

Floats = NDArray[np.float64]
BoxTuple = tuple[float, float, float, float]

BURN_IN = 10
RESTART_AFTER = 5
# First and last length, both within; VOT2017 has the sequences and the interval of VOT2018.
EAO_INTERVALS = {2016: (108, 371), 2017: (100, 356), 2018: (100, 356), 2019: (46, 291)}


@dataclass(frozen=True, eq=False)
class SupervisedRun:
    """What a tracker made of one sequence under supervision.

    overlaps: [N], nan where the tracker did not run (from a failure to the next start) and in the frames in
    which it started; 0 where it failed. starts, failures: the frames' indices, in order.
    """

    overlaps: Floats
    starts: tuple[int, ...]
    failures: tuple[int, ...]

    def __len__(self) -> int:
        """Number of frames of the sequence."""
        return len(self.overlaps)


@dataclass(frozen=True)
class VotScores:
    """Figures over several sequences.

    accuracy: mean overlap outside burn-in, of the sequences weighted by their lengths. failures: mean number
    of a sequence, weighted likewise (as the tool kit has it; VOT2016's tables). failures_percent: failures in
    100 frames (the "R" of papers that use PySOT's tool kit). reliability: see the function, with the
    sensitivity 30. eao: 0..1, nan when no run is long enough. The intervals are 95 %, by bootstrap over the
    sequences.
    """

    accuracy: float
    failures: float
    failures_percent: float
    reliability: float
    eao: float
    accuracy_interval: tuple[float, float]
    failures_interval: tuple[float, float]
    failures_percent_interval: tuple[float, float]
    eao_interval: tuple[float, float]


def overlap(box: ArrayLike, region: ArrayLike, size: tuple[int, int] | None = None) -> float:
    """Intersection over union of a tracker's box and a true region, 0..1.

    box: x, y, w, h. region: x, y, w, h, or the corners x1, y1, x2, y2 ... of a polygon that does not cross
    itself. size: width and height of the image, outside of which nothing counts.
    A box without area, or with nan, overlaps nothing. Raises ValueError when the region is not as above.
    """
    x, y, w, h = (float(value) for value in np.asarray(box, dtype=np.float64))
    corners = _corners(region)
    if not np.isfinite([x, y, w, h]).all() or w <= 0 or h <= 0:
        return 0.0
    low, high = np.array([x, y]), np.array([x + w, y + h])
    if size is not None:
        image = np.array(size, dtype=np.float64)
        corners = _clipped(corners, np.zeros(2), image)
        low, high = np.clip(low, 0, image), np.clip(high, 0, image)
    shared = _area(_clipped(corners, low, high))
    union = _area(corners) + float(np.prod(high - low)) - shared
    return float(np.clip(shared / union, 0.0, 1.0)) if union > 0 else 0.0


def bounding_box(region: ArrayLike) -> BoxTuple:
    """The upright box around one region, x, y, w, h: `datasets.vot.bounding_boxes` of one."""
    x, y, w, h = bounding_boxes(np.asarray(region, dtype=np.float64)[None])[0]
    return float(x), float(y), float(w), float(h)


def accuracy(run: SupervisedRun, burn_in: int = BURN_IN) -> float:
    """Mean overlap outside the `burn_in` frames from each start and the failures; 0 when no frame is left."""
    counts = ~np.isnan(run.overlaps)
    for start in run.starts:
        counts[start : start + burn_in] = False
    counts[list(run.failures)] = False
    return float(run.overlaps[counts].mean()) if counts.any() else 0.0


def reliability(failures: float, frames: float, sensitivity: float = 30.0) -> float:
    """Robustness in 0..1: the chance to be still on the target after `sensitivity` frames, exp(-S F / N).

    All of the VOT tool kit's stacks have S = 30. With S = 100 the exponent is `VotScores.failures_percent`,
    the failures in 100 frames.
    """
    return float(np.exp(-sensitivity * failures / frames))


def eao_curve(runs: Sequence[SupervisedRun]) -> Floats:
    """Expected average overlap by length, [L]: entry j is of j frames after the start; entry 0 is 1.

    A run is cut at its starts. A piece that ended in a failure goes on with overlap 0 to any length, one that
    ended with its sequence counts up to its own length only. Raises ValueError when there is no run.
    """
    total, weight = _sums(runs)
    totals, weights = total.sum(axis=0), weight.sum(axis=0)
    curve = np.ones(len(totals) + 1)
    np.divide(totals, weights, out=curve[1:], where=weights > 0)
    return curve


def _sums(runs: Sequence[SupervisedRun]) -> tuple[Floats, Floats]:
    """Each run's part in the curve, [R, L]: the sum of its pieces' averages at each length, and their number."""
    if not any(run.starts for run in runs):
        raise ValueError("no run to score")
    longest = max(len(run) for run in runs)
    lengths = np.arange(1, longest + 1)
    total, weight = np.zeros((len(runs), longest)), np.zeros((len(runs), longest))
    reached = 0
    for row, run in enumerate(runs):
        for number, start in enumerate(run.starts):
            failed = number < len(run.failures)
            end = run.failures[number] if failed else len(run)
            # The frame of the start is entry 0, which no average counts.
            values = run.overlaps[start + 1 : end]
            padded = np.zeros(longest)
            padded[: len(values)] = values
            counts = np.ones(longest) if failed else (lengths <= len(values)).astype(np.float64)
            total[row] += np.cumsum(padded) / lengths * counts
            weight[row] += counts
            reached = max(reached, len(values))
    return total[:, :reached], weight[:, :reached]


def _eao_interval(runs: Sequence[SupervisedRun], interval: tuple[int, int]) -> tuple[float, float]:
    """95 % bootstrap interval of `eao` over the runs; nan where no run is long enough."""
    total, weight = _sums(runs)
    part = slice(interval[0] - 1, interval[1])
    total, weight = total[:, part], weight[:, part]
    if total.shape[1] == 0:
        return float("nan"), float("nan")
    generator = np.random.default_rng(0)
    drawn = generator.multinomial(len(runs), np.full(len(runs), 1 / len(runs)), size=2000).astype(np.float64)
    totals, weights = drawn @ total, drawn @ weight
    # Lengths that no drawn run reaches count in no mean, as `eao` ends where the curve does.
    reached = weights > 0
    sums = np.divide(totals, weights, out=np.zeros_like(totals), where=reached).sum(axis=1)
    counts = reached.sum(axis=1)
    low, high = np.quantile(sums[counts > 0] / counts[counts > 0], [0.025, 0.975])
    return float(low), float(high)


def eao(runs: Sequence[SupervisedRun], interval: tuple[int, int]) -> float:
    """Mean of `eao_curve` from the first to the last length of `interval`, as far as the curve reaches.

    interval: of the year, `EAO_INTERVALS`. nan when no piece reaches it.
    """
    low, high = interval
    if not 0 < low <= high:
        raise ValueError(f"interval must be a first and a last length, not {interval}")
    values = eao_curve(runs)[low : high + 1]
    return float(values.mean()) if len(values) else float("nan")


def score(runs: Sequence[SupervisedRun], interval: tuple[int, int]) -> VotScores:
    """The figures over the runs, one a sequence. Raises ValueError when there is none."""
    if not runs:
        raise ValueError("no run to score")
    lengths = np.array([len(run) for run in runs], dtype=np.float64)
    accuracies = np.array([accuracy(run) for run in runs])
    failures = np.array([len(run.failures) for run in runs], dtype=np.float64)
    mean_failures = float(np.average(failures, weights=lengths))
    return VotScores(
        accuracy=float(np.average(accuracies, weights=lengths)),
        failures=mean_failures,
        failures_percent=float(100 * failures.sum() / lengths.sum()),
        reliability=reliability(mean_failures, float(lengths.mean())),
        eao=eao(runs, interval),
        accuracy_interval=bootstrap_pooled_interval(accuracies * lengths, lengths),
        failures_interval=bootstrap_pooled_interval(failures * lengths, lengths),
        failures_percent_interval=bootstrap_pooled_interval(100 * failures, lengths),
        eao_interval=_eao_interval(runs, interval),
    )


def _corners(region: ArrayLike) -> Floats:
    values = np.asarray(region, dtype=np.float64)
    if values.ndim != 1 or (len(values) != 4 and (len(values) < 6 or len(values) % 2)):
        raise ValueError(f"a region is x, y, w, h or three or more corners, not {list(values.shape)} numbers")
    if len(values) == 4:
        x, y, w, h = values
        values = np.array([x, y, x + w, y, x + w, y + h, x, y + h])
    return values.reshape(-1, 2)


def _area(corners: Floats) -> float:
    """Shoelace formula."""
    if len(corners) < 3:
        return 0.0
    x, y = (corners - corners[0]).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _clipped(corners: Floats, low: Floats, high: Floats) -> Floats:
    """The part of a polygon within an upright box (Sutherland and Hodgman), whose edges may lie on each other."""
    for axis in (0, 1):
        for bound, sign in ((low[axis], 1.0), (high[axis], -1.0)):
            kept: list[Floats] = []
            for before, after in zip(np.roll(corners, 1, axis=0), corners, strict=True):
                from_bound, to_bound = sign * (before[axis] - bound), sign * (after[axis] - bound)
                if (from_bound >= 0) != (to_bound >= 0):
                    kept.append(before + (after - before) * from_bound / (from_bound - to_bound))
                if to_bound >= 0:
                    kept.append(after)
            corners = np.array(kept).reshape(-1, 2)
    return corners
