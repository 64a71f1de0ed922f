"""Targets that hide, with the shipped weights on drawn pictures: what a plain waiting box loses is found again."""

import functools

import numpy as np
import pytest
from filled import picture

from siam_tracker_ros import Box, TrackerSettings, TrackState, load_tracker, load_trackers

WIDTH, HEIGHT, SIDE = 400, 300, 44
PLAIN = {"camera_motion": False, "search_patches": 0}


@functools.cache
def ground():
    return picture(420, 1100, seed=3) // 2 + 60


@functools.cache
def sign():
    """A target: quarters in strong colours, with a white frame."""
    image = np.full((SIDE, SIDE, 3), 250, np.uint8)
    half = SIDE // 2
    image[4:half, 4:half], image[4:half, half:-4] = (30, 40, 230), (210, 60, 20)
    image[half:-4, 4:half], image[half:-4, half:-4] = (20, 190, 230), (40, 160, 30)
    return image


def shot(camera, place, hidden=False):
    """What a camera at x, y sees of the ground and the sign at its place there, and the sign's box in the picture."""
    world = ground().copy()
    x, y = place
    if not hidden:
        world[y : y + SIDE, x : x + SIDE] = sign()
    left, top = camera
    return world[top : top + HEIGHT, left : left + WIDTH].copy(), Box(x - left, y - top, SIDE, SIDE)


@pytest.fixture(scope="module")
def loaded():
    return load_tracker("afsn_mobile", device="cpu")


def follow(tracker, shots, **settings):
    """The results of a tracker that was started on the first of the shots."""
    tracker.configure(TrackerSettings(**settings))
    (first, box), *others = shots
    tracker.init(first, box)
    return [tracker.update(frame) for frame, _ in others]


def pan_while_hidden():
    """The sign stands at 320, 150; the camera stands too, then pans by 180 pixels while the sign is covered."""
    shots = [shot((150, 40), (320, 150)) for _ in range(15)]
    shots += [shot((150 + 9 * i, 40), (320, 150), hidden=True) for i in range(1, 19)]
    return shots + [shot((312, 40), (320, 150)) for _ in range(15)]


def test_a_box_that_waits_stays_on_its_ground_while_the_camera_pans(loaded):
    shots = pan_while_hidden()
    plain = follow(loaded, shots, **PLAIN)
    truth = shots[-1][1]
    assert not plain[-1].seen
    assert plain[-1].box.iou(truth) == 0
    carried = follow(loaded, shots, search_patches=0)
    hidden = carried[16:31]
    assert not any(result.seen for result in hidden)
    for result, (_, box) in zip(hidden, shots[17:32], strict=True):
        assert np.hypot(result.box.cx - box.cx, result.box.cy - box.cy) < SIDE / 3
    assert carried[-1].state is TrackState.TRACKING
    assert carried[-1].box.iou(truth) > 0.6


def back_elsewhere():
    """The sign goes, and is back on the other side of the picture."""
    shots = [shot((0, 0), (60, 60)) for _ in range(10)]
    shots += [shot((0, 0), (60, 60), hidden=True) for _ in range(20)]
    return shots + [shot((0, 0), (310, 210)) for _ in range(40)]


def test_a_target_that_is_back_elsewhere_is_searched_for_and_found(loaded):
    shots = back_elsewhere()
    assert not follow(loaded, shots, **PLAIN)[-1].seen
    results = follow(loaded, shots)
    truth = shots[-1][1]
    assert results[28].state is TrackState.SEARCHING
    assert "lost" in results[28].reason
    assert results[-1].state is TrackState.TRACKING
    assert results[-1].seen
    assert results[-1].box.iou(truth) > 0.6
    again = next(i for i, result in enumerate(results) if i > 20 and result.seen)
    needed = TrackerSettings().found_after_frames
    assert again >= 29 + needed - 1  # not before it held
    for result in results[12:again]:
        assert not result.seen
    assert results[again].box.iou(truth) > 0.5
    assert results[again].template_updates == results[28].template_updates


