"""Which trackers to measure, as plain data that can be sent to another process and built there."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2

from siam_tracker_ros.evaluation.one_pass import SequenceTracker
from siam_tracker_ros.evaluation.peers import PEERS, PeerError, nano_tracker, peer_tracker, vit_tracker
from siam_tracker_ros.tracking.calibration import calibration_path
from siam_tracker_ros.tracking.presets import PRESETS, model_name
from siam_tracker_ros.tracking.presets import preset as preset_of

__all__ = ["TrackerSpec", "parse_tracker"]

_RESULTS = "results"
# What tool kits write: boxes and times as text, and of VOT's also trajectories as bytes.
_RESULT_SUFFIXES = (".txt", ".bin", ".value")
# OpenCV's trackers with networks: how many ONNX files each takes, and what to say where they are missing.
_ONNX_FILES = {
    "nano": (2, "NanoTrack needs its two ONNX files", "BACKBONE.onnx,HEAD.onnx"),
    "vit": (1, "VitTrack needs its ONNX file", "MODEL.onnx"),
}


@dataclass(frozen=True)
class TrackerSpec:
    """A tracker by name: of the zoo, of OpenCV (a peer), or known by the results that another tool kit wrote.

    name: what tables and folders call it.
    model: a name of the zoo, a path to weights, a peer (`csrt`, `kcf`, `mil`, `nano`, `vit`), or `results`.
    weights: weights to use instead of the shipped ones (zoo only).
    device: `auto`, `cpu`, `cuda` or `cuda:N` (zoo only).
    runtime, precision: as of `load_tracker` (zoo only).
    onnx: the ONNX files of `nano` (backbone and head) or `vit` (one); empty for all others.
    preset: the model's settings by name, empty for its usual ones (zoo only).
    online: the online branch on or off, None as the preset says (zoo only).
    results: the folder with one tracker's results (`results` only).
    """

    name: str
    model: str
    weights: Path | None = None
    device: str = "auto"
    onnx: tuple[Path, ...] = ()
    preset: str = ""
    online: bool | None = None
    results: Path | None = None
    runtime: str = "auto"
    precision: str = "float32"

    @property
    def is_peer(self) -> bool:
        """Whether it is one of OpenCV's, so that PyTorch is not needed."""
        return bool(self.onnx) or self.model in PEERS

    @property
    def is_results(self) -> bool:
        """Whether its tracks are read from `results` (`foreign_results.read_track`) instead of being made."""
        return self.results is not None

    def build(self) -> SequenceTracker:
        """The tracker itself. Raises ValueError for results, or when the model, its files or the device are missing."""
        if self.results is not None:
            raise ValueError(f"{self.name} is a folder of results, {self.results}; it has no tracker to run")
        if self.onnx:
            return nano_tracker(*self.onnx) if self.model == "nano" else vit_tracker(*self.onnx)
        if self.model in PEERS:
            return peer_tracker(self.model)
        from siam_tracker_ros import load_tracker

        return cast(
            SequenceTracker,
            load_tracker(
                self.model,
                weights=self.weights,
                device=self.device,
                precision=self.precision,
                preset=self.preset,
                online=self.online,
                runtime=self.runtime,
            ),
        )

    def set_threads(self, threads: int) -> None:
        """Let this process compute with `threads` CPU threads, whichever library the tracker uses."""
        cv2.setNumThreads(threads)
        if not (self.is_peer or self.is_results):
            from siam_tracker_ros.runtime.threads import set_torch_threads

            set_torch_threads(threads)

    def fingerprint(self) -> dict[str, Any]:
        """What its tracks depend on: the model, checksums of its weights, the device, settings (JSON values).

        Of results: the folder, and a digest of the names, sizes and times of change of the result files in it.
        """
        if self.results is not None:
            folder = str(self.results.resolve())
            return {"model": self.model, "folder": folder, "files": _digest_of_texts(self.results)}
        if self.is_peer:
            made_by = {"model": self.model, "opencv": cv2.__version__}
            return made_by | {"onnx": [_checksum(path) for path in self.onnx]}
        return {
            "model": self.model,
            "weights": _checksum(weights) if (weights := self._weights_file()) else None,
            # Of the confidences, which are recorded too.
            "calibration": _checksum(calibration_path(weights)) if weights else None,
            "device": self.device,
            "runtime": self.runtime,
            "precision": self.precision,
            "preset": self.preset,
            "online": self.online,
            # A preset of the same name may have other numbers in another version.
            "settings": dataclasses.asdict(preset_of(model_name(self.model), self.preset)),
        }

    def _weights_file(self) -> Path | None:
        if self.weights is not None:
            return self.weights
        if Path(self.model).is_file():
            return Path(self.model)
        from siam_tracker_ros.networks.zoo import MODELS

        return MODELS[self.model].weights_path if self.model in MODELS else None


