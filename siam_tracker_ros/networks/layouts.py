"""How other projects name their tensors, and how this package does.

One function per layout from their name to ours; None for a name that the layout does not have. What a layout leaves
out is written down with the reason; nothing else is ever left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

Names = Mapping[str, str]


@dataclass(frozen=True)
class Layout:
    """The tensor names of another project's checkpoint.

    Attributes:
        name: what ``siam-track convert`` takes.
        summary: one line.
        model: the zoo's model that takes the tensors.
        ours: their name to our name, None for a name that is not in this layout.
        theirs: our name to their name, for saying what is missing.
        mark: how a name begins that only this layout has.
        left_out: how names begin that are left out by design, and why.
        parts: how our names begin that the layout fills; empty: all of the model's.
        optional: how the names of a part begin that a checkpoint may lack altogether; empty: there is none.
        shortcuts: which shortcut convolutions the model is built with, None for its usual ones.
        squeezes_are_linear: their 2-d weights are our 1x1 convolutions.
        image: the input that the weights were trained for.
    """

    name: str
    summary: str
    model: str
    ours: Callable[[str], str | None]
    theirs: Callable[[str], str]
    mark: str
    left_out: Names
    parts: tuple[str, ...] = ()
    optional: str = ""
    shortcuts: str | None = None
    squeezes_are_linear: bool = False
    image: str = "BGR, 0 to 255"

    def reason_to_leave_out(self, name: str) -> str | None:
        """Why a tensor of theirs is left out by design, None if it is not."""
        return next((why for prefix, why in self.left_out.items() if name.startswith(prefix)), None)


def _renamed(name: str, names: Names) -> str | None:
    """``name`` with the longest of the leading parts in ``names`` replaced."""
    head = name
    while head:
        if head in names:
            return names[head] + name[len(head) :]
        head = head.rpartition(".")[0]
    return None


def _back(names: Names) -> Callable[[str], str]:
    turned = {ours: theirs for theirs, ours in names.items()}
    return lambda name: _renamed(name, turned) or name


def _siamban() -> Names:
    names = {"backbone": "backbone"}
    for level in (2, 3, 4):
        names[f"neck.downsample{level}.downsample"] = f"neck.{level - 2}"
        for theirs, ours in (("cls", "score"), ("loc", "box")):
            for part, place in (("conv_kernel", "kernel"), ("conv_search", "search"), ("head", "predict")):
                names[f"head.box{level}.{theirs}.{part}"] = f"heads.{level - 2}.{ours}.{place}"
    return names | {
        "head.cls_weight": "fusion.alpha",
        "head.loc_weight": "fusion.beta",
        "head.loc_scale": "fusion.scale",
    }


def _ocean() -> Names:
    names = {"features.features": "backbone", "neck.downsample": "neck"}
    for theirs, ours in (("cls", "score"), ("reg", "box")):
        for index, dilations in enumerate(("11", "12", "21")):
            for part, place in (("k", "kernel"), ("s", "search")):
                matrix = f"connect_model.{theirs}_encode.matrix{dilations}_{part}"
                names[matrix] = f"{ours}_combination.{place}.{index}"
        names[f"connect_model.{theirs}_dw.weight"] = f"{ours}_combination.weight"
    return names | {
        "connect_model.cls_tower": "score_tower",
        "connect_model.bbox_tower": "box_tower",
        "connect_model.cls_pred": "score",
        "connect_model.bbox_pred": "box",
        "connect_model.adjust": "box_scale",
        "connect_model.bias": "box_bias",
        "align_head.rpn_conv.conv": "alignment",
        "align_head.rpn_cls": "object_score",
    }


_SIAMBAN = _siamban()
_OCEAN = _ocean()
_OCEAN_ONLINE = {**_OCEAN, "features.features.layeronline": "online_stage"}


def siamban_name(name: str) -> str | None:
    """Our name of a tensor of SiamBAN's authors (PySOT's layout)."""
    return _renamed(name, _SIAMBAN)


def ocean_name(name: str) -> str | None:
    """Our name of a tensor of Ocean's authors (TracKit's layout, offline)."""
    return None if name.startswith("features.features.layeronline.") else _renamed(name, _OCEAN)


def ocean_online_name(name: str) -> str | None:
    """Our name of a tensor of Ocean's authors (TracKit's layout, with the online stage)."""
    return _renamed(name, _OCEAN_ONLINE)


def resnet50_name(name: str) -> str | None:
    """Our name of a tensor of torchvision's ResNet-50."""
    return f"backbone.{name}"


