"""The models by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from siam_tracker_ros.networks.afsn import AFSN
from siam_tracker_ros.networks.afsn_mobile import AFSNMobile
from siam_tracker_ros.networks.backbones import Shortcuts
from siam_tracker_ros.networks.ocean import Ocean, OceanOnline
from siam_tracker_ros.networks.siam_hne import SiamHNE
from siam_tracker_ros.networks.siam_sae import SiamSAE
from siam_tracker_ros.networks.siamban import SiamBAN

WEIGHTS_FOLDER = Path(__file__).resolve().parent.parent / "weights"


@dataclass(frozen=True)
class ModelEntry:
    """A model of the zoo.

    Attributes:
        name: what ``load_tracker`` takes.
        summary: one line.
        paper: where it comes from.
        network: makes the network, untrained; takes ``shortcuts`` where there is more than one kind of them.
        shortcuts: the kinds of shortcut that the backbone can be built with, the usual one first; empty where there is
            no choice. Weights name theirs in their metadata.
        object_aware: whether the network has an object-aware head that some public checkpoints lack.
        shipped: whether trained weights come with the package.
    """

    name: str
    summary: str
    paper: str
    network: Callable[..., nn.Module]
    shortcuts: tuple[Shortcuts, ...] = ()
    object_aware: bool = False
    shipped: bool = False

    def build(self, shortcuts: str | None = None, object_aware: bool = True) -> nn.Module:
        """The network, untrained.

        Args:
            shortcuts: one of ``self.shortcuts``, or None for the usual kind.
            object_aware: False to leave out the object-aware head.

        Raises:
            ValueError: this model cannot be built with such shortcuts, or has no such head.
        """
        options: dict[str, object] = {}
        if shortcuts is not None:
            if shortcuts not in self.shortcuts:
                kinds = " or ".join(self.shortcuts) or "one kind only"
                raise ValueError(f"{self.name} has no shortcuts '{shortcuts}'; it has {kinds}")
            options["shortcuts"] = shortcuts
        if not object_aware:
            if not self.object_aware:
                raise ValueError(f"{self.name} has no object-aware head to leave out")
            options["object_aware"] = False
        return self.network(**options)

    def build_for(self, metadata: Mapping[str, str]) -> nn.Module:
        """The network that weights with this metadata are of, untrained. Raises ValueError as :meth:`build`."""
        return self.build(metadata.get("shortcuts"), metadata.get("object_aware") != "false")

    @property
    def weights_path(self) -> Path | None:
        """The shipped weights, None where the package has none."""
        path = WEIGHTS_FOLDER / f"{self.name}.safetensors"
        return path if self.shipped and path.is_file() else None


_AFSN = "Anchor-Free Siamese Network Based on Multi-Template Updates for Object Tracking"
_OCEAN = "Ocean: Object-aware Anchor-free Tracking"

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
        ),
        ModelEntry(
            "siam_sae_r50",
            "SAE as published: spatial attention on three levels of both branches",
            "Siamese anchor-free object tracking with multiscale spatial attentions",
            SiamSAE,
        ),
        ModelEntry(
            "siamban_r50",
            "SiamBAN as published: box-adaptive heads on three levels",
            "Siamese Box Adaptive Network for Visual Tracking",
            SiamBAN,
            shortcuts=("3x3", "1x1"),
        ),
        ModelEntry(
            "ocean_r50",
            "Ocean as published, offline: one level, dilated combinations, object-aware classification",
            _OCEAN,
            Ocean,
            shortcuts=("3x3", "1x1"),
            object_aware=True,
        ),
        ModelEntry(
            "ocean_online_r50",
            "Ocean with its online branch: a filter trained by conjugate gradient while tracking",
            _OCEAN,
            OceanOnline,
            shortcuts=("3x3", "1x1"),
            object_aware=True,
        ),
        ModelEntry(
            "siam_hne_r50",
            "HNE as published: FCOS heads on three levels, trained with hard negative samples emphasis",
            "Hard Negative Samples Emphasis Tracker without Anchors",
            SiamHNE,
        ),
    )
}
