"""Figures of one-pass evaluation, in numpy alone.

Boxes are rows x, y, w, h (top-left corner, pixels). A row of nan in the ground truth means that the target is
absent: the frame is left out of every figure. A predicted row with nan, or without area, overlaps nothing.

Sources: success and precision plots are OTB's (Wu, Lim and Yang, CVPR 2013 and TPAMI 2015), success rates at
0.5 and 0.75 are GOT-10k's (Huang, Zhao and Huang, TPAMI 2019), normalised precision is TrackingNet's (Mueller
et al., ECCV 2018) as an area and the LaSOT tool kit's (Fan et al., CVPR 2019) at the threshold 0.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "NORMALIZED_THRESHOLDS",
    "PRECISION_THRESHOLDS",
    "SUCCESS_THRESHOLDS",
    "AttributeMean",
    "Scores",
    "attribute_means",
    "bootstrap_interval",
    "bootstrap_pooled_interval",
    "center_error",
    "iou",
    "normalized_center_error",
    "normalized_precision",
    "normalized_precision_auc",
    "precision",
    "precision_curve",
    "score_sequence",
    "success_auc",
    "success_curve",
    "success_rate",
]

Floats = NDArray[np.float64]

SUCCESS_THRESHOLDS: Floats = np.linspace(0.0, 1.0, 21)
PRECISION_THRESHOLDS: Floats = np.arange(0.0, 51.0)
NORMALIZED_THRESHOLDS: Floats = np.linspace(0.0, 0.5, 51)


def iou(pred: ArrayLike, truth: ArrayLike) -> Floats:
    """Intersection over union of each row, [N], 0..1; nan where the truth is nan.

    pred, truth: [N, 4], x, y, w, h. Raises ValueError when the shapes differ or are not [N, 4].
    """
    pred, truth = _checked(pred, truth)
    pred = np.where(_usable(pred)[:, None], pred, 0.0)  # an empty box overlaps nothing
    left_top = np.maximum(pred[:, :2], truth[:, :2])
    right_bottom = np.minimum(pred[:, :2] + pred[:, 2:], truth[:, :2] + truth[:, 2:])
    intersection = np.prod(np.maximum(right_bottom - left_top, 0.0), axis=1)
    union = _area(pred) + _area(truth) - intersection
    overlap = np.zeros(len(truth))
    np.divide(intersection, union, out=overlap, where=union > 0)
    overlap[~_present(truth)] = np.nan
    return np.clip(overlap, 0.0, 1.0)


def center_error(pred: ArrayLike, truth: ArrayLike) -> Floats:
    """Distance of the centres in pixels, [N]; nan where the truth is nan, inf where the prediction is."""
    pred, truth = _checked(pred, truth)
    return _distance(_center(pred) - _center(truth), pred, truth)


def normalized_center_error(pred: ArrayLike, truth: ArrayLike) -> Floats:
    """Distance of the centres with x in widths and y in heights of the true box, [N].

    nan where the truth is nan, inf where the prediction is. True boxes must have an area.
    """
    pred, truth = _checked(pred, truth)
    offset = (_center(pred) - _center(truth)) / truth[:, 2:]
    return _distance(offset, pred, truth)


def success_curve(ious: ArrayLike, thresholds: ArrayLike = SUCCESS_THRESHOLDS) -> Floats:
    """Share of the frames with ``IoU > threshold`` (strictly, as OTB), [T]; frames with nan are left out.

    Strictness means that a perfect track has 20/21 = 0.952 as its area, since nothing exceeds 1.
    Raises ValueError when no frame is left.
    """
    return np.mean(_scored(ious)[:, None] > np.asarray(thresholds, dtype=np.float64)[None, :], axis=0)


def success_auc(ious: ArrayLike) -> float:
    """Area under the success plot: the mean of `success_curve` over the 21 thresholds 0, 0.05, ... 1."""
    return float(success_curve(ious).mean())


def success_rate(ious: ArrayLike, threshold: float) -> float:
    """Share of the frames with ``IoU > threshold`` (strictly, as GOT-10k); frames with nan are left out.

    OTB calls the same figure overlap precision, OP, and takes its mean over the sequences, where GOT-10k pools frames.
    """
    return float(np.mean(_scored(ious) > threshold))


def precision_curve(errors: ArrayLike, thresholds: ArrayLike = PRECISION_THRESHOLDS) -> Floats:
    """Share of the frames with ``error <= threshold`` (not strictly, as OTB), [T]; nan frames left out."""
    return np.mean(_scored(errors)[:, None] <= np.asarray(thresholds, dtype=np.float64)[None, :], axis=0)


def precision(errors: ArrayLike, threshold: float = 20.0) -> float:
    """Share of the frames whose centre is at most `threshold` pixels off; `errors` of `center_error`."""
    return float(np.mean(_scored(errors) <= threshold))


def normalized_precision(errors: ArrayLike, threshold: float = 0.2) -> float:
    """LaSOT's normalised precision: share of the frames with `normalized_center_error` <= 0.2.

    Fan et al., "LaSOT", CVPR 2019 and IJCV 2021, take over TrackingNet's plot; their tool kit ranks by the value
    at 0.2, as its precision plot is ranked by the value at 20 pixels.
    """
    return precision(errors, threshold)


def normalized_precision_auc(errors: ArrayLike) -> float:
    """TrackingNet's normalised precision: mean of the curve over the 51 thresholds 0, 0.01, ... 0.5.

    Mueller et al., "TrackingNet", ECCV 2018: the tracker is ranked by the area under the curve for
    errors between 0 and 0.5. Papers that report this on LaSOT, as some do, give other numbers than LaSOT's tool kit.
    TrackingNet's own tool kit takes 21 thresholds, the trapezoid rule and boxes in whole pixels, which differs in the
    third decimal.
    """
    return float(precision_curve(errors, NORMALIZED_THRESHOLDS).mean())


@dataclass(frozen=True)
class Scores:
    """The figures of one tracker on one sequence; all but `frames` are in 0..1.

    frames: how many frames were scored (with a box, and not the first).
    success_auc, precision_20, normalized_precision, normalized_precision_auc: see the functions.
    mean_iou: mean IoU of the scored frames (GOT-10k's average overlap of one sequence).
    success_50, success_75: share of the frames with IoU over 0.5 and over 0.75.
    """

    frames: int
    success_auc: float
    mean_iou: float
    success_50: float
    success_75: float
    precision_20: float
    normalized_precision: float
    normalized_precision_auc: float


def score_sequence(pred: ArrayLike, truth: ArrayLike, *, skip_first: bool = True) -> Scores:
    """The figures of one track.

    pred, truth: [N, 4], x, y, w, h, pixels. skip_first: leave out the frame in which the tracker was given
    the true box. Raises ValueError when the shapes differ or no frame is left to score.
    """
    first = 1 if skip_first else 0
    pred, truth = (boxes[first:] for boxes in _checked(pred, truth))
    ious = iou(pred, truth)
    errors = center_error(pred, truth)
    normalized = normalized_center_error(pred, truth)
    return Scores(
        frames=len(_scored(ious)),
        success_auc=success_auc(ious),
        mean_iou=float(_scored(ious).mean()),
        success_50=success_rate(ious, 0.5),
        success_75=success_rate(ious, 0.75),
        precision_20=precision(errors),
        normalized_precision=normalized_precision(normalized),
        normalized_precision_auc=normalized_precision_auc(normalized),
    )


def bootstrap_interval(
    values: ArrayLike, *, level: float = 0.95, samples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of `values` ([N], one per sequence).

    The sequences are drawn N at a time with replacement, so the interval tells how much the mean would move
    with other sequences of the same kind. It is the same for the same seed.
    Raises ValueError when there is no value or `level` is not between 0 and 1.
    """
    means = np.asarray(values, dtype=np.float64)
    if means.ndim != 1 or len(means) == 0 or not np.isfinite(means).all():
        raise ValueError(f"values must be a non-empty list of finite numbers; its shape is {list(means.shape)}")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be between 0 and 1, not {level}")
    drawn = np.random.default_rng(seed).integers(0, len(means), size=(samples, len(means)))
    low, high = np.quantile(means[drawn].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_pooled_interval(
    sums: ArrayLike, counts: ArrayLike, *, level: float = 0.95, samples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean over pooled frames, `sum(sums) / sum(counts)`.

    sums: [N], of the figure over each sequence's frames (or its mean times a weight). counts: [N], how many frames
    each has, or the weight; not negative and not all 0. Whole sequences are drawn, as in `bootstrap_interval`,
    because frames of one sequence resemble each other. Raises ValueError when there is none or they do not match.
    """
    total, weight = np.asarray(sums, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    if total.ndim != 1 or total.shape != weight.shape or not np.isfinite(total).all():
        raise ValueError(f"sums and counts must both be [N], finite, not {list(total.shape)} and {list(weight.shape)}")
    if not (weight >= 0).all() or weight.sum() <= 0:
        raise ValueError("no frame to score: every count is 0")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be between 0 and 1, not {level}")
    held = weight > 0  # a sequence without a frame is not one that could have been drawn
    total, weight = total[held], weight[held]
    drawn = np.random.default_rng(seed).integers(0, len(total), size=(samples, len(total)))
    means = total[drawn].sum(axis=1) / weight[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class AttributeMean:
    """A figure over the sequences that have an attribute.

    sequences: how many they are. mean: of the sequences' figures. interval: of the mean, by bootstrap over them.
    """

    sequences: int
    mean: float
    interval: tuple[float, float]


def attribute_means(
    values: Mapping[str, float],
    attributes: Mapping[str, Iterable[str]],
    *,
    level: float = 0.95,
    samples: int = 10_000,
    seed: int = 0,
) -> dict[str, AttributeMean]:
    """The mean of a figure for each attribute, by the attribute's name.

    values: sequence -> its figure. attributes: sequence -> the attributes it has (OTB's IV, SV, OCC ...); a
    sequence without an entry has none, and one that was not measured counts nowhere, so that a part of a
    benchmark can be reported. An attribute that no measured sequence has is left out.
    level, samples, seed: as in `bootstrap_interval`.
    """
    groups: dict[str, list[float]] = {}
    for name, value in values.items():
        for attribute in set(attributes.get(name, ())):
            groups.setdefault(attribute, []).append(value)
    return {
        attribute: AttributeMean(
            sequences=len(group),
            mean=float(np.mean(group)),
            interval=bootstrap_interval(group, level=level, samples=samples, seed=seed),
        )
        for attribute, group in sorted(groups.items())
    }


def _checked(pred: ArrayLike, truth: ArrayLike) -> tuple[Floats, Floats]:
    given, wanted = np.asarray(pred, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if wanted.ndim != 2 or wanted.shape[1] != 4 or given.shape != wanted.shape:
        raise ValueError(f"boxes must both be [N, 4], not {list(given.shape)} and {list(wanted.shape)}")
    return given, wanted


def _present(truth: Floats) -> NDArray[np.bool_]:
    return np.logical_not(np.isnan(truth).any(axis=1))


def _usable(pred: Floats) -> NDArray[np.bool_]:
    return np.isfinite(pred).all(axis=1) & (pred[:, 2] > 0) & (pred[:, 3] > 0)


def _area(boxes: Floats) -> Floats:
    return boxes[:, 2] * boxes[:, 3]


def _center(boxes: Floats) -> Floats:
    return boxes[:, :2] + boxes[:, 2:] / 2


def _distance(offset: Floats, pred: Floats, truth: Floats) -> Floats:
    distance = np.hypot(offset[:, 0], offset[:, 1])
    distance[~np.isfinite(pred).all(axis=1)] = np.inf
    distance[~_present(truth)] = np.nan
    return distance


def _scored(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    scored: Floats = array[~np.isnan(array)]
    if len(scored) == 0:
        raise ValueError("no frame to score: the target is absent, or the track has one frame only")
    return scored
