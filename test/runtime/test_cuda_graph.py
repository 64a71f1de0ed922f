"""Whole tracking runs on the device, in steps as a CUDA graph has them, against the host's crop and choice.

Without CUDA the steps run on the CPU, behind a stand-in that treats their outputs as graphs do.
"""

import functools
import gc
import weakref
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from calibrated import calibrated
from filled import moving_clip, picture

from siam_tracker_ros.geometry import Box, search_crop, template_crop
from siam_tracker_ros.networks.weights import load_weights
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.runtime.capture import Capture
from siam_tracker_ros.runtime.cuda_graph import BATCHES, MOST_STEPS, CudaGraphRuntime
from siam_tracker_ros.runtime.eager import EagerRuntime
from siam_tracker_ros.tracking.multi import MultiTracker
from siam_tracker_ros.tracking.scene import HostScene, OpensScenes, Question
from siam_tracker_ros.tracking.scoring import cosine_window
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.state import TrackState
from siam_tracker_ros.tracking.tracker import Tracker

CPU = torch.device("cpu")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
GROUND = (20.0, 150.0, 60.0, 50.0)


class Overwriting(Capture):
    """Stands in for CUDA graphs: outputs stay in one place, and are spoilt when any other step is replayed."""

    def __init__(self):
        super().__init__(CPU)
        self.outputs = []

    def record(self, step):
        outputs = tuple(part.clone() for part in step())
        self.outputs.append(outputs)

        def replay():
            fresh = step()
            for others in self.outputs:
                for part in others:
                    part.fill_(float("nan") if part.is_floating_point() else 0)
            for place, part in zip(outputs, fresh, strict=True):
                place.copy_(part)
            return outputs

        return replay


class Compared(CudaGraphRuntime):
    """Asks every question of the host's scene too, and keeps what differs."""

    def __init__(self, network, device=CPU, dtype=torch.float32):
        super().__init__(network, device, dtype)
        if device == CPU:
            self._capture = Overwriting()
        self.boxes, self.scores, self.energies, self.batches = [], [], [], []

    def open_scene(self, frame):
        return ComparedScene(self, super().open_scene(frame), HostScene(self, frame))


class ComparedScene:
    def __init__(self, runtime, device, host):
        self.runtime, self.device, self.host, self.frame = runtime, device, host, device.frame

    def answers(self, questions):
        self.runtime.batches.append(len(questions))
        answers = self.device.answers(questions)
        for question, ours, theirs in zip(questions, answers, self.host.answers(questions), strict=True):
            assert (ours.choice is None) == (theirs.choice is None)
            assert (ours.sample is None) == (theirs.sample is None)
            a, b = (question.crop.to_image(answer.choice.box).as_tuple() for answer in (ours, theirs))
            self.runtime.boxes.append(np.abs(np.subtract(a, b)).max())
            self.runtime.scores.append(abs(ours.choice.confidence - theirs.choice.confidence))
            self.runtime.energies.append(abs(ours.apce / theirs.apce - 1))
            if ours.sample is not None:
                assert np.abs(ours.scores - theirs.scores).max() < 0.05
        return answers

    def template(self, crop, border):
        device, host = self.device.template(crop, border), self.host.template(crop, border)

        def features():
            ours, theirs = device(), host()
            for one, other in zip(ours, theirs, strict=True):
                assert float((one.float() - other.float()).abs().mean() / other.float().abs().mean()) < 0.1
            return ours

        return features


@functools.cache
def network(rule="exact"):
    """The shipped afsn_mobile, or one whose patches are cut as other networks' are."""
    built = MODELS["afsn_mobile"].build()
    load_weights(built, MODELS["afsn_mobile"].weights_path, "afsn_mobile")
    built.geometry = replace(built.geometry, crop=rule)
    return built


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small operations on a machine that is busy: threads would wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def clip():
    return moving_clip(13)


def assert_near(runtime, percent=100):
    """The device's answers are the host's; what differs are grey levels of the patches, by one here and there."""
    assert np.percentile(runtime.boxes, percent) < 0.5  # pixels of the frame
    assert max(runtime.scores) < 0.02
    assert max(runtime.energies) < 0.1


