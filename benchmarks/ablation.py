"""What each part of a tracker gains: `python -m benchmarks.ablation FOLDER`.

The model follows every video of FOLDER as it is, and then once without each of its parts, on the same frames and first
boxes. The table in Markdown has the mean success AUC and the difference to the whole model, video by video, with the
bootstrap's 95 % intervals. Levels are taken out of the fused sum (AFSN equation 5) of the same weights, by a fusion
weight of zero; the APCE goes on summing all of them. What is done is kept in OUT and not run again (Ctrl-C any time).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tqdm import tqdm

from benchmarks.fit_confidence import collect
from siam_tracker_ros import load_tracker
from siam_tracker_ros.datasets.layouts import survey_layout
from siam_tracker_ros.evaluation.metrics import bootstrap_interval, success_auc
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.tracking.presets import preset


@dataclass(frozen=True)
class Variant:
    """The model with something changed.

    Attributes:
        name: a row of the table.
        settings: tracker settings that differ from the model's own.
        without: levels that are taken out of the fused sum, 0 the shallowest.
    """

    name: str
    settings: dict[str, float | bool] = field(default_factory=dict)
    without: tuple[int, ...] = ()


VARIANTS = (
    Variant("as it is"),
    Variant("levels 3 and 4", without=(0,)),
    Variant("level 4 alone", without=(0, 1)),
    Variant("with centre-ness in the score", {"centerness_power": 1.0}),
    Variant("without the multi-template update", {"template_update": False}),
    Variant("without the lost logic", {"lost_logic": False}),
    Variant("without the power of the score", {"score_power": 1.0}),
    Variant("without the vote of the boxes", {"box_agreement": 1.0}),
    Variant("without the second look", {"second_look": 0.0}),
    Variant("with the online branch", {"online": True}),
)


def weights_without(levels: tuple[int, ...], weights: Path, folder: Path) -> Path:
    """A copy of the weights in which these levels count nothing in the fused sums."""
    with safe_open(weights, framework="pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name in ("fusion.alpha", "fusion.beta", "fusion.lamda"):
        if name in tensors:
            tensors[name][list(levels)] = 0.0
    path = folder / weights.name
    save_file(tensors, path, metadata)
    return path


def run(variant: Variant, model: str, weights: Path, folder: Path) -> dict[str, float]:
    """The success AUC of every video."""
    with tempfile.TemporaryDirectory() as scratch:
        if variant.without:
            weights = weights_without(variant.without, weights, Path(scratch))
        settings = replace(preset(model), **variant.settings)  # type: ignore[arg-type]
        tracker = load_tracker(model, weights=weights, device="cpu", settings=settings)
        return {name: success_auc(frames.ious) for name, frames in collect(tracker, folder).items()}


def table(results: dict[str, dict[str, float]]) -> str:
    """The rows in Markdown; the first is what the others are compared with."""
    rows = ["| | AUC | difference |", "|---|---|---|"]
    whole = next(iter(results.values()))
    for index, (name, own) in enumerate(results.items()):
        values = np.array([own[video] for video in whole])
        low, high = bootstrap_interval(values)
        text = ""
        if index:
            change = values - np.array(list(whole.values()))
            text = "{:+.3f} ({:+.3f} to {:+.3f})".format(change.mean(), *bootstrap_interval(change))
        rows.append(f"| {name} | {values.mean():.3f} ({low:.3f} to {high:.3f}) | {text} |")
    return "\n".join(rows)


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("../shared/sequences"))
    parser.add_argument("--model", default="afsn_mobile")
    parser.add_argument("--weights", type=Path, help="weights instead of the shipped ones")
    parser.add_argument("--out", type=Path, default=Path("out/ablation"))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    weights = options.weights or MODELS[options.model].weights_path
    if weights is None:
        parser.error(f"no trained weights of {options.model} come with this package; give them with --weights")
    options.out.mkdir(parents=True, exist_ok=True)
    videos = [sequence.name for sequence in survey_layout(options.folder, "auto").sequences]
    results: dict[str, dict[str, float]] = {}
    for variant in tqdm(VARIANTS, desc="ablation"):
        kept = options.out / f"{variant.name.replace(' ', '_')}.json"
        own = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
        if sorted(own) != sorted(videos):
            own = run(variant, options.model, weights, options.folder)
            kept.write_text(json.dumps(own, indent=1), encoding="utf-8")
        results[variant.name] = own
    print(table(results))


if __name__ == "__main__":
    main()
