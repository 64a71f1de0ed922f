"""VOT's supervised protocol of 2013 to 2019 and its figures, in numpy alone.

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

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siam_tracker_ros.evaluation.metrics import bootstrap_interval

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
    "run_supervised",
    "same_area_box",
    "score",
]

Floats = NDArray[np.float64]
BoxTuple = tuple[float, float, float, float]

BURN_IN = 10
RESTART_AFTER = 5
# First and last length, both within; VOT2017 has the sequences and the interval of VOT2018.
EAO_INTERVALS = {2016: (108, 371), 2017: (100, 356), 2018: (100, 356), 2019: (46, 291)}


class _Sequence(Protocol):
    """What can be run: `datasets.sequences.Sequence`, or anything with a name and frames of its own."""

    @property
    def name(self) -> str: ...
    def frames(self) -> Iterator[NDArray[np.uint8]]: ...


class _Tracker(Protocol):
    def init(self, frame: NDArray[np.uint8], box: BoxTuple, /) -> None: ...
    def update(self, frame: NDArray[np.uint8], /) -> Any: ...


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
    sensitivity 30. eao: 0..1, nan when no run is long enough. The interval is of the mean accuracy over
    sequences, by bootstrap.
    """

    accuracy: float
    failures: float
    failures_percent: float
    reliability: float
    eao: float
    accuracy_interval: tuple[float, float]


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
    """The upright box around a region, x, y, w, h: what the VOT tool kit gives trackers that take boxes."""
    corners = _corners(region)
    low, high = corners.min(axis=0), corners.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])


def same_area_box(region: ArrayLike) -> BoxTuple:
    """The upright box of a region's centre and area with the proportions of its bounding box, x, y, w, h.

    SiamFC and PySOT start on a rotated rectangle so, without their one pixel more.
    """
    corners = _corners(region)
    center = corners.mean(axis=0)
    w, h = bounding_box(region)[2:]
    scale = float(np.sqrt(_area(corners) / (w * h))) if w * h > 0 else 1.0
    return float(center[0] - w * scale / 2), float(center[1] - h * scale / 2), w * scale, h * scale


def run_supervised(
    tracker: _Tracker,
    sequence: _Sequence,
    regions: ArrayLike,
    *,
    start_box: Callable[[ArrayLike], BoxTuple] = bounding_box,
    restart_after: int = RESTART_AFTER,
) -> SupervisedRun:
    """Run `tracker` over `sequence`, starting it anew `restart_after` frames after each failure.

    regions: one a frame, [N, 4] boxes or [N, 2K] corners (a sequence's `boxes`, or its polygons). start_box:
    makes a box of the region that the tracker starts on. What the tracker raises is passed on.
    Raises ValueError when frames and regions are not equally many, or a region is not finite.
    """
    truth = np.asarray(regions, dtype=np.float64)
    if truth.ndim != 2 or not np.isfinite(truth).all():
        raise ValueError(f"{sequence.name}: needs one finite region a frame; this protocol knows no absence")
    if restart_after < 1:
        raise ValueError(f"restart_after must be 1 or more, not {restart_after}")
    overlaps = np.full(len(truth), np.nan)
    starts: list[int] = []
    failures: list[int] = []
    next_start, running, count = 0, False, 0
    for index, frame in enumerate(sequence.frames()):
        count = index + 1
        if index >= len(truth):
            break
        if running:
            box = tracker.update(frame).box
            size = (frame.shape[1], frame.shape[0])
            overlaps[index] = overlap((box.x, box.y, box.w, box.h), truth[index], size)
            if overlaps[index] <= 0:
                failures.append(index)
                running, next_start = False, index + restart_after
        elif index >= next_start:
            tracker.init(frame, start_box(truth[index]))
            starts.append(index)
            running = True
    if count != len(truth):
        raise ValueError(f"{sequence.name}: has {len(truth)} regions, but not as many frames")
    return SupervisedRun(overlaps, tuple(starts), tuple(failures))


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
    pieces: list[tuple[Floats, bool]] = []
    for run in runs:
        for number, start in enumerate(run.starts):
            failed = number < len(run.failures)
            end = run.failures[number] if failed else len(run)
            # The frame of the start is entry 0, which no average counts.
            pieces.append((run.overlaps[start + 1 : end], failed))
    if not pieces:
        raise ValueError("no run to score")
    longest = max(len(values) for values, _ in pieces)
    lengths = np.arange(1, longest + 1)
    total, weight = np.zeros(longest), np.zeros(longest)
    for values, failed in pieces:
        padded = np.zeros(longest)
        padded[: len(values)] = values
        counts = np.ones(longest) if failed else (lengths <= len(values)).astype(np.float64)
        total += np.cumsum(padded) / lengths * counts
        weight += counts
    curve = np.ones(longest + 1)
    np.divide(total, weight, out=curve[1:], where=weight > 0)
    return curve


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
        accuracy_interval=bootstrap_interval(accuracies),
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
