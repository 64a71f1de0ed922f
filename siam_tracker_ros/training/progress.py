"""Progress of a run that may have begun in an earlier process, and its curves while it goes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import lightning

from siam_tracker_ros.progress import progress_bar
from siam_tracker_ros.training.curves import logs_of, plot_curves


class StepProgress(lightning.Callback):
    """A bar over all steps of the recipe, from the step where this process takes over; curves every 500 steps.

    Attributes:
        seconds: of training so far, also of the processes before this one.
    """

    def __init__(self, steps: int, first: int, out: Path) -> None:
        super().__init__()
        self.steps, self.first, self.out = steps, first, out
        self._bar: Any = None
        self._before, self._begun = 0.0, time.monotonic()

    @property
    def seconds(self) -> float:
        return self._before + time.monotonic() - self._begun

    def state_dict(self) -> dict[str, Any]:
        """The time so far, for a run that goes on."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it back."""
        self._before = state_dict["seconds"]

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Open the bar, in the first process."""
        self._begun = time.monotonic()
        if not trainer.is_global_zero:
            return
        self._bar = progress_bar("training", self.steps, "step")
        self._bar.update(self.first)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """One step further."""
        if self._bar is None:
            return
        self._bar.update(1)
        if trainer.global_step % 10 == 0:
            self._bar.set_postfix({k: f"{float(v):.3g}" for k, v in trainer.callback_metrics.items()}, refresh=False)
        if trainer.global_step % 500 == 0:
            self.draw()

    def teardown(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Close the bar."""
        self._close()

    def on_exception(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, _: BaseException) -> None:
        """Close the bar."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
            self.draw()

    def draw(self) -> None:
        """Write ``curves.png`` from the logs so far."""
        plot_curves(logs_of(self.out), self.out / "curves.png")