def question(runtime, frame=None, box=(100, 80, 60, 50), **settings):
    """The question where the target of a frame is, in that frame, which is opened."""
    frame = picture(240, 320, seed=5) if frame is None else frame
    box, black, g = Box(*box), (0.0, 0.0, 0.0), runtime.geometry
    scene = runtime.open_scene(frame)
    kernels = runtime.kernels(scene.template(template_crop(box, g.template_size), black)())
    crop = search_crop(box, g.search_size, g.template_size)
    window = cosine_window(g.map_size)
    return Question(kernels, crop, black, crop.to_patch(box), window, TrackerSettings(**settings))


def test_it_opens_scenes_and_has_its_name():
    runtime = CudaGraphRuntime(network(), CPU)
    assert isinstance(runtime, OpensScenes)
    assert not isinstance(EagerRuntime(network(), CPU), OpensScenes)
    assert (runtime.name, runtime.failure, Tracker(runtime, "afsn_mobile").runtime) == (
        "cuda_graph",
        None,
        "cuda_graph",
    )
    with pytest.raises(RuntimeError, match="open a scene first"):
        runtime.look([])


def test_a_run_is_the_eager_runtimes(clip):
    frames, first = clip
    boxes = []
    for runtime in (EagerRuntime(network(), CPU), CudaGraphRuntime(network(), CPU)):
        tracker = Tracker(runtime, "afsn_mobile")
        tracker.init(frames[0], first)
        boxes.append([tracker.update(frame).box.as_tuple() for frame in frames[1:]])
    # Patches begin at whole pixels: where a box differs by a hundredth, the next patch may differ by one.
    assert np.abs(np.subtract(*boxes)).max() < 2.0


def test_with_template_updates_and_second_looks(clip):
    frames, first = clip
    options = TrackerSettings(
        template_interval=2,
        template_confidence=0.0,
        apce_relative=0.0,
        second_look=0.02,
        lost_logic=False,
        calm_search_size=0,
    )
    runtime = Compared(network())
    tracker = Tracker(runtime, "afsn_mobile", options)
    tracker.init(frames[0], first)
    results = [tracker.update(frame) for frame in frames[1:]]
    assert results[-1].template_updates == 6
    assert len(runtime.boxes) > len(results)  # some frames were looked at twice
    assert_near(runtime)


def test_several_targets_one_of_them_partly_outside(clip):
    frames, first = clip
    runtime = Compared(network())
    tracker = MultiTracker(runtime, "afsn_mobile", TrackerSettings(lost_logic=False, second_look=0.0))
    for name, box in (("a", first), ("b", GROUND), ("c", (-15.0, 30.0, 50.0, 60.0))):
        tracker.add(name, frames[0], box)
    for frame in frames[1:7]:
        tracker.update(frame)
    tracker.remove("b")  # the others move up
    for frame in frames[7:10]:
        tracker.update(frame)
    assert set(runtime.batches) == {3, 2}
    assert_near(runtime)


def test_a_lost_target_is_searched_for_and_found():
    """A textured square goes, and is back on the other side of the picture."""
    ground, square = picture(240, 320, seed=3) // 2 + 60, picture(48, 48, seed=4)

    def shot(x, y):
        frame = ground.copy()
        frame[y : y + 48, x : x + 48] = square
        return frame

    runtime = Compared(network())
    options = TrackerSettings(
        lost_after_frames=2, search_after_frames=1, found_after_frames=2, search_patches=3, camera_motion=False
    )
    tracker = Tracker(runtime, "afsn_mobile", options)
    tracker.init(shot(40, 40), (40, 40, 48, 48))
    for frame in [shot(40, 40)] * 3 + [ground] * 6:
        tracker.update(frame)
    results = [tracker.update(shot(230, 160)) for _ in range(14)]
    assert results[0].state is TrackState.SEARCHING
    assert results[-1].state is TrackState.TRACKING
    assert results[-1].box.iou(Box(230, 160, 48, 48)) > 0.6
    assert 1 + options.search_patches in runtime.batches
    assert_near(runtime, percent=80)  # of the empty ground two points may be as good as each other


