"""`siam-track export`: a model as ONNX files, checked against PyTorch frame by frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siam_tracker_ros.cli.options import ModelOption, WeightsOption
from siam_tracker_ros.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from siam_tracker_ros.tracking.twin import Agreement

EXIT_FAILED, EXIT_USAGE = 1, 2
ALLOWED = 0.5  # pixels of the original image


def export_command(
    model: ModelOption = "afsn_mobile",
    weights: WeightsOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the files.", show_default="out/export/MODEL", readable=False)
    ] = None,
    search_size: Annotated[
        list[int] | None,
        typer.Option(
            help="Side of the search patch in pixels; again for several. The network's own and those of its presets "
            "are always there."
        ),
    ] = None,
    half: Annotated[
        bool,
        typer.Option("--half", help="Features and kernels in float16, for CUDA; patches and maps stay as they are."),
    ] = False,
    check: Annotated[
        str,
        typer.Option(
            help="A video file, a folder of images or a folder of one sequence, on whose frames the files are compared "
            "with PyTorch; empty: frames of a drawn flight; none: no check."
        ),
    ] = "",
    box: Annotated[
        str | None, typer.Option(help="The target in the check's first frame: x,y,w,h (pixels, top-left corner).")
    ] = None,
    frames: Annotated[int, typer.Option(min=2, help="Frames of the check, at most.")] = 100,
) -> None:
    """Write a model's template, kernels and search as ONNX files, with their metadata, and check them.

    The check follows a target with PyTorch and asks ONNX Runtime and OpenVINO, where they are installed, the same in
    every frame; a box that differs by more than half a pixel of the picture fails it. OUT is then a model's name
    wherever one is asked for (--model OUT), also of the node. The exit code is 0 when the files are right, 1 when they
    are not or could not be compared, 2 for an argument that cannot be used.
    """
    from siam_tracker_ros.clips import read_clip
    from siam_tracker_ros.networks.weights import WeightsError
    from siam_tracker_ros.networks.zoo import MODELS
    from siam_tracker_ros.runtime.exported import ExportError
    from siam_tracker_ros.tracking.export import export

    path = Path(model)
    if model not in MODELS and not path.is_file():
        raise _stop(f"unknown model '{model}'; use one of {', '.join(MODELS)}, or a path to safetensors weights")
    try:
        done = export(model, weights, out, search_size or [], half=half)
    except (WeightsError, ValueError, ExportError) as error:
        raise _stop(str(error)) from error
    for file in done.files:
        typer.echo(f"written: {file} ({file.stat().st_size / 1e6:.1f} MB)")
    if check == "none":
        return
    try:
        clip, start = read_clip(check, box, frames)
    except (ValueError, OSError, ImportError) as error:
        raise _stop(f"the files are written, and were not checked: {error}", EXIT_FAILED) from error
    from siam_tracker_ros.tracking.export import check as compare

    able = done.runtimes()
    if not able:
        raise _stop(
            "the files are written, and were not checked: neither onnxruntime nor openvino is there to run them on "
            "this machine (pip install onnxruntime)",
            EXIT_FAILED,
        )
    good = True
    for name in able:
        with progress_bar(f"check {name}", len(clip), "frame") as bar:
            agreement = compare(done, name, _counted(clip, bar), start)
        good &= _say(name, agreement)
    if not good:
        raise typer.Exit(EXIT_FAILED)


def _say(name: str, agreement: Agreement) -> bool:
    """Print how a runtime did; whether it did well."""
    import numpy as np

    good = agreement.boxes > 0 and agreement.worst <= ALLOWED
    median = float(np.median(agreement.pixels)) if agreement.boxes else float("nan")
    typer.echo(
        f"{name}: {agreement.boxes} boxes, sides differ from PyTorch's by {median:.2g} pixels in the median, "
        f"{agreement.worst:.2g} at most: " + ("right" if good else f"WRONG (more than {ALLOWED} pixels)")
    )
    return good


def _counted(clip: list[NDArray[np.uint8]], bar: object) -> Iterator[NDArray[np.uint8]]:
    for frame in clip:
        yield frame
        bar.update(1)  # type: ignore[attr-defined]


def _stop(message: str, code: int = EXIT_USAGE) -> typer.Exit:
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(code)
