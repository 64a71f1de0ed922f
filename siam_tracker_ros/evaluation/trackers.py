"""Which trackers to measure, as plain data that can be sent to another process and built there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2

from siam_tracker_ros.evaluation.one_pass import SequenceTracker
from siam_tracker_ros.evaluation.peers import PEERS, PeerError, nano_tracker, peer_tracker

__all__ = ["TrackerSpec", "parse_tracker"]


@dataclass(frozen=True)
class TrackerSpec:
    """A tracker by name.

    name: what tables and folders call it.
    model: a name of the zoo, a path to weights, or a peer (`csrt`, `kcf`, `mil`, `nano`).
    weights: weights to use instead of the shipped ones (zoo only).
    device: `auto`, `cpu`, `cuda` or `cuda:N` (zoo only).
    onnx: backbone and head of `nano`.
    """

    name: str
    model: str
    weights: Path | None = None
    device: str = "auto"
    onnx: tuple[Path, Path] | None = None

    @property
    def is_peer(self) -> bool:
        """Whether it is one of OpenCV's, so that PyTorch is not needed."""
        return self.onnx is not None or self.model in PEERS

    def build(self) -> SequenceTracker:
        """The tracker itself. Raises ValueError when the model, its files or the device are not there."""
        if self.onnx is not None:
            return nano_tracker(*self.onnx)
        if self.model in PEERS:
            return peer_tracker(self.model)
        from siam_tracker_ros import load_tracker

        return cast(SequenceTracker, load_tracker(self.model, weights=self.weights, device=self.device))

    def set_threads(self, threads: int) -> None:
        """Let this process compute with `threads` CPU threads, whichever library the tracker uses."""
        cv2.setNumThreads(threads)
        if not self.is_peer:
            from siam_tracker_ros.runtime.threads import set_torch_threads

            set_torch_threads(threads)

    def fingerprint(self) -> dict[str, Any]:
        """What its tracks depend on: the model, checksums of its weights, the device (JSON values)."""
        if self.is_peer:
            made_by = {"model": self.model, "opencv": cv2.__version__}
            return made_by | {"onnx": [_checksum(path) for path in self.onnx or ()]}
        return {
            "model": self.model,
            "weights": _checksum(weights) if (weights := self._weights_file()) else None,
            "device": self.device,
        }

    def _weights_file(self) -> Path | None:
        if self.weights is not None:
            return self.weights
        if Path(self.model).is_file():
            return Path(self.model)
        from siam_tracker_ros.networks.zoo import MODELS

        return MODELS[self.model].weights_path if self.model in MODELS else None


def parse_tracker(text: str, *, weights: Path | None = None, device: str = "auto") -> TrackerSpec:
    """A tracker as the command line names it.

    text: a name of the zoo, a path to weights, `csrt`, `kcf`, `mil`, or `nano=BACKBONE.onnx,HEAD.onnx` (any
    name that begins with nano, so that two versions can be compared).
    Raises PeerError when `nano` comes without its two files.
    """
    name, given, files = text.partition("=")
    if name.lower().startswith("nano"):
        paths = [Path(part) for part in files.split(",") if part]
        if len(paths) != 2:
            raise PeerError(f"tracker '{text}': NanoTrack needs its two ONNX files, as {name}=BACKBONE.onnx,HEAD.onnx")
        return TrackerSpec(name=name, model="nano", onnx=(paths[0], paths[1]))
    if given:
        raise PeerError(f"tracker '{text}': only nano takes files after '='; use --weights or the path alone")
    if name.lower() in PEERS:
        return TrackerSpec(name=name.lower(), model=name.lower())
    return TrackerSpec(name=Path(name).stem, model=name, weights=weights, device=device)


def _checksum(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