def test_frames_of_another_size():
    runtime = Compared(network())
    tracker = MultiTracker(runtime, "afsn_mobile", TrackerSettings(lost_logic=False))
    image = picture(240, 320, seed=5)
    larger = np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)
    tracker.add("a", image, (100, 80, 60, 50))
    tracker.update(image)
    before = runtime._frame
    tracker.rescale(2.0, 2.0)
    assert tracker.update(larger)["a"].box.iou(Box(200, 160, 120, 100)) > 0.7
    assert runtime._frame is not before
    tracker.rescale(0.5, 0.5)
    assert tracker.update(image)["a"].box.iou(Box(100, 80, 60, 50)) > 0.7
    assert_near(runtime)


def test_a_large_target_is_cut_from_a_halved_frame():
    runtime = Compared(network())
    frame = cv2.resize(picture(240, 320, seed=5), (1280, 960), interpolation=cv2.INTER_CUBIC)
    tracker = Tracker(runtime, "afsn_mobile", TrackerSettings(lost_logic=False))
    tracker.init(frame, (400, 320, 240, 200))
    for _ in range(3):
        tracker.update(frame)
        assert runtime._frame.filled == 1
    assert_near(runtime)


@pytest.mark.parametrize("rule", ["floor", "round"])
def test_patches_in_whole_pixels_and_the_online_branch(clip, rule):
    runtime = Compared(network(rule))
    frames, first = clip
    tracker = Tracker(runtime, "afsn_mobile", TrackerSettings(online=True, template_confidence=0.0, lost_logic=False))
    tracker.init(frames[0], first)
    for frame in frames[1:5]:
        tracker.update(frame)
    assert_near(runtime)


def test_what_is_given_is_not_overwritten():
    runtime = CudaGraphRuntime(network(), CPU)
    runtime._capture = Overwriting()
    one = question(runtime)
    kept = [part.clone() for part in one.kernels]
    scene, crop = runtime.open_scene(picture(240, 320, seed=6)), template_crop(Box(50, 50, 60, 60), 127)
    features = scene.template(crop, (0, 0, 0))()
    copies = [part.clone() for part in features]
    runtime.kernels(features)
    question(runtime, picture(240, 320, seed=8))
    assert all(map(torch.equal, one.kernels, kept))
    assert all(map(torch.equal, features, copies))


def test_more_questions_than_a_graph_holds_are_shared_out(monkeypatch):
    runtime = CudaGraphRuntime(network(), CPU)
    one = question(runtime)
    monkeypatch.setattr("siam_tracker_ros.runtime.cuda_graph.BATCHES", (1, 2, 4))
    answers = runtime.look([one] * 7)
    assert [key for key in runtime._steps if key[0] == "search"] == [("search", 4, 255)]
    assert len({answer.choice.score for answer in answers}) <= 2  # of batches of one size, the last one padded
    assert len(answers) == 7
    assert runtime.look([]) == []


def test_settings_and_targets_change_without_a_new_step():
    runtime = CudaGraphRuntime(network(), CPU)
    one = question(runtime)
    other = question(runtime, box=(180, 60, 40, 70), window_influence=0.9, penalty_k=0.5)
    alone = [runtime.look([each])[0] for each in (one, other)]
    again = [runtime.look([each])[0] for each in (one, other)]
    assert [answer.choice for answer in alone] == [answer.choice for answer in again]
    assert alone[0].choice.box.iou(alone[1].choice.box) < 1
    assert sum(key[0] == "search" for key in runtime._steps) == 1


@torch.inference_mode()
def test_kernels_are_copied_only_when_they_change(monkeypatch):
    runtime = CudaGraphRuntime(network(), CPU)
    one = question(runtime)
    two = question(runtime)
    runtime.look([one, two])
    step = runtime._steps["search", 2, 255]
    places, copied = [part.data_ptr() for part in step._kernels], []
    monkeypatch.setattr(step, "_kernels", tuple(Watched(part, copied) for part in step._kernels))
    step._hold(0, one.kernels)
    step._hold(1, two.kernels)
    assert copied == []
    step._hold(1, one.kernels)
    assert copied == [1] * len(places)


class Watched:
    """A tensor whose rows are asked for."""

    def __init__(self, tensor, asked):
        self.tensor, self.asked = tensor, asked

    def __getitem__(self, index):
        self.asked.append(index)
        return self.tensor[index]


