"""OpenCV's trackers behind the two methods of ours, to be measured in the same run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box

__all__ = ["PEERS", "OpenCVTracker", "PeerError", "PeerResult", "nano_tracker", "peer_tracker"]

# What users would otherwise pick. Sources: CSRT (Lukezic et al., CVPR 2017), KCF (Henriques et al., TPAMI
# 2015), MIL (Babenko et al., CVPR 2009). NanoTrack (HonglinChu/SiamTrackers) needs its ONNX files.
PEERS = ("csrt", "kcf", "mil")
_INSTALL = "install opencv-contrib-python-headless (the opencv-python package lacks it)"


class PeerError(ValueError):
    """A peer that this machine's OpenCV does not have, or whose network files cannot be used."""


@dataclass(frozen=True)
class PeerResult:
    """box: pixels of the image. found: False where OpenCV reported a failure and `box` is the last one."""

    box: Box
    found: bool


class OpenCVTracker:
    """One of OpenCV's trackers; each `init` starts a new one, since OpenCV's cannot be started twice."""

    def __init__(self, create: Callable[[], Any]) -> None:
        """create: makes the OpenCV tracker."""
        self._create = create
        self._tracker: Any = None
        self._box = Box(0.0, 0.0, 0.0, 0.0)

    def init(self, frame: NDArray[np.uint8], box: tuple[float, float, float, float], /) -> None:
        """Start on a BGR frame. OpenCV takes whole pixels, so x, y, w, h are rounded (to 1 at least)."""
        x, y, w, h = box
        self._tracker = self._create()
        self._tracker.init(frame, (round(x), round(y), max(round(w), 1), max(round(h), 1)))
        self._box = Box(x, y, w, h)

    def update(self, frame: NDArray[np.uint8], /) -> PeerResult:
        """Follow to the next BGR frame; the last box stands where OpenCV reports a failure."""
        if self._tracker is None:
            raise PeerError("update before init: give the first frame and box to init")
        found, box = self._tracker.update(frame)
        if found:
            self._box = Box(*(float(value) for value in box))
        return PeerResult(self._box, bool(found))


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
    """OpenCV's NanoTrack with the two ONNX files of its authors. Raises PeerError when they are of no use."""
    nano: Any = cv2  # not every build of OpenCV has it, and its type hints leave it out
    if not hasattr(nano, "TrackerNano_create"):
        raise PeerError(f"OpenCV {cv2.__version__} has no Nano tracker; {_INSTALL}")
    for path in (backbone, head):
        if not path.is_file():
            raise PeerError(f"{path}: no such file; give NanoTrack's backbone and head as ONNX files")
    settings = nano.TrackerNano_Params()
    settings.backbone = str(backbone)
    settings.neckhead = str(head)

    def create() -> Any:
        # OpenCV 5 warns at every start that its graph engine takes no target; nobody can act on that.
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        try:
            return nano.TrackerNano_create(settings)
        finally:
            cv2.utils.logging.setLogLevel(level)

    try:
        create()
    except cv2.error as error:
        raise PeerError(f"{backbone.name} and {head.name}: OpenCV cannot load them ({error.err})") from error
    return OpenCVTracker(create)
