"""A frame that is being looked at: patches are cut out of it, and the network says what is in them.

This is where a frame meets the runtime. On the CPU the patches are cut by OpenCV and the points chosen by numpy
(:class:`HostScene`). A runtime that keeps the frame on its own device and chooses there brings a scene of its own
(``opens_scenes``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from siam_tracker_ros.geometry import Box, Crop
from siam_tracker_ros.patches import crop_patch
from siam_tracker_ros.runtime.protocol import Maps, Runtime
from siam_tracker_ros.tracking.apce import summed_apce
from siam_tracker_ros.tracking.online import OnlineBranch
from siam_tracker_ros.tracking.scoring import Choice, choose
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.templates import Features


@dataclass(frozen=True, eq=False)
class Question:
    """Where one target is looked for, and how the points that answer are weighed.

    Attributes:
        kernels: what the correlation needs of the target's template.
        crop: the square of the frame that is searched; its ``patch`` is a size that ``Geometry.at`` allows.
        border: colour outside the frame, B, G, R.
        last: where the target is expected, patch pixels.
        window: the cosine window, flat, one value a point.
        settings: penalties, powers and shares.
        online: the online branch that has a say, None without one.
    """

    kernels: tuple[Tensor, ...]
    crop: Crop
    border: tuple[float, float, float]
    last: Box
    window: NDArray[np.float32]
    settings: TrackerSettings
    online: OnlineBranch | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """What the network sees there.

    Attributes:
        choice: the chosen point; None where no point's values are finite.
        apce: average peak-to-correlation energy, summed over the levels.
        sample, scores: of the online branch, for it to learn from; None without one.
    """

    choice: Choice | None
    apce: float
    sample: Tensor | None = None
    scores: NDArray[np.float32] | None = None


class Scene(Protocol):
    """One frame. It is of use until the next one is opened."""

    @property
    def frame(self) -> NDArray[np.uint8]:
        """BGR uint8 [H, W, 3]."""
        ...

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        """One pass of the network for questions whose patches are all of one size; one answer each."""
        ...

    def template(self, crop: Crop, border: tuple[float, float, float]) -> Callable[[], Features]:
        """Take what is in a crop of the template's size.

        Returns:
            What gives its features, to be called before the next scene is opened: the network runs only then. The
            frame's memory may be written again meanwhile.
        """
        ...


@runtime_checkable
class OpensScenes(Protocol):
    """A runtime that looks at whole frames itself."""

    def open_scene(self, frame: NDArray[np.uint8]) -> Scene:
        """The next frame, BGR uint8 [H, W, 3]."""
        ...


def open_scene(runtime: Runtime, frame: NDArray[np.uint8]) -> Scene:
    """The next frame, BGR uint8 [H, W, 3], as the runtime looks at it."""
    # Not isinstance: of a protocol that takes longer than the rest of this.
    opens = getattr(runtime, "open_scene", None)
    return opens(frame) if opens is not None else HostScene(runtime, frame)


class HostScene:
    """Cuts patches on the host, hands them to the runtime, and chooses on the host."""

    def __init__(self, runtime: Runtime, frame: NDArray[np.uint8]) -> None:
        self._runtime = runtime
        self.frame = frame

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        """See :class:`Scene`."""
        return self.look(questions, [self.cut(question.crop, question.border) for question in questions])

    def template(self, crop: Crop, border: tuple[float, float, float]) -> Callable[[], Features]:
        """See :class:`Scene`."""
        return partial(self.template_of, self.cut(crop, border))

    def cut(self, crop: Crop, border: tuple[float, float, float]) -> NDArray[np.uint8]:
        """The patch that a crop is, uint8 [P, P, 3]."""
        return crop_patch(self.frame, crop, border, self._runtime.geometry.crop)

    def template_of(self, patch: NDArray[np.uint8]) -> Features:
        """The features of a template patch."""
        return self._runtime.template(patch)

    def look(self, questions: Sequence[Question], patches: Sequence[NDArray[np.uint8]]) -> list[Answer]:
        """The answers that each question's patch gives."""
        return self.choose(questions, self.search(questions, patches))

    def search(self, questions: Sequence[Question], patches: Sequence[NDArray[np.uint8]]) -> list[Maps]:
        """What the network makes of each question's patch."""
        return self._runtime.search_many([question.kernels for question in questions], patches)

    def choose(self, questions: Sequence[Question], maps: Sequence[Maps]) -> list[Answer]:
        """The answer that each question's maps give."""
        return [answer(question, own) for question, own in zip(questions, maps, strict=True)]


def answer(question: Question, maps: Maps) -> Answer:
    """The answer that a patch's maps give."""
    sample, scores = question.online.score(maps.features) if question.online else (None, None)
    choice = choose(
        maps.foreground, maps.centerness, maps.boxes, question.last, question.window, question.settings, scores
    )
    return Answer(choice, summed_apce(maps.levels), sample, scores)
