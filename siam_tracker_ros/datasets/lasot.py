"""LaSOT: ``CLASS/CLASS-N/img/00000001.jpg``, ``groundtruth.txt``, ``full_occlusion.txt`` and ``out_of_view.txt``.

Fan et al., "LaSOT: A High-quality Benchmark for Large-scale Single Object Tracking", CVPR 2019. The target is absent
where one of the two flags is set, or the box has no area: besides 0,0,0,0 there is one such line, without a flag, in
each of lion-5, microphone-6 and tiger-6 of the test set, and of lizard-16, person-7, pool-14 and tank-17. Where
``testing_set.txt`` names sequences, only those are taken. The class folders may be left out, as some copies do.
Of monkey-17 the first 2260 frames are kept.

Source: the benchmark's LaSOT_Evaluation_Toolkit (annos/, calc_seq_err_robust.m and eval_tracker.m at 95bf38a). It takes
absent frames out of the hits, but divides by the number of all frames, as PySOT's and pytracking's do: an absent frame
lowers their figures as a miss does. Of a sequence of the test set that are 2.6 % of the frames on average.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.published import (
    attributes_from_flags,
    image_numbers,
    make_sequence,
    mark_absent,
    read_flags,
    read_rows,
    subfolders,
    survey_each,
)
from siam_tracker_ros.datasets.sequences import Sequence, SequenceSurvey

__all__ = ["ATTRIBUTES", "FLAGS", "recognise", "sequence_folders", "survey"]

# In the order of the tool kit's annos/att/NAME.txt (run_tracker_performance_evaluation.m; pytracking lists the same of
# all 1400 sequences), which is used where att/ lies beside the classes.
ATTRIBUTES = ("IV", "POC", "DEF", "MB", "CM", "ROT", "BC", "VC", "SV", "FOC", "FM", "OV", "LR", "ARC")
# Files with a number a frame, 1 where the target cannot be seen.
FLAGS = ("full_occlusion.txt", "out_of_view.txt")
# How many frames the tool kit keeps of a sequence that has more.
_KEPT = {"monkey-17": 2260}


def recognise(folder: Path) -> bool:
    """Whether a sequence, in a class folder or not, has LaSOT's flags of occlusion or of leaving the view."""
    return any((path / flag).is_file() for path in sequence_folders(folder) for flag in FLAGS)


def survey(folder: Path) -> SequenceSurvey:
    """Check the test sequences in `folder`, or all where no list names them. Raises DatasetError when it holds none."""
    found = {path.name: path for path in sequence_folders(folder)}
    listed = folder / "testing_set.txt"
    names = listed.read_text(encoding="utf-8").split() if listed.is_file() else sorted(found)
    loaders = [(name, partial(_load, name, found.get(name), folder)) for name in names]
    return survey_each("lasot", loaders, folder)


def sequence_folders(folder: Path) -> list[Path]:
    """The folders NAME-N of `folder` and of the folders in it."""
    near = subfolders(folder)
    candidates = [*near, *(path for parent in near if not (parent / "img").is_dir() for path in subfolders(parent))]
    return [path for path in candidates if (path / "img").is_dir() or (path / "groundtruth.txt").is_file()]


def _load(name: str, path: Path | None, folder: Path) -> Sequence:
    if path is None:
        raise DatasetError("testing_set.txt names it, but its folder is missing; restore it")
    truth = path / "groundtruth.txt"
    boxes = read_rows(truth)
    absent = np.zeros(len(boxes), dtype=np.bool_)
    for flag in FLAGS:
        absent |= read_flags(path / flag, len(boxes)) > 0
    absent |= (boxes[:, 2:] <= 0).any(axis=1)
    frames = None
    if (kept := _KEPT.get(name)) is not None:
        boxes, absent = boxes[:kept], absent[:kept]
        numbers = image_numbers(path / "img")
        frames = (numbers[0], numbers[0] + kept - 1) if len(numbers) > kept else None
    return make_sequence(
        name,
        path,
        path / "img",
        mark_absent(boxes, absent),
        layout="lasot",
        truth=truth.name,
        frames=frames,
        attributes=attributes_from_flags(folder / "att" / f"{name}.txt", ATTRIBUTES),
    )
