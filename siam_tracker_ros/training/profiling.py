"""Where the time of a training step goes: waiting for pairs, network, optimiser; and what a pair costs to make."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import lightning
import matplotlib as mpl
import numpy as np
import torch
from lightning.pytorch.profilers import SimpleProfiler
from matplotlib.figure import Figure

from siam_tracker_ros.training.hardware import Hardware, make_trainer
from siam_tracker_ros.training.loader import PairLoader
from siam_tracker_ros.training.module import TrackerModule
from siam_tracker_ros.training.pairs import PairDataset
from siam_tracker_ros.training.recipe import Recipe

mpl.use("Agg")

WARM_UP = 3  # steps that are not counted: memory is found, workers start
_WAITING = 0.1  # share of a step from which the loader counts as the bottleneck


@dataclass(frozen=True)
class Profile:
    """Seconds by name, in the order of what happens.

    Attributes:
        step: parts of one optimiser step.
        pair: parts of making one pair, in one worker.
        batch: pairs of a step in this process. workers: processes that made them; 0: this one itself.
    """

    step: dict[str, float]
    pair: dict[str, float]
    batch: int
    workers: int

    def table(self) -> str:
        """Both lists with their shares, in lines."""
        lines = [f"one step of {self.batch} pairs"]
        lines += _rows(self.step)
        lines += ["one pair, made by one worker", *_rows(self.pair)]
        return "\n".join(lines)

    def verdict(self) -> str:
        """Whether the loader is the bottleneck, and what to do then."""
        total, waiting = sum(self.step.values()), self.step["wait for the loader"]
        share = waiting / total
        if share < _WAITING:
            return f"The loader is not the bottleneck: {share:.0%} of a step is waiting for pairs."
        computing = total - waiting
        needed = int(np.ceil(self.batch * sum(self.pair.values()) / computing))
        slowest = max(self.pair, key=lambda name: self.pair[name])
        advice = {
            "decode": "store the pictures smaller, or as JPEG, which can be decoded at a reduced size",
            "crop": "the pictures are large: store them smaller",
            "augment": "take some of the recipe's augmentations less often",
            "draw": "keep the annotations on a faster disk",
        }.get(slowest, "see the table")
        return (
            f"The loader is the bottleneck: {share:.0%} of a step is waiting for pairs. To keep up it needs about "
            f"{needed} workers (--workers {needed}; now {self.workers}), each with a core of its own. Most of a pair's "
            f"time is {slowest}: {advice}."
        )

    def plot(self, path: Path) -> None:
        """Both lists as bars, into a PNG."""
        figure = Figure(figsize=(9, 4), layout="constrained")
        for axes, (title, parts) in zip(
            figure.subplots(2, 1), (("one step", self.step), ("one pair, made by one worker", self.pair)), strict=True
        ):
            left = 0.0
            for number, (name, seconds) in enumerate(parts.items()):
                milliseconds = 1000 * seconds
                axes.barh(0, milliseconds, left=left, color=f"C{number}", label=f"{name} {milliseconds:.1f} ms")
                left += milliseconds
            axes.set_title(title)
            axes.set_yticks([])
            axes.set_xlabel("ms")
            axes.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.35), frameon=False, fontsize=8)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110)


class Stopwatch(SimpleProfiler):
    """Lightning's, which on a GPU waits until the work is done that an action started."""

    def stop(self, action_name: str) -> None:
        """As there."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        super().stop(action_name)

    def seconds(self, ending: str) -> float:
        """Mean time of the action whose name ends so, without the first steps; 0 where there is none."""
        for name, durations in self.recorded_durations.items():
            if name.endswith(ending):
                return float(np.mean(durations[WARM_UP:] or durations))
        return 0.0


def profile(
    module: TrackerModule, recipe: Recipe, pairs: PairDataset, hardware: Hardware, out: Path, steps: int = 20
) -> Profile:
    """Time ``steps`` real steps and as many pairs; nothing is kept of the training."""
    cv2.setNumThreads(1)  # as in a worker
    parts: list[dict[str, float]] = [pairs.timed_pair(number)[1] for number in range(max(2 * steps, 1))]
    pair = {name: float(np.mean([one[name] for one in parts])) for name in parts[0]}

    watch = Stopwatch()
    loader = PairLoader(lambda: pairs, recipe.schedule.batch, WARM_UP + steps, 0, hardware.workers)
    trainer: lightning.Trainer = make_trainer(
        recipe.schedule,
        hardware,
        out,
        0,
        [],
        profiler=watch,
        max_steps=WARM_UP + steps,
        logger=False,
        enable_checkpointing=False,
    )
    trainer.fit(module, datamodule=loader)
    forward, backward = watch.seconds(".training_step"), watch.seconds(".backward")
    step = {
        "wait for the loader": watch.seconds(".train_dataloader_next"),
        "copy to the device": watch.seconds(".batch_to_device"),
        "forward and loss": forward,
        "backward": backward,
        "optimiser and running mean": max(watch.seconds(".optimizer_step") - forward - backward, 0.0),
    }
    return Profile(step, pair, recipe.schedule.batch // trainer.world_size, hardware.workers)


def _rows(parts: dict[str, float]) -> list[str]:
    total = sum(parts.values())
    rows = [f"  {name:<28}{1000 * s:>9.1f} ms{s / total:>7.0%}" for name, s in parts.items()]
    return [*rows, f"  {'together':<28}{1000 * total:>9.1f} ms"]
