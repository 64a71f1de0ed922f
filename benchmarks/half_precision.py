"""What half precision changes in a tracker's boxes: `python -m benchmarks.half_precision FOLDER`.

Every video of FOLDER is followed in float32, and the network in half precision is asked the same in every frame: by how
many pixels do the boxes' sides differ? Then it follows every video by itself: by how much does the success AUC differ?

Where the device has no instructions for the number format, every operation's operands and results are rounded to it and
computed in float32, which is what such instructions do (products of bfloat16 are added up in float32). What is done is
kept in OUT and not run again (Ctrl-C any time).
"""

from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from tqdm import tqdm

from siam_tracker_ros.datasets.layouts import survey_layout
from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.evaluation.metrics import bootstrap_interval, score_sequence
from siam_tracker_ros.evaluation.one_pass import track_sequence
from siam_tracker_ros.runtime.device import resolve_device
from siam_tracker_ros.runtime.eager import EagerRuntime
from siam_tracker_ros.runtime.protocol import Maps, Runtime
from siam_tracker_ros.tracking.load import network_of
from siam_tracker_ros.tracking.presets import preset
from siam_tracker_ros.tracking.tracker import Tracker
from siam_tracker_ros.tracking.twin import compare


class Rounded(TorchDispatchMode):
    """Rounds what every operation gives to a number format; the operations are float32's."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {each.untyped_storage()._cdata for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)}

        def rounded(value: Any) -> Any:
            if not isinstance(value, Tensor) or value.dtype != torch.float32:
                return value
            is_view = value.untyped_storage()._cdata in given  # of numbers that are rounded already
            return value if is_view else value.to(self.dtype).float()

        return tree_map(rounded, func(*args, **(kwargs or {})))


class RoundedRuntime(EagerRuntime):
    """PyTorch in float32 with every number rounded; the maps are decoded in float32, as in every runtime."""

    name = "rounded"

    def __init__(self, network: torch.nn.Module, dtype: torch.dtype) -> None:
        own = copy.deepcopy(network)
        for parameter in own.parameters():
            parameter.data = parameter.data.to(dtype).float()
        super().__init__(own, torch.device("cpu"))
        self._mode = Rounded(dtype)

    def template(self, patch: Any) -> tuple[Tensor, ...]:
        """As eager, rounded."""
        with self._mode:
            return super().template(patch)

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """As eager, rounded."""
        with self._mode:
            return super().kernels(features)

    def search_many(self, kernels: Any, patches: Any) -> list[Maps]:
        """As eager, rounded."""
        with self._mode:
            return super().search_many(kernels, patches)


def auc(runtime: Runtime, model: str, sequence: Sequence) -> float:
    """The success AUC of one pass."""
    track = track_sequence(cast(Any, Tracker(runtime, model, preset(model))), sequence)
    return score_sequence(track.boxes, sequence.boxes).success_auc


def measure(sequence: Sequence, expected: Runtime, other: Runtime, model: str) -> dict[str, Any]:
    """Differences of the sides in pixels, and both AUCs."""
    box = tuple(float(value) for value in sequence.boxes[0])
    agreement = compare(expected, other, sequence.frames(), box, preset(model))
    return {
        "pixels": [round(float(value), 4) for value in agreement.pixels],
        "one_sided": agreement.one_sided,
        "auc": [auc(expected, model, sequence), auc(other, model, sequence)],
    }


def main() -> None:
    """Run what is missing and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("../shared/sequences"))
    parser.add_argument("--model", default="afsn_mobile")
    parser.add_argument("--weights", type=Path, help="weights instead of the shipped ones")
    parser.add_argument("--precision", choices=("bfloat16", "float16"), default="bfloat16")
    parser.add_argument("--device", default="cpu", help="cpu rounds; cuda:N computes in the number format")
    parser.add_argument("--out", type=Path, default=Path("out/half_precision"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="only every so manyth video, where time is short")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    _, network = network_of(options.model, options.weights)
    device, dtype = resolve_device(options.device), getattr(torch, options.precision)
    expected = EagerRuntime(network, device)
    other = RoundedRuntime(network, dtype) if device.type == "cpu" else EagerRuntime(network, device, dtype)
    options.out.mkdir(parents=True, exist_ok=True)
    results = {}
    videos = survey_layout(options.folder, "auto").sequences[:: options.every]
    for sequence in tqdm(videos, desc=options.precision, unit="video"):
        kept = options.out / f"{options.model}_{options.precision}_{sequence.name}.json"
        if not kept.is_file():
            kept.write_text(json.dumps(measure(sequence, expected, other, options.model)), encoding="utf-8")
        results[sequence.name] = json.loads(kept.read_text(encoding="utf-8"))
    pixels = np.concatenate([one["pixels"] for one in results.values()])
    pairs = np.array([one["auc"] for one in results.values()])
    change = pairs[:, 1] - pairs[:, 0]
    one_sided = sum(one["one_sided"] for one in results.values())
    print(
        f"{options.precision}, {len(results)} videos, {len(pixels)} boxes: sides differ from float32's by "
        f"{np.median(pixels):.3f} pixels in the median, {np.percentile(pixels, 95):.3f} at the 95th percentile, "
        f"{np.percentile(pixels, 99):.3f} at the 99th; {one_sided} seen by one only"
    )
    low, high = bootstrap_interval(change)
    print(
        f"success AUC {pairs[:, 0].mean():.4f} in float32, {pairs[:, 1].mean():.4f} in {options.precision}: "
        f"{change.mean():+.4f} ({low:+.4f} to {high:+.4f}, 95 % by bootstrap over the videos)"
    )


if __name__ == "__main__":
    main()
