"""A tiny data folder: drawn stills with one textured object each."""

import cv2
import numpy as np
import pytest

HEADER = "image,set,track,frame,x,y,w,h,image_width,image_height"


def draw_still(rng, width=200, height=150):
    """A noisy picture with a bright textured box; returns image and x, y, w, h."""
    image = cv2.resize(rng.integers(0, 120, (height // 10, width // 10, 3), dtype=np.uint8), (width, height))
    w, h = (int(v) for v in rng.integers(30, 60, 2))
    x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
    patch = cv2.resize(rng.integers(130, 256, (4, 4, 3), dtype=np.uint8), (w, h), interpolation=cv2.INTER_NEAREST)
    image[y : y + h, x : x + w] = patch
    return image, (x, y, w, h)


@pytest.fixture
def stills_folder(tmp_path):
    """stills.csv with six pictures of two sets; two of them show one object (track)."""
    rng = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    lines = [HEADER]
    for i in range(6):
        image, (x, y, w, h) = draw_still(rng)
        cv2.imwrite(str(tmp_path / "pictures" / f"{i}.png"), image)
        track = "one" if i in (2, 3) else ""
        lines.append(f"pictures/{i}.png,set{i % 2 if not track else 0},{track},{i},{x},{y},{w},{h},200,150")
    (tmp_path / "stills.csv").write_text("\n".join(lines) + "\n")
    return tmp_path
