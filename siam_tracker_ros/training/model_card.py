"""The model card of a run: what the weights are, out of what they were made, what is known of them and what is not."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass, fields
from importlib import metadata
from pathlib import Path

import jinja2

from siam_tracker_ros.training.curves import AUC, TITLES, Curves
from siam_tracker_ros.training.recipe import Recipe

_LIBRARIES = ("siam_tracker_ros", "torch", "torchvision", "lightning", "numpy", "opencv-contrib-python-headless")
_TEMPLATE = Path(__file__).with_name("model_card.md.j2")


@dataclass(frozen=True)
class Card:
    """What a card is written from.

    Attributes:
        recipe: of the run. weights: the file.
        start: the file that the run started from, None for random weights. fresh: how many tensors it did not fill.
        data: what each data set held and what was left out, in lines.
        curves: what was logged. best: the file with the best tracking score, None without validation.
        seconds: of training, over all starts of the run. machine: on what, in words.
    """

    recipe: Recipe
    weights: Path
    start: Path | None
    fresh: int
    data: str
    curves: Curves
    best: Path | None
    seconds: float
    machine: str

    def text(self) -> str:
        """The card as Markdown."""
        tracked = {n.removeprefix("validation/"): c for n, c in self.curves.items() if n.startswith("validation/")}
        steps, means = tracked.get("auc", ([0], [0.0]))
        last = {name: self.curves[name][1][-1] for name in TITLES if name in self.curves and name != AUC}
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True)
        return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
            {field.name: getattr(self, field.name) for field in fields(self)},
            size=self.weights.stat().st_size,
            weights_digest=_digest(self.weights),
            start_digest=_digest(self.start) if self.start else "",
            last=", ".join(f"{name} {value:.4g}" for name, value in last.items()),
            scores={name: values for name, (_, values) in tracked.items()},
            best_step=f"step {steps[means.index(max(means))]}",
            versions=", ".join([f"Python {platform.python_version()}", *_versions()]),
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _versions() -> list[str]:
    found = []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:  # OpenCV has several wheels, of which one is there
            continue
    return found