def parse_tracker(text: str, *, weights: Path | None = None, device: str = "auto") -> TrackerSpec:
    """A tracker as the command line names it; tables call it the same.

    text: one of

    - `csrt`, `kcf`, `mil`: OpenCV's;
    - `nano=BACKBONE.onnx,HEAD.onnx`, `vit=MODEL.onnx`: OpenCV's with networks, under any name that begins so, that two
      versions can be compared;
    - `NAME=FOLDER`, where FOLDER is there: the results of another tool kit, tabled as NAME;
    - `MODEL[:PRESET][+online]`: a name of the zoo or a path to weights; `+offline` turns off an online branch that is
      on in the preset.

    Raises PeerError when `nano` or `vit` comes without its files, another peer with what it does not have, or a name
    with what is no folder, and ValueError for an unknown preset or addition.
    """
    if Path(text).is_file():  # whatever its name may look like
        return TrackerSpec(name=text, model=text, weights=weights, device=device)
    name, given, files = text.partition("=")
    if name and files and Path(files).is_dir():
        return TrackerSpec(name=name, model=_RESULTS, results=Path(files))
    path_like = "/" in name or ".safetensors" in name  # of weights that are not there, or with a preset
    for model, (count, needs, form) in _ONNX_FILES.items():
        if name.lower().startswith(model) and not path_like:
            paths = tuple(Path(part) for part in files.split(",") if part)
            if len(paths) != count:
                raise PeerError(f"tracker '{text}': {needs}, as {name}={form}")
            return TrackerSpec(name=name, model=model, onnx=paths)
    if given:
        raise PeerError(
            f"tracker '{text}': after '=' come the ONNX files of nano or vit, or a folder of results, and '{files}' is "
            "no folder; weights are named by --weights or by their path alone"
        )
    rest, added = _split(text, "+")
    if added not in (None, "online", "offline"):
        raise ValueError(f"tracker '{text}': after '+' comes online or offline, not '{added}'")
    model, preset = _split(rest, ":")
    if model.lower() in PEERS:
        if added is not None or preset is not None:
            raise PeerError(f"tracker '{text}': {model} is OpenCV's and has neither presets nor an online branch")
        return TrackerSpec(name=model.lower(), model=model.lower())
    if preset is not None:
        _check_preset(text, model, preset)
    online = None if added is None else added == "online"
    return TrackerSpec(name=text, model=model, weights=weights, device=device, preset=preset or "", online=online)


def _check_preset(text: str, model: str, preset: str) -> None:
    zoo = model_name(model)
    if zoo not in PRESETS:
        raise ValueError(f"tracker '{text}': '{model}' is neither a model of the zoo nor weights that name theirs")
    if not preset:
        raise ValueError(f"tracker '{text}': no preset after ':'; use one of {', '.join(PRESETS[zoo])}")
    try:
        preset_of(zoo, preset)
    except ValueError as error:
        raise ValueError(f"tracker '{text}': {error}") from error


def _split(text: str, mark: str) -> tuple[str, str | None]:
    """What stands before and after the last `mark`, None where there is none but in a path."""
    before, found, after = text.rpartition(mark)
    if not found or Path(text).is_file() or "/" in after or ".safetensors" in after:
        return text, None
    return before, after


def _digest_of_texts(folder: Path) -> str:
    """Changes when a result file comes, goes or is written anew; of a large benchmark's, faster than a checksum."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.*")):
        if path.suffix in _RESULT_SUFFIXES and path.is_file():
            status = path.stat()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _checksum(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
