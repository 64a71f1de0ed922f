"""Run a tracker under VOT's supervision: where its box no longer overlaps the target, it is started anew.

Evaluation of what comes out of it is in `vot`, with the sources.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.evaluation.one_pass import Recorder, SequenceTracker, Track
from siam_tracker_ros.evaluation.vot import RESTART_AFTER, SupervisedRun, overlap

__all__ = ["supervised_run", "track_supervised", "true_regions"]


def true_regions(sequence: Sequence) -> NDArray[np.float64]:
    """The true region of each frame, [N, 8] corners where the layout has them, else [N, 4] boxes.

    Raises ValueError when the target is absent in a frame: this protocol knows no absence.
    """
    regions = sequence.boxes if sequence.polygons is None else sequence.polygons
    absent = np.flatnonzero(~np.isfinite(regions).all(axis=1))
    if len(absent):
        raise ValueError(
            f"VOT's protocol needs a target in every frame, and it is absent in {len(absent)}, first in frame "
            f"{absent[0]}; measure this sequence in one pass"
        )
    return regions


def track_supervised(
    tracker: SequenceTracker,
    sequence: Sequence,
    on_frame: Callable[[], None] | None = None,
    *,
    restart_after: int = RESTART_AFTER,
) -> Track:
    """Run `tracker` over `sequence`, starting it anew `restart_after` frames after each failure.

    It is started on `sequence.boxes`: of a polygon, the upright box of the same area, as the published Siamese
    trackers make it (VOT's tool kit would give the box around the polygon to a tracker that takes no polygons).
    `on_frame` is called after every frame, outside the measured time.
    Raises ValueError when the target is absent somewhere or a setting is out of range, TrackerFailure when the
    tracker raises, and DatasetError when a frame cannot be decoded.
    """
    if restart_after < 1:
        raise ValueError(f"restart_after must be 1 or more, not {restart_after}")
    regions = true_regions(sequence)
    recorder = Recorder(tracker, sequence)
    running, next_start = False, 0
    for index, frame in enumerate(sequence.frames()):
        if running:
            recorder.update(index, frame)
            size = (frame.shape[1], frame.shape[0])
            if overlap(recorder.boxes[index], regions[index], size) <= 0:
                recorder.failures.append(index)
                running, next_start = False, index + restart_after
        elif index >= next_start:
            recorder.start(index, frame, sequence.boxes[index])
            running = True
        if on_frame is not None:
            on_frame()
    recorder.boxes[recorder.starts + recorder.failures] = np.nan
    return recorder.track()


def supervised_run(track: Track, sequence: Sequence, size: tuple[int, int]) -> SupervisedRun:
    """The overlaps of a supervised track with the truth. size: width and height of the image.

    Raises ValueError as `true_regions`, and when the two are not equally long.
    """
    regions = true_regions(sequence)
    if len(track.boxes) != len(regions):
        raise ValueError(f"the track has {len(track.boxes)} frames, and the sequence {len(regions)}")
    overlaps = np.full(len(regions), np.nan)
    for index in np.flatnonzero(np.isfinite(track.boxes).all(axis=1)):
        overlaps[index] = overlap(track.boxes[index], regions[index], size)
    overlaps[list(track.failures)] = 0.0
    return SupervisedRun(overlaps, track.starts, track.failures)
