"""The published networks and trackers against the numbers of their authors' own code (see golden/README.md)."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from filled import filled_state, moving_clip, ocean_shapes, search_patch, siamban_shapes, template_patch

from siam_tracker_ros import load_tracker
from siam_tracker_ros.networks.convert import convert
from siam_tracker_ros.networks.weights import load_weights
from siam_tracker_ros.networks.zoo import MODELS

GOLDEN = Path(__file__).parent / "golden"
SHAPES = {"siamban_r50": siamban_shapes, "ocean_r50": ocean_shapes}
LENGTHS = [8, pytest.param(50, marks=pytest.mark.slow)]
"""Frames of each run that are compared, at most; half a second each for SiamBAN."""
SEQUENCES = Path(__file__).resolve().parent.parent.parent / "shared" / "sequences"


@pytest.fixture(scope="module", params=sorted(SHAPES))
def converted(request, tmp_path_factory):
    """A model's name and its weights, out of a checkpoint in the authors' layout."""
    folder = tmp_path_factory.mktemp(request.param)
    state = {name: torch.from_numpy(np.array(v)) for name, v in filled_state(SHAPES[request.param]()).items()}
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, folder / "authors.pth")
    convert(request.param.removesuffix("_r50"), folder / "authors.pth", folder / "weights.safetensors")
    return request.param, folder / "weights.safetensors"


def as_input(patch):
    return torch.from_numpy(patch).permute(2, 0, 1)[None].float()


def relative(ours, theirs):
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


@torch.inference_mode()
def test_the_networks_give_their_authors_outputs(converted):
    name, weights = converted
    network = MODELS[name].build().eval()
    load_weights(network, weights, name)
    golden = np.load(GOLDEN / f"{name}.npz")
    kernels = network.kernels(network.template(as_input(template_patch())))
    if name == "siamban_r50":
        response = network.search(kernels, as_input(search_patch()))
        assert relative(response.scores[0].numpy(), golden["cls"]) < 1e-4
        assert relative(response.distances[0].numpy(), golden["loc"]) < 1e-4
        return
    for size in (255, 271):
        response = network.search(kernels, as_input(search_patch(size)))
        regular, aware = (level[0, 1:].numpy() for level in response.levels)
        assert relative(regular, golden[f"cls_{size}"]) < 1e-4
        assert relative(aware, golden[f"align_{size}"]) < 1e-4
        assert relative(response.distances[0].numpy(), golden[f"bbox_{size}"]) < 1e-4
        mixed = 0.93 / (1 + np.exp(-golden[f"cls_{size}"])) + 0.07 / (1 + np.exp(-golden[f"align_{size}"]))
        assert relative(response.scores.softmax(1)[0, 1:].numpy(), mixed) < 1e-4


def follow(tracker, frames, first, expected):
    """The largest difference from the authors' boxes, pixels, over all frames and sides."""
    tracker.init(frames[0], first)
    worst = 0.0
    for frame, box in zip(frames[1:], expected, strict=True):
        worst = max(worst, float(np.abs(np.array(tracker.update(frame).box.as_tuple()) - box).max()))
    return worst


@pytest.mark.parametrize("most", LENGTHS)
def test_the_trackers_give_their_authors_boxes(converted, most):
    """SiamBAN over 50 frames, with padding beyond the border; Ocean over 20 at both of its search sizes."""
    name, weights = converted
    golden = json.loads((GOLDEN / f"{name.removesuffix('_r50')}_boxes.json").read_text())
    for key, run in golden.items():
        if key == "sequence":
            continue
        expected = run["boxes"][:most]
        frames, _ = moving_clip(len(run["boxes"]) + 1)
        tracker = load_tracker(name, weights=weights, device="cpu", runtime="eager", preset="vot2018")
        assert follow(tracker, frames[: len(expected) + 1], run["first_box"], expected) < 0.05, key


@pytest.mark.parametrize("most", LENGTHS)
def test_siamban_gives_its_authors_boxes_on_a_real_sequence(converted, most):
    name, weights = converted
    if name != "siamban_r50":
        pytest.skip("numbers of SiamBAN only")
    run = json.loads((GOLDEN / "siamban_boxes.json").read_text())["sequence"]
    video = SEQUENCES / run["name"] / "video.mp4"
    if not video.is_file():
        pytest.skip("shared/sequences is not here")
    capture = cv2.VideoCapture(str(video))
    expected = run["boxes"][:most]
    frames = [capture.read()[1] for _ in range(len(expected) + 1)]
    tracker = load_tracker(name, weights=weights, device="cpu", runtime="eager", preset="vot2018")
    assert follow(tracker, frames, run["first_box"], expected) < 0.05
