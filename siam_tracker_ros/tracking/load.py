"""A tracker of one or of several targets from a model's name or a weights file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from siam_tracker_ros.networks.weights import WeightsError, load_weights, read_metadata
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.runtime.device import resolve_device, resolve_precision
from siam_tracker_ros.runtime.eager import EagerRuntime
from siam_tracker_ros.tracking.calibration import Calibration, read_calibration
from siam_tracker_ros.tracking.multi import MultiTracker
from siam_tracker_ros.tracking.presets import preset as preset_of
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.tracker import Tracker


def load_tracker(model: str, **choices: Any) -> Tracker:
    """See :func:`siam_tracker_ros.load_tracker`."""
    return Tracker(*_loaded(model, **choices))


def load_trackers(model: str, **choices: Any) -> MultiTracker:
    """See :func:`siam_tracker_ros.load_trackers`."""
    return MultiTracker(*_loaded(model, **choices))


def _loaded(
    model: str,
    *,
    weights: str | Path | None,
    device: str,
    precision: str,
    settings: TrackerSettings | None,
    preset: str,
    online: bool | None,
) -> tuple[EagerRuntime, str, TrackerSettings, Calibration | None]:
    if weights is None and model not in MODELS and (model.endswith(".safetensors") or Path(model).is_file()):
        weights, model = model, model_of(Path(model))
    if model not in MODELS:
        raise ValueError(f"unknown model '{model}'; use one of {', '.join(MODELS)}, or a path to safetensors weights")
    entry = MODELS[model]
    path = Path(weights) if weights else entry.weights_path
    if path is None:
        raise WeightsError(f"no trained weights of {model} come with this package; give a file with weights=PATH")
    chosen = resolve_device(device)
    dtype = resolve_precision(precision, chosen)
    settings = settings or preset_of(model, preset)
    if online is not None:
        settings = replace(settings, online=online)
    network = entry.build_for(read_metadata(path))
    load_weights(network, path, model)
    return EagerRuntime(network, chosen, dtype), model, settings, read_calibration(path)


def model_of(path: Path) -> str:
    """The zoo name that a weights file says it is of.

    Raises:
        WeightsError: missing or unreadable file, or one that does not say.
    """
    model = read_metadata(path).get("model")
    if model not in MODELS:
        raise WeightsError(f"{path} does not name its model in its metadata; give the model's name and weights={path}")
    return str(model)
