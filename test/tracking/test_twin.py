"""Two runtimes compared frame by frame from the same state."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from filled import moving_clip

from siam_tracker_ros.runtime.selection import make_runtime
from siam_tracker_ros.tracking.load import network_of
from siam_tracker_ros.tracking.presets import preset
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.twin import compare

CPU = torch.device("cpu")


class Shifted:
    """A runtime whose boxes lie to the right by some patch pixels."""

    name = "shifted"

    def __init__(self, inner, shift):
        self.inner, self.shift = inner, shift
        self.geometry, self.device = inner.geometry, inner.device
        self.template, self.kernels = inner.template, inner.kernels

    def search_many(self, kernels, patches):
        return [replace(maps, boxes=maps.boxes + self.shift) for maps in self.inner.search_many(kernels, patches)]


@pytest.fixture(scope="module")
def runtimes():
    _, network = network_of("afsn_mobile")
    return {name: make_runtime(network, "afsn_mobile", CPU, runtime=name) for name in ("eager", "onnx", "openvino")}


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_the_shipped_model_is_the_same_in_every_runtime(runtimes, name):
    frames, box = moving_clip(25)
    often = replace(preset("afsn_mobile"), template_interval=2, template_confidence=0.0, apce_relative=0.0)
    agreement = compare(runtimes["eager"], runtimes[name], frames, box, often)
    assert agreement.boxes >= 24
    assert agreement.worst < 0.01
    assert agreement.scores.max() < 1e-4


def test_a_difference_is_told_in_pixels_of_the_picture(runtimes):
    frames, box = moving_clip(4)
    shift = np.array([2.0, 0.0, 2.0, 0.0], np.float32)
    agreement = compare(
        runtimes["onnx"], Shifted(runtimes["onnx"], shift), frames, box, TrackerSettings(second_look=0.0)
    )
    side = np.sqrt((box[2] + (box[2] + box[3]) / 2) * (box[3] + (box[2] + box[3]) / 2))
    assert agreement.boxes == 3
    searched = round(side * 255 / 127)  # whole pixels of the picture
    assert agreement.pixels[0] == pytest.approx(2.0 * searched / 255, rel=1e-6)


def test_a_runtime_that_sees_nothing_is_infinitely_far_off(runtimes):
    frames, box = moving_clip(3)
    blind = Shifted(runtimes["onnx"], np.float32(np.nan))
    agreement = compare(runtimes["onnx"], blind, frames, box, TrackerSettings())
    assert (agreement.boxes, agreement.one_sided) == (0, 2)
    assert agreement.worst == float("inf")


def test_one_frame_is_too_few(runtimes):
    frames, box = moving_clip(2)
    with pytest.raises(ValueError, match="on two frames at least, not on 1"):
        compare(runtimes["onnx"], runtimes["onnx"], frames[:1], box, TrackerSettings())
