"""``siam-track run``: follow one thing in a video file, a folder of images or a camera, without ROS."""

from __future__ import annotations

import csv
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from siam_tracker_ros.cli.options import (
    DeviceOption,
    ModelOption,
    OnlineOption,
    PrecisionOption,
    PresetOption,
    RuntimeOption,
    WeightsOption,
)
from siam_tracker_ros.drawing import draw_caption, draw_track, state_name
from siam_tracker_ros.evaluation.timeline import TimelineRow, plot_timeline
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.progress import progress_bar
from siam_tracker_ros.start_box import agreeing_truth, choose_box, find_truth
from siam_tracker_ros.tracking.contract import FollowsOne, TrackResult
from siam_tracker_ros.video import FrameSource, VideoError, VideoWriter, open_source

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
COLUMNS = (
    "frame",
    "time",
    "x",
    "y",
    "w",
    "h",
    "confidence",
    "apce",
    "apce_ratio",
    "state",
    "reason",
    "template_updates",
    "processing_ms",
    "iou",
)


@dataclass
class Track:
    """What following one target through a video gave.

    rows: one per frame after the first. seen: frames in which the target was told to be there.
    interrupted: whether Ctrl-C ended it before the video did.
    """

    rows: list[TimelineRow] = field(default_factory=list)
    seen: int = 0
    interrupted: bool = False

    @property
    def mean_iou(self) -> float:
        """Mean overlap over the frames in which the true box is known; nan where there is none."""
        known = [row.iou for row in self.rows if np.isfinite(row.iou)]
        return float(np.mean(known)) if known else float("nan")


