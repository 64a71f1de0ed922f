"""OpenCV's trackers behind the two methods of ours, to be measured in the same run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box

__all__ = ["PEERS", "OpenCVTracker", "PeerError", "PeerResult", "nano_tracker", "peer_tracker", "vit_tracker"]

# What users would otherwise pick. Sources: CSRT (Lukezic et al., CVPR 2017), KCF (Henriques et al., TPAMI
# 2015), MIL (Babenko et al., CVPR 2009). NanoTrack (HonglinChu/SiamTrackers) needs its two ONNX files, and VitTrack
# (opencv_zoo, models/object_tracking_vittrack) its one.
PEERS = ("csrt", "kcf", "mil")
_INSTALL = "install opencv-contrib-python-headless (the opencv-python package lacks it)"


class PeerError(ValueError):
    """A peer that this machine's OpenCV does not have, or whose network files cannot be used."""


@dataclass(frozen=True)
class PeerResult:
    """What a peer made of one frame.

    box: pixels of the image. found: False where OpenCV reported a failure and `box` is the last one.
    confidence: 0..1, nan where the tracker gives none.
    """

    box: Box
    found: bool
    confidence: float = math.nan


class OpenCVTracker:
    """One of OpenCV's trackers; each `init` starts a new one, since OpenCV's cannot be started twice."""

    def __init__(self, create: Callable[[], Any], *, scored: bool = False) -> None:
        """create: makes the OpenCV tracker. scored: whether its tracking score is a confidence, 0..1 (others: -1)."""
        self._create = create
        self._scored = scored
        self._tracker: Any = None
        self._box = Box(0.0, 0.0, 0.0, 0.0)

    def init(self, frame: NDArray[np.uint8], box: tuple[float, float, float, float], /) -> None:
        """Start on a BGR frame. OpenCV takes whole pixels, so x, y, w, h are rounded (to 1 at least)."""
        x, y, w, h = box
        self._tracker = self._create()
        self._tracker.init(frame, (round(x), round(y), max(round(w), 1), max(round(h), 1)))
        self._box = Box(x, y, w, h)

    def update(self, frame: NDArray[np.uint8], /) -> PeerResult:
        """Follow to the next BGR frame; the last box stands where OpenCV reports a failure.

        Raises PeerError before `init`, and cv2.error where OpenCV's tracker does (Vit, when its box left the image).
        """
        if self._tracker is None:
            raise PeerError("update before init: give the first frame and box to init")
        found, box = self._tracker.update(frame)
        if found:
            self._box = Box(*(float(value) for value in box))
        confidence = min(max(float(self._tracker.getTrackingScore()), 0.0), 1.0) if self._scored else math.nan
        return PeerResult(self._box, bool(found), confidence)


def peer_tracker(name: str) -> OpenCVTracker:
    """OpenCV's `csrt`, `kcf` or `mil` with its default settings. Raises PeerError where OpenCV lacks it.

    MIL draws its samples from a generator that OpenCV seeds by the clock: its figures differ from run to run.
    """
    if name not in PEERS:
        raise PeerError(f"unknown peer '{name}'; choose one of {', '.join(PEERS)}")
    create = getattr(cv2, f"Tracker{name.upper()}_create", None)
    if create is None:
        raise PeerError(f"OpenCV {cv2.__version__} has no {name.upper()} tracker; {_INSTALL}")
    return OpenCVTracker(create)


def nano_tracker(backbone: Path, head: Path) -> OpenCVTracker:
    """OpenCV's NanoTrack with the two ONNX files of its authors. Raises PeerError when they are of no use.

    Its confidence is the score of the cell it chose: the network's, lowered where the box changes its size or its
    proportions, 0.545 of it and 0.455 of the Hann window. OpenCV never reports a failure of NanoTrack.
    """
    settings = _settings(
        "Nano", {"backbone": backbone, "neckhead": head}, "NanoTrack's backbone and head as ONNX files"
    )
    return _network_tracker("Nano", settings, (backbone, head))


def vit_tracker(net: Path) -> OpenCVTracker:
    """OpenCV's VitTrack with its ONNX file. Raises PeerError when that is of no use.

    opencv_zoo has it as object_tracking_vittrack_2023sep.onnx, 714 726 bytes with the SHA-256 2990f0b7...8e91d.
    Its confidence is the network's score of the cell it chose times the Hann window; below 0.2 OpenCV reports a
    failure.

    It is measured as OpenCV has it. OpenCV 5.0.0 inverts the standard deviations that it divides the colours by as it
    would a quaternion (`1.0 / parameters.stdvalue` in tracker_vit.cpp), so that the network sees the second and third
    channel with the wrong sign and all of them too weak.
    """
    settings = _settings("Vit", {"net": net}, "VitTrack's ONNX file")
    return _network_tracker("Vit", settings, (net,))


def _settings(kind: str, files: dict[str, Path], wanted: str) -> Any:
    """OpenCV's parameters of a tracker with networks. files: field -> ONNX file."""
    opencv: Any = cv2  # not every build of OpenCV has them, and its type hints leave them out
    if not hasattr(opencv, f"Tracker{kind}_create"):
        raise PeerError(f"OpenCV {cv2.__version__} has no {kind} tracker; {_INSTALL}")
    settings = getattr(opencv, f"Tracker{kind}_Params")()
    for field, path in files.items():
        if not path.is_file():
            raise PeerError(f"{path}: no such file; give {wanted}")
        setattr(settings, field, str(path))
    return settings


def _network_tracker(kind: str, settings: Any, files: tuple[Path, ...]) -> OpenCVTracker:
    def create() -> Any:
        # OpenCV 5 warns at every start that its graph engine takes no target; nobody can act on that.
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        try:
            return getattr(cv2, f"Tracker{kind}_create")(settings)
        finally:
            cv2.utils.logging.setLogLevel(level)

    try:
        create()
    except cv2.error as error:
        names = " and ".join(path.name for path in files)
        raise PeerError(f"{names}: OpenCV cannot load {'it' if len(files) == 1 else 'them'} ({error.err})") from error
    return OpenCVTracker(create, scored=True)
