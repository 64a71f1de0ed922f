"""A network as ONNX files: templates, kernels and searches, with what the tracker needs to know beside them.

A folder holds ``template.onnx``, ``kernels.onnx``, ``search_S.onnx`` for each side S of the search patch, and
``model.json``. The passes are those that every runtime runs (``runtime/passes.py``), so that the numbers mean the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from siam_tracker_ros.networks.response import Geometry, SiameseNetwork, point_grid
from siam_tracker_ros.networks.running import for_running
from siam_tracker_ros.runtime.device_choice import CHOICE_NUMBERS
from siam_tracker_ros.runtime.passes import KernelsPass, LookPass, TemplatePass

OPSET = 17
FORMAT = 2
"""Of the folder; a folder of another format is exported anew."""


class ExportError(ValueError):
    """A folder of ONNX files that cannot be used, or a network that cannot be written; the message says why."""


@dataclass(frozen=True)
class Facts:
    """What ``model.json`` says.

    Attributes:
        model: zoo name.
        geometry: the network's sizes.
        precision: number format of features and kernels, ``float32`` or ``float16``; patches are uint8, maps float32.
        weights: SHA-256 of the network's numbers.
        torch: version that wrote the files.
        format: of the folder.
    """

    model: str
    geometry: Geometry
    precision: str
    weights: str
    torch: str
    format: int = FORMAT


class ExportedNetwork:
    """A folder of ONNX files, written as they are asked for.

    Args:
        folder: where the files are, or are to be.
        facts: what they are of.
        network: the network that files which are missing are written of; None where the folder is all there is.
    """

    def __init__(self, folder: Path, facts: Facts, network: nn.Module | None = None) -> None:
        self.folder, self.facts = folder, facts
        self._network = network
        self._running: nn.Module | None = None

    @property
    def geometry(self) -> Geometry:
        """The network's sizes."""
        return self.facts.geometry

    def template(self) -> Path:
        """The file of the template pass: ``patch`` uint8 [1, T, T, 3] to ``feature_0``, ``feature_1``, ..."""
        return self._file("template.onnx")

    def kernels(self) -> Path:
        """The file of the kernels pass: ``feature_0``, ... to ``kernel_0``, ``kernel_1``, ..."""
        return self._file("kernels.onnx")

    def search(self, size: int) -> Path:
        """The file of the search pass of patches of ``size`` pixels.

        ``patch`` uint8 [1, S, S, 3], ``window``, ``numbers`` and ``kernel_0``, ... to ``choice``, ``rows`` and
        ``features``, as :class:`~siam_tracker_ros.runtime.passes.LookPass` has them.
        """
        return self._file(f"search_{size}.onnx", size)

    def write_all(self, sizes: Sequence[int]) -> list[Path]:
        """Write all files that are missing. ``sizes``: sides of search patches, pixels."""
        return [self.template(), self.kernels(), *(self.search(size) for size in sizes)]

    def _file(self, name: str, size: int = 0) -> Path:
        path = self.folder / name
        if path.is_file():
            return path
        if self._network is None:
            raise ExportError(f"{path}: no such file; export {self.facts.model} again" + (size > 0) * f" with {size}")
        if not (self.folder / "model.json").is_file():
            self._write_facts()
        self._write(path, size)
        return path

    def _write_facts(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with _whole_file(self.folder / "model.json") as part:
            part.write_text(json.dumps(asdict(self.facts), indent=2) + "\n", encoding="utf-8")

    @torch.no_grad()
    def _write(self, path: Path, size: int) -> None:
        if self._running is None:
            assert self._network is not None
            dtype = getattr(torch, self.facts.precision)
            self._running = for_running(self._network).to(device="cpu", dtype=dtype)
        module = self._running
        network, dtype = cast(SiameseNetwork, module), getattr(torch, self.facts.precision)
        side = self.geometry.template_size
        patch = torch.zeros(1, side, side, 3, dtype=torch.uint8)
        template = TemplatePass(module, dtype)
        features = template(patch)
        kernels = network.kernels(features)
        feature_names = [f"feature_{i}" for i in range(len(features))]
        kernel_names = [f"kernel_{i}" for i in range(len(kernels))]
        if path.name == "template.onnx":
            self._export(template, (patch,), path, ["patch"], feature_names)
        elif path.name == "kernels.onnx":
            self._export(KernelsPass(module), features, path, feature_names, kernel_names)
        else:
            patch = torch.zeros(1, size, size, 3, dtype=torch.uint8)
            points = point_grid(self.geometry.at(size)).flatten(1)
            given = (patch, torch.ones(1, points.shape[1]), torch.ones(1, CHOICE_NUMBERS), *kernels)
            names = ["patch", "window", "numbers", *kernel_names]
            self._export(LookPass(module, points, dtype), given, path, names, ["choice", "rows", "features"])

    def _export(
        self, module: nn.Module, inputs: tuple[Tensor, ...], path: Path, names: list[str], outputs: list[str]
    ) -> None:
        try:
            with _whole_file(path) as part, _quiet():
                torch.onnx.export(
                    module.eval(),
                    inputs,
                    str(part),
                    input_names=names,
                    output_names=outputs,
                    opset_version=OPSET,
                    **_TRACED,
                )
                _annotate(part, self.facts)
        except (RuntimeError, TypeError, OSError) as error:  # an operation without a counterpart, a full disk
            raise ExportError(f"{path}: {self.facts.model} cannot be written as ONNX: {error}") from error


# By tracing: what torch's newer exporter needs beside torch is not needed for networks without branches.
_TRACED: dict[str, Any] = {"dynamo": False} if tuple(int(x) for x in torch.__version__.split(".")[:2]) >= (2, 5) else {}


def facts_of(network: nn.Module, model: str, dtype: torch.dtype = torch.float32) -> Facts:
    """What ``model.json`` is to say of a network."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)} ".encode())
        digest.update(value.detach().cpu().contiguous().view(-1).numpy().data)
    geometry = cast(Geometry, network.geometry)
    return Facts(model, geometry, str(dtype).removeprefix("torch."), digest.hexdigest(), torch.__version__)


def read_exported(folder: Path) -> ExportedNetwork:
    """The network that a folder holds.

    Raises:
        ExportError: no ``model.json``, or one that does not say what it must.
    """
    path = folder / "model.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        facts = Facts(**{**values, "geometry": Geometry(**values["geometry"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ExportError(f"{folder} holds no exported network: {path.name}: {error}") from error
    if facts.format != FORMAT:
        raise ExportError(f"{folder} has format {facts.format}, and this version reads {FORMAT}; export it again")
    return ExportedNetwork(folder, facts)


def is_exported(folder: Path) -> bool:
    """Whether a path is a folder that ``siam-track export`` has written."""
    return (folder / "model.json").is_file()


def engine_folder(facts: Facts) -> Path:
    """Where files that are made when a model is loaded are kept for the next time.

    ``SIAM_TRACKER_CACHE`` names the folder for all models, else it is ``~/.cache/siam_tracker_ros`` (or
    ``XDG_CACHE_HOME``'s); where that cannot be written, it is a folder for temporary files.
    """
    name = f"{facts.model}-{facts.precision}-{facts.weights[:16]}-torch{facts.torch.split('+')[0]}-{FORMAT}"
    for root in _cache_roots():
        folder = root / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix="siam_tracker_ros-")) / name


def _cache_roots() -> list[Path]:
    if chosen := os.environ.get("SIAM_TRACKER_CACHE"):
        return [Path(chosen)]
    home = os.environ.get("XDG_CACHE_HOME") or (Path.home() / ".cache" if os.environ.get("HOME") else None)
    user = [Path(home) / "siam_tracker_ros"] if home else []
    return [*user, Path(tempfile.gettempdir()) / f"siam_tracker_ros-{os.getuid()}"]


def _annotate(path: Path, facts: Facts) -> None:
    """Put the facts into the file itself too, where the package ``onnx`` is there to do so."""
    try:
        import onnx
    except ImportError:
        return
    model = onnx.load(path)
    values = {**asdict(facts), "geometry": json.dumps(asdict(facts.geometry))}
    onnx.helper.set_model_props(model, {f"siam_tracker_ros.{name}": str(value) for name, value in values.items()})
    onnx.save(model, path)


@contextlib.contextmanager
def _whole_file(path: Path) -> Iterator[Path]:
    """A file beside ``path`` to write to, which takes its place once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
