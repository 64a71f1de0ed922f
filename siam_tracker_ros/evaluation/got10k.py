"""GOT-10k's figures and the archive that its server takes, in numpy alone.

Source: Huang, Zhao and Huang, "GOT-10k: A Large High-Diversity Benchmark for Generic Object Tracking in the
Wild", TPAMI 2019, as its tool kit (the package got10k) computes them. Boxes are rows x, y, w, h (top-left
corner, pixels). The frames of all sequences are pooled, so a long sequence counts more than a short one; the
first frame of each, in which the tracker was given the box, is dropped; both boxes are clipped to the image.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siam_tracker_ros.evaluation.metrics import bootstrap_pooled_interval, iou, success_rate

__all__ = ["Got10kScores", "SubmissionError", "clipped", "overlaps", "score", "write_submission"]

Floats = NDArray[np.float64]

# The names of the test set's 180 sequences: GOT-10k_Test_000001 and so on.
_TEST_NAME = re.compile(r"GOT-10k_Test_\d{6}")
# The same bytes come of the same tracks: the archive holds no time of its making.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


class SubmissionError(ValueError):
    """Tracks that GOT-10k's server would refuse; the message says which and why."""


@dataclass(frozen=True)
class Got10kScores:
    """GOT-10k's figures over several sequences, 0..1.

    frames: how many frames were pooled. ao: average overlap. sr_50, sr_75: share of the frames with an IoU
    over 0.5 and over 0.75. The intervals are 95 %, by bootstrap over the sequences.
    """

    frames: int
    ao: float
    sr_50: float
    sr_75: float
    ao_interval: tuple[float, float]
    sr_50_interval: tuple[float, float]
    sr_75_interval: tuple[float, float]


def clipped(boxes: ArrayLike, size: tuple[int, int]) -> Floats:
    """The boxes as GOT-10k's tool kit clips them to an image of width and height `size`, [N, 4].

    A corner left of or above the image moves to its edge while width and height stay: the tool kit has it so,
    and figures are only comparable when they are made alike.
    """
    boxes = np.array(boxes, dtype=np.float64)
    for axis, bound in enumerate(size):
        boxes[:, axis] = np.clip(boxes[:, axis], 0, bound)
        boxes[:, axis + 2] = np.clip(boxes[:, axis + 2], 0, bound - boxes[:, axis])
    return boxes


def overlaps(pred: ArrayLike, truth: ArrayLike, size: tuple[int, int], cover: ArrayLike | None = None) -> Floats:
    """IoU of the scored frames of one sequence: all but the first, and those without a target.

    pred, truth: [N, 4]. size: width and height of the image. cover: [N], GOT-10k's visible share of the
    target (0..8, `cover.label`); where it is 0 the frame is left out, as where the truth is nan.
    """
    pred, truth = np.asarray(pred, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if pred.shape != truth.shape:
        raise ValueError(f"boxes must both be [N, 4], not {list(pred.shape)} and {list(truth.shape)}")
    given, wanted = clipped(pred, size), clipped(truth, size)
    values = iou(given, wanted)[1:]
    keep = ~np.isnan(values)
    if cover is not None:
        visible = np.asarray(cover)
        if visible.shape != (len(truth),):
            raise ValueError(f"cover must have a number for each of {len(truth)} frames, not {list(visible.shape)}")
        keep &= visible[1:] > 0
    return values[keep]


def score(sequences: Sequence[ArrayLike]) -> Got10kScores:
    """The figures of all sequences, each given by its `overlaps`. Raises ValueError when no frame is left."""
    found = [np.asarray(values, dtype=np.float64) for values in sequences]
    found = [values for values in found if len(values) > 0]
    if not found:
        raise ValueError("no frame to score: the target is absent, or the tracks have one frame only")
    pooled = np.concatenate(found)
    counts = [len(values) for values in found]
    return Got10kScores(
        frames=len(pooled),
        ao=float(pooled.mean()),
        sr_50=success_rate(pooled, 0.5),
        sr_75=success_rate(pooled, 0.75),
        ao_interval=bootstrap_pooled_interval([values.sum() for values in found], counts),
        sr_50_interval=bootstrap_pooled_interval([(values > 0.5).sum() for values in found], counts),
        sr_75_interval=bootstrap_pooled_interval([(values > 0.75).sum() for values in found], counts),
    )


def write_submission(path: Path, tracks: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> None:
    """Write the zip archive that GOT-10k's server evaluates.

    tracks: sequence's name (``GOT-10k_Test_000001`` ...) -> boxes [N, 4] and seconds per frame [N]. In the
    archive every sequence is a folder ``NAME/`` with ``NAME_001.txt`` (a line x,y,w,h per frame, 3 decimals)
    and ``NAME_time.txt`` (a line of seconds per frame, 8 decimals), as the tool kit writes them.
    Raises SubmissionError before anything is written when a name or a track is not as the server wants it.
    """
    texts: dict[str, str] = {}
    if not tracks:
        raise SubmissionError("there is no track to submit")
    for name in sorted(tracks):
        boxes, times = (np.asarray(values, dtype=np.float64) for values in tracks[name])
        if _TEST_NAME.fullmatch(name) is None:
            raise SubmissionError(f"{name}: is not a sequence of the test set; those are GOT-10k_Test_000001 ...")
        if boxes.ndim != 2 or boxes.shape[1] != 4 or len(boxes) == 0 or times.shape != (len(boxes),):
            raise SubmissionError(
                f"{name}: needs boxes [N, 4] and N times, not {list(boxes.shape)} and {list(times.shape)}"
            )
        if not np.isfinite(boxes).all() or not np.isfinite(times).all():
            raise SubmissionError(f"{name}: has a box or a time that is not a finite number")
        texts[f"{name}/{name}_001.txt"] = "".join(",".join(f"{v:.3f}" for v in box) + "\n" for box in boxes)
        texts[f"{name}/{name}_time.txt"] = "".join(f"{second:.8f}\n" for second in times)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, text in texts.items():
            entry = zipfile.ZipInfo(inside, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