_EXPANDING = {"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1"}
_NANOTRACK_HEAD = {
    "corr_dw_cls.conv_kernel": "deep_score.depthwise_kernel",
    "corr_dw_cls.conv_search": "deep_score.depthwise_search",
    "corr_pw_cls.conv_kernel": "deep_score.pixelwise_kernel",
    "corr_pw_cls.conv_search": "deep_score.pixelwise_search",
    "corr_pw_cls.CA_layer.fc1": "deep_score.pixelwise.attention.1",
    "corr_pw_cls.CA_layer.fc2": "deep_score.pixelwise.attention.3",
    "corr_pw_cls.conv": "deep_score.pixelwise.mix",
    "down_cls.0": "deep_score.reduce",
    "cls_tower": "head4.classification",
    "bbox_tower": "head4.regression",
    "cls_logits.0": "head4.score",
    "bbox_pred.0": "head4.distance",
}
_NANOTRACK_HEAD |= {
    k.replace("_cls", "_reg"): v.replace("deep_score", "deep_box")
    for k, v in _NANOTRACK_HEAD.items()
    if v.startswith("deep_")
}


def nanotrack_name(name: str) -> str | None:
    """Our name of a NanoTrack v3 tensor."""
    if match := re.fullmatch(r"backbone\.features\.(\d+)\.conv\.(\d+)\.(.+)", name):
        block, part, rest = int(match[1]), match[2], match[3]
        if squeeze := re.fullmatch(r"fc\.([02])\.(.+)", rest):
            place = "1" if block == 1 else "2.0"
            return f"backbone.features.{block}.block.{place}.fc{1 if squeeze[1] == '0' else 2}.{squeeze[2]}"
        if block == 1:
            places = {"0": "0.0", "1": "0.1", "4": "2.0", "5": "2.1"}
        else:
            last = "2" if block in (2, 3) else "3"
            places = _EXPANDING | {"7": f"{last}.0", "8": f"{last}.1"}
        return f"backbone.features.{block}.block.{places[part]}.{rest}" if part in places else None
    if name.startswith("backbone.features.0."):
        return name
    if name.startswith("ban_head."):
        return _renamed(name.removeprefix("ban_head."), _NANOTRACK_HEAD)
    return None


_NANOTRACK_NECK = {"neck.": "NanoTrack's own network never uses its neck"}

NANOTRACK_WITH_HEAD = Layout(
    name="nanotrack",
    summary="NanoTrack v3's backbone and head: a starting point for afsn_mobile",
    model="afsn_mobile",
    ours=nanotrack_name,
    theirs=lambda name: name,
    mark="ban_head.",
    left_out=_NANOTRACK_NECK,
    parts=("backbone.", *sorted({f"{ours}." for ours in _NANOTRACK_HEAD.values()})),
    squeezes_are_linear=True,
)

# Ocean's authors track without it off VOT, and online.
_OBJECT_AWARE = "align_head."

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(
            name="siamban",
            summary="the checkpoints of SiamBAN's authors (PySOT's layout)",
            model="siamban_r50",
            ours=siamban_name,
            theirs=_back(_SIAMBAN),
            mark="head.box2.",
            left_out={},
            shortcuts="3x3",
        ),
        Layout(
            name="ocean",
            summary="the offline checkpoints of Ocean's authors (TracKit's layout)",
            model="ocean_r50",
            ours=ocean_name,
            theirs=_back(_OCEAN),
            mark="connect_model.cls_encode.",
            left_out={},
            optional=_OBJECT_AWARE,
            shortcuts="3x3",
        ),
        Layout(
            name="ocean_online",
            summary="the checkpoints of Ocean's authors that have the online stage too (TracKit's layout)",
            model="ocean_online_r50",
            ours=ocean_online_name,
            theirs=_back(_OCEAN_ONLINE),
            mark="features.features.layeronline.",
            left_out={"classifier.": "the learned online classifier; ours is fitted to each target anew"},
            optional=_OBJECT_AWARE,
            shortcuts="3x3",
        ),
        Layout(
            name="resnet50",
            summary="torchvision's ImageNet ResNet-50: a starting point for the backbone of our ResNet-50 trackers",
            model="afsn_r50",
            ours=resnet50_name,
            theirs=lambda name: name.removeprefix("backbone."),
            mark="layer4.2.",
            left_out={"fc.": "the 1000 classes of ImageNet"},
            parts=("backbone.",),
            image="RGB, 0 to 1, less 0.485, 0.456, 0.406, divided by 0.229, 0.224, 0.225",
        ),
        Layout(
            name="nanotrack",
            summary="NanoTrack v3's MobileNetV3 backbone: a starting point for afsn_mobile",
            model="afsn_mobile",
            ours=nanotrack_name,
            theirs=lambda name: name,
            mark="ban_head.",
            left_out=_NANOTRACK_NECK | {"ban_head.": "only the backbone is asked for"},
            parts=("backbone.",),
            squeezes_are_linear=True,
        ),
    )
}


def looks_like(names: Iterable[str]) -> Layout | None:
    """The layout that a checkpoint with these tensor names seems to be in."""
    # The online layout has all names of the offline one too.
    order = sorted(LAYOUTS.values(), key=lambda layout: layout.name != "ocean_online")
    known = list(names)
    return next((layout for layout in order if any(name.startswith(layout.mark) for name in known)), None)
