"""Fits a model's calibration to annotated videos: `python -m benchmarks.fit_confidence FOLDER`.

The confidence of a result is then the probability that the box overlaps the target by more than half. What is printed
is the expected calibration error of the raw score and of the confidence, each video by a fit to the others; with
`--check FOLDER` also that of the final fit on videos that it never saw. The fit is written beside the weights
(`--write`), where `load_tracker` finds it. Every video counts the same, however long it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from siam_tracker_ros import load_tracker
from siam_tracker_ros.datasets.layouts import survey_layout
from siam_tracker_ros.evaluation.confidence import reliability
from siam_tracker_ros.evaluation.metrics import iou
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.tracking.calibration import Calibration, features, fit, logistic, write_calibration
from siam_tracker_ros.tracking.tracker import Tracker

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Frames:
    """A video's frames after the first: raw scores, APCE ratios and IoUs (nan where the target is absent), each [N]."""

    scores: Floats
    ratios: Floats
    ious: Floats

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the IoU is over 0.5."""
        right: NDArray[np.bool_] = self.ious > 0.5
        return right


def collect(tracker: Tracker, folder: Path) -> dict[str, Frames]:
    """Every video of a folder, followed once from its first true box."""
    collected = {}
    for sequence in tqdm(survey_layout(folder, "auto").sequences, desc=str(folder)):
        rows, boxes = [], []
        for index, frame in enumerate(sequence.frames()):
            if index == 0:
                tracker.init(frame, sequence.boxes[0].tolist())
                continue
            result = tracker.update(frame)
            rows.append((result.score, result.apce_ratio))
            boxes.append(result.box.as_tuple())
        values = np.array(rows)
        collected[sequence.name] = Frames(values[:, 0], values[:, 1], iou(np.array(boxes), sequence.boxes[1:]))
    return collected


def fitted(videos: Sequence[Frames], source: str = "") -> Calibration:
    """The calibration of these videos, each of which counts the same."""
    weights = np.concatenate([np.full(len(v.scores), 100.0 / len(v.scores)) for v in videos])
    joined = [np.concatenate([getattr(v, name) for v in videos]) for name in ("scores", "ratios", "right")]
    return fit(*joined, weights=weights, source=source)


def confidences(calibration: Calibration, frames: Frames) -> Floats:
    """The calibrated confidence of a video's frames, [N]."""
    return logistic(features(frames.scores, frames.ratios) @ (calibration.bias, calibration.score, calibration.apce))


def line(name: str, given: Sequence[Floats], videos: Sequence[Frames]) -> str:
    """The calibration error and the Brier score of all frames together, as a row of a table in Markdown."""
    values, ious = np.concatenate(given), np.concatenate([v.ious for v in videos])
    brier = float(np.mean((values - (ious > 0.5)) ** 2))
    return f"| {name} | {reliability(values, ious).expected_error:.3f} | {brier:.3f} | {len(values)} |"


def main() -> None:
    """Print a table in Markdown, and write the fit if it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("../shared/train/videos"))
    parser.add_argument("--model", default="afsn_mobile")
    parser.add_argument("--weights", type=Path, help="weights instead of the shipped ones")
    parser.add_argument("--check", type=Path, help="videos to report on only")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write the fit beside the weights")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tracker = load_tracker(options.model, weights=options.weights, device="cpu")
    weights = options.weights or MODELS[options.model].weights_path
    videos = collect(tracker, options.folder)
    seen = list(videos.values())
    source = (
        f"{len(videos)} videos, {sum(len(v.scores) for v in seen)} frames, IoU over 0.5, every video counts the same"
    )
    calibration = fitted(seen, source)
    left_out = [confidences(fitted([w for w in seen if w is not v]), v) for v in seen]
    print(calibration)
    print("\n| | expected calibration error | Brier score | frames |\n|---|---|---|---|")
    print(line("score", [v.scores for v in seen], seen))
    print(line("confidence, by a fit to the other videos", left_out, seen))
    if options.check:
        others = list(collect(tracker, options.check).values())
        print(line(f"score, {options.check}", [v.scores for v in others], others))
        print(line(f"confidence, {options.check}", [confidences(calibration, v) for v in others], others))
    if options.write and weights is not None:
        print(f"\nwritten to {write_calibration(Path(weights), replace(calibration, source=source))}")


if __name__ == "__main__":
    main()
