"""``siam-track bag``: follow one thing in the images of a ROS 2 recording, without ROS."""

from __future__ import annotations

import csv
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siam_tracker_ros.cli.options import (
    DeviceOption,
    ModelOption,
    OnlineOption,
    PrecisionOption,
    PresetOption,
    RuntimeOption,
    WeightsOption,
)
from siam_tracker_ros.cli.run import (
    COLUMNS,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    Track,
    box_numbers,
    noticing_interrupts,
    summary,
    table_line,
    timeline_row,
)
from siam_tracker_ros.geometry import Box, check_box
from siam_tracker_ros.progress import progress_bar
from siam_tracker_ros.start_box import parse_box
from siam_tracker_ros.tracking.contract import FollowsOne

if TYPE_CHECKING:
    from siam_tracker_ros.evaluation.bag import Recording, Topic

DETECTIONS, TABLE = "detections", "track.csv"


@dataclass
class BagTrack(Track):
    """What following one target through a recording gave.

    unread: images that could not be read or tracked in, each named by a sentence. broken: why the recording ended
    before its end; empty where it did not.
    """

    unread: list[str] = field(default_factory=list)
    broken: str = ""


def bag_command(
    recording: Annotated[Path, typer.Argument(help="An rosbag2 folder, or a single .mcap or .db3 file.")],
    topic: Annotated[
        str,
        typer.Option(help="The images: sensor_msgs/Image or CompressedImage. Needed where there are several topics."),
    ] = "",
    box: Annotated[
        str, typer.Option(help="The target in the first image: x,y,w,h in pixels, top-left corner.", show_default=False)
    ] = "",
    model: ModelOption = "afsn_mobile",
    weights: WeightsOption = None,
    preset: PresetOption = "",
    online: OnlineOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "float32",
    runtime: RuntimeOption = "auto",
    storage: Annotated[str, typer.Option(help="How the detections are stored: mcap or sqlite3.")] = "mcap",
    out: Annotated[Path, typer.Option(help="Folder for the recording detections/ and for track.csv.")] = Path(
        "out/bag"
    ),
) -> None:
    """Follow one thing in the images of a ROS 2 recording; write detections as a new one, and a table.

    Needs no ROS. Ctrl-C ends it early; what was done until then is complete on disk. The exit code is 0 when every
    image was followed, 1 when the recording is broken, an image could not be read or tracking failed, 2 for an argument
    that cannot be used, 130 after Ctrl-C.
    """
    from siam_tracker_ros import load_tracker
    from siam_tracker_ros.evaluation.bag import BagError, Recording

    with ExitStack() as stack:
        try:
            bag = stack.enter_context(Recording(recording))
            images = bag.image_topic(topic)
            start = _start(bag, images, box)
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
            f"{recording}, {images.name}: {images.count or 'unknown number of'} images, "
            f"{tracker.model_name} on {tracker.device} ({tracker.runtime})"
        )
        try:
            track = follow_recording(bag, images, start, tracker, out, storage=storage)
        except BagError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(EXIT_USAGE) from error
        except (RuntimeError, OSError) as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(EXIT_FAILED) from error
    typer.echo(summary(track))
    typer.echo(f"written to {out}: {DETECTIONS}, {TABLE}")
    if track.unread:
        typer.echo(f"{len(track.unread)} images left out; the first: {track.unread[0]}", err=True)
    if track.broken:
        typer.echo(f"error: {track.broken}", err=True)
    if track.interrupted:
        typer.echo("interrupted: the files hold what was done until then", err=True)
        raise typer.Exit(EXIT_INTERRUPTED)
    if track.unread or track.broken:
        raise typer.Exit(EXIT_FAILED)


def follow_recording(
    recording: Recording, topic: Topic, start: Box, tracker: FollowsOne, out: Path, *, storage: str = "mcap"
) -> BagTrack:
    """Start on the first image and follow to the end, to Ctrl-C, or to where the recording breaks.

    Writes ``track.csv`` (one line per image that could be read; the first has the given box; time is by the images'
    stamps) and the recording ``detections`` into the folder ``out``, which must exist.

    Raises BagError: the detections cannot be written.
    """
    from siam_tracker_ros.evaluation.bag import DetectionWriter, TruncatedError

    track = BagTrack()
    first: int | None = None
    with ExitStack() as stack:
        detections = stack.enter_context(DetectionWriter(out / DETECTIONS, storage=storage))
        table = stack.enter_context((out / TABLE).open("w", newline="", encoding="utf-8"))
        lines = csv.writer(table)
        lines.writerow(COLUMNS)
        bar = stack.enter_context(progress_bar("tracking", topic.count or None))
        interrupted = stack.enter_context(noticing_interrupts())
        try:
            for index, image in enumerate(recording.images(topic)):
                bar.update()
                if image.frame is None:
                    track.unread.append(f"image {index}: {image.fault}")
                elif first is None:
                    first = image.stamp
                    tracker.init(image.frame, start)
                    cells = [index, "0.000", *box_numbers(start), 1.0, "", "", "TRACKING", "initial box", 0, "", ""]
                    lines.writerow(cells)
                    detections.write(image, start, 1.0)
                else:
                    before = time.perf_counter()
                    result = tracker.update(image.frame)
                    took = (time.perf_counter() - before) * 1e3
                    row = timeline_row((image.stamp - first) / 1e9, result, took, None)
                    track.rows.append(row)
                    track.seen += result.seen
                    lines.writerow(table_line(index, row, result))
                    detections.write(image, result.box if result.seen else None, result.confidence)
                    bar.set_postfix_str(f"{row.state} {row.confidence:.2f}, {took:.0f} ms", refresh=False)
                if interrupted:
                    track.interrupted = True
                    break
        except TruncatedError as error:
            track.broken = str(error)
    return track


def _start(recording: Recording, topic: Topic, text: str) -> Box:
    """The box to start from, checked against the first image. Raises ValueError: no image, no box, or a wrong one."""
    from siam_tracker_ros.evaluation.bag import BagError

    if not text:
        raise BagError("where is the target in the first image? Give its box as --box x,y,w,h")
    box = parse_box(text)
    image = next(recording.images(topic), None)
    if image is None:
        raise BagError(f"{recording.path}: there are no images on '{topic.name}'")
    if image.frame is None:
        raise BagError(f"{recording.path}, '{topic.name}': {image.fault}")
    return check_box(box, image.frame.shape[1], image.frame.shape[0])
