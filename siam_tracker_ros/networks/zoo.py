"""The models by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from siam_tracker_ros.networks.afsn import AFSN
from siam_tracker_ros.networks.afsn_mobile import AFSNMobile

WEIGHTS_FOLDER = Path(__file__).resolve().parent.parent / "weights"


@dataclass(frozen=True)
class ModelEntry:
    """A model of the zoo.

    Attributes:
        name: what ``load_tracker`` takes.
        summary: one line.
        paper: where it comes from.
        build: makes the network, untrained.
        shipped: whether trained weights come with the package.
    """

    name: str
    summary: str
    paper: str
    build: Callable[[], nn.Module]
    shipped: bool

    @property
    def weights_path(self) -> Path | None:
        """The shipped weights, None where the package has none."""
        path = WEIGHTS_FOLDER / f"{self.name}.safetensors"
        return path if self.shipped and path.is_file() else None


_AFSN = "Anchor-Free Siamese Network Based on Multi-Template Updates for Object Tracking"

MODELS: dict[str, ModelEntry] = {
    entry.name: entry
    for entry in (
        ModelEntry(
            "afsn_mobile",
            "AFSN's design on MobileNetV3-small at stride 16, for two CPU cores at camera rate",
            f"{_AFSN} (the design; the mobile network is this package's)",
            AFSNMobile,
            shipped=True,
        ),
        ModelEntry(
            "afsn_r50",
            "AFSN as published: ResNet-50 at stride 8, dual fusion, centre-ness, multi-template update",
            _AFSN,
            AFSN,
            shipped=False,
        ),
    )
}
