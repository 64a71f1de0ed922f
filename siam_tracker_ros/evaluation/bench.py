"""Measures trackers' speed: ceilings, the race, starts and the long run, put together as one report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from siam_tracker_ros.evaluation.cold_start import ColdStartError, cold_start
from siam_tracker_ros.evaluation.entrants import Entrant, EntrantSpec
from siam_tracker_ros.evaluation.long_run import LongRun, long_run
from siam_tracker_ros.evaluation.race import Clip, Laps, race
from siam_tracker_ros.evaluation.speed import percentiles, ratio, speed_of

__all__ = ["Bench", "BenchSettings", "reference", "specs_of"]

Progress = Callable[[int], object]


@dataclass(frozen=True)
class BenchSettings:
    """How long and with what.

    Attributes:
        frames: for each tracker, at least.
        seconds: for each tracker, at most.
        threads: CPU threads of a tracker.
        starts: whether starts are measured, each in a process of its own.
        long: frames of the long run; 0: none.
    """

    frames: int = 600
    seconds: float = 30.0
    threads: int = 2
    starts: bool = True
    long: int = 0


def specs_of(
    model: str, runtimes: Sequence[str], precision: str, device: str, targets: int, untrained: bool
) -> list[EntrantSpec]:
    """A model on each runtime; every one that this machine has for the device and precision, where none is named.

    Raises:
        ValueError: a device or precision that this machine does not have.
    """
    from siam_tracker_ros.tracking.stages import runtimes_here

    specs = []
    for runtime in runtimes or runtimes_here(device, precision):
        words = [model, runtime, *([precision] if precision != "float32" else [])]
        words += [device] if device not in ("auto", "cpu") else []
        words += [f"{targets} targets"] if targets > 1 else []
        words += ["untrained"] if untrained else []
        specs.append(EntrantSpec(" ".join(words), model, runtime, precision, device, targets, untrained))
    return specs


class Bench:
    """One run of the benchmark.

    Attributes:
        problems: what could not be measured and why, a sentence each.
        interrupted: whether Ctrl-C ended it.
    """

    def __init__(self, specs: Sequence[EntrantSpec], clip: Clip, settings: BenchSettings) -> None:
        self.clip, self.settings = clip, settings
        self.problems: list[str] = []
        self.interrupted = False
        self.long_runs: dict[str, LongRun] = {}
        self._specs = {spec.name: spec for spec in specs}
        self._entrants: dict[str, Entrant] = {}
        self._laps: dict[str, Laps] = {}
        self._ceilings: dict[str, dict[str, float]] = {}
        self._starts: dict[str, dict[str, Any]] = {}

    def measure_ceilings(self) -> None:
        """A matrix product and a copy on every device that takes part."""
        from siam_tracker_ros.runtime.ceiling import measure_ceiling
        from siam_tracker_ros.runtime.device import resolve_device, resolve_precision

        for spec in self._specs.values():
            key = _key(spec)
            if spec.peer or key in self._ceilings:
                continue
            try:
                device = resolve_device(spec.device)
                self._ceilings[key] = asdict(measure_ceiling(device, resolve_precision(spec.precision, device)))
            except ValueError as error:
                self.problems.append(f"{spec.name}: {error}")

    def build(self, progress: Progress) -> None:
        """Load every tracker."""
        for spec in self._specs.values():
            spec.tracker.set_threads(self.settings.threads)
            try:
                self._entrants[spec.name] = spec.build()
            except (ValueError, OSError, RuntimeError, ImportError) as error:
                self.problems.append(f"{spec.name}: {error}")
            progress(1)

    def race(self, progress: Progress) -> None:
        """Let those that could be loaded take turns."""
        self._laps = race(self._entrants, self.clip, self.settings.frames, self.settings.seconds, progress)
        for name, laps in self._laps.items():
            if laps.trouble:
                self.problems.append(f"{name}: {laps.trouble}")
            elif laps.count < self.settings.frames and laps.spent < self.settings.seconds:
                self.interrupted = True

    def start_anew(self, progress: Progress) -> None:
        """Start each tracker in a process of its own; those of ours also as on a machine that has never run it."""
        for name in self._entrants:
            spec = self._specs[name]
            try:
                figures: dict[str, Any] = asdict(cold_start(spec, self.settings.threads))
                makes = not spec.peer and spec.runtime not in ("eager", "as_written", "cuda_graph")
                if makes:
                    figures["first_load"] = cold_start(spec, self.settings.threads, fresh=True).load
                self._starts[name] = figures
            except ColdStartError as error:
                self.problems.append(str(error))
            progress(1)

    def run_long(self, name: str, progress: Progress) -> None:
        """Follow the clip with one tracker for as many frames as the settings say."""
        run = long_run(self._entrants[name], self.clip, self.settings.long, progress)
        self.interrupted |= run.interrupted
        if len(run.times):
            self.long_runs[name] = run

    @property
    def count(self) -> int:
        """Trackers that are to be measured."""
        return len(self._specs)

    @property
    def names(self) -> list[str]:
        """Those that could be loaded."""
        return list(self._entrants)

    @property
    def fastest(self) -> str:
        """The fastest of the first model's; empty where none was timed."""
        model = next((spec.model for spec in self._specs.values() if spec.model), "")
        times = {
            n: np.median(laps.total()) for n, laps in self._laps.items() if self._specs[n].model == model and laps.count
        }
        return min(times, key=lambda name: times[name], default="")

    def report(self) -> dict[str, Any]:
        """All figures as JSON values."""
        measured = {name: laps for name, laps in self._laps.items() if laps.count}
        trackers = {}
        for name, laps in measured.items():
            spec, entrant = self._specs[name], self._entrants[name]
            figures = speed_of(laps, _cost(spec, entrant), self._ceilings.get(_key(spec)))
            about = {"model": spec.model or name, "untrained": spec.untrained, "targets": spec.targets}
            about |= {"device": str(getattr(entrant, "device", "cpu")), "precision": spec.precision}
            about["runtime"] = str(getattr(entrant, "runtime", "opencv"))
            trackers[name] = about | figures | ({"start": self._starts[name]} if name in self._starts else {})
        others = [name for name in measured if self._specs[name].peer or self._specs[name].runtime == "as_written"]
        ratios = {
            name: {other: asdict(ratio(measured[name], measured[other])) for other in others}
            for name in measured
            if name not in others and others
        }
        height, width = self.clip.frames[0].shape[:2]
        return {
            "clip": {"name": self.clip.name, "frames": len(self.clip.frames), "width": width, "height": height},
            "rules": asdict(self.settings),
            "ceilings": self._ceilings,
            "trackers": trackers,
            "ratios": ratios,
            "long": {name: _long(run) for name, run in self.long_runs.items()},
            "problems": self.problems,
        }


