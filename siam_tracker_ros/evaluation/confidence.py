"""Does a tracker's confidence mean anything, and does it know when it lost the target? In numpy alone.

A frame is right when its IoU exceeds 0.5. A confidence that means something is the share of the frames at
that confidence that are right (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017: reliability
diagram and expected calibration error).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LostDetection", "Reliability", "lost_detection", "reliability"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram, from the lowest confidence to the highest.

    edges: [B + 1], 0..1; a bin holds its upper edge, the first its lower one too. frames: [B] how many are in
    each. confidence, right: [B] their mean confidence and the share of them with an IoU over the threshold;
    nan in an empty bin.
    """

    edges: Floats
    frames: NDArray[np.int64]
    confidence: Floats
    right: Floats

    @property
    def expected_error(self) -> float:
        """Expected calibration error, 0..1: the mean over frames of how far the two differ in their bin."""
        held = self.frames > 0
        gaps = np.abs(self.confidence[held] - self.right[held])
        return float(np.average(gaps, weights=self.frames[held]))

    @property
    def largest_error(self) -> float:
        """Maximum calibration error, 0..1: how far they differ in the worst bin."""
        held = self.frames > 0
        return float(np.abs(self.confidence[held] - self.right[held]).max())


@dataclass(frozen=True)
class LostDetection:
    """How well "lost" is detected, counted in frames.

    hits: absent and said to be lost. false_alarms: present, but said to be lost. misses: absent, but said to be
    seen. agreed: present and said to be seen.
    """

    hits: int
    false_alarms: int
    misses: int
    agreed: int

    @property
    def precision(self) -> float:
        """Share of the frames said to be lost in which the target is absent; nan when none was."""
        return _share(self.hits, self.hits + self.false_alarms)

    @property
    def recall(self) -> float:
        """Share of the frames without a target that were said to be lost; nan when it is never absent."""
        return _share(self.hits, self.hits + self.misses)

    @property
    def f1(self) -> float:
        """Harmonic mean of both; nan when there was nothing to find and nothing was said."""
        return _share(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)

    def __add__(self, other: LostDetection) -> LostDetection:
        """Both together, as over several sequences."""
        return LostDetection(
            self.hits + other.hits,
            self.false_alarms + other.false_alarms,
            self.misses + other.misses,
            self.agreed + other.agreed,
        )


def reliability(confidences: ArrayLike, ious: ArrayLike, *, threshold: float = 0.5, bins: int = 10) -> Reliability:
    """The reliability diagram of the frames, in `bins` bins of equal width.

    confidences: [N], 0..1. ious: [N], of `metrics.iou`; where it is nan the target is absent and any box is
    wrong, so such a frame counts as not right. A frame with a confidence of nan is left out.
    Raises ValueError when the shapes differ, a confidence is outside 0..1 or no frame is left.
    """
    given, overlap = np.asarray(confidences, dtype=np.float64), np.asarray(ious, dtype=np.float64)
    if given.ndim != 1 or given.shape != overlap.shape:
        raise ValueError(f"confidences and IoUs must both be [N], not {list(given.shape)} and {list(overlap.shape)}")
    if bins < 1:
        raise ValueError(f"bins must be 1 or more, not {bins}")
    known = ~np.isnan(given)
    given, overlap = given[known], overlap[known]
    if len(given) == 0:
        raise ValueError("no frame has a confidence")
    if ((given < 0) | (given > 1)).any():
        raise ValueError("a confidence is outside 0..1")
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.searchsorted(edges, given, side="left") - 1, 0, bins - 1)
    frames = np.bincount(place, minlength=bins)
    sums = np.bincount(place, weights=given, minlength=bins)
    right = np.bincount(place, weights=(overlap > threshold).astype(np.float64), minlength=bins)
    mean, share = np.full(bins, np.nan), np.full(bins, np.nan)
    np.divide(sums, frames, out=mean, where=frames > 0)
    np.divide(right, frames, out=share, where=frames > 0)
    return Reliability(edges, frames.astype(np.int64), mean, share)


def lost_detection(lost: ArrayLike, truth: ArrayLike) -> LostDetection:
    """How the lost state agrees with annotated absence, frame by frame; the first, given, frame is left out.

    lost: [N], whether the tracker said LOST. truth: [N, 4] boxes, nan where the target is absent.
    Raises ValueError when they are not equally long.
    """
    said, boxes = np.asarray(lost, dtype=bool), np.asarray(truth, dtype=np.float64)
    if boxes.ndim != 2 or said.shape != (len(boxes),):
        raise ValueError(f"states must be [N] and boxes [N, 4], not {list(said.shape)} and {list(boxes.shape)}")
    said, absent = said[1:], np.isnan(boxes[1:]).any(axis=1)
    return LostDetection(
        hits=int((said & absent).sum()),
        false_alarms=int((said & ~absent).sum()),
        misses=int((~said & absent).sum()),
        agreed=int((~said & ~absent).sum()),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
