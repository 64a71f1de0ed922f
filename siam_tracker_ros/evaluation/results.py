"""Tracks as text files, in the form that OTB's and GOT-10k's tool kits read.

`FOLDER/NAME.txt` has a line `x,y,w,h` per frame (top-left corner, pixels, 4 decimals) and
`FOLDER/NAME_time.txt` a line of seconds per frame. `FOLDER/run.json` says what made them, so that a later run
does not mix them with others.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.evaluation.one_pass import Track

__all__ = ["ResultsError", "ResultsFolder", "folder_name", "rounded"]

_DECIMALS = 4


class ResultsError(ValueError):
    """Results on disk that cannot be used; the message says which and what to do."""


def folder_name(tracker: str) -> str:
    """A tracker's name as a folder: what file systems do not take becomes an underscore.

    >>> folder_name("siamban_r50:otb100"), folder_name("runs/first.safetensors+online")
    ('siamban_r50_otb100', 'runs_first.safetensors+online')
    """
    # File systems take names of 255 bytes; the end of a long path tells more than its beginning.
    return re.sub(r"[^A-Za-z0-9.+=,-]+", "_", tracker)[-200:].lstrip("._") or "tracker"


def rounded(track: Track) -> Track:
    """The track as its text file has it, so that figures do not depend on whether it was read back."""
    return replace(track, boxes=np.round(track.boxes, _DECIMALS))


class ResultsFolder:
    """The tracks of one tracker."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def start(self, made_by: dict[str, Any], *, resume: bool) -> None:
        """Prepare the folder. Without `resume`, tracks of an earlier run are removed.

        made_by: what the tracks depend on (model, checksum of the weights, device ...), JSON values.
        Raises ResultsError when `resume` is asked for and the tracks were made by something else.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        record = self.path / "run.json"
        if record.is_file():
            if not resume:
                for track in self.path.glob("*.txt"):
                    track.unlink()
            elif (before := _read_json(record)) != made_by:
                differs = sorted(key for key in before.keys() | made_by.keys() if before.get(key) != made_by.get(key))
                raise ResultsError(
                    f"{self.path}: was made with other {', '.join(differs)}; "
                    "run without --resume or choose another --out"
                )
        record.write_text(json.dumps(made_by, indent=2) + "\n", encoding="utf-8")

    def write(self, name: str, track: Track) -> None:
        """Write one track; a run that is cut off leaves either all of it or nothing to resume from."""
        times = self.path / f"{name}_time.txt"
        np.savetxt(times, track.times, fmt="%.6f")
        part = self.path / f"{name}.txt.part"
        np.savetxt(part, track.boxes, fmt=f"%.{_DECIMALS}f", delimiter=",")
        part.replace(self.path / f"{name}.txt")

    def read(self, name: str, frames: int) -> Track | None:
        """The track of a sequence with `frames` frames, or None when it is not there or not whole."""
        try:
            boxes = _read_table(self.path / f"{name}.txt", columns=4)
            times = _read_table(self.path / f"{name}_time.txt", columns=1)[:, 0]
        except (OSError, ValueError):
            return None
        return Track(boxes, times) if len(boxes) == len(times) == frames else None


def _read_table(path: Path, columns: int) -> NDArray[np.float64]:
    table = np.loadtxt(path, delimiter=",", ndmin=2, dtype=np.float64)
    if table.shape[1] != columns:
        raise ValueError(f"{path.name} has {table.shape[1]} columns instead of {columns}")
    return table


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
