"""`siam-track bench`: how fast the trackers are on this machine, stage by stage, beside OpenCV's."""

from __future__ import annotations

import json
import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siam_tracker_ros.progress import progress_bar

if TYPE_CHECKING:
    from siam_tracker_ros.evaluation.bench import Bench
    from siam_tracker_ros.evaluation.entrants import EntrantSpec
    from siam_tracker_ros.evaluation.race import Clip

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def bench_command(
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="A model of the zoo, weights, or an exported folder; again for several. A model without weights is "
            "timed with random ones, and called untrained.",
            show_default="afsn_mobile",
        ),
    ] = None,
    runtime: Annotated[
        list[str] | None,
        typer.Option(
            help="eager, cuda_graph, onnx, tensorrt, openvino or auto; again for several.",
            show_default="all that this machine has",
        ),
    ] = None,
    precision: Annotated[
        list[str] | None, typer.Option(help="float32, float16 or bfloat16; again for several.", show_default="float32")
    ] = None,
    device: Annotated[
        list[str] | None, typer.Option(help="auto, cpu, cuda or cuda:N; again for several.", show_default="auto")
    ] = None,
    targets: Annotated[
        list[int] | None, typer.Option(help="Targets followed at once; again for several.", show_default="1")
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(
            help="OpenCV's, to be measured in the same run: csrt, kcf, mil, nano=BACKBONE.onnx,HEAD.onnx, "
            "vit=MODEL.onnx; again for several, none for none.",
            show_default="csrt and kcf",
        ),
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            help="A model of the zoo as its code is written, in PyTorch with nothing folded or joined, untrained: what "
            "the gain of the runtimes is measured against."
        ),
    ] = None,
    source: Annotated[
        str, typer.Option(help="A video, a folder of images or of one sequence; empty: a drawn flight, 1280x720.")
    ] = "",
    box: Annotated[
        str | None, typer.Option(help="The target in the video's first frame: x,y,w,h (pixels, top-left corner).")
    ] = None,
    size: Annotated[str, typer.Option(help="Scale the frames to WIDTHxHEIGHT; empty: as they are.")] = "",
    clip: Annotated[
        int, typer.Option(min=2, help="Frames of a turn, which all trackers follow one after the other.")
    ] = 100,
    frames: Annotated[int, typer.Option(min=1, help="Frames for each tracker, at least.")] = 600,
    seconds: Annotated[float, typer.Option(min=0.1, help="Seconds for each tracker, at most.")] = 30.0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of each tracker.")] = 2,
    starts: Annotated[bool, typer.Option(help="Measure start-up and memory, in a process for each tracker.")] = True,
    long: Annotated[
        int, typer.Option(min=0, help="Frames of a long run afterwards, of the first model's fastest.")
    ] = 0,
    out: Annotated[Path, typer.Option(help="Where bench.json, bench.md, bench.html and the plots go.")] = Path(
        "out/bench"
    ),
) -> None:
    """Time every stage of a frame for each model, device, precision and runtime, beside OpenCV's trackers.

    They take turns on the same frames in one process, so that their ratios hold whatever else the machine does. The
    best matrix product and copy are measured first, and operations and bytes are counted: what share of the machine is
    used? Ctrl-C reports what was measured until then. The exit code is 0 only if everything was measured.
    """
    from siam_tracker_ros.evaluation.bench import Bench, BenchSettings

    try:
        specs = _specs(model, runtime, precision, device, targets, peer, reference)
        ready = _clip(source, box, clip, size)
    except (ValueError, OSError, ImportError) as error:
        raise _stop(str(error)) from error
    bench = Bench(specs, ready, BenchSettings(frames, seconds, threads, starts, long))
    _measure(bench)
    report = _written(bench, out)
    for problem in report["problems"]:
        typer.echo(f"not measured: {problem}", err=True)
    if bench.interrupted:
        typer.echo("interrupted: this is what was measured until then", err=True)
        raise typer.Exit(EXIT_INTERRUPTED)
    if report["problems"]:
        raise typer.Exit(EXIT_FAILED)


