"""Each model's settings: those of its paper or of its authors' test code, by name. Needs no torch.

A published tracker does what its paper says and no more: the multi-template update is on for AFSN only, and none of
the papers knows a lost target. Both can be switched on for every model.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from safetensors import SafetensorError, safe_open

from siam_tracker_ros.tracking.settings import TrackerSettings

# Without update, lost logic, online branch, vote of the boxes, second look and smaller searches; the smallest side is
# that of the authors' test code.
_PLAIN = TrackerSettings(
    template_update=False,
    template_confidence=0.0,
    lost_logic=False,
    min_side=10.0,
    window_influence=0.455,
    penalty_k=0.138,
    size_lr=0.348,
    score_power=1.0,
    box_agreement=1.0,
    second_look=0.0,
    calm_search_size=0,
)

# SiamBAN's authors' test settings (hqucv/siamban, experiments/).
_SIAMBAN = {
    "vot2018": replace(
        _PLAIN, window_influence=0.4632532824922313, penalty_k=0.08513642556896711, size_lr=0.44418184746462425
    ),
    "vot2019": replace(
        _PLAIN, window_influence=0.334450048565355, penalty_k=0.0012159181005195463, size_lr=0.46386814967815493
    ),
    "otb100": replace(
        _PLAIN, window_influence=0.3850733326567302, penalty_k=0.020530504470126613, size_lr=0.4730770315643308
    ),
}


def _ocean(penalty_k: float, size_lr: float, window_influence: float, small: int, big: int) -> TrackerSettings:
    # The authors call the search of large targets small_sz and that of small targets big_sz.
    return replace(
        _PLAIN,
        penalty_k=penalty_k,
        size_lr=size_lr,
        window_influence=window_influence,
        size_smoothings=2,
        search_size=small,
        small_target_search_size=big,
    )


# Ocean's authors' test settings (researchmm/TracKit, experiments/test/).
_OCEAN = {
    "vot2018": _ocean(0.021, 0.730, 0.321, 255, 271),
    "vot2019": _ocean(0.062, 0.765, 0.380, 255, 271),
    "otb2015": _ocean(0.087, 0.408, 0.366, 271, 271),
    "got10k": _ocean(0.022, 0.799, 0.118, 255, 255),
    "lasot": _ocean(0.11, 0.7, 0.20, 255, 255),
}
_OCEAN_ONLINE = {
    "vot2018": replace(_ocean(0.187, 0.800, 0.640, 271, 287), online=True, online_weight=0.5),
    "vot2019": replace(_ocean(0.06, 0.644, 0.484, 255, 287), online=True, online_weight=0.7),
}

# The papers of AFSN, SAE and HNE give no window, penalty or rate: "as SiamRPN". Those of NanoTrack's authors' test
# code, in _PLAIN, stand in.
# AFSN's update has one gate, the APCE (section 3.3), keeps only R_T, and may happen in every frame.
_AFSN = replace(
    _PLAIN,
    centerness_power=1.0,
    template_update=True,
    template_first_share=0.0,
    template_interval=1,
)

PRESETS: dict[str, dict[str, TrackerSettings]] = {
    "afsn_mobile": {"default": TrackerSettings()},
    "afsn_r50": {"paper": _AFSN},
    "siam_sae_r50": {"paper": _PLAIN},
    "siamban_r50": _SIAMBAN,
    "ocean_r50": _OCEAN,
    "ocean_online_r50": _OCEAN_ONLINE,
    # Section 3.5: the score map times the centre-ness map.
    "siam_hne_r50": {"paper": replace(_PLAIN, centerness_power=1.0)},
}


def model_name(model: str) -> str:
    """The zoo name of a model given by name or by a path to weights; as given where the file does not say."""
    if not Path(model).is_file():
        return model
    try:
        with safe_open(model, framework="numpy") as file:
            return str((file.metadata() or {}).get("model", model))
    except (SafetensorError, OSError):
        return model  # whoever loads it says what is wrong


def preset(model: str, name: str = "") -> TrackerSettings:
    """A model's settings by the name of the preset; the model's first preset where no name is given.

    Raises:
        ValueError: the model has no such preset. A model that is not in the zoo has the tracker's defaults.
    """
    known = PRESETS.get(model, {"default": TrackerSettings()})
    if not name:
        return next(iter(known.values()))
    if name not in known:
        raise ValueError(f"{model} has no preset '{name}'; use one of {', '.join(known)}")
    return known[name]
