"""The simulated flight: its truth is that of its pixels, and the same settings give the same flight."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("skimage", reason="the flight's photographs lie in scikit-image's wheel")

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.simulation import Flight, FlightSettings
from siam_tracker_ros.simulation.flight import LONGEST

SMALL = FlightSettings(width=320, height=180, fps=10.0)


@pytest.fixture(scope="module")
def flight() -> Flight:
    return Flight(SMALL)


@pytest.fixture(scope="module")
def frames(flight):
    return list(flight)


def test_has_as_many_frames_as_its_duration_asks_for(flight, frames):
    assert len(frames) == len(flight) == 140
    assert [frame.index for frame in frames] == list(range(140))
    assert frames[-1].time == pytest.approx(13.9)
    assert all(frame.image.shape == (180, 320, 3) and frame.image.dtype == np.uint8 for frame in frames)


def test_box_is_the_mask_s_bounding_box_and_lies_in_the_picture(frames):
    for frame in frames:
        rows, columns = np.nonzero(frame.mask)
        if len(rows) == 0:
            assert all(np.isnan(frame.box.as_tuple()))
            assert frame.visibility == 0.0
            continue
        left, top = columns.min(), rows.min()
        assert frame.box == Box(left, top, columns.max() + 1 - left, rows.max() + 1 - top)
        assert frame.box.x >= 0
        assert frame.box.y >= 0
        assert frame.box.right <= 320
        assert frame.box.bottom <= 180
        assert 0 < frame.visibility <= 1


def test_mask_is_where_the_target_was_painted():
    # The same frame without noise and with a target of nearly no size differs exactly around the target.
    with_target = Flight(dataclasses.replace(SMALL, noise=0.0, hidden_at=None))[30]
    without = Flight(dataclasses.replace(SMALL, noise=0.0, hidden_at=None, target_width=20.0, look_alikes=0))
    with_all = Flight(dataclasses.replace(SMALL, noise=0.0, hidden_at=None, look_alikes=0))[30]
    changed = (with_all.image.astype(int) - without[30].image).any(axis=2)
    assert changed[with_target.mask].mean() > 0.9
    far = np.ones_like(changed)
    box = with_target.box
    far[int(box.y) - 4 : int(box.bottom) + 8, int(box.x) - 8 : int(box.right) + 8] = False
    assert not changed[far].any()


def test_target_is_hidden_once_and_comes_back(frames):
    hidden = [frame.index for frame in frames if not frame.box.is_finite]
    assert hidden, "the hedge hides the target"
    assert hidden == list(range(hidden[0], hidden[-1] + 1)), "in one go"
    middle = (frames[hidden[0]].time + frames[hidden[-1]].time) / 2
    assert middle == pytest.approx(SMALL.hidden_at, abs=0.15)
    assert len(hidden) / SMALL.fps == pytest.approx(SMALL.hidden_for, abs=0.21)
    before, after = frames[hidden[0] - 5].visibility, frames[hidden[-1] + 5].visibility
    assert before > 0.5
    assert after > 0.5
    partial = [frame.visibility for frame in frames if 0.02 < frame.visibility < 0.95]
    assert len(partial) >= 5, "it goes and comes by and by"


@pytest.mark.parametrize("hidden_for", [0.0, 0.4, 1.2])
def test_hidden_for_sets_how_long_nothing_is_seen(hidden_for):
    flight = Flight(dataclasses.replace(SMALL, fps=30.0, hidden_for=hidden_for))
    hidden = [i for i in range(150, 290) if not flight[i].box.is_finite]
    assert len(hidden) / 30.0 == pytest.approx(hidden_for, abs=0.12)


def test_without_hedge_the_target_is_always_seen():
    flight = Flight(dataclasses.replace(SMALL, fps=5.0, hidden_at=None))
    assert all(frame.visibility > 0.6 for frame in flight)


def test_scale_changes_and_the_target_stays_of_a_size_that_can_be_followed(frames):
    widths = [frame.box.w * 4 for frame in frames if frame.visibility > 0.97]  # as at 1280x720
    assert min(widths) > 70
    assert max(widths) < 170
    assert max(widths) / min(widths) > 1.5


def test_same_settings_same_pixels_and_another_seed_others(frames):
    again = Flight(SMALL)
    for index in (0, 71, 139):
        np.testing.assert_array_equal(again[index].image, frames[index].image)
        assert again[index].box == frames[index].box or not frames[index].box.is_finite
    other = Flight(dataclasses.replace(SMALL, seed=4))
    assert (other[0].image != frames[0].image).any()


@settings(max_examples=15, deadline=None)
@given(index=st.integers(0, 139))
def test_a_frame_does_not_depend_on_the_frames_drawn_before(flight, frames, index):
    np.testing.assert_array_equal(flight[index].image, frames[index].image)


@pytest.mark.parametrize("size", [(640, 360), (426, 240)])
def test_the_view_is_the_same_at_every_size(frames, size):
    factor = size[1] / 180
    flight = Flight(dataclasses.replace(SMALL, width=size[0], height=size[1]))
    for index in (5, 60, 110):
        box, small = flight[index].box, frames[index].box
        assert np.hypot(box.cx - small.cx * factor, box.cy - small.cy * factor) < 4 * factor
        assert box.w == pytest.approx(small.w * factor, abs=3 * factor)


def test_look_alikes_come_near_the_target():
    with_both = Flight(dataclasses.replace(SMALL, noise=0.0))
    without = Flight(dataclasses.replace(SMALL, noise=0.0, look_alikes=0))
    distances = []
    for index in range(100, 125):
        frame = with_both[index]
        changed = np.argwhere((frame.image != without[index].image).any(axis=2))
        if len(changed):
            distances.append(np.hypot(*(changed.mean(axis=0)[::-1] - (frame.box.cx, frame.box.cy))))
    assert min(distances) < 40


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", 10),
        ("fps", 0),
        ("duration", LONGEST + 1),
        ("duration", 0.0),
        ("target_width", 1000),
        ("hidden_at", -1.0),
        ("hidden_for", 9.0),
        ("look_alikes", 3),
        ("noise", -1.0),
        ("shutter", 1.5),
        ("fps", float("nan")),
    ],
)
def test_settings_out_of_range_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"FlightSettings.{name} is"):
        FlightSettings(**{name: value})


def test_frames_outside_the_flight_are_refused(flight):
    with pytest.raises(IndexError):
        flight[140]
    with pytest.raises(IndexError):
        flight[-1]
