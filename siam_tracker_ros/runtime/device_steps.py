"""What the device does for the tracker, each with inputs that stay in one place: search, template, kernels, halving.

Each of them takes its inputs to their places and runs one step that a CUDA graph can hold (``capture.py``); without a
graph it does the same, on any device. What they return is the caller's own: nothing of it is overwritten later. The
steps are functions, not methods: an object that held its own method would keep a graph's memory until Python looks
for cycles.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siam_tracker_ros.geometry import Crop, CropRule
from siam_tracker_ros.runtime.capture import Capture
from siam_tracker_ros.runtime.device_choice import CHOICE_NUMBERS, choice_numbers, choice_of, chosen
from siam_tracker_ros.runtime.device_crop import CROP_NUMBERS, crop_numbers, cut
from siam_tracker_ros.runtime.device_frame import DeviceFrame
from siam_tracker_ros.runtime.passes import KernelsPass, SearchPass, TemplatePass, maps_of
from siam_tracker_ros.runtime.upload import Upload
from siam_tracker_ros.tracking.scene import Answer, Question, answer

Parts = tuple[Tensor, ...]


class SearchStep:
    """From the frame to the chosen boxes of up to B targets. One small copy there, one back.

    Args:
        network: what is run.
        frame: that is looked at.
        points: where the response points lie, x and y in patch pixels, [2, N].
        rule: how patches are cut.
        count: B.
        size: side of the search patches, pixels.
        kernels: any target's, for their shapes.
    """

    def __init__(
        self,
        network: SearchPass,
        frame: DeviceFrame,
        points: NDArray[np.float32],
        rule: CropRule,
        count: int,
        size: int,
        kernels: Parts,
        capture: Capture,
    ) -> None:
        device = frame.pixels.device
        self._top, self._rule, self._points = frame.top, rule, points
        # A row per target: where its patch lies, how its points are weighed, its window.
        self._numbers = torch.empty(count, CROP_NUMBERS + CHOICE_NUMBERS + points.shape[1], device=device)
        self._upload = Upload(self._numbers)
        self._kernels = tuple(part.new_empty(count, *part.shape[1:]) for part in kernels)
        self._held: list[Parts | None] = [None] * count
        on_device = torch.from_numpy(points).to(device)
        self._run = capture(partial(_search, network, frame, on_device, size, self._numbers, self._kernels))

    def __call__(self, questions: Sequence[Question]) -> list[Answer]:
        """The answers to 1 to B questions whose patches are all of this size."""
        # The first one again in the places that are left.
        asked = [*questions, *[questions[0]] * (len(self._held) - len(questions))]
        rows = np.empty(self._numbers.shape, np.float32)
        for index, question in enumerate(asked):
            place = crop_numbers(question.crop, question.border, self._rule, self._top)
            rows[index, : CROP_NUMBERS + CHOICE_NUMBERS] = *place, *choice_numbers(question.last, question.settings)
            rows[index, CROP_NUMBERS + CHOICE_NUMBERS :] = question.window
            self._hold(index, question.kernels)
        self._upload.send(rows)
        choices, maps, features = self._run()
        answers = []
        for index, (question, row) in enumerate(zip(questions, choices.cpu().numpy(), strict=False)):
            if question.online is None:
                answers.append(Answer(choice_of(row), float(row[7])))
            else:
                # The online branch learns on the host's terms: this target's maps are copied too.
                own = maps_of(maps[index].cpu().numpy(), self._points, features[index : index + 1])
                answers.append(answer(question, own))
        return answers

    def _hold(self, index: int, kernels: Parts) -> None:
        """Put a target's kernels in their place, unless they are there since the last frame."""
        if self._held[index] is not kernels:
            for place, part in zip(self._kernels, kernels, strict=True):
                place[index].copy_(part[0])
            self._held[index] = kernels


def _search(
    network: SearchPass, frame: DeviceFrame, points: Tensor, size: int, numbers: Tensor, kernels: Parts
) -> Parts:
    """What was chosen [B, 9], the maps it was chosen from [B, 6 + L, N], and the patches' features [B, C, h, w]."""
    place, weights, window = numbers.split((CROP_NUMBERS, CHOICE_NUMBERS, points.shape[1]), dim=1)
    maps, features = network(cut(frame.pixels, frame.levels, place, size), *kernels)
    return chosen(maps, points, window, weights), maps, features


class TemplateStep:
    """From the frame to a template's features. Nothing is copied back."""

    def __init__(self, network: TemplatePass, frame: DeviceFrame, rule: CropRule, size: int, capture: Capture) -> None:
        self._top, self._rule = frame.top, rule
        numbers = torch.empty(1, CROP_NUMBERS, device=frame.pixels.device)
        self._upload = Upload(numbers)
        self._run = capture(partial(_template, network, frame, size, numbers))

    def __call__(self, crop: Crop, border: tuple[float, float, float]) -> Parts:
        """The features [1, C_l, h, w] of what is in a crop of the template's size."""
        self._upload.send([crop_numbers(crop, border, self._rule, self._top)])
        return tuple(part.clone() for part in self._run())


def _template(network: TemplatePass, frame: DeviceFrame, size: int, numbers: Tensor) -> Parts:
    return tuple(network(cut(frame.pixels, frame.levels, numbers, size)))


class KernelsStep:
    """From a template's features to its kernels.

    Args:
        features: any template's, for their shapes.
    """

    def __init__(self, network: KernelsPass, features: Parts, capture: Capture) -> None:
        self._features = tuple(torch.empty_like(part) for part in features)
        self._run = capture(partial(_kernels, network, self._features))

    def __call__(self, features: Parts) -> Parts:
        """The kernels of features [1, C_l, h, w]."""
        for place, part in zip(self._features, features, strict=True):
            place.copy_(part)
        return tuple(part.clone() for part in self._run())


def _kernels(network: KernelsPass, features: Parts) -> Parts:
    # Some networks hand the features on, and a graph has to do something.
    return tuple(part.clone() for part in network(*features))


class HalvingStep:
    """From one level of the frame to the next."""

    def __init__(self, frame: DeviceFrame, level: int, capture: Capture) -> None:
        self._run = capture(partial(_halve, frame, level))

    def __call__(self) -> None:
        """Compute the level."""
        self._run()


def _halve(frame: DeviceFrame, level: int) -> Parts:
    frame.halve(level)
    return ()
