"""`siam-track eval`: measure trackers on annotated sequences."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tqdm import tqdm

if TYPE_CHECKING:
    from siam_tracker_ros.datasets.sequences import SequenceSurvey
    from siam_tracker_ros.evaluation.trackers import TrackerSpec

DEFAULT_TRACKER = "afsn_mobile"
EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def eval_command(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder of sequences: NAME/video.mp4 or NAME/img/*.jpg, and NAME/groundtruth.txt; or a published "
            "benchmark as it unpacks (--layout)."
        ),
    ],
    tracker: Annotated[
        list[str] | None,
        typer.Option(
            "--tracker",
            "-t",
            help="MODEL[:PRESET][+online], MODEL a name of the zoo (siam-track models) or a path to weights and "
            "+online the online branch (+offline where the preset has it); or csrt, kcf, mil, or "
            "nano=BACKBONE.onnx,HEAD.onnx. Give it again for each tracker to compare.",
            show_default=DEFAULT_TRACKER,
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Weights for the one model of the zoo, instead of the shipped ones.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of each tracker.")] = 2,
    layout: Annotated[
        str,
        typer.Option(
            help="How the folder is laid out: otb100, uav123, lasot, nfs, got10k, vot, dtb70, uavdt, folders, or auto "
            "to tell by its files."
        ),
    ] = "auto",
    sequences: Annotated[str, typer.Option(help="Only these sequences, separated by commas.")] = "",
    out: Annotated[Path, typer.Option(help="Where tracks, report.json, results.csv and plots go.")] = Path("out/eval"),
    jobs: Annotated[int, typer.Option(min=1, help="Processes; speeds are only comparable with 1.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run: keep its finished sequences.")
    ] = False,
) -> None:
    """Measure trackers on annotated sequences: success AUC, precision and speed, in one pass.

    Every tracker gets the first true box of a sequence and follows it to the end. Ctrl-C shows what is
    finished, and --resume goes on from there. The exit code is 0 only if every tracker did every sequence.
    """
    from siam_tracker_ros.datasets.errors import DatasetError
    from siam_tracker_ros.datasets.layouts import survey_layout
    from siam_tracker_ros.evaluation.machine import describe_machine
    from siam_tracker_ros.evaluation.report import text_tables, write_report
    from siam_tracker_ros.evaluation.runner import RunSettings, evaluate

    try:
        specs = _parse_trackers(tracker or [DEFAULT_TRACKER], weights, device)
        survey = _only(survey_layout(folder, layout), sequences)
    except (DatasetError, ValueError) as error:
        raise _stop(str(error)) from error
    for reason in survey.broken.values():
        typer.echo(f"left out: {reason}", err=True)
    if not survey.sequences:
        typer.echo("error: no sequence is left to measure", err=True)
        raise typer.Exit(EXIT_FAILED)

    total = len(specs) * sum(len(sequence) for sequence in survey.sequences)
    settings = RunSettings(out=out, threads=threads, jobs=jobs, resume=resume)
    # In a log file a line every ten seconds is enough.
    interval = 0.2 if sys.stderr.isatty() else 10.0
    with tqdm(total=total, unit="frame", smoothing=0.02, dynamic_ncols=True, mininterval=interval) as bar:

        def progress(label: str, frames: int) -> None:
            if bar.desc != f"{label}: ":
                bar.set_description(label, refresh=False)
            bar.update(frames)

        try:
            evaluation = evaluate(specs, survey.sequences, settings, progress)
        except (ValueError, OSError) as error:
            bar.close()
            raise _stop(str(error)) from error
        bar.set_description("interrupted" if evaluation.interrupted else "done")

    machine = describe_machine(evaluation.devices, threads, jobs)
    paths = write_report(evaluation, survey.sequences, out, machine, survey.broken)
    typer.echo(text_tables(evaluation, machine, survey.broken))
    typer.echo("\nwritten: " + ", ".join(str(path) for path in paths))
    if evaluation.interrupted:
        wanted = len(specs) * len(survey.sequences)
        typer.echo(
            f"interrupted: {len(evaluation.outcomes)} of {wanted} tracks finished; "
            "the same command with --resume goes on",
            err=True,
        )
        raise typer.Exit(EXIT_INTERRUPTED)
    if evaluation.failures or survey.broken:
        raise typer.Exit(EXIT_FAILED)


def _parse_trackers(texts: list[str], weights: Path | None, device: str) -> list[TrackerSpec]:
    from siam_tracker_ros.evaluation.trackers import parse_tracker

    specs = [parse_tracker(text, device=device) for text in texts]
    if weights is None:
        return specs
    zoo = {spec.model for spec in specs if not spec.is_peer}
    if len(zoo) != 1:
        raise ValueError(f"--weights is for one model of the zoo, and {len(zoo)} were named; name one")
    if not weights.is_file():
        raise ValueError(f"{weights}: no such file; --weights takes a safetensors file")
    return [spec if spec.is_peer else replace(spec, weights=weights) for spec in specs]


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
