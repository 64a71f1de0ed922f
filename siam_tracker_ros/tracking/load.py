"""A tracker of one or of several targets from a model's name or a weights file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from siam_tracker_ros.networks.weights import WeightsError, load_weights, read_metadata
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.runtime.device import resolve_device, resolve_precision
from siam_tracker_ros.runtime.exported import is_exported, read_exported
from siam_tracker_ros.runtime.host import FileRuntime
from siam_tracker_ros.runtime.protocol import Runtime
from siam_tracker_ros.runtime.selection import make_runtime, run_exported
from siam_tracker_ros.tracking.calibration import Calibration, read_calibration
from siam_tracker_ros.tracking.multi import MultiTracker
from siam_tracker_ros.tracking.presets import preset as preset_of
from siam_tracker_ros.tracking.search_size import search_sizes
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.tracker import Tracker


def load_tracker(model: str, **choices: Any) -> Tracker:
    """See :func:`siam_tracker_ros.load_tracker`."""
    return Tracker(*loaded(model, **choices))


def load_trackers(model: str, **choices: Any) -> MultiTracker:
    """See :func:`siam_tracker_ros.load_trackers`."""
    return MultiTracker(*loaded(model, **choices))


def loaded(
    model: str,
    *,
    weights: str | Path | None,
    device: str,
    precision: str,
    settings: TrackerSettings | None,
    preset: str,
    online: bool | None,
    runtime: str,
) -> tuple[Runtime, str, TrackerSettings, Calibration | None]:
    """What a tracker is made of: runtime, the model's zoo name, settings, calibration."""
    if weights is None and model not in MODELS and is_exported(Path(model)):
        return _exported(Path(model), device, settings, preset, online, runtime)
    if weights is None and model not in MODELS and (model.endswith(".safetensors") or Path(model).is_file()):
        weights, model = model, model_of(Path(model))
    if model not in MODELS:
        raise ValueError(f"unknown model '{model}'; use one of {', '.join(MODELS)}, or a path to safetensors weights")
    chosen = resolve_device(device)
    dtype = resolve_precision(precision, chosen)
    path, network = network_of(model, weights)
    ready = make_runtime(network, model, chosen, dtype, runtime)
    settings = _settings(model, settings, preset, online)
    _prepare(ready, settings)
    return ready, model, settings, read_calibration(path)


def network_of(model: str, weights: str | Path | None = None) -> tuple[Path, nn.Module]:
    """A model of the zoo with its weights, and the file that they are from.

    Args:
        weights: a safetensors file; None for those that come with the package.

    Raises:
        WeightsError: none come with the package, or the file is missing, broken or of another network.
    """
    entry = MODELS[model]
    path = Path(weights) if weights else entry.weights_path
    if path is None:
        raise WeightsError(f"no trained weights of {model} come with this package; give a file with weights=PATH")
    network = entry.build_for(read_metadata(path))
    load_weights(network, path, model)
    return path, network


def _exported(
    folder: Path, device: str, settings: TrackerSettings | None, preset: str, online: bool | None, runtime: str
) -> tuple[Runtime, str, TrackerSettings, Calibration | None]:
    """A folder that ``siam-track export`` has written."""
    exported = read_exported(folder)
    model = exported.facts.model
    ready = run_exported(exported, resolve_device(device), runtime)
    settings = _settings(model, settings, preset, online)
    _prepare(ready, settings)
    return ready, model, settings, read_calibration(folder / f"{model}.onnx")


def _prepare(runtime: Runtime, settings: TrackerSettings) -> None:
    if isinstance(runtime, FileRuntime):
        runtime.prepare_sizes(search_sizes(runtime.geometry, settings))


def _settings(model: str, settings: TrackerSettings | None, preset: str, online: bool | None) -> TrackerSettings:
    settings = settings or preset_of(model, preset)
    return settings if online is None else replace(settings, online=online)


def model_of(path: Path) -> str:
    """The zoo name that a weights file says it is of.

    Raises:
        WeightsError: missing or unreadable file, or one that does not say.
    """
    model = read_metadata(path).get("model")
    if model not in MODELS:
        raise WeightsError(f"{path} does not name its model in its metadata; give the model's name and weights={path}")
    return str(model)
