"""How long each stage of a frame takes: a runtime that is timed, and trackers that run on one."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siam_tracker_ros.geometry import Crop
from siam_tracker_ros.networks.cost import SearchCost, count_search
from siam_tracker_ros.networks.running import for_running
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.runtime.as_written import AsWrittenRuntime
from siam_tracker_ros.runtime.device import resolve_device, resolve_precision
from siam_tracker_ros.runtime.protocol import Maps, Runtime
from siam_tracker_ros.runtime.selection import make_runtime, runtime_names
from siam_tracker_ros.tracking.load import loaded, network_of
from siam_tracker_ros.tracking.multi import MultiTracker
from siam_tracker_ros.tracking.presets import preset
from siam_tracker_ros.tracking.scene import Answer, HostScene, Question, Scene, open_scene
from siam_tracker_ros.tracking.templates import Features

STAGES = ("crop", "network", "scoring", "template")
"""What is timed: cutting patches; the network with what is copied to and from its device; penalties, window, choice and
APCE; the network passes of a template update. Runtimes that choose where they compute have that in ``network``, and
those that cut patches there too have ``network`` only."""

AS_WRITTEN = "as_written"
"""Beside the names of the runtimes: the network as its code says, nothing folded or joined."""

Given = TypeVar("Given")


class StageClock:
    """Adds up the seconds of each stage until they are taken.

    Attributes:
        searched: how many patches of each side were searched, all the time.
    """

    def __init__(self) -> None:
        self._spent: dict[str, float] = defaultdict(float)
        self.searched: Counter[int] = Counter()

    def time(self, stage: str, work: Callable[[], Given]) -> Given:
        """Do some work, and count its time as the stage's."""
        start = time.perf_counter()
        try:
            return work()
        finally:
            self._spent[stage] += time.perf_counter() - start

    def take(self) -> dict[str, float]:
        """Seconds of each of :data:`STAGES` since the last time."""
        spent = {stage: self._spent[stage] for stage in STAGES}
        self._spent.clear()
        return spent