def _specs(
    models: list[str] | None,
    runtimes: list[str] | None,
    precisions: list[str] | None,
    devices: list[str] | None,
    targets: list[int] | None,
    peers: list[str] | None,
    references: list[str] | None,
) -> list[EntrantSpec]:
    """All that is to be measured. Raises ValueError with a sentence."""
    from siam_tracker_ros.evaluation.bench import reference, specs_of
    from siam_tracker_ros.evaluation.entrants import peer_spec
    from siam_tracker_ros.networks.zoo import MODELS
    from siam_tracker_ros.runtime.selection import RUNTIMES

    if unknown := [name for name in runtimes or () if name not in RUNTIMES]:
        raise ValueError(f"unknown runtime '{unknown[0]}'; use one of {', '.join(RUNTIMES)}")
    if unknown := [name for name in references or () if name not in MODELS]:
        raise ValueError(f"unknown reference '{unknown[0]}'; use one of {', '.join(MODELS)}")
    if few := [count for count in targets or () if count < 1]:
        raise ValueError(f"--targets {few[0]}: one target at least")
    specs: list[EntrantSpec] = []
    for name in models or ["afsn_mobile"]:
        if name not in MODELS and not Path(name).exists():
            raise ValueError(f"unknown model '{name}'; use one of {', '.join(MODELS)}, or a path to weights")
        untrained = name in MODELS and MODELS[name].weights_path is None
        for one_device in devices or ["auto"]:
            for one_precision in precisions or ["float32"]:
                for count in targets or [1]:
                    specs += specs_of(name, runtimes or [], one_precision, one_device, count, untrained)
    specs += [reference(name, one_device) for name in references or () for one_device in devices or ["auto"]]
    wanted = ["csrt", "kcf"] if peers is None else [name for name in peers if name != "none"]
    return specs + [peer_spec(name) for name in wanted]


def _clip(source: str, box: str | None, most: int, size: str) -> Clip:
    from siam_tracker_ros.clips import read_clip
    from siam_tracker_ros.evaluation.race import Clip

    images, start = read_clip(source, box, most)
    clip = Clip(Path(source).name if source else "a drawn flight", images, start)
    if not size:
        return clip
    try:
        width, height = (int(side) for side in size.lower().split("x"))
    except ValueError as error:
        raise ValueError(f"--size '{size}' is not WIDTHxHEIGHT, such as 1920x1080") from error
    if min(width, height) < 16:
        raise ValueError(f"--size {size}: 16 pixels at least")
    return clip.resized(width, height)


def _measure(bench: Bench) -> None:
    """All parts, each with its bar; after Ctrl-C no further one."""
    settings = bench.settings
    try:
        typer.echo("measuring what the machine can do ...", err=True)
        bench.measure_ceilings()
        with progress_bar("loading", bench.count, "tracker") as bar:
            bench.build(bar.update)
        with progress_bar("taking turns", len(bench.names) * settings.frames) as bar:
            bench.race(bar.update)
        if settings.long and bench.fastest and not bench.interrupted:
            with progress_bar(f"long run of {bench.fastest}", settings.long) as bar:
                bench.run_long(bench.fastest, bar.update)
        if settings.starts and not bench.interrupted:
            with progress_bar("starting anew", len(bench.names), "tracker") as bar:
                bench.start_anew(bar.update)
    except KeyboardInterrupt:
        bench.interrupted = True


def _written(bench: Bench, out: Path) -> dict[str, Any]:
    """Print the tables and write the files. Returns the report."""
    from siam_tracker_ros.evaluation.machine import describe_machine
    from siam_tracker_ros.evaluation.page import write_page
    from siam_tracker_ros.evaluation.page_markdown import write_markdown
    from siam_tracker_ros.evaluation.speed_page import build_speed_page, speed_tables
    from siam_tracker_ros.evaluation.speed_plots import plot_long_run, plot_speed_stages
    from siam_tracker_ros.evaluation.tables import Table, text

    report = bench.report()
    devices = {name: f"{one['device']} ({one['runtime']})" for name, one in report["trackers"].items()}
    report["machine"] = describe_machine(devices, bench.settings.threads, 1)
    report["machine"]["ceilings"] = {
        key: f"{one['flop'] / 1e9:.0f} GFLOP/s in a matrix product, {one['bytes'] / 1e9:.1f} GB/s in a copy"
        for key, one in report["ceilings"].items()
    }
    report["created"] = datetime.now().astimezone().isoformat(timespec="seconds")
    report["command"] = shlex.join(["siam-track", *sys.argv[1:]])
    out.mkdir(parents=True, exist_ok=True)
    figures = []
    if report["trackers"]:
        ranked = dict(sorted(report["trackers"].items(), key=lambda item: item[1]["total_ms"]["p50"]))
        clip = report["clip"]
        title = f"Time of a frame, {clip['width']}x{clip['height']}, {bench.settings.threads} CPU threads"
        figures.append(plot_speed_stages(out / "bench.png", ranked, title))
    for name, run in bench.long_runs.items():
        figures.append(plot_long_run(out / "long_run.png", run, f"{name}, {len(run.times)} frames"))
    page = build_speed_page(report, figures, report["problems"])
    files = [out / "bench.json", *figures]
    files[0].write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    files += [write_page(out / "bench.html", page), write_markdown(out / "bench.md", page)]
    for table in speed_tables(report):
        rows = [list(row) for row in table.rows]
        typer.echo(f"\n{table.caption}\n{text(Table(table.caption, list(table.header), rows))}")
    typer.echo("\nwritten: " + ", ".join(str(file) for file in files))
    return report


def _stop(message: str) -> typer.Exit:
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(EXIT_USAGE)
