"""``siam-track train`` with a tap: each process writes which pairs it saw and what its weights came to.

Started by test_distributed.py, and again by Lightning's launcher for each further process. The environment names the
folder to write to (TAP), and the step in which the second process gets SIGTERM (STOP_IN, none: it does not).
"""

import hashlib
import json
import os
import signal
from pathlib import Path

from siam_tracker_ros.cli.main import main
from siam_tracker_ros.training.module import TrackerModule


def tell(module: TrackerModule, name: str, value: object) -> None:
    with (Path(os.environ["TAP"]) / f"process{module.global_rank}.jsonl").open("a") as file:
        file.write(json.dumps({"step": module.global_step, name: value}) + "\n")


class Tapped(TrackerModule):
    """As the real one."""

    def training_step(self, batch, batch_index):
        tell(self, "pairs", batch["index"].tolist())
        if os.environ.get("STOP_IN") == str(self.global_step) and self.global_rank == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().training_step(batch, batch_index)

    def on_train_end(self):
        for name in ("network", "averaged"):
            digest = hashlib.sha256()
            for parameter in getattr(self, name).parameters():
                digest.update(parameter.detach().numpy().tobytes())
            tell(self, name, digest.hexdigest())


if __name__ == "__main__":
    from siam_tracker_ros.training import run

    run.TrackerModule = Tapped
    main()
