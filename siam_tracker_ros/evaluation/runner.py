"""Several trackers over several sequences: one after the other or spread over processes, resumable."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros import __version__
from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.evaluation import got10k
from siam_tracker_ros.evaluation.foreign_results import read_track
from siam_tracker_ros.evaluation.metrics import Scores, score_sequence
from siam_tracker_ros.evaluation.one_pass import SequenceTracker, Track, TrackerFailure
from siam_tracker_ros.evaluation.protocols import OnePass, Protocol, RealTime
from siam_tracker_ros.evaluation.results import ResultsError, ResultsFolder, folder_name, rounded
from siam_tracker_ros.evaluation.supervised import supervised_run
from siam_tracker_ros.evaluation.trackers import TrackerSpec
from siam_tracker_ros.evaluation.vot import SupervisedRun

__all__ = ["Evaluation", "Outcome", "Progress", "RunSettings", "check_run", "evaluate", "score_track"]


@dataclass(frozen=True)
class RunSettings:
    """How to run.

    out: folder for the tracks (`out/PROTOCOL_FOLDER/TRACKER/...`, TRACKER as `folder_name` gives it).
    threads: CPU threads of each tracker, 1 or more.
    jobs: processes, 1 or more; 1 runs in this process. Speeds are only comparable with 1.
    resume: take finished sequences from `out`.
    protocol: how a tracker goes over a sequence.
    """

    out: Path
    threads: int = 2
    jobs: int = 1
    resume: bool = False
    protocol: Protocol = field(default_factory=OnePass)


@dataclass(frozen=True, eq=False)
class Outcome:
    """One tracker on one sequence: its track and what that scores, or what went wrong in `failure`.

    scores: of one pass; None where only the first true box is known. run: of VOT's protocol. overlaps: where the
    layout is GOT-10k's, the IoUs that its own figures pool (`got10k.overlaps`). fps, updates, seconds and
    init_seconds are those of the track. resumed: whether the track came from an earlier run.
    """

    tracker: str
    sequence: str
    track: Track | None = None
    scores: Scores | None = None
    run: SupervisedRun | None = None
    overlaps: NDArray[np.float64] | None = None
    failure: str = ""
    resumed: bool = False

    @property
    def updates(self) -> int:
        return self.track.updates if self.track else 0

    @property
    def seconds(self) -> float:
        return self.track.seconds if self.track else 0.0

    @property
    def init_seconds(self) -> float:
        return self.track.init_seconds if self.track else 0.0

    @property
    def fps(self) -> float:
        return self.track.fps if self.track else 0.0


@dataclass
class Evaluation:
    """What came of a run.

    trackers: their names. devices: tracker -> what it ran on. outcomes: in the order of the work.
    interrupted: Ctrl-C came before the end.
    """

    trackers: list[str]
    protocol: Protocol = field(default_factory=OnePass)
    devices: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    interrupted: bool = False

    def tracked(self, tracker: str) -> list[Outcome]:
        """The outcomes with a track of one tracker."""
        return [outcome for outcome in self.outcomes if outcome.tracker == tracker and outcome.track]

    def scored(self, tracker: str) -> list[Outcome]:
        """The outcomes with figures of one tracker, in one pass."""
        return [outcome for outcome in self.outcomes if outcome.tracker == tracker and outcome.scores]

    def supervised(self, tracker: str) -> list[Outcome]:
        """The outcomes with figures of one tracker, under VOT's protocol."""
        return [outcome for outcome in self.outcomes if outcome.tracker == tracker and outcome.run]

    @property
    def failures(self) -> list[Outcome]:
        """The outcomes without a track or figures."""
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
    A tracker that is a folder of another tool kit's results is read from there.
    Raises ValueError when a tracker cannot be built or run so, and ResultsError when `resume` finds other tracks;
    nothing on disk has changed then.
    """
    check_run(specs, settings)
    protocol = settings.protocol
    folders = _folders(specs, settings)
    report: Progress = progress or (lambda label, frames: None)
    evaluation = Evaluation([spec.name for spec in specs], protocol)
    trackers = _built([spec for spec in specs if not spec.is_results], settings.threads)
    evaluation.devices = {spec.name: _device(tracker) for spec, tracker in trackers.items()}
    data = sorted({str(sequence.path.resolve().parent) for sequence in sequences})
    for spec in trackers:
        made_by = spec.fingerprint() | {"data": data, "threads": settings.threads, "version": __version__}
        folders[spec.name].start(made_by | asdict(protocol), resume=settings.resume)
    tasks: list[_Task] = []
    for sequence in sequences:
        for spec in specs:
            done: Track | str | None = None
            if spec.is_results:
                done = _foreign(spec, sequence, protocol)
            elif settings.resume:
                done = folders[spec.name].read(sequence)
            if done is None:
                tasks.append((spec, sequence))
            else:
                evaluation.outcomes.append(score_track(spec.name, sequence, done, protocol, resumed=True))
                report(f"{spec.name} {sequence.name}", len(sequence))
    run = _run_here if settings.jobs == 1 else _run_in_processes
    try:
        for (spec, sequence), result in run(tasks, trackers, settings, report):
            if isinstance(result, Track):
                folders[spec.name].write(sequence, result)
            evaluation.outcomes.append(score_track(spec.name, sequence, result, protocol))
    except KeyboardInterrupt:
        evaluation.interrupted = True
    return evaluation


def check_run(specs: list[TrackerSpec], settings: RunSettings) -> None:
    """Raises ValueError when these trackers cannot be run so."""
    if len({folder.path for folder in _folders(specs, settings).values()}) != len(specs):
        raise ValueError("two trackers have the same name; name each once")
    if not isinstance(settings.protocol, RealTime):
        return
    if settings.jobs > 1:
        raise ValueError("at a camera's pace a score depends on the time taken: real-time goes with --jobs 1 only")
    if results := [spec.name for spec in specs if spec.is_results]:
        raise ValueError(f"{results[0]} is a folder of results: which frames it would have missed is not known")


def _folders(specs: list[TrackerSpec], settings: RunSettings) -> dict[str, ResultsFolder]:
    protocol = settings.protocol
    folder = settings.out / protocol.folder
    return {spec.name: ResultsFolder(folder / folder_name(spec.name), supervised=protocol.supervised) for spec in specs}


def score_track(
    tracker: str, sequence: Sequence, track: Track | str, protocol: Protocol, *, resumed: bool = False
) -> Outcome:
    """The outcome of a track; a failure where it is a sentence that says why there is none, or cannot be scored."""
    if isinstance(track, str):
        return Outcome(tracker, sequence.name, failure=track)
    track = rounded(track)
    outcome = Outcome(tracker, sequence.name, track, resumed=resumed)
    try:
        if protocol.supervised:
            return replace(outcome, run=supervised_run(track, sequence, sequence.image_size()))
        if sequence.first_box_only:
            return outcome
        scores = score_sequence(track.boxes, sequence.boxes)
        if sequence.layout != "got10k":
            return replace(outcome, scores=scores)
        pooled = got10k.overlaps(track.boxes, sequence.boxes, sequence.image_size())
        return replace(outcome, scores=scores, overlaps=pooled)
    except ValueError as error:
        return Outcome(tracker, sequence.name, failure=str(error))


def _foreign(spec: TrackerSpec, sequence: Sequence, protocol: Protocol) -> Track | str:
    assert spec.results is not None
    try:
        return read_track(spec.results, sequence, supervised=protocol.supervised)
    except ResultsError as error:
        return str(error)


def _attempt(
    tracker: SequenceTracker, sequence: Sequence, protocol: Protocol, on_frame: Callable[[], None]
) -> Track | str:
    """The track, or the sentence that says why there is none."""
    try:
        return protocol.run(tracker, sequence, on_frame)
    except (TrackerFailure, ValueError) as error:  # DatasetError is a ValueError
        return str(error)


def _device(tracker: SequenceTracker) -> str:
    """What it ran on, with what computed where there is a choice."""
    runtime = getattr(tracker, "runtime", "")
    return str(getattr(tracker, "device", "cpu")) + (f" ({runtime})" if runtime else "")


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

        result = _attempt(trackers[spec], sequence, settings.protocol, on_frame)
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
        pool.submit(_work, spec, sequence, settings.threads, settings.protocol): (spec, sequence)
        for spec, sequence in tasks
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


def _work(spec: TrackerSpec, sequence: Sequence, threads: int, protocol: Protocol) -> Track | str:
    if spec not in _worker_trackers:
        spec.set_threads(threads)
        _worker_trackers[spec] = spec.build()
    return _attempt(_worker_trackers[spec], sequence, protocol, partial(_leave_when_stopped, _worker_stop[0]))


def _leave_when_stopped(stop: Any) -> None:
    if stop.is_set():
        raise TrackerFailure("interrupted")
