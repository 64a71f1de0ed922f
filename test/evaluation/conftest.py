"""Small moving-square sequences, and Hypothesis without a deadline: a busy machine is not a failure."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
def make_sequence(tmp_path: Path) -> Callable[..., Path]:
    """Writes `tmp_path/data/NAME`, a textured square moving over a textured ground; gives `tmp_path/data`."""

    def make(name: str, frames: int = 8, step: float = 2.0) -> Path:
        rng = np.random.default_rng(len(name))
        ground = cv2.GaussianBlur(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8), (0, 0), 2)
        square = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        folder = tmp_path / "data" / name
        (folder / "img").mkdir(parents=True)
        boxes = []
        for index in range(frames):
            x, y = 20 + round(step * index), 30 + round(step * index / 2)
            frame = ground.copy()
            frame[y : y + 24, x : x + 24] = square
            cv2.imwrite(str(folder / "img" / f"{index + 1:04d}.png"), frame)
            boxes.append(f"{x},{y},24,24")
        (folder / "groundtruth.txt").write_text("\n".join(boxes) + "\n", encoding="utf-8")
        return tmp_path / "data"

    return make