def test_nothing_is_found_where_nothing_is(loaded):
    shots = [shot((0, 0), (60, 60)) for _ in range(10)]
    shots += [shot((0, 0), (60, 60), hidden=True) for _ in range(120)]
    results = follow(loaded, shots)
    assert not any(result.seen for result in results[12:])
    assert results[-1].state is TrackState.SEARCHING


@pytest.mark.parametrize("budget", [0, 1, 3])
def test_the_budget_is_kept_for_all_targets_together(budget, monkeypatch):
    tracker = load_trackers(
        "afsn_mobile", device="cpu", runtime="eager", settings=TrackerSettings(search_patches=budget)
    )
    passes, kind = [], type(tracker._runtime)
    search = kind.search_many
    monkeypatch.setattr(
        kind,
        "search_many",
        lambda self, kernels, patches: passes.append(len(patches)) or search(self, kernels, patches),
    )
    frame, box = shot((0, 0), (60, 60))
    gone, _ = shot((0, 0), (60, 60), hidden=True)
    tracker.add("one", frame, box)
    tracker.add("two", frame, box)
    for _ in range(40):
        results = tracker.update(gone)
    states = {TrackState.SEARCHING} if budget else {TrackState.LOST}
    assert {result.state for result in results.values()} == states
    assert set(passes[:10]) == {2}
    assert max(passes) == passes[-1] == 2 + budget


def test_the_same_frames_give_the_same_search(loaded):
    shots = back_elsewhere()
    assert follow(loaded, shots) == follow(loaded, shots)


def test_without_the_lost_logic_none_of_this_happens(loaded):
    for result in follow(loaded, back_elsewhere(), lost_logic=False):
        assert result.state is TrackState.TRACKING
        assert result.measured


def test_several_that_are_searched_for_take_turns():
    """With one place a frame, each of two has every second one."""
    tracker = load_trackers("afsn_mobile", device="cpu", settings=TrackerSettings(search_patches=1))
    frame, box = shot((0, 0), (60, 60))
    gone, _ = shot((0, 0), (60, 60), hidden=True)
    for name in ("one", "two"):
        tracker.add(name, frame, box)
    for _ in range(25):
        tracker.update(gone)
    before = [tracker._targets[name].search.waited for name in ("one", "two")]
    tracker.update(gone)
    assert sorted(before) == [0, 1]
    assert [tracker._targets[name].search.waited for name in ("one", "two")] == before[::-1]


def test_a_new_resolution_begins_the_search_anew(loaded):
    follow(loaded, [shot((0, 0), (60, 60)), *[shot((0, 0), (60, 60), hidden=True)] * 30])
    target = loaded._target
    small = np.ascontiguousarray(shot((0, 0), (60, 60))[0][::2, ::2])
    target.rescale(0.5, 0.5)
    assert target.search.plan(target.box, 200, 150, 1)[0].verify is False
    results = [loaded.update(small) for _ in range(6)]
    assert results[-1].state is TrackState.TRACKING
    assert results[-1].box.iou(Box(30, 30, SIDE / 2, SIDE / 2)) > 0.5


def test_a_target_that_shrank_as_it_went_is_expected_at_its_usual_size(loaded):
    """The picture's border cuts the sign away row by row; what is looked for then is a whole sign."""
    shots = [shot((0, 100), (180, 320)) for _ in range(20)]
    shots += [shot((0, 100 - 2 * i), (180, 320)) for i in range(1, 49)]
    shots += [shot((0, 4), (180, 320)) for _ in range(15)]
    results = follow(loaded, shots, search_patches=0)
    assert results[-1].state is TrackState.LOST
    assert results[-1].box.w == pytest.approx(SIDE, rel=0.25)
    assert results[-1].box.h == pytest.approx(SIDE, rel=0.25)
