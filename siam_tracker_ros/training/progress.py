"""Progress of a run that may have begun in an earlier process, and its curves while it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning

from siam_tracker_ros.progress import progress_bar
from siam_tracker_ros.training.curves import plot_curves


class StepProgress(lightning.Callback):
    """A bar over all steps of the recipe, from the step where this process takes over; curves every 500 steps."""

    def __init__(self, steps: int, first: int, out: Path) -> None:
        super().__init__()
        self.steps, self.first, self.out = steps, first, out
        self._bar: Any = None

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Open the bar."""
        self._bar = progress_bar("training", self.steps, "step")
        self._bar.update(self.first)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """One step further."""
        self._bar.update(1)
        if trainer.global_step % 10 == 0:
            self._bar.set_postfix({k: f"{float(v):.3f}" for k, v in trainer.callback_metrics.items()}, refresh=False)
        if trainer.global_step % 500 == 0:
            self.draw()

    def teardown(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Close the bar, also after an interrupt."""
        if self._bar is not None:
            self._bar.close()
        self.draw()

    def draw(self) -> None:
        """Write ``curves.png`` from the logs so far."""
        plot_curves(sorted((self.out / "log").glob("*/metrics.csv")), self.out / "curves.png")