def _key(spec: EntrantSpec) -> str:
    return f"{spec.device} {spec.precision}"


def _cost(spec: EntrantSpec, entrant: Entrant) -> Mapping[str, float] | None:
    """Operations and bytes of a search, the mean over the patches that were searched; None where it is not known."""
    searched: Mapping[int, int] = getattr(entrant, "searched", {})
    if not searched:
        return None
    from siam_tracker_ros.networks.zoo import MODELS
    from siam_tracker_ros.tracking.stages import AS_WRITTEN, search_costs

    if spec.model not in MODELS:
        return None
    written = spec.runtime == AS_WRITTEN
    costs = search_costs(spec.model, spec.precision, searched, untrained=spec.untrained, as_written=written)
    total = sum(searched.values())
    return {
        name: sum(asdict(costs[size])[name] * count for size, count in searched.items()) / total * spec.targets
        for name in ("flop", "moved", "least")
    }


def _long(run: LongRun) -> dict[str, Any]:
    return {
        "frames": len(run.times),
        "total_ms": percentiles(run.times),
        "tail": run.tail,
        "whole_ms": percentiles(run.times + run.rests),
        "whole_tail": run.whole_tail,
        "again_ms": percentiles(run.again) if len(run.again) else None,
        "machine_tail": run.machine_tail,
        "memory": int(run.memory[-1]) if len(run.memory) else 0,
        "growth": run.growth,
        "interrupted": run.interrupted,
    }


def reference(model: str, device: str) -> EntrantSpec:
    """A model of the zoo as its authors' code has it, in PyTorch, untrained: what a gain is measured against."""
    return EntrantSpec(f"{model} as written", model, "as_written", device=device, untrained=True)
