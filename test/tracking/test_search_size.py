"""The usual search and the calm one: their sizes, who gets which, and that nothing is lost by it."""

from dataclasses import replace

import numpy as np
import pytest
from filled import moving_clip

from siam_tracker_ros import Box, TrackerSettings, load_tracker
from siam_tracker_ros.networks.response import Geometry
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.tracking.follow import answered
from siam_tracker_ros.tracking.presets import PRESETS
from siam_tracker_ros.tracking.scene import Answer, HostScene, Question
from siam_tracker_ros.tracking.search_size import calm_geometry, search_sizes, usual_geometry

OWN: Geometry = MODELS["afsn_mobile"].network.geometry


def test_sizes_of_the_shipped_model():
    settings = TrackerSettings(calm_search_size=191)
    assert search_sizes(OWN, settings) == [255, 191]
    assert search_sizes(OWN, replace(settings, calm_search_size=0)) == [255]
    assert search_sizes(OWN, replace(settings, search_size=287, small_target_search_size=319)) == [287, 319, 191]
    assert search_sizes(OWN, replace(settings, online=True)) == [255]


@pytest.mark.parametrize("size", [0, 255, 300, 1000])
def test_a_calm_search_is_never_larger_than_the_usual_one(size):
    settings = TrackerSettings(calm_search_size=size)
    usual = usual_geometry(OWN, settings, small_target=False)
    assert calm_geometry(OWN, usual, settings) == usual


def test_published_trackers_search_as_their_papers_say():
    for name, presets in PRESETS.items():
        if name != "afsn_mobile":
            assert all(settings.calm_search_size == 0 for settings in presets.values())


class Asked(HostScene):
    """Answers with the patch's size, and notes how many questions came at once."""

    def __init__(self):
        self.passes = []

    def answers(self, questions):
        self.passes.append((questions[0].crop.patch, len(questions)))
        assert len({question.crop.patch for question in questions}) == 1
        return [Answer(None, float(question.last.w)) for question in questions]


def question(size, number):
    from siam_tracker_ros.geometry import Crop

    box = Box(0.0, 0.0, float(number), 1.0)
    return Question((), Crop(0.0, 0.0, 1.0, size), (0.0,) * 3, box, np.ones(1, np.float32), TrackerSettings())


def test_questions_of_one_size_share_a_pass_and_keep_their_order():
    scene = Asked()
    answers = answered(scene, [question(size, number) for number, size in enumerate([255, 191, 255, 191, 191])])
    assert [answer.apce for answer in answers] == [0, 1, 2, 3, 4]
    assert scene.passes == [(255, 2), (191, 3)]
    assert answered(scene, []) == []


@pytest.fixture
def sides(monkeypatch):
    """The sides of the patches that are searched, in order."""
    found = []
    plain = HostScene.cut

    def cut(scene, crop, border):
        found.append(crop.patch)
        return plain(scene, crop, border)

    monkeypatch.setattr(HostScene, "cut", cut)
    return found


def test_a_calm_target_is_searched_in_a_smaller_patch_with_the_same_result(sides):
    frames, box = moving_clip(12)
    settings = TrackerSettings(calm_search_size=191, template_update=False)
    boxes = []
    for each in (settings, replace(settings, calm_search_size=0)):
        tracker = load_tracker("afsn_mobile", device="cpu", settings=each)
        tracker.init(frames[0], box)
        sides.clear()
        boxes.append([tracker.update(frame).box for frame in frames[1:]])
        if each.calm_search_size:
            assert sides[0] == 255  # nothing is known yet
            assert sides.count(191) >= 6
        else:
            assert set(sides) == {255}
    for calm, usual in zip(*boxes, strict=True):
        assert calm.iou(usual) > 0.8


def test_a_target_that_is_not_surely_in_the_smaller_patch_is_looked_for_in_the_usual_one(sides):
    frames, box = moving_clip(8)
    tracker = load_tracker("afsn_mobile", device="cpu", settings=TrackerSettings(calm_search_size=191))
    tracker.init(frames[0], box)
    for frame in frames[1:]:
        tracker.update(frame)
    sides.clear()
    result = tracker.update(np.full_like(frames[0], 90))  # it is gone
    assert sides[:2] == [191, 255]
    assert not result.seen or result.score < 0.7
    sides.clear()
    tracker.update(np.full_like(frames[0], 90))
    assert sides[0] == 255