class TimedRuntime:
    """A runtime whose stages are timed. It is a runtime itself."""

    def __init__(self, runtime: Runtime, clock: StageClock) -> None:
        self.name, self.geometry, self.device = runtime.name, runtime.geometry, runtime.device
        self._runtime, self._clock = runtime, clock
        self._scene: _TimedHostScene | _TimedDeviceScene | None = None

    def template(self, patch: NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """As the runtime."""
        return self._clock.time("template", lambda: self._runtime.template(patch))

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """As the runtime."""
        return self._clock.time("template", lambda: self._runtime.kernels(features))

    def search(self, kernels: tuple[Tensor, ...], patch: NDArray[np.uint8]) -> Maps:
        """As the runtime."""
        return self._clock.time("network", lambda: self._runtime.search(kernels, patch))

    def search_many(self, kernels: Sequence[tuple[Tensor, ...]], patches: Sequence[NDArray[np.uint8]]) -> list[Maps]:
        """As the runtime."""
        return self._clock.time("network", lambda: self._runtime.search_many(kernels, patches))

    def open_scene(self, frame: NDArray[np.uint8]) -> Scene:
        """As the runtime, with its stages timed."""
        scene = self._clock.time("network", lambda: open_scene(self._runtime, frame))  # where it is a copy to a device
        if isinstance(scene, HostScene):
            self._scene = _TimedHostScene(scene, self._clock)
        else:
            self._scene = _TimedDeviceScene(scene, self._clock)
        return self._scene

    def again(self) -> int:
        """Do the last frame's last search once more, and count it nowhere: the same work, without a tracker around it.

        Returns:
            The side of its patches, pixels; 0 where nothing was searched yet.
        """
        if self._scene is None or not self._scene.asked:
            return 0
        self._scene.scene.answers(self._scene.asked)
        return self._scene.asked[0].crop.patch


class _TimedHostScene:
    """The scene's steps one by one; its choice is the network's where the scene leaves it to that."""

    def __init__(self, scene: HostScene, clock: StageClock) -> None:
        self.frame, self.scene, self._time, self._searched = scene.frame, scene, clock.time, clock.searched
        self.asked: Sequence[Question] = ()

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        scene, self.asked = self.scene, questions
        self._searched[questions[0].crop.patch] += len(questions)
        patches = self._time("crop", lambda: [scene.cut(question.crop, question.border) for question in questions])
        if type(scene) is not HostScene:
            return self._time("network", lambda: scene.look(questions, patches))
        maps = self._time("network", lambda: scene.search(questions, patches))
        return self._time("scoring", lambda: scene.choose(questions, maps))

    def template(self, crop: Crop, border: tuple[float, float, float]) -> Callable[[], Features]:
        patch = self._time("crop", lambda: self.scene.cut(crop, border))
        return lambda: self._time("template", lambda: self.scene.template_of(patch))


class _TimedDeviceScene:
    """All between the frame and the box is one piece of work on the device."""

    def __init__(self, scene: Scene, clock: StageClock) -> None:
        self.frame, self.scene, self._time, self._searched = scene.frame, scene, clock.time, clock.searched
        self.asked: Sequence[Question] = ()

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        self.asked = questions
        self._searched[questions[0].crop.patch] += len(questions)
        return self._time("network", lambda: self.scene.answers(questions))

    def template(self, crop: Crop, border: tuple[float, float, float]) -> Callable[[], Features]:
        features = self.scene.template(crop, border)
        return lambda: self._time("template", features)


class TimedTrackers(MultiTracker):
    """A tracker of several targets on a runtime that is timed."""

    def __init__(self, runtime: TimedRuntime, *others: Any) -> None:
        super().__init__(runtime, *others)
        self._timed = runtime

    def again(self) -> int:
        """See :meth:`TimedRuntime.again`."""
        return self._timed.again()


def timed_trackers(model: str, clock: StageClock, *, untrained: bool = False, **choices: Any) -> TimedTrackers:
    """A tracker of several targets whose stages are timed.

    Args:
        model: as of :func:`siam_tracker_ros.load_trackers`, and so are ``choices``, all of which are given.
        clock: what adds up the stages.
        untrained: take random weights of a zoo model, always the same. Its boxes mean nothing: it is there to be timed.

    Raises:
        ValueError: as of ``load_trackers``.
    """
    runtime, name, settings, calibration = _untrained(model, **choices) if untrained else loaded(model, **choices)
    return TimedTrackers(TimedRuntime(runtime, clock), name, settings, calibration)


def _untrained(model: str, *, device: str, precision: str, runtime: str, **_: Any) -> tuple[Runtime, str, Any, None]:
    if model not in MODELS:
        raise ValueError(f"unknown model '{model}'; only models of the zoo can be timed without weights")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = MODELS[model].build(None).eval()
    chosen = resolve_device(device)
    dtype = resolve_precision(precision, chosen)
    made = (
        AsWrittenRuntime(network, chosen, dtype)
        if runtime == AS_WRITTEN
        else make_runtime(network, model, chosen, dtype, runtime)
    )
    return made, model, preset(model), None


def runtimes_here(device: str, precision: str) -> tuple[str, ...]:
    """The runtimes that this machine has for a device and precision, by name.

    Raises:
        DeviceError: it does not have the device or the precision.
    """
    chosen = resolve_device(device)
    return runtime_names(chosen, resolve_precision(precision, chosen))


def search_costs(
    model: str, precision: str, sizes: Iterable[int], *, untrained: bool, as_written: bool
) -> dict[int, SearchCost]:
    """Operations and bytes of one search of a model of the zoo with patches of each side, as it is run or written."""
    network = MODELS[model].build(None) if untrained else network_of(model)[1]
    made = network if as_written else for_running(network)
    return {size: count_search(lambda: made, size, getattr(torch, precision)) for size in sizes}
