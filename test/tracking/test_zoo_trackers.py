"""Every model of the zoo behind the one tracker: its preset, two hundred frames, options on and off."""

import gc
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from calibrated import calibrated
from every_model import EVERY_MODEL
from filled import moving_clip

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.runtime.eager import EagerRuntime
from siam_tracker_ros.tracking.presets import PRESETS, preset
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.state import TrackState
from siam_tracker_ros.tracking.tracker import Tracker

FIRST = Box(120.0, 90.0, 44.0, 36.0)


@pytest.fixture(scope="module")
def clip():
    return moving_clip(51)[0]


@pytest.fixture(scope="module", params=EVERY_MODEL)
def runtime(request):
    return request.param, EagerRuntime(calibrated(request.param, shallow=True), torch.device("cpu"))


def live_tensors():
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some modules warn when they are asked for their class
        return [thing for thing in gc.get_objects() if issubclass(type(thing), torch.Tensor)]


def resident_megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.parametrize(
    "runtime",
    [pytest.param(name, marks=() if name == "afsn_mobile" else pytest.mark.slow) for name in sorted(MODELS)],
    indirect=True,
)
def test_two_hundred_updates_keep_no_gradient_and_no_memory(runtime, clip):
    """At a small search size and with few blocks: what is kept per frame would be kept with all of them too."""
    name, run = runtime
    everything_on = replace(
        preset(name),
        search_size=127,
        small_target_search_size=0,
        template_update=True,
        template_interval=3,
        template_confidence=0.0,
        apce_relative=0.0,
        online=name in ("afsn_mobile", "ocean_online_r50"),
        lost_logic=False,
    )
    tracker = Tracker(run, name, everything_on)
    tracker.init(clip[0], FIRST)
    before, updates = None, 0
    for i in range(200):
        result = tracker.update(clip[i % len(clip)])
        updates += result.template_updated
        assert result.box.is_finite
        assert np.isfinite([result.confidence, result.apce]).all()
        if i == 60:
            before = len(live_tensors()), resident_megabytes()
    tensors, megabytes = live_tensors(), resident_megabytes()
    assert updates == 66
    # A search's features alone are 58 to 920 kB for each frame that kept them.
    assert len(tensors) <= before[0] + 2
    assert megabytes < before[1] + 24
    assert all(tensor.grad is None for tensor in tensors if tensor.is_leaf)
    assert not any(tensor.requires_grad for tensor in (*tracker._target.kernels, *tracker._target._memory.blended()))
    assert torch.is_grad_enabled()  # the caller's own setting


def test_published_settings_have_the_update_and_the_lost_logic_only_where_the_paper_has_them():
    for name, presets in PRESETS.items():
        assert name in MODELS
        for settings in presets.values():
            assert settings.template_update == name.startswith("afsn")
            assert settings.lost_logic == (name == "afsn_mobile")
            assert settings.online == (name == "ocean_online_r50")
    assert set(PRESETS) == set(MODELS)


def test_the_authors_numbers():
    vot, otb = preset("siamban_r50"), preset("siamban_r50", "otb100")
    rounded = [
        (round(s.window_influence, 3), round(s.penalty_k, 4), round(s.size_lr, 3), s.min_side) for s in (vot, otb)
    ]
    assert rounded == [(0.463, 0.0851, 0.444, 10), (0.385, 0.0205, 0.473, 10)]
    ocean = preset("ocean_r50", "vot2018")
    assert (ocean.size_smoothings, ocean.search_size, ocean.small_target_search_size) == (2, 255, 271)
    assert ocean.small_target_share == 0.004
    assert preset("ocean_online_r50").online_weight == 0.5
    with pytest.raises(ValueError, match="siamban_r50 has no preset 'lasot'; use one of vot2018, vot2019, otb100"):
        preset("siamban_r50", "lasot")


def test_every_option_works_on_every_model(runtime, clip):
    """Switched on, the update changes what is searched for and the lost logic holds the box where nothing is sure."""
    name, run = runtime
    options = replace(
        preset(name),
        search_size=127,
        small_target_search_size=0,
        template_update=True,
        template_interval=1,
        template_confidence=0.0,
        apce_relative=0.0,
        lost_logic=True,
        confidence_uncertain=0.0,
        confidence_lost=0.0,
        apce_uncertain=0.0,
    )
    tracker = Tracker(run, name, options)
    tracker.init(clip[0], FIRST)
    first = tracker._target.kernels
    assert tracker.update(clip[1]).template_updated
    tracker.rest()
    assert not all(torch.equal(a, b) for a, b in zip(first, tracker._target.kernels, strict=True))
    waiting = replace(options, confidence_uncertain=1.0, confidence_lost=1.0, lost_after_frames=2, camera_motion=False)
    tracker.configure(waiting)
    held = [tracker.update(frame) for frame in clip[2:6]]
    assert held[-1].state is TrackState.LOST
    assert held[-1].box == held[-2].box
    assert not held[-1].seen
    tracker.configure(replace(options, lost_logic=False, template_update=False))
    free = tracker.update(clip[6])
    assert free.state is TrackState.TRACKING
    assert free.seen
    assert not free.template_updated


def test_a_target_that_begins_small_gets_the_larger_search(clip):
    run = EagerRuntime(calibrated("afsn_mobile"), torch.device("cpu"))
    settings = replace(TrackerSettings(), search_size=223, small_target_search_size=287)
    tracker = Tracker(run, "afsn_mobile", settings)
    # 0.4 % of 320 x 240 are 307 pixels.
    for box, side, points in ((Box(100, 100, 17, 18), 287, 17), (Box(100, 100, 18, 18), 223, 13)):
        tracker.init(clip[0], box)
        assert (tracker._target.geometry.search_size, tracker._target.geometry.map_size) == (side, points)
        tracker.update(clip[1])
    tracker.configure(replace(settings, small_target_search_size=0, search_size=0))
    tracker.init(clip[0], Box(100, 100, 17, 18))
    assert tracker._target.geometry.search_size == 255


def test_search_sizes_are_rounded_to_what_keeps_the_map_centred():
    geometry = calibrated("afsn_mobile").geometry
    for asked, given, points in ((255, 255, 15), (271, 255, 15), (272, 287, 17), (300, 287, 17), (1, 63, 3)):
        at = geometry.at(asked)
        assert (at.search_size, at.map_size) == (given, points)
