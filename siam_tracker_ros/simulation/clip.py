"""A flight as files: ``video.mp4`` and ``groundtruth.txt``, the layout that sequences have everywhere here.

``python -m siam_tracker_ros.simulation.clip FOLDER`` draws one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.progress import progress_bar
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


def drawn_frames(count: int) -> tuple[list[NDArray[np.uint8]], tuple[float, float, float, float]]:
    """The first frames of a flight, BGR uint8 [720, 1280, 3], and the target's box x, y, w, h in the first, pixels.

    Raises ImportError where the photographs (scikit-image) are not installed.
    """
    flight = Flight(FlightSettings())
    chosen = [flight[index] for index in range(min(count, len(flight)))]
    return [frame.image for frame in chosen], chosen[0].box.as_tuple()


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw a flight into a folder. ``arguments``: the command line's by default. Returns 2 for bad ones."""
    parser = argparse.ArgumentParser(prog="clip", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=FlightSettings.duration, help="at most 14")
    try:
        options = parser.parse_args(arguments)
        settings = FlightSettings(duration=options.seconds)
        with progress_bar("drawing the flight", max(1, round(settings.duration * settings.fps))) as bar:
            print(write_clip(options.folder, settings, progress=bar.update))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
