"""Ctrl-C and SIGTERM: the step that is being done is finished, the run is saved, and it stops."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopOnSignal(lightning.Callback):
    """Saves and ends the run at the end of the step in which a signal came, in all processes of the run at once.

    A second signal does what it would do without this.

    Args:
        checkpoint: the file to save to.
        say: is told once.

    Attributes:
        stopped: whether the run was ended by a signal.
    """

    def __init__(self, checkpoint: Path, say: Callable[[str], None]) -> None:
        super().__init__()
        self.checkpoint, self.say = checkpoint, say
        self.asked = self.stopped = False
        self._before: dict[signal.Signals, Any] = {}

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Listen, instead of Lightning, which would end at once."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._heard) for number in SIGNALS}

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Save and stop, if any of the processes was asked to."""
        asked = self.asked
        if trainer.world_size > 1:
            asked = trainer.strategy.reduce_boolean_decision(asked, all=False)
        if asked and not self.stopped:
            self.stopped = trainer.should_stop = True
            trainer.save_checkpoint(self.checkpoint)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Listen no more."""
        self._restore()

    def on_exception(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, _: BaseException) -> None:
        """Listen no more."""
        self._restore()

    def _heard(self, number: int, frame: Any) -> None:
        self.asked = True
        self._restore()
        with contextlib.suppress(RuntimeError):  # of a stream that was being written to
            self.say("stopping after this step")

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
