"""What a tracker costs before its first frame: measured in a process of its own, which nothing else has warmed.

``python -m siam_tracker_ros.evaluation.cold_start`` reads what to start from standard input and prints what it saw.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np

from siam_tracker_ros.evaluation.entrants import EntrantSpec

__all__ = ["ColdStart", "ColdStartError", "cold_start"]

UPDATES = 20  # frames after which memory is read
FRAME = (720, 1280, 3)
BOX = (600.0, 320.0, 80.0, 80.0)


class ColdStartError(RuntimeError):
    """The process that was to start the tracker failed; the message is its last line."""


@dataclass(frozen=True)
class ColdStart:
    """What it cost.

    Attributes:
        load: seconds from nothing imported to a tracker that can be given a target.
        init: seconds of the first initialisation.
        first: seconds of the first frame after it.
        memory: bytes of main memory that the process took then, without what it took with its frame alone.
        device_memory: bytes on a CUDA device; 0 on a CPU.
    """

    load: float
    init: float
    first: float
    memory: int
    device_memory: int


def cold_start(spec: EntrantSpec, threads: int, fresh: bool = False, timeout: float = 900.0) -> ColdStart:
    """Start a tracker in a process of its own and follow noise with it.

    Args:
        threads: CPU threads.
        fresh: as on a machine that has never run it: engines are made anew, in a folder that is removed afterwards.
        timeout: seconds.

    Raises:
        ColdStartError: it could not be started.
    """
    values = asdict(spec) | {"weights": str(spec.weights) if spec.weights else None, "threads": threads}
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, **({"SIAM_TRACKER_CACHE": empty} if fresh else {})}
        try:
            done = subprocess.run(
                [sys.executable, "-m", "siam_tracker_ros.evaluation.cold_start"],
                input=json.dumps(values),
                capture_output=True,
                text=True,
                timeout=timeout,
                env=environment,
            )
        except subprocess.TimeoutExpired as error:
            raise ColdStartError(f"{spec.name} was not ready after {timeout:.0f} s") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ColdStartError(f"{spec.name} could not be started: {lines[-1]}")
    return ColdStart(**json.loads(done.stdout.strip().splitlines()[-1]))


def main() -> None:
    """Start the tracker that standard input names."""
    from siam_tracker_ros.memory import resident_memory

    values: dict[str, Any] = json.load(sys.stdin)
    threads = values.pop("threads")
    spec = EntrantSpec(**values)
    frame = np.random.default_rng(0).integers(0, 256, FRAME, dtype=np.uint8)
    before = resident_memory()
    start = perf_counter()
    spec.tracker.set_threads(threads)
    entrant = spec.build()
    load = perf_counter() - start
    start = perf_counter()
    entrant.init(frame, BOX)
    init = perf_counter() - start
    times = []
    for _ in range(UPDATES):
        start = perf_counter()
        entrant.update(frame)
        times.append(perf_counter() - start)
    on_device = 0
    if not spec.peer:
        from siam_tracker_ros.runtime.device import used_memory

        on_device = used_memory(getattr(entrant, "device", "cpu"))
    print(json.dumps(asdict(ColdStart(load, init, times[0], resident_memory() - before, on_device))))


if __name__ == "__main__":
    main()
