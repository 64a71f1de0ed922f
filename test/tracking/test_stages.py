"""Trackers whose stages are timed: the same results, and every stage where it belongs."""

import pytest
import torch
from filled import moving_clip

from siam_tracker_ros import load_trackers
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.runtime.cuda_graph import CudaGraphRuntime
from siam_tracker_ros.runtime.device import DeviceError
from siam_tracker_ros.tracking.load import network_of
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.stages import (
    STAGES,
    StageClock,
    TimedRuntime,
    TimedTrackers,
    runtimes_here,
    search_costs,
    timed_trackers,
)

CHOICES = {"device": "cpu", "precision": "float32", "runtime": "eager"}
LOADED = {"weights": None, "settings": None, "preset": "", "online": None}


def test_the_clock_adds_up_until_it_is_taken():
    clock = StageClock()
    assert clock.time("crop", lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        clock.time("network", lambda: 1 / 0)
    taken = clock.take()
    assert list(taken) == list(STAGES)
    assert taken["crop"] > 0
    assert taken["network"] > 0
    assert taken["scoring"] == taken["template"] == 0
    assert sum(clock.take().values()) == 0


def test_timing_changes_nothing_and_fills_every_stage():
    frames, box = moving_clip(5)
    settings = TrackerSettings(template_interval=1, template_confidence=0.0, apce_relative=0.0, calm_search_size=0)
    clock = StageClock()
    timed = timed_trackers("afsn_mobile", clock, **CHOICES, **{**LOADED, "settings": settings})
    plain = load_trackers("afsn_mobile", **CHOICES, settings=settings)
    for tracker in (timed, plain):
        tracker.add("0", frames[0], box)
    clock.take()
    for frame in frames[1:]:
        result, expected = timed.update(frame)["0"], plain.update(frame)["0"]
        timed.rest()
        assert (result.box, result.template_updated) == (expected.box, True)
        assert all(seconds > 0 for seconds in clock.take().values())


@pytest.mark.parametrize("runtime", ["eager", "onnx"])
def test_the_last_search_can_be_done_again_and_counts_nowhere(runtime):
    frames, box = moving_clip(4)
    clock = StageClock()
    timed, plain = (
        timed_trackers("afsn_mobile", each, **{**CHOICES, "runtime": runtime}, **LOADED)
        for each in (clock, StageClock())
    )
    timed.add("0", frames[0], box)
    plain.add("0", frames[0], box)
    assert timed.again() == 0
    for frame in frames[1:]:
        result = timed.update(frame)
        searched = dict(clock.searched)
        clock.take()
        assert timed.again() in searched
        assert clock.searched == searched
        assert sum(clock.take().values()) == 0
        assert result == plain.update(frame)


def test_a_runtime_that_chooses_on_its_device_has_one_stage():
    _, network = network_of("afsn_mobile")
    clock, (frames, box) = StageClock(), moving_clip(3)
    tracker = TimedTrackers(TimedRuntime(CudaGraphRuntime(network, torch.device("cpu")), clock), "afsn_mobile")
    tracker.add("0", frames[0], box)
    clock.take()
    assert tracker.update(frames[1])["0"].box.is_finite
    taken = clock.take()
    assert taken["network"] > 0
    assert taken["crop"] == taken["scoring"] == 0
    assert tracker.again() in clock.searched
    assert sum(clock.take().values()) == 0


@pytest.mark.parametrize("runtime", ["eager", "as_written"])
def test_a_model_without_weights_can_be_timed(runtime):
    model = next(name for name, entry in MODELS.items() if entry.weights_path is None)
    trackers = [
        timed_trackers(model, StageClock(), untrained=True, **{**CHOICES, "runtime": runtime}) for _ in range(2)
    ]
    frames, box = moving_clip(2)
    for tracker in trackers:
        tracker.add("0", frames[0], box)
    one, other = (tracker.update(frames[1])["0"].box for tracker in trackers)
    assert one == other  # the random weights are always the same
    assert trackers[0].runtime == runtime


def test_without_weights_only_a_model_of_the_zoo_can_be_timed():
    with pytest.raises(ValueError, match="unknown model 'nothing'"):
        timed_trackers("nothing", StageClock(), untrained=True, **CHOICES)


def test_runtimes_of_this_machine():
    assert runtimes_here("cpu", "float32")[0] == "eager"
    with pytest.raises(DeviceError, match="unknown device"):
        runtimes_here("tpu", "float32")


def test_what_runs_takes_fewer_operations_than_what_is_written():
    run, written = (
        search_costs("afsn_mobile", "float32", [255, 191], untrained=False, as_written=as_written)
        for as_written in (False, True)
    )
    assert run[255].flop < written[255].flop
    assert run[255].moved < written[255].moved
    assert run[255].least < run[255].moved
    assert 0.4 < run[191].flop / run[255].flop < 0.7
