"""A flight as files: ``video.mp4`` and ``groundtruth.txt``, the layout that sequences have everywhere here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from siam_tracker_ros.simulation.flight import Flight, FlightSettings
from siam_tracker_ros.video import VideoWriter


def write_clip(
    folder: str | Path, settings: FlightSettings | None = None, progress: Callable[[], object] | None = None
) -> Path:
    """Draw a flight into ``folder`` (made if need be) and return the video's path.

    ``groundtruth.txt`` has a line ``x,y,w,h`` per frame, nan where nothing of the target can be seen;
    ``visibility.txt`` the share of it that can be seen. ``progress`` is called after each frame. Nothing is
    left half-written: the ground truth comes last.
    """
    folder = Path(folder)
    flight = Flight(settings)
    s = flight.settings
    truth, visibility = [], []
    with VideoWriter(folder / "video.mp4", s.fps, (s.width, s.height), crf=14) as video:
        for frame in flight:
            video.write(frame.image)
            truth.append(",".join(f"{value:g}" for value in frame.box.as_tuple()))
            visibility.append(f"{frame.visibility:.4f}")
            if progress is not None:
                progress()
    (folder / "visibility.txt").write_text("\n".join(visibility) + "\n", encoding="utf-8")
    (folder / "groundtruth.txt").write_text("\n".join(truth) + "\n", encoding="utf-8")
    return folder / "video.mp4"
