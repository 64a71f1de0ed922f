"""What a run says of each tracker: means with intervals, curves, and what its confidence is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.evaluation import got10k, vot
from siam_tracker_ros.evaluation.confidence import LostDetection, Reliability, lost_detection, reliability
from siam_tracker_ros.evaluation.metrics import (
    NORMALIZED_THRESHOLDS,
    AttributeMean,
    Scores,
    attribute_means,
    bootstrap_interval,
    bootstrap_pooled_interval,
    center_error,
    iou,
    normalized_center_error,
    precision_curve,
    success_curve,
)
from siam_tracker_ros.evaluation.runner import Evaluation, Outcome

__all__ = ["FIGURES", "Curves", "Summary", "TagMean", "VotSummary", "summarize", "summarize_supervised"]

Floats = NDArray[np.float64]

FIGURES = tuple(field.name for field in fields(Scores) if field.name != "frames")


@dataclass(frozen=True, eq=False)
class Curves:
    """Plots of one tracker, each the mean over its sequences.

    success: [21] at `metrics.SUCCESS_THRESHOLDS`. precision: [51] at 0 to 50 pixels. normalized: [51] at
    `metrics.NORMALIZED_THRESHOLDS`.
    """

    success: Floats
    precision: Floats
    normalized: Floats


@dataclass(frozen=True)
class TagMean:
    """A figure over the frames of all sequences that carry a tag.

    frames: how many they are. mean: their mean IoU. interval: of it, by bootstrap over the sequences.
    """

    frames: int
    mean: float
    interval: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Summary:
    """One tracker over all sequences that it finished in one pass, or at a camera's pace.

    sequences: how many were scored; failed: how many were not; unscored: tracks without ground truth.
    means: figure of `metrics.Scores` -> mean over the sequences, each counting the same whatever its length.
    intervals: figure -> 95 % bootstrap interval of that mean over the sequences.
    fps: all frames after the first divided by the time that the tracker worked on them; 0 where unknown.
    init_ms: mean time of an initialisation, milliseconds; nan where unknown.
    given: share of the frames after the first that the tracker got, 0..1: below 1 where it was slower than the camera.
    curves: the plots.
    attributes: attribute -> success AUC over the sequences that have it.
    tags: tag -> mean IoU over the frames that have it.
    got10k: GOT-10k's own figures, where the sequences are laid out so.
    reliability: what the confidence is worth; None for a tracker without.
    lost: how well "lost" was detected; None for a tracker that never says so.
    """

    tracker: str
    sequences: int
    failed: int
    unscored: int
    means: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    fps: float
    init_ms: float
    given: float
    curves: Curves
    attributes: dict[str, AttributeMean]
    tags: dict[str, TagMean]
    got10k: got10k.Got10kScores | None = None
    reliability: Reliability | None = None
    lost: LostDetection | None = None


@dataclass(frozen=True, eq=False)
class VotSummary:
    """One tracker over all sequences that it finished under VOT's protocol.

    scores: the figures. curve: expected average overlap by length. sequences, failed, fps, init_ms: as in `Summary`.
    """

    tracker: str
    sequences: int
    failed: int
    scores: vot.VotScores
    curve: Floats
    fps: float
    init_ms: float


def summarize(evaluation: Evaluation, sequences: list[Sequence], tracker: str) -> Summary | None:
    """The summary of one tracker in one pass, or None when it scored on no sequence.

    sequences: at least those that were scored.
    """
    outcomes = evaluation.scored(tracker)
    if not outcomes:
        return None
    by_name = {sequence.name: sequence for sequence in sequences}
    figures = {name: [float(getattr(outcome.scores, name)) for outcome in outcomes] for name in FIGURES}
    auc = dict(zip((outcome.sequence for outcome in outcomes), figures["success_auc"], strict=True))
    pooled = [outcome.overlaps for outcome in outcomes if outcome.overlaps is not None]
    return Summary(
        tracker=tracker,
        sequences=len(outcomes),
        failed=_failed(evaluation, tracker),
        unscored=sum(outcome.scores is None for outcome in evaluation.tracked(tracker)),
        means={name: float(np.mean(values)) for name, values in figures.items()},
        intervals={name: bootstrap_interval(values) for name, values in figures.items()},
        fps=_fps(outcomes),
        init_ms=_init_ms(outcomes),
        given=_given(outcomes),
        curves=_curves(outcomes, by_name),
        attributes=attribute_means(auc, {name: by_name[name].attributes for name in auc}),
        tags=_tags(outcomes, by_name),
        got10k=got10k.score(pooled) if len(pooled) == len(outcomes) else None,
        reliability=_reliability(outcomes, by_name),
        lost=_lost(outcomes, by_name),
    )


def summarize_supervised(evaluation: Evaluation, tracker: str, interval: tuple[int, int]) -> VotSummary | None:
    """The summary of one tracker under VOT's protocol, or None when it finished no sequence.

    interval: lengths over which EAO is the mean, `vot.EAO_INTERVALS`.
    """
    outcomes = evaluation.supervised(tracker)
    runs = [outcome.run for outcome in outcomes if outcome.run]
    if not runs:
        return None
    return VotSummary(
        tracker=tracker,
        sequences=len(runs),
        failed=_failed(evaluation, tracker),
        scores=vot.score(runs, interval),
        curve=vot.eao_curve(runs),
        fps=_fps(outcomes),
        init_ms=_init_ms(outcomes),
    )


def _failed(evaluation: Evaluation, tracker: str) -> int:
    return sum(outcome.tracker == tracker for outcome in evaluation.failures)


def _fps(outcomes: list[Outcome]) -> float:
    seconds = math.fsum(outcome.seconds for outcome in outcomes)
    return sum(outcome.updates for outcome in outcomes) / seconds if seconds > 0 else 0.0


def _init_ms(outcomes: list[Outcome]) -> float:
    return 1000 * float(np.mean([outcome.init_seconds for outcome in outcomes]))


def _given(outcomes: list[Outcome]) -> float:
    frames = sum(len(outcome.track.boxes) - 1 for outcome in outcomes if outcome.track)
    return sum(outcome.updates for outcome in outcomes) / frames if frames else 0.0


def _after_first(outcome: Outcome, sequences: Mapping[str, Sequence]) -> tuple[Floats, Floats]:
    """Boxes of the track and true ones, without the given first."""
    assert outcome.track is not None
    return outcome.track.boxes[1:], sequences[outcome.sequence].boxes[1:]


def _curves(outcomes: list[Outcome], sequences: Mapping[str, Sequence]) -> Curves:
    success, precise, normalized = [], [], []
    for outcome in outcomes:
        pred, truth = _after_first(outcome, sequences)
        success.append(success_curve(iou(pred, truth)))
        precise.append(precision_curve(center_error(pred, truth)))
        normalized.append(precision_curve(normalized_center_error(pred, truth), NORMALIZED_THRESHOLDS))
    return Curves(np.mean(success, axis=0), np.mean(precise, axis=0), np.mean(normalized, axis=0))


def _tags(outcomes: list[Outcome], sequences: Mapping[str, Sequence]) -> dict[str, TagMean]:
    found: dict[str, list[Floats]] = {}
    for outcome in outcomes:
        pred, truth = _after_first(outcome, sequences)
        ious = iou(pred, truth)
        for tag, flags in sequences[outcome.sequence].tags.items():
            values = ious[flags[1:]]
            found.setdefault(tag, []).append(values[~np.isnan(values)])
    means = {}
    for tag, groups in sorted(found.items()):
        sums, counts = [float(group.sum()) for group in groups], [len(group) for group in groups]
        if sum(counts):
            means[tag] = TagMean(sum(counts), sum(sums) / sum(counts), bootstrap_pooled_interval(sums, counts))
    return means


def _reliability(outcomes: list[Outcome], sequences: Mapping[str, Sequence]) -> Reliability | None:
    confidences, overlaps = [], []
    for outcome in outcomes:
        if outcome.track is not None and outcome.track.confidences is not None:
            confidences.append(outcome.track.confidences[1:])
            overlaps.append(iou(*_after_first(outcome, sequences)))
    return reliability(np.concatenate(confidences), np.concatenate(overlaps)) if confidences else None


def _lost(outcomes: list[Outcome], sequences: Mapping[str, Sequence]) -> LostDetection | None:
    total = None
    for outcome in outcomes:
        if outcome.track is not None and outcome.track.lost is not None:
            found = lost_detection(outcome.track.lost, sequences[outcome.sequence].boxes)
            total = found if total is None else total + found
    return total
