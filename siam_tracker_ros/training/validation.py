"""A live tracking score: the tracker itself, with the weights that would ship now, on a few whole sequences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch import nn

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.layouts import survey_layout
from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.evaluation.metrics import score_sequence
from siam_tracker_ros.evaluation.one_pass import Recorder, TrackerFailure
from siam_tracker_ros.runtime.eager import EagerRuntime
from siam_tracker_ros.tracking.presets import preset
from siam_tracker_ros.tracking.tracker import Tracker
from siam_tracker_ros.training.curves import AUC
from siam_tracker_ros.training.recipe import ValidationRecipe


def validation_sequences(recipe: ValidationRecipe, data: Path) -> list[Sequence]:
    """The recipe's sequences below ``data``, none where it names no folder.

    Raises:
        DatasetError: no such folder or sequence, one that is broken, or one with nothing to score.
    """
    if not recipe.path:
        return []
    survey = survey_layout(data / recipe.path, recipe.layout)
    by_name = {sequence.name: sequence for sequence in survey.sequences}
    names = recipe.sequences or tuple(by_name)
    if missing := [name for name in names if name not in by_name]:
        reasons = "; ".join(survey.broken.get(name, f"there is no sequence {name}") for name in missing)
        raise DatasetError(f"validation: {data / recipe.path}: {reasons}")
    for name in names:
        if not np.isfinite(by_name[name].boxes[1 : recipe.frames or None]).all(1).any():
            raise DatasetError(f"validation: {name} has no box to score after its first frame")
    return [by_name[name] for name in names]


def sequence_auc(tracker: Tracker, sequence: Sequence, frames: int = 0) -> float:
    """Success AUC (21 thresholds, first frame left out) of one pass over the first ``frames`` frames, 0: all.

    A tracker that raises, as one may with weights that are not yet any good, has 0.
    """
    short = replace(sequence, boxes=sequence.boxes[: frames or None])
    recorder = Recorder(tracker, short)
    try:
        for index, frame in enumerate(islice(sequence.frames(), len(short))):
            if index == 0:
                recorder.start(index, frame, short.boxes[0])
            else:
                recorder.update(index, frame)
    except TrackerFailure:
        return 0.0
    return score_sequence(recorder.track().boxes, short.boxes).success_auc


class TrackingScore(lightning.Callback):
    """Scores the weights at the start, every so many steps and at the end; keeps the best.

    The processes of a run share the sequences out. The score is the mean over the sequences.

    Args:
        model: zoo name, whose usual settings the tracker has.
        sequences: to run on. frames: of each, 0: all.
        every: steps between two scores. steps: of the run.
        shipped: makes the network whose weights would ship now.
        keep: is told to keep a network, with its step and score; only in the first process.
        say: gets a line for each score.

    Attributes:
        best: highest score so far, -1 before the first. best_step: where it was.
    """

    def __init__(
        self,
        model: str,
        sequences: list[Sequence],
        frames: int,
        every: int,
        steps: int,
        shipped: Callable[[], nn.Module],
        keep: Callable[[nn.Module, int, float], None],
        say: Callable[[str], None],
    ) -> None:
        super().__init__()
        self.model, self.sequences, self.frames = model, sequences, frames
        self.every, self.steps = max(every, 1), steps
        self.shipped, self.keep, self.say = shipped, keep, say
        self.best, self.best_step = -1.0, 0

    def state_dict(self) -> dict[str, Any]:
        """The best score, for a run that goes on."""
        return {"best": self.best, "best_step": self.best_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it back."""
        self.best, self.best_step = state_dict["best"], state_dict["best_step"]

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Score the start, which the run is to beat."""
        if trainer.global_step == 0:
            self.score(trainer)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Score where it is time."""
        if trainer.global_step % self.every == 0 or trainer.global_step == self.steps:
            self.score(trainer)

    def score(self, trainer: lightning.Trainer) -> float:
        """Run, log, keep; returns the mean success AUC."""
        network = self.shipped()
        tracker = Tracker(EagerRuntime(network, trainer.strategy.root_device), self.model, preset(self.model, ""))
        scores = torch.zeros(len(self.sequences), dtype=torch.float32, device=trainer.strategy.root_device)
        for number in range(trainer.global_rank, len(self.sequences), trainer.world_size):
            scores[number] = sequence_auc(tracker, self.sequences[number], self.frames)
        if trainer.world_size > 1:
            scores = trainer.strategy.reduce(scores, reduce_op="sum")
        values = [float(score) for score in scores]
        mean, step = float(np.mean(values)), trainer.global_step
        named = {sequence.name: value for sequence, value in zip(self.sequences, values, strict=True)}
        for logger in trainer.loggers:
            logger.log_metrics({AUC: mean, **{f"validation/{name}": v for name, v in named.items()}}, step)
        self.say(f"step {step}: tracking score {mean:.3f} ({', '.join(f'{n} {v:.3f}' for n, v in named.items())})")
        if mean > self.best:
            self.best, self.best_step = mean, step
            if trainer.is_global_zero:
                self.keep(network, step, mean)
        return mean
