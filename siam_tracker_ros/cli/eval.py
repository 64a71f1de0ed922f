"""`siam-track eval`: measure trackers on annotated sequences, or follow one target in a recording."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tqdm import tqdm

from siam_tracker_ros.cli.options import PrecisionOption, RuntimeOption

if TYPE_CHECKING:
    from siam_tracker_ros.datasets.sequences import Sequence, SequenceSurvey
    from siam_tracker_ros.evaluation.protocols import Protocol
    from siam_tracker_ros.evaluation.runner import Evaluation
    from siam_tracker_ros.evaluation.trackers import TrackerSpec

DEFAULT_TRACKER = "afsn_mobile"
EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def eval_command(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Folder of sequences: NAME/video.mp4 or NAME/img/*.jpg, and NAME/groundtruth.txt; or a published "
            "benchmark as it unpacks (--layout).",
            show_default=False,
        ),
    ] = None,
    tracker: Annotated[
        list[str] | None,
        typer.Option(
            "--tracker",
            "-t",
            help="MODEL[:PRESET][+online], MODEL a name of the zoo (siam-track models) or a path to weights and "
            "+online the online branch (+offline where the preset has it); or csrt, kcf, mil, "
            "nano=BACKBONE.onnx,HEAD.onnx, vit=MODEL.onnx; or NAME=FOLDER with the results of another tool kit. "
            "Give it again for each tracker to compare.",
            show_default=DEFAULT_TRACKER,
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Weights for the one model of the zoo, instead of the shipped ones.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    precision: PrecisionOption = "float32",
    runtime: RuntimeOption = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of each tracker.")] = 2,
    layout: Annotated[
        str,
        typer.Option(
            help="How the folder is laid out: otb100, uav123, uav20l, lasot, nfs, got10k, vot, dtb70, uavdt, folders, "
            "or auto to tell by its files."
        ),
    ] = "auto",
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            "--protocol",
            "-p",
            help="one-pass; real-time: a tracker gets only the frames for which it is free; vot: started anew after "
            "each failure. Give it again for several.",
            show_default="vot for the layout vot, else one-pass",
        ),
    ] = None,
    rate: Annotated[float, typer.Option(help="Frames a second of the camera of real-time.")] = 30.0,
    year: Annotated[
        int | None,
        typer.Option(
            help="VOT's year, for the lengths of EAO: 2016, 2017, 2018 or 2019.",
            show_default="as the sequences' names tell, else 2018",
        ),
    ] = None,
    sequences: Annotated[str, typer.Option(help="Only these sequences, separated by commas.")] = "",
    out: Annotated[Path, typer.Option(help="Where tracks, report.html, report.json, results.csv and plots go.")] = Path(
        "out/eval"
    ),
    jobs: Annotated[int, typer.Option(min=1, help="Processes; speeds are only comparable with 1.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run: keep its finished sequences.")
    ] = False,
    strips: Annotated[
        bool, typer.Option(help="Show the worst moments as strips of the sequences' own pictures.")
    ] = True,
    bag: Annotated[
        Path | None,
        typer.Option(help="Instead of a folder: a ROS 2 recording, to follow one target in (as siam-track bag)."),
    ] = None,
    topic: Annotated[str, typer.Option(help="With --bag: the images' topic, where there are several.")] = "",
    box: Annotated[
        str, typer.Option(help="With --bag: the target in the first image, x,y,w,h in pixels.", show_default=False)
    ] = "",
) -> None:
    """Measure trackers on annotated sequences: success, precision, VOT's and GOT-10k's figures, speed, confidence.

    Every tracker gets the first true box of a sequence and follows it to the end. Ctrl-C shows what is
    finished, and --resume goes on from there. The exit code is 0 only if every tracker did every sequence.
    """
    if bag is not None:
        unused: dict[str, object] = {
            "FOLDER": folder,
            "--sequences": sequences,
            "--protocol": protocol,
            "--resume": resume,
        }
        _follow_bag(bag, topic, box, tracker or [DEFAULT_TRACKER], weights, device, precision, runtime, out, unused)
        return
    if topic or box:
        raise _stop("--topic and --box go with --bag")
    if folder is None:
        raise _stop("name a folder of sequences, or a recording with --bag")

    from siam_tracker_ros.datasets.errors import DatasetError
    from siam_tracker_ros.datasets.layouts import survey_layout
    from siam_tracker_ros.evaluation.machine import describe_machine
    from siam_tracker_ros.evaluation.report import Report, text_report
    from siam_tracker_ros.evaluation.report_files import write_report

    try:
        specs = _parse_trackers(tracker or [DEFAULT_TRACKER], weights, device, precision, runtime)
        survey = _only(survey_layout(folder, layout), sequences)
        protocols = _parse_protocols(protocol, rate, survey)
        _check_year(year)
    except (DatasetError, ValueError) as error:
        raise _stop(str(error)) from error
    for reason in survey.broken.values():
        typer.echo(f"left out: {reason}", err=True)
    if not survey.sequences:
        typer.echo("error: no sequence is left to measure", err=True)
        raise typer.Exit(EXIT_FAILED)

    evaluations = _run(specs, survey.sequences, protocols, out, threads, jobs, resume)
    devices = {name: device for evaluation in evaluations for name, device in evaluation.devices.items()}
    report = Report(
        evaluations=evaluations,
        sequences=survey.sequences,
        broken=survey.broken,
        machine=describe_machine(devices, threads, jobs),
        command=shlex.join(["siam-track", *sys.argv[1:]]),
        year=_year_of(survey) if year is None else year,
    )
    typer.echo(text_report(report))
    paths, refused = write_report(report, out, strips=strips)
    for reason in refused:
        typer.echo(reason, err=True)
    pictures = [path for path in paths if path.suffix in (".png", ".jpg")]
    files = [str(path) for path in paths if path not in pictures]
    typer.echo("\nwritten: " + ", ".join(files) + f" and {len(pictures)} pictures")
    if any(evaluation.interrupted for evaluation in evaluations):
        wanted = len(specs) * len(survey.sequences) * len(protocols)
        finished = sum(len(evaluation.outcomes) for evaluation in evaluations)
        typer.echo(
            f"interrupted: {finished} of {wanted} tracks finished; the same command with --resume goes on", err=True
        )
        raise typer.Exit(EXIT_INTERRUPTED)
    if survey.broken or refused or any(evaluation.failures for evaluation in evaluations):
        raise typer.Exit(EXIT_FAILED)


def _run(
    specs: list[TrackerSpec],
    sequences: list[Sequence],
    protocols: list[Protocol],
    out: Path,
    threads: int,
    jobs: int,
    resume: bool,
) -> list[Evaluation]:
    """One protocol after the other, under one bar of progress; none after Ctrl-C."""
    from siam_tracker_ros.evaluation.runner import RunSettings, check_run, evaluate

    runs = [RunSettings(out=out, threads=threads, jobs=jobs, resume=resume, protocol=one) for one in protocols]
    total = len(protocols) * len(specs) * sum(len(sequence) for sequence in sequences)
    # In a log file a line every ten seconds is enough.
    interval = 0.2 if sys.stderr.isatty() else 10.0
    evaluations: list[Evaluation] = []
    with tqdm(total=total, unit="frame", smoothing=0.02, dynamic_ncols=True, mininterval=interval) as bar:

        def progress(label: str, frames: int) -> None:
            if bar.desc != f"{label}: ":
                bar.set_description(label, refresh=False)
            bar.update(frames)

        try:
            for settings in runs:
                check_run(specs, settings)  # all of them before the first takes its time
            for settings in runs:
                evaluations.append(evaluate(specs, sequences, settings, progress))
                if evaluations[-1].interrupted:
                    break
        except (ValueError, OSError) as error:
            bar.close()
            raise _stop(str(error)) from error
        bar.set_description("interrupted" if evaluations[-1].interrupted else "done")
    return evaluations


def _follow_bag(
    bag: Path,
    topic: str,
    box: str,
    trackers: list[str],
    weights: Path | None,
    device: str,
    precision: str,
    runtime: str,
    out: Path,
    unused: dict[str, object],
) -> None:
    from siam_tracker_ros.cli.bag import bag_command

    for name, value in unused.items():
        if value:
            raise _stop(f"{name} does not go with --bag; a recording has no ground truth to measure with")
    try:
        specs = _parse_trackers(trackers, weights, device, precision, runtime)
    except ValueError as error:
        raise _stop(str(error)) from error
    spec = specs[0]
    if len(specs) > 1 or spec.is_peer or spec.is_results:
        raise _stop("--bag takes one tracker, a model of the zoo or a path to weights")
    bag_command(
        bag,
        topic=topic,
        box=box,
        model=spec.model,
        weights=spec.weights,
        preset=spec.preset,
        online=spec.online,
        device=device,
        precision=precision,
        runtime=runtime,
        storage="mcap",
        out=out,
    )


def _parse_trackers(
    texts: list[str], weights: Path | None, device: str, precision: str, runtime: str
) -> list[TrackerSpec]:
    from siam_tracker_ros.evaluation.trackers import parse_tracker

    specs = [parse_tracker(text, device=device) for text in texts]
    specs = [
        each if each.is_peer or each.is_results else replace(each, precision=precision, runtime=runtime)
        for each in specs
    ]
    if weights is None:
        return specs
    zoo = {spec.model for spec in specs if not (spec.is_peer or spec.is_results)}
    if len(zoo) != 1:
        raise ValueError(f"--weights is for one model of the zoo, and {len(zoo)} were named; name one")
    if not weights.is_file():
        raise ValueError(f"{weights}: no such file; --weights takes a safetensors file")
    return [spec if spec.model not in zoo else replace(spec, weights=weights) for spec in specs]


def _parse_protocols(names: list[str] | None, rate: float, survey: SequenceSurvey) -> list[Protocol]:
    from siam_tracker_ros.evaluation.protocols import parse_protocol

    if not names:
        supervised = any(sequence.layout == "vot" for sequence in survey.sequences)
        names = ["vot" if supervised else "one-pass"]
    if len(set(names)) != len(names):
        raise ValueError("a protocol is named twice; name each once")
    return [parse_protocol(name, rate) for name in names]


def _year_of(survey: SequenceSurvey) -> int | None:
    """VOT's year by the names of its sequences; None where they are of another layout, or do not tell."""
    from siam_tracker_ros.datasets.vot import vot_year

    sequences = survey.sequences
    return vot_year(sequence.name for sequence in sequences) if sequences[0].layout == "vot" else None


def _check_year(year: int | None) -> None:
    from siam_tracker_ros.evaluation.vot import EAO_INTERVALS

    if year is not None and year not in EAO_INTERVALS:
        raise ValueError(f"--year {year}: EAO's lengths are known of {', '.join(map(str, EAO_INTERVALS))}")


def _only(survey: SequenceSurvey, names: str) -> SequenceSurvey:
    """The survey of the sequences in `names`, separated by commas; all of them when it is empty."""
    from siam_tracker_ros.datasets.sequences import SequenceSurvey

    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if not wanted:
        return survey
    known = [*(sequence.name for sequence in survey.sequences), *survey.broken]
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"no sequence named {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return SequenceSurvey(
        [sequence for sequence in survey.sequences if sequence.name in wanted],
        {name: reason for name, reason in survey.broken.items() if name in wanted},
    )


def _stop(message: str) -> typer.Exit:
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(EXIT_USAGE)
