"""Anchor-free Siamese trackers with APCE-gated multi-template updates, as a library and as a ROS 2 node.

>>> from siam_tracker_ros import load_tracker
>>> tracker = load_tracker("afsn_mobile")            # doctest: +SKIP
>>> tracker.init(frame, (x, y, w, h))                # doctest: +SKIP
>>> result = tracker.update(next_frame)              # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from siam_tracker_ros.geometry import Box, BoxError, FrameError
from siam_tracker_ros.tracking.contract import TrackResult
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.state import TrackState

if TYPE_CHECKING:
    from siam_tracker_ros.tracking.multi import MultiTracker
    from siam_tracker_ros.tracking.tracker import Tracker

__version__ = "0.1.0"
__all__ = [
    "Box",
    "BoxError",
    "FrameError",
    "MultiTracker",
    "TrackResult",
    "TrackState",
    "Tracker",
    "TrackerSettings",
    "load_tracker",
    "load_trackers",
]


def load_tracker(
    model: str = "afsn_mobile",
    *,
    weights: str | Path | None = None,
    device: str = "auto",
    precision: str = "float32",
    settings: TrackerSettings | None = None,
    preset: str = "",
    online: bool | None = None,
    runtime: str = "auto",
) -> Tracker:
    """A tracker with trained weights.

    Args:
        model: a name of the zoo, a path to safetensors weights that name their model in their metadata, or a folder
            that ``siam-track export`` has written.
        weights: a safetensors file to use instead of the shipped one.
        device: ``auto`` (CUDA where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``float32``; ``float16`` or ``bfloat16`` on CUDA; ``bfloat16`` on CPUs that compute in it.
        settings: thresholds and gains; None: those of the preset.
        preset: the model's settings by name, such as ``otb100`` of ``siamban_r50``; empty: the model's usual ones.
        online: the online branch on or off; None: as the settings say.
        runtime: what computes: ``eager`` (PyTorch), ``cuda_graph``, ``onnx`` (ONNX Runtime), ``tensorrt``,
            ``openvino``, or ``auto``: the fastest that is installed and gives PyTorch's numbers, measured once.

    Raises:
        ValueError: unknown model, weights that are missing, broken or of another network, unknown or missing
            device or runtime, unknown preset.
    """
    from siam_tracker_ros.tracking.load import load_tracker as load

    return load(
        model,
        weights=weights,
        device=device,
        precision=precision,
        settings=settings,
        preset=preset,
        online=online,
        runtime=runtime,
    )


def load_trackers(
    model: str = "afsn_mobile",
    *,
    weights: str | Path | None = None,
    device: str = "auto",
    precision: str = "float32",
    settings: TrackerSettings | None = None,
    preset: str = "",
    online: bool | None = None,
    runtime: str = "auto",
) -> MultiTracker:
    """A tracker of several targets at once; arguments and errors as for `load_tracker`."""
    from siam_tracker_ros.tracking.load import load_trackers as load

    return load(
        model,
        weights=weights,
        device=device,
        precision=precision,
        settings=settings,
        preset=preset,
        online=online,
        runtime=runtime,
    )


def __getattr__(name: str) -> Any:
    # The tracker imports torch, which takes seconds: only who uses it pays for it.
    if name == "Tracker":
        from siam_tracker_ros.tracking.tracker import Tracker

        return Tracker
    if name == "MultiTracker":
        from siam_tracker_ros.tracking.multi import MultiTracker

        return MultiTracker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
