"""Several trackers over several sequences: one after the other or spread over processes, resumable."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from siam_tracker_ros import __version__
from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.evaluation.metrics import Scores, score_sequence
from siam_tracker_ros.evaluation.one_pass import SequenceTracker, Track, TrackerFailure, track_sequence
from siam_tracker_ros.evaluation.results import ResultsFolder, folder_name, rounded
from siam_tracker_ros.evaluation.trackers import TrackerSpec

__all__ = ["Evaluation", "Outcome", "RunSettings", "evaluate"]


@dataclass(frozen=True)
class RunSettings:
    """How to run.

    out: folder for the tracks (`out/results/TRACKER/NAME.txt`, TRACKER as `folder_name` gives it).
    threads: CPU threads of each tracker, 1 or more.
    jobs: processes, 1 or more; 1 runs in this process. Speeds are only comparable with 1.
    resume: take finished sequences from `out`.
    """

    out: Path
    threads: int = 2
    jobs: int = 1
    resume: bool = False


@dataclass(frozen=True)
class Outcome:
    """One tracker on one sequence: either `scores` and times, or what went wrong in `failure`.

    updates: number of frames after the first; seconds: time that the tracker worked on them.
    resumed: whether the track came from an earlier run.
    """

    tracker: str
    sequence: str
    scores: Scores | None = None
    failure: str = ""
    updates: int = 0
    seconds: float = 0.0
    init_seconds: float = 0.0
    resumed: bool = False

    @property
    def fps(self) -> float:
        """Frames a second of tracking itself, 0 where unknown."""
        return self.updates / self.seconds if self.seconds > 0 else 0.0


@dataclass
class Evaluation:
    """What came of a run.

    trackers: their names. devices: tracker -> what it ran on. outcomes: in the order of the work.
    interrupted: Ctrl-C came before the end.
    """

    trackers: list[str]
    devices: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    interrupted: bool = False

    def scored(self, tracker: str) -> list[Outcome]:
        """The outcomes with figures of one tracker."""
        return [outcome for outcome in self.outcomes if outcome.tracker == tracker and outcome.scores]

    @property
    def failures(self) -> list[Outcome]:
        """The outcomes without figures."""
        return [outcome for outcome in self.outcomes if outcome.failure]


# Called with what is being worked on and how many frames are done since the last call.
Progress = Callable[[str, int], None]
_Task = tuple[TrackerSpec, Sequence]
_Trackers = dict[TrackerSpec, SequenceTracker]


def evaluate(
    specs: list[TrackerSpec],
    sequences: list[Sequence],
    settings: RunSettings,
    progress: Progress | None = None,
) -> Evaluation:
    """Run every tracker over every sequence and score it.

    The trackers take turns on each sequence, so that a machine that slows down slows all of them. A tracker
    that raises, or a sequence that cannot be decoded, costs that sequence only. Ctrl-C keeps what is done.
    Raises ValueError when a tracker cannot be built, and ResultsError when `resume` finds other tracks.
    """
    folders = {spec.name: ResultsFolder(settings.out / "results" / folder_name(spec.name)) for spec in specs}
    if len({folder.path for folder in folders.values()}) != len(specs):
        raise ValueError("two trackers have the same name; name each once")
    data = sorted({str(sequence.path.resolve().parent) for sequence in sequences})
    for spec in specs:
        made_by = spec.fingerprint() | {"data": data, "threads": settings.threads, "version": __version__}
        folders[spec.name].start(made_by, resume=settings.resume)
    report: Progress = progress or (lambda label, frames: None)
    evaluation = Evaluation([spec.name for spec in specs])
    tasks: list[_Task] = []
    for sequence in sequences:
        for spec in specs:
            done = folders[spec.name].read(sequence.name, len(sequence)) if settings.resume else None
            if done is None:
                tasks.append((spec, sequence))
            else:
                evaluation.outcomes.append(_scored(spec, sequence, done, resumed=True))
                report(f"{spec.name} {sequence.name}", len(sequence))
    run = _run_here if settings.jobs == 1 else _run_in_processes
    try:
        trackers = _built(specs, settings.threads)
        evaluation.devices = {spec.name: str(getattr(tracker, "device", "cpu")) for spec, tracker in trackers.items()}
        for (spec, sequence), result in run(tasks, trackers, settings, report):
            if isinstance(result, str):
                outcome = Outcome(spec.name, sequence.name, failure=result)
            else:
                folders[spec.name].write(sequence.name, result)
                outcome = _scored(spec, sequence, result)
            evaluation.outcomes.append(outcome)
    except KeyboardInterrupt:
        evaluation.interrupted = True
    return evaluation


def _scored(spec: TrackerSpec, sequence: Sequence, track: Track, *, resumed: bool = False) -> Outcome:
    track = rounded(track)
    try:
        scores = score_sequence(track.boxes, sequence.boxes)
    except ValueError as error:
        return Outcome(spec.name, sequence.name, failure=str(error))
    return Outcome(
        tracker=spec.name,
        sequence=sequence.name,
        scores=scores,
        updates=len(sequence) - 1,
        seconds=track.seconds,
        init_seconds=float(track.times[0]),
        resumed=resumed,
    )


def _attempt(tracker: SequenceTracker, sequence: Sequence, on_frame: Callable[[], None]) -> Track | str:
    """The track, or the sentence that says why there is none."""
    try:
        return track_sequence(tracker, sequence, on_frame)
    except (TrackerFailure, DatasetError) as error:
        return str(error)


def _built(specs: list[TrackerSpec], threads: int) -> _Trackers:
    trackers = {}
    for spec in specs:
        spec.set_threads(threads)
        trackers[spec] = spec.build()
    return trackers


def _run_here(
    tasks: list[_Task], trackers: _Trackers, settings: RunSettings, progress: Progress
) -> Iterator[tuple[_Task, Track | str]]:
    for spec, sequence in tasks:
        label = f"{spec.name} {sequence.name}"
        frames = 0

        def on_frame(label: str = label) -> None:
            nonlocal frames
            frames += 1
            progress(label, 1)

        result = _attempt(trackers[spec], sequence, on_frame)
        progress(label, len(sequence) - frames)
        yield (spec, sequence), result


def _run_in_processes(
    tasks: list[_Task], trackers: _Trackers, settings: RunSettings, progress: Progress
) -> Iterator[tuple[_Task, Track | str]]:
    # Every process builds its own; those of this process only show that they can be built.
    # A forked process would inherit the threads and the CUDA state of this one, which neither library allows.
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(settings.jobs, context, initializer=_start_worker, initargs=(stop,))
    waiting: dict[Future[Track | str], _Task] = {
        pool.submit(_work, spec, sequence, settings.threads): (spec, sequence) for spec, sequence in tasks
    }
    try:
        for future in as_completed(waiting):
            spec, sequence = waiting[future]
            try:
                result = future.result()
            except Exception as error:  # noqa: BLE001 - whatever ended the process, the others finish
                result = f"the process that ran it ended: {type(error).__name__}: {error}"
            progress(f"{spec.name} {sequence.name}", len(sequence))
            yield (spec, sequence), result
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


_worker_trackers: dict[TrackerSpec, SequenceTracker] = {}
_worker_stop: list[Any] = []


def _start_worker(stop: Any) -> None:
    # Ctrl-C reaches the whole process group. The parent decides what is kept, and then sets `stop`.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _worker_stop.append(stop)


def _work(spec: TrackerSpec, sequence: Sequence, threads: int) -> Track | str:
    if spec not in _worker_trackers:
        spec.set_threads(threads)
        _worker_trackers[spec] = spec.build()
    return _attempt(_worker_trackers[spec], sequence, partial(_leave_when_stopped, _worker_stop[0]))


def _leave_when_stopped(stop: Any) -> None:
    if stop.is_set():
        raise TrackerFailure("interrupted")
