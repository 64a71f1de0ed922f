"""What is drawn: the frame itself stays, the state can be told from the picture, nothing outside breaks it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siam_tracker_ros.drawing import STATE_COLOURS, TRUTH_COLOUR, draw_caption, draw_track, state_name, strip
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.tracking.state import TrackState

BOX = Box(100.0, 80.0, 60.0, 40.0)


def grey(height: int = 240, width: int = 320) -> np.ndarray:
    return np.full((height, width, 3), 100, np.uint8)


def has(image: np.ndarray, colour) -> bool:
    return bool((np.abs(image.astype(int) - np.array(colour)).max(axis=2) <= 3).any())


@pytest.mark.parametrize("state", list(TrackState))
def test_the_frame_stays_as_it_is(state):
    frame = grey()
    drawn = draw_track(frame, BOX, 0.5, state, "target", truth=BOX)
    assert drawn is not frame
    assert (frame == 100).all()
    assert drawn.shape == frame.shape
    assert drawn.dtype == np.uint8


def test_every_state_has_its_own_colour():
    assert set(STATE_COLOURS) == {state.name for state in TrackState}
    assert len(set(STATE_COLOURS.values())) == len(TrackState)


@pytest.mark.parametrize("state", ["TRACKING", "UNCERTAIN", "LOST", "SEARCHING", "STALE"])
def test_the_state_s_colour_is_in_the_picture(state):
    assert has(draw_track(grey(), BOX, 0.5, state), STATE_COLOURS[state])


def test_idle_draws_nothing():
    assert (draw_track(grey(), BOX, 0.5, "IDLE") == 100).all()


def test_the_box_is_where_it_was_told_and_dashed_when_uncertain():
    def share_of_the_top_edge(state: str) -> float:
        drawn = draw_track(grey(), BOX, 0.5, state)
        edge = drawn[80, 100:161].astype(int)
        return float((np.abs(edge - STATE_COLOURS[state]).max(axis=1) <= 40).mean())

    assert share_of_the_top_edge("TRACKING") > 0.95
    assert 0.3 < share_of_the_top_edge("UNCERTAIN") < 0.8


@pytest.mark.parametrize("state", ["UNCERTAIN", "LOST", "SEARCHING", "STALE"])
def test_a_banner_says_that_there_is_no_target(state):
    drawn = draw_track(grey(), None, 0.1, state)
    changed = np.argwhere((drawn != 100).any(axis=2))
    assert changed[:, 0].max() < 80, "at the top"
    assert abs(changed[:, 1].mean() - 160) < 5, "in the middle"
    assert not has(draw_track(grey(), None, 0.9, "TRACKING"), STATE_COLOURS[state])


def test_the_label_stays_inside_the_picture():
    for x, y in ((0, 0), (300, 0), (0, 220), (290, 215)):
        drawn = draw_track(grey(), Box(x, y, 20, 20), 0.87, "TRACKING", "a long name of a target")
        colour = np.abs(drawn.astype(int) - STATE_COLOURS["TRACKING"]).max(axis=2) < 45
        assert colour.sum() > 500, "the label's background is there, wherever the box is"


def test_truth_is_a_thin_white_line():
    drawn = draw_track(grey(), None, 0.0, "TRACKING", truth=BOX)
    assert has(drawn, TRUTH_COLOUR)
    assert (drawn != 100).any(axis=2).sum() < 2 * 2 * (60 + 40 + 8)


def test_no_box_and_boxes_of_nan_draw_nothing():
    nan = Box(np.nan, np.nan, np.nan, np.nan)
    assert (draw_track(grey(), None, 0.5, "TRACKING", truth=nan) == 100).all()
    assert (draw_track(grey(), nan, 0.5, "TRACKING") == 100).all()


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(-1e9, 1e9),
    y=st.floats(-1e9, 1e9),
    w=st.floats(0, 1e9),
    h=st.floats(0, 1e9),
    state=st.sampled_from(list(TrackState)),
    size=st.sampled_from([(240, 320), (8, 8), (40, 3)]),
)
def test_no_box_and_no_picture_is_too_large_or_small(x, y, w, h, state, size):
    drawn = draw_track(grey(*size), Box(x, y, w, h), 0.5, state, "target", truth=Box(x, y, w, h))
    assert drawn.shape == (*size, 3)


def test_caption_is_in_the_lower_left_corner():
    frame = grey()
    draw_caption(frame, "frame 12")
    changed = np.argwhere((frame != 100).any(axis=2))
    assert changed[:, 0].min() > 200
    assert changed[:, 1].max() < 160


def test_strip_lays_frames_out_in_rows():
    sheet = strip([np.full((90, 160, 3), 10 * i, np.uint8) for i in range(5)], columns=3, width=488)
    assert sheet.shape == (2 * 90 + 4, 488, 3)
    assert sheet[10, 10, 0] == 0
    assert sheet[10, 170, 0] == 10
    assert sheet[100, 170, 0] == 40
    assert (sheet[100, 400] == 255).all()


def test_state_name_takes_the_enum_and_its_name():
    assert state_name(TrackState.LOST) == state_name("LOST") == "LOST"
