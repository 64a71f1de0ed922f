"""Two runtimes of one network, frame by frame from the same state: by how much their boxes differ.

Each frame's box is where the next one is looked for, so that two runs that differ in the last digit may part for good
at the first frame that is a close call. What a runtime does is therefore compared frame by frame: the expected runtime
follows the target, and the other is asked the same questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from siam_tracker_ros.geometry import Box, Crop, check_frame
from siam_tracker_ros.runtime.protocol import Maps, Runtime
from siam_tracker_ros.tracking.scene import Answer, Question, Scene, open_scene
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.templates import Features
from siam_tracker_ros.tracking.tracker import Tracker


@dataclass(frozen=True)
class Agreement:
    """How two runtimes' boxes differ.

    Attributes:
        boxes: questions that both answered with a box.
        one_sided: questions that only one of them did.
        pixels: largest difference of a box's side lines (left, top, right, bottom) for each question, pixels of the
            original image, [boxes].
        scores: difference of the confidences, [boxes].
    """

    boxes: int
    one_sided: int
    pixels: NDArray[np.float64]
    scores: NDArray[np.float64]

    @property
    def worst(self) -> float:
        """The largest difference of all, pixels; infinite where one of them saw nothing."""
        return float("inf") if self.one_sided else float(self.pixels.max(initial=0.0))


def compare(
    expected: Runtime,
    other: Runtime,
    frames: Iterable[NDArray[np.uint8]],
    box: Box | Sequence[float],
    settings: TrackerSettings,
) -> Agreement:
    """Follow a target with one runtime, and ask the other the same in every frame.

    Args:
        frames: BGR uint8 [H, W, 3], two at least; the first is that of the box.
        box: x, y, w, h, top-left corner, pixels.
        settings: of the tracker; the online branch is left out, since only one runtime's features teach it.

    Raises:
        ValueError: fewer than two frames, or a frame or box that no tracker takes.
    """
    twin = _Twin(expected, other)
    tracker, number = Tracker(twin, "twin", replace(settings, online=False)), 0
    for number, frame in enumerate(frames, start=1):
        if number == 1:
            tracker.init(check_frame(frame), box)
        else:
            tracker.update(frame)
    if number < 2:
        raise ValueError(f"two runtimes are compared on two frames at least, not on {number}")
    pixels, scores = np.array(twin.pixels), np.array(twin.scores)
    return Agreement(len(pixels), twin.one_sided, pixels, scores)


class _Twin:
    """Answers as the first runtime, and notes by how much the second one differs. It is a runtime itself."""

    name = "twin"

    def __init__(self, expected: Runtime, other: Runtime) -> None:
        self.expected, self.other = expected, other
        self.geometry, self.device = expected.geometry, expected.device
        self.pixels: list[float] = []
        self.scores: list[float] = []
        self.one_sided = 0

    def template(self, patch: NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """The features of both, one after the other: they are blended alike."""
        return (*self.expected.template(patch), *self.other.template(patch))

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The kernels of both, one after the other."""
        half = len(features) // 2
        return (*self.expected.kernels(features[:half]), *self.other.kernels(features[half:]))

    def search(self, kernels: tuple[Tensor, ...], patch: NDArray[np.uint8]) -> Maps:
        """As the expected runtime."""
        return self.expected.search(kernels[: len(kernels) // 2], patch)

    def search_many(self, kernels: Sequence[tuple[Tensor, ...]], patches: Sequence[NDArray[np.uint8]]) -> list[Maps]:
        """As the expected runtime."""
        return self.expected.search_many([own[: len(own) // 2] for own in kernels], patches)

    def open_scene(self, frame: NDArray[np.uint8]) -> Scene:
        """Both runtimes' scenes."""
        return _TwinScene(self, frame)


class _TwinScene:
    def __init__(self, twin: _Twin, frame: NDArray[np.uint8]) -> None:
        self.frame, self._twin = frame, twin
        self._expected, self._other = open_scene(twin.expected, frame), open_scene(twin.other, frame)

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        """The expected runtime's."""
        halves = [len(question.kernels) // 2 for question in questions]
        first = [replace(q, kernels=q.kernels[:half]) for q, half in zip(questions, halves, strict=True)]
        second = [replace(q, kernels=q.kernels[half:]) for q, half in zip(questions, halves, strict=True)]
        expected, others = self._expected.answers(first), self._other.answers(second)
        for question, one, other in zip(questions, expected, others, strict=True):
            self._note(question, one, other)
        return expected

    def template(self, crop: Crop, border: tuple[float, float, float]) -> Callable[[], Features]:
        """The features of both, one after the other."""
        first, second = self._expected.template(crop, border), self._other.template(crop, border)
        return lambda: (*first(), *second())

    def _note(self, question: Question, one: Answer, other: Answer) -> None:
        if one.choice is None or other.choice is None:
            self._twin.one_sided += one.choice is not other.choice
            return
        a, b = (question.crop.to_image(choice.box) for choice in (one.choice, other.choice))
        sides = (a.x - b.x, a.y - b.y, a.right - b.right, a.bottom - b.bottom)
        self._twin.pixels.append(max(abs(side) for side in sides))
        self._twin.scores.append(abs(one.choice.confidence - other.choice.confidence))