def test_the_steps_that_are_kept_are_bounded():
    runtime = CudaGraphRuntime(network(), CPU)
    for index in range(3 * MOST_STEPS):
        runtime._step(("made", index), object)
        runtime._step(("made", 0), object)
    assert len(runtime._steps) == MOST_STEPS
    assert ("made", 0) in runtime._steps  # it was used all the time


def test_dropped_steps_are_gone_at_once():
    """Nothing waits for Python to look for cycles: what a graph holds is the GPU's memory."""
    runtime = CudaGraphRuntime(network(), CPU)
    runtime.look([question(runtime)])
    dropped = [weakref.ref(runtime._frame), *(weakref.ref(step) for step in runtime._steps.values())]
    gc.disable()
    try:
        runtime.open_scene(picture(120, 160, seed=1))
        assert [reference() for reference in dropped] == [None] * 4
    finally:
        gc.enable()


def test_prepared_it_makes_no_step_while_tracking(clip):
    frames, first = clip
    runtime = CudaGraphRuntime(network(), CPU)
    runtime.prepare(240, 320, most=3)
    prepared = list(runtime._steps)
    assert {key[1] for key in prepared if key[0] == "search"} == {1, 2, 3}
    tracker = MultiTracker(runtime, "afsn_mobile", TrackerSettings(lost_logic=False))
    tracker.add("a", frames[0], first)
    tracker.add("b", frames[0], GROUND)
    tracker.update(frames[1])
    assert set(runtime._steps) == set(prepared)


def test_a_failed_capture_is_survived(clip, monkeypatch):
    frames, first = clip
    runtime = CudaGraphRuntime(network(), CPU)
    runtime._capture.enabled = True  # which asks a CPU for a CUDA stream
    monkeypatch.setattr(
        runtime._capture, "_recorded", lambda step: (_ for _ in ()).throw(torch.cuda.OutOfMemoryError("no memory left"))
    )
    tracker = Tracker(runtime, "afsn_mobile")
    with pytest.warns(RuntimeWarning, match="no CUDA graph, the network runs without: no memory left") as said:
        tracker.init(frames[0], first)
    assert len(said) == 1
    assert tracker.update(frames[1]).seen
    assert runtime.failure == "no memory left"


def test_batches_go_up_to_the_targets_that_one_graph_is_for():
    assert list(BATCHES) == sorted(set(BATCHES))
    assert BATCHES[0] == 1
    assert {1, 2, 8} <= set(BATCHES)


@needs_cuda
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_on_cuda_the_answers_are_the_hosts(clip, dtype):
    frames, first = clip
    runtime = Compared(network(), torch.device("cuda", 0), dtype)
    tracker = MultiTracker(runtime, "afsn_mobile", TrackerSettings(template_interval=2, lost_logic=False))
    tracker.add("a", frames[0], first)
    tracker.add("b", frames[0], GROUND)
    for frame in frames[1:]:
        tracker.update(frame)
    assert runtime.failure is None
    assert max(runtime.boxes) < (0.5 if dtype == torch.float32 else 2.0)


@needs_cuda
@pytest.mark.parametrize("name", sorted(MODELS))
def test_on_cuda_every_network_is_captured(name):
    runtime = CudaGraphRuntime(calibrated(name), torch.device("cuda", 0), torch.float16)
    one = question(runtime)
    for count in (1, 3, 1):
        assert all(answer.choice for answer in runtime.look([one] * count))
    assert runtime.failure is None


@needs_cuda
def test_on_cuda_memory_stays_flat(clip):
    frames, first = clip
    runtime = CudaGraphRuntime(network(), torch.device("cuda", 0), torch.float16)
    tracker = Tracker(runtime, "afsn_mobile", TrackerSettings(template_interval=1, template_confidence=0.0))
    tracker.init(frames[0], first)
    held = []
    for turn in range(6):
        for frame in frames[1:]:
            tracker.update(frame)
        runtime.prepare(240 + turn % 2, 320, most=3)  # recorded anew
        tracker.update(frames[0])
        held.append(torch.cuda.memory_reserved())
    assert held[-1] <= held[2]
    assert runtime.failure is None