def run_command(
    video: Annotated[str, typer.Argument(help="A video file, a folder of images, or a camera's index.")],
    box: Annotated[
        str | None,
        typer.Option(
            help="The target in the first frame: x,y,w,h in pixels, top-left corner. It may be left out "
            "where a groundtruth.txt lies beside the video."
        ),
    ] = None,
    model: ModelOption = "afsn_mobile",
    weights: WeightsOption = None,
    preset: PresetOption = "",
    online: OnlineOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "float32",
    runtime: RuntimeOption = "auto",
    out: Annotated[Path, typer.Option(help="Folder for tracked.mp4, track.csv and timeline.png.")] = Path("out/run"),
    no_video: Annotated[bool, typer.Option("--no-video", help="Write no video.")] = False,
) -> None:
    """Follow one thing in a video and write an annotated video, a table and a plot.

    Ctrl-C ends it early; what was done until then is complete on disk. The exit code is 0 when the video was
    followed to its end, 1 when tracking failed, 2 for an argument that cannot be used, 130 after Ctrl-C.
    """
    from siam_tracker_ros import load_tracker

    try:
        source = open_source(video)
        truth = None if video.isdigit() else find_truth(video)
        start = choose_box(box, truth, source.size)
        truth = agreeing_truth(truth, start)
        tracker = load_tracker(
            model,
            weights=weights,
            device=device,
            precision=precision,
            preset=preset,
            online=online,
            runtime=runtime,
        )
        out.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(EXIT_USAGE) from error

    typer.echo(
        f"{source.name}: {source.size[0]}x{source.size[1]} at {source.fps:g} fps, "
        f"{tracker.model_name} on {tracker.device} ({tracker.runtime})"
        + (f", preset {preset}" if preset else "")
        + (", with its online branch" if tracker.settings.online else "")
    )
    try:
        track = follow(source, start, tracker, out, truth=truth, write_video=not no_video)
    except (VideoError, RuntimeError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(EXIT_FAILED) from error
    if track.rows:
        plot_timeline(track.rows, out / "timeline.png", f"{source.name}, {tracker.model_name}", "time per frame")
    typer.echo(summary(track))
    names = ["track.csv"] + ["timeline.png"] * bool(track.rows) + ["tracked.mp4"] * (not no_video)
    typer.echo(f"written to {out}: {', '.join(names)}")
    if track.interrupted:
        typer.echo("interrupted: the files hold what was done until then", err=True)
        raise typer.Exit(EXIT_INTERRUPTED)


def follow(
    source: FrameSource,
    start: Box,
    tracker: FollowsOne,
    out: Path,
    *,
    truth: NDArray[np.float64] | None = None,
    write_video: bool = True,
) -> Track:
    """Start on the first frame and follow to the end, or to Ctrl-C.

    Writes ``track.csv`` (one line per frame; the first has the given box) and, if asked for,
    ``tracked.mp4`` into the folder ``out``, which must exist. ``truth``: true boxes [N, 4] by frame, nan
    where absent.
    """
    track = Track()
    with ExitStack() as stack:
        table = stack.enter_context((out / "track.csv").open("w", newline="", encoding="utf-8"))
        lines = csv.writer(table)
        lines.writerow(COLUMNS)
        video = VideoWriter(out / "tracked.mp4", source.fps, source.size) if write_video else None
        if video is not None:
            stack.enter_context(video)
        bar = stack.enter_context(progress_bar("tracking", source.count))
        interrupted = stack.enter_context(noticing_interrupts())
        for index, frame in enumerate(source):
            true_box = Box(*map(float, truth[index])) if truth is not None and index < len(truth) else None
            if index == 0:
                tracker.init(frame, start)
                lines.writerow([0, "0.000", *box_numbers(start), 1.0, "", "", "TRACKING", "initial box", 0, "", ""])
                drawn = draw_track(frame, start, 1.0, "TRACKING", "start", true_box) if video else None
            else:
                before = time.perf_counter()
                result = tracker.update(frame)
                took = (time.perf_counter() - before) * 1e3
                row = timeline_row(index / source.fps, result, took, true_box)
                track.rows.append(row)
                track.seen += result.seen
                lines.writerow(table_line(index, row, result))
                bar.set_postfix_str(f"{row.state} {row.confidence:.2f}, {took:.0f} ms", refresh=False)
                drawn = draw_track(frame, result.box, result.confidence, row.state, "", true_box) if video else None
            if video is not None and drawn is not None:
                draw_caption(drawn, f"frame {index}   {index / source.fps:.2f} s")
                video.write(drawn)
            bar.update()
            if interrupted:
                track.interrupted = True
                break
    return track


def summary(track: Track) -> str:
    """What a person wants to know afterwards, in a line or two."""
    if not track.rows:
        return "only the first frame was there: nothing to follow"
    took = [row.latency_ms for row in track.rows]
    text = (
        f"{len(track.rows)} frames followed, seen in {track.seen} ({track.seen / len(track.rows):.0%}), "
        f"{track.rows[-1].state} at the end\n"
        f"time per frame: p50 {np.percentile(took, 50):.1f} ms, p95 {np.percentile(took, 95):.1f} ms"
    )
    if np.isfinite(track.mean_iou):
        text += f"; mean IoU {track.mean_iou:.3f}"
    return text


def timeline_row(time_s: float, result: TrackResult, took: float, true_box: Box | None) -> TimelineRow:
    """One frame of a track as plot and table have it. took: milliseconds. true_box: nan where absent."""
    hidden = true_box is not None and not true_box.is_finite
    iou = float("nan")
    if true_box is not None and not hidden:
        iou = result.box.iou(true_box) if result.seen else 0.0
    state = state_name(result.state)
    return TimelineRow(
        time_s, state, result.confidence, result.apce, took, result.template_updates, iou=iou, hidden=hidden
    )


def table_line(index: int, row: TimelineRow, result: TrackResult) -> list[object]:
    """The frame's cells under COLUMNS."""
    return [
        index,
        f"{row.time:.3f}",
        *box_numbers(result.box),
        f"{row.confidence:.4f}",
        f"{row.apce:.2f}",
        f"{result.apce_ratio:.3f}",
        row.state,
        result.reason,
        row.template_updates,
        f"{row.latency_ms:.2f}",
        f"{row.iou:.4f}" if np.isfinite(row.iou) else "",
    ]


def box_numbers(box: Box) -> list[str]:
    """The cells x, y, w, h."""
    return [f"{value:.2f}" for value in box.as_tuple()]


class _Flag:
    """Whether Ctrl-C was pressed."""

    def __init__(self) -> None:
        self.pressed = False

    def __bool__(self) -> bool:
        return self.pressed


@contextmanager
def noticing_interrupts() -> Iterator[_Flag]:
    """Ctrl-C once only sets the flag, so that a frame is finished everywhere; pressed again it ends at
    once.
    """
    flag = _Flag()

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        if flag.pressed:
            raise KeyboardInterrupt
        flag.pressed = True

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, before)
