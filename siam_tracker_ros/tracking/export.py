"""Exports a model with all that a tracker needs of it, and checks the files frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from siam_tracker_ros.networks.response import Geometry
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.runtime.eager import EagerRuntime
from siam_tracker_ros.runtime.exported import ExportedNetwork, facts_of
from siam_tracker_ros.runtime.selection import file_runtimes, run_exported
from siam_tracker_ros.tracking.calibration import read_calibration, write_calibration
from siam_tracker_ros.tracking.load import model_of, network_of
from siam_tracker_ros.tracking.presets import PRESETS, preset
from siam_tracker_ros.tracking.search_size import search_sizes
from siam_tracker_ros.tracking.twin import Agreement, compare


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        exported: the folder.
        network: what it is of.
        files: all files.
    """

    exported: ExportedNetwork
    network: nn.Module
    files: tuple[Path, ...]

    def runtimes(self) -> list[str]:
        """The runtimes of this machine that can run the files."""
        half = self.exported.facts.precision == "float16"
        return list(file_runtimes(self.exported, _device(half), torch.get_num_threads()))


def export(
    model: str, weights: str | Path | None, folder: Path | None, sizes: Sequence[int], half: bool = False
) -> Export:
    """Write a model's passes, its metadata and its calibration into a folder, anew.

    Args:
        model: a zoo name, or a path to weights that name their model.
        weights: of a zoo name; None for those that come with the package.
        folder: made if need be; None: ``out/export/MODEL``.
        sizes: sides of the search patch, pixels, beside those of the model's presets; each is rounded to what fits.
        half: features and kernels in float16.

    Raises:
        WeightsError: missing or foreign weights. ExportError: the network cannot be written.
        ValueError: a size under the template's.
    """
    if model not in MODELS:
        weights, model = model, model_of(Path(model))
    path, network = network_of(model, weights)
    geometry = cast(Geometry, network.geometry)
    if small := [size for size in sizes if size < geometry.template_size]:
        raise ValueError(f"search size {small[0]} is under the template's {geometry.template_size} pixels")
    folder = folder or Path("out") / "export" / model
    facts = facts_of(network, model, torch.float16 if half else torch.float32)
    for old in [*folder.glob("*.onnx"), *folder.glob("model.json")]:
        old.unlink()
    exported = ExportedNetwork(folder, facts, network)
    wanted = {geometry.search_size, *(geometry.at(size).search_size for size in sizes)}
    for settings in PRESETS[model].values():
        wanted |= set(search_sizes(geometry, settings))
    files = exported.write_all(sorted(wanted))
    if calibration := read_calibration(path):
        files.append(write_calibration(folder / f"{model}.onnx", calibration))
    return Export(exported, network, (*files, folder / "model.json"))


def check(done: Export, runtime: str, frames: Iterable[NDArray[np.uint8]], box: Sequence[float]) -> Agreement:
    """Compare one runtime on the files with PyTorch on the network, in float32 on the CPU.

    Args:
        runtime: of ``done.runtimes()``.
        frames: BGR uint8 [H, W, 3], two at least. box: x, y, w, h, pixels, in the first.
    """
    half = done.exported.facts.precision == "float16"
    other = run_exported(done.exported, _device(half), runtime)
    expected = EagerRuntime(done.network, torch.device("cpu"))
    return compare(expected, other, frames, box, preset(done.exported.facts.model))


def _device(half: bool) -> torch.device:
    """Where the files are checked: half precision runs on CUDA only."""
    return torch.device("cuda", 0) if half else torch.device("cpu")
