"""What tests of training share: tiny drawn data to train on, and a recipe of a few steps."""

import cv2
import numpy as np

from siam_tracker_ros.training.recipe import Recipe

HEADER = "image,set,track,frame,x,y,w,h,image_width,image_height"


def draw_still(rng, width=200, height=150):
    """A noisy picture with a bright textured box; returns image and x, y, w, h."""
    image = cv2.resize(rng.integers(0, 120, (height // 10, width // 10, 3), dtype=np.uint8), (width, height))
    w, h = (int(v) for v in rng.integers(30, 60, 2))
    x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
    patch = cv2.resize(rng.integers(130, 256, (4, 4, 3), dtype=np.uint8), (w, h), interpolation=cv2.INTER_NEAREST)
    image[y : y + h, x : x + w] = patch
    return image, (x, y, w, h)


def draw_stills(folder):
    """stills.csv with six pictures of two sets; two of them show one object (track)."""
    rng = np.random.default_rng(0)
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    lines = [HEADER]
    for i in range(6):
        image, (x, y, w, h) = draw_still(rng)
        cv2.imwrite(str(folder / "pictures" / f"{i}.png"), image)
        track = "one" if i in (2, 3) else ""
        lines.append(f"pictures/{i}.png,set{i % 2 if not track else 0},{track},{i},{x},{y},{w},{h},200,150")
    (folder / "stills.csv").write_text("\n".join(lines) + "\n")
    return folder


def draw_sequence(folder, frames=4):
    """A sequence of a bright box that stands still on noise; returns its folder."""
    image, box = draw_still(np.random.default_rng(1))
    (folder / "img").mkdir(parents=True)
    for i in range(frames):
        cv2.imwrite(str(folder / "img" / f"{i + 1:04d}.png"), image)
    (folder / "groundtruth.txt").write_text(f"{','.join(map(str, box))}\n" * frames)
    return folder


def recipe_values(model="afsn_mobile", validation=None, **schedule):
    """The entries of a recipe for ``draw_stills``: five steps of two pairs, unless ``schedule`` says otherwise."""
    values = {
        "model": model,
        "sources": [{"path": "stills.csv", "layout": "stills"}],
        "schedule": {
            "epochs": 5,
            "pairs_per_epoch": 2,
            "batch": 2,
            "optimizer": "adamw",
            "rate": 1e-3,
            "final_rate": 1e-4,
            "ema": 0.5,
            **schedule,
        },
    }
    return values | ({"validation": validation} if validation else {})


def small_recipe(model="afsn_mobile", *, shortcuts=None, validation=None, **schedule):
    """The same as a recipe."""
    return Recipe.model_validate({**recipe_values(model, validation, **schedule), "shortcuts": shortcuts})


def silent(_):
    """Says nothing."""
