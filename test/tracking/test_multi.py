"""Several targets: each is followed as it would be alone, and the network is run once for all."""

import numpy as np
import pytest
import torch
from filled import moving_clip, picture

from siam_tracker_ros import Box, BoxError, FrameError, TrackerSettings, TrackState, load_tracker, load_trackers
from siam_tracker_ros.runtime import device
from siam_tracker_ros.runtime.cuda_graph import CudaGraphRuntime
from siam_tracker_ros.tracking.load import network_of
from siam_tracker_ros.tracking.multi import MultiTracker

GROUND = (20.0, 150.0, 60.0, 50.0)


@pytest.fixture(scope="module")
def clip():
    return moving_clip(20)


@pytest.fixture(scope="module")
def loaded():
    return load_trackers("afsn_mobile", device="cpu", runtime="eager")


ONE_SIZE = TrackerSettings(calm_search_size=0)


@pytest.fixture
def tracker(loaded):
    loaded.clear()
    loaded.configure(TrackerSettings())
    return loaded


def alone(frames, start, box):
    """Boxes and states of one target followed by itself, from the frame `start` on."""
    tracker = load_tracker("afsn_mobile", device="cpu", runtime="eager", settings=ONE_SIZE)
    tracker.init(frames[start], box)
    return [tracker.update(frame) for frame in frames[start + 1 :]]


def test_each_is_followed_as_if_it_were_alone(tracker, clip, monkeypatch):
    frames, first = clip
    late = (first[0] + 10.0, first[1] + 5.0, 40.0, 36.0)  # begins five frames later
    passes = []
    tracker.configure(ONE_SIZE)
    kind = type(tracker._runtime)
    search = kind.search_many
    monkeypatch.setattr(
        kind,
        "search_many",
        lambda self, kernels, patches: passes.append(len(patches)) or search(self, kernels, patches),
    )
    tracker.add("patch", frames[0], first)
    tracker.add("ground", frames[0], GROUND)
    found = {"patch": [], "ground": [], "late": []}
    for index, frame in enumerate(frames[1:], start=1):
        for name, result in tracker.update(frame).items():
            found[name].append(result)
        if index == 5:
            tracker.add("late", frame, late)
    assert passes == [2] * 5 + [3] * 14
    for name, start, box in (("patch", 0, first), ("ground", 0, GROUND), ("late", 5, late)):
        expected = alone(frames, start, box)
        assert len(found[name]) == len(expected)
        np.testing.assert_allclose(found[name][0].box.as_tuple(), expected[0].box.as_tuple(), atol=0.01)
        assert found[name][0].confidence == pytest.approx(expected[0].confidence, abs=1e-3)
        # A batch adds up in another order: a point more or less votes for the box, and the crops carry it on.
        for ours, its in zip(found[name], expected, strict=True):
            assert ours.box.iou(its.box) > 0.9
            assert ours.confidence == pytest.approx(its.confidence, abs=0.05)


def test_targets_come_and_go_and_keep_their_order(tracker, clip):
    frames, first = clip
    assert (tracker.ids, tracker.update(frames[0])) == ((), {})
    for name in ("a", "b", "c"):
        tracker.add(name, frames[0], first)
    tracker.add("a", frames[1], GROUND)  # anew, in its old place
    assert tracker.ids == ("a", "b", "c")
    results = tracker.update(frames[2])
    assert list(results) == ["a", "b", "c"]
    assert results["a"].box.iou(Box(*GROUND)) > 0.3
    assert results["b"].box == results["c"].box
    assert tracker.remove("b")
    assert not tracker.remove("b")
    assert tracker.ids == ("a", "c")
    tracker.clear()
    assert tracker.ids == ()


def test_one_can_catch_up_with_the_others(tracker, clip):
    frames, first = clip
    tracker.configure(ONE_SIZE)
    tracker.add("a", frames[5], first)
    tracker.add("b", frames[0], first)
    for frame in frames[1:6]:
        assert list(tracker.update(frame, only=["b"])) == ["b"]
    expected = alone(frames[:6], 0, first)
    np.testing.assert_allclose(
        tracker.update(frames[6], only=["b"])["b"].box.as_tuple(),
        alone(frames[:7], 0, first)[-1].box.as_tuple(),
        atol=0.01,
    )
    assert len(expected) == 5
    with pytest.raises(KeyError, match="no target named x"):
        tracker.update(frames[6], only=["a", "x"])


def test_a_refused_start_harms_nobody(tracker, clip):
    frames, first = clip
    tracker.add("a", frames[0], first)
    with pytest.raises(BoxError):
        tracker.add("a", frames[1], (500, 500, 30, 30))
    with pytest.raises(BoxError):
        tracker.add("b", frames[1], (0, 0, 2, 2))
    with pytest.raises(FrameError):
        tracker.add("b", np.zeros((10, 10), np.uint8), first)
    with pytest.raises(FrameError):
        tracker.update(np.zeros((10, 10), np.uint8))
    assert tracker.ids == ("a",)
    assert tracker.update(frames[1])["a"].state is TrackState.TRACKING


def test_search_patches_of_different_sizes_go_in_passes_of_their_own(tracker, clip):
    frames, first = clip
    tracker.add("usual", frames[0], first)
    tracker.configure(TrackerSettings(search_size=287))
    tracker.add("wide", frames[0], first)
    results = tracker.update(frames[1])
    assert list(results) == ["usual", "wide"]
    for result in results.values():
        assert result.box.iou(alone(frames[:2], 0, first)[0].box) > 0.7


def test_another_resolution(tracker):
    image = picture(240, 320, seed=5)
    larger = np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)
    tracker.add("a", image, (100, 80, 60, 50))
    tracker.update(image)
    as_it_was = tracker.update(image)["a"].box
    tracker.add("a", image, (100, 80, 60, 50))
    tracker.update(image)
    tracker.rescale(2.0, 2.0)
    after = tracker.update(larger)["a"].box
    np.testing.assert_allclose(after.as_tuple(), [2 * value for value in as_it_was.as_tuple()], atol=4)


def test_released_it_follows_nothing(clip, monkeypatch):
    frames, first = clip
    tracker = load_trackers("afsn_mobile", device="cpu", runtime="eager")
    tracker.add("a", frames[0], first)
    collected = []
    monkeypatch.setattr(device.gc, "collect", lambda: collected.append(1))
    tracker.release()
    assert (tracker.ids, tracker.update(frames[1]), collected) == ((), {}, [1])
    with pytest.raises(RuntimeError, match="released: load it again"):
        tracker.add("a", frames[0], first)
    assert (tracker.device, tracker.model_name) == ("cpu", "afsn_mobile")


def test_graphs_are_recorded_before_anything_is_followed(clip):
    frames, first = clip
    _, network = network_of("afsn_mobile")
    runtime = CudaGraphRuntime(network, torch.device("cpu"), capture=False)
    tracker = MultiTracker(runtime, "afsn_mobile", TrackerSettings(search_patches=1))
    height, width = frames[0].shape[:2]
    tracker.prepare(height, width, 2)
    ready = dict(runtime._steps)
    tracker.add("a", frames[0], first)
    tracker.add("b", frames[0], GROUND)
    for frame in frames[1:5]:
        tracker.update(frame)
    assert dict(runtime._steps) == ready
