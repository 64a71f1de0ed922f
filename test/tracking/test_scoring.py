"""Penalties, window, choice and smoothing against the formulas."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from siam_tracker_ros.geometry import Box, Crop
from siam_tracker_ros.tracking.scoring import Choice, agreed_box, choose, cosine_window, penalty, smooth
from siam_tracker_ros.tracking.settings import TrackerSettings


def test_window_is_one_in_the_middle_and_zero_at_the_border():
    window = cosine_window(15).reshape(15, 15)
    assert window[7, 7] == pytest.approx(1)
    assert window[0].max() == 0
    assert window[3, 7] == pytest.approx(0.5 * (1 - math.cos(2 * math.pi * 3 / 14)))


def test_penalty_by_hand():
    last = Box(0, 0, 20, 10)
    w, h = np.array([20.0, 40.0, 10.0]), np.array([10.0, 20.0, 20.0])
    same, doubled, turned = penalty(w, h, last, 0.1)
    assert same == pytest.approx(1)
    assert doubled == pytest.approx(math.exp(-0.1 * (2 - 1)))
    assert turned == pytest.approx(math.exp(-0.1 * (4 - 1)))  # same size, aspect ratio changed fourfold


def candidates():
    boxes = np.tile(np.array([100.0, 100, 140, 140]), (9, 1))
    return np.full(9, 0.1), np.ones(9), boxes


def test_the_best_score_is_chosen_without_a_window():
    foreground, centerness, boxes = candidates()
    foreground[5], boxes[5] = 0.9, (10, 20, 50, 60)
    settings = TrackerSettings(window_influence=0.0)
    chosen = choose(foreground, centerness, boxes, Box(0, 0, 40, 40), np.zeros(9), settings)
    assert chosen is not None
    assert chosen.box == Box(10, 20, 40, 40)
    assert chosen.score == pytest.approx(0.9)


def test_the_window_holds_back_a_far_place():
    foreground, centerness, boxes = candidates()
    foreground[0], foreground[4], boxes[4] = 0.8, 0.7, (1, 1, 41, 41)
    window = cosine_window(3)
    settings = TrackerSettings(window_influence=0.5)
    chosen = choose(foreground, centerness, boxes, Box(0, 0, 40, 40), window, settings)
    assert chosen is not None
    assert chosen.box.x == 1


def test_centerness_enters_with_its_power():
    foreground, centerness, boxes = candidates()
    foreground[:] = 0.5
    centerness[:] = 0.25
    settings = TrackerSettings(window_influence=0.0, centerness_power=0.5)
    chosen = choose(foreground, centerness, boxes, Box(0, 0, 40, 40), np.zeros(9), settings)
    assert chosen is not None
    assert chosen.score == pytest.approx(0.25)
    assert chosen.confidence == pytest.approx(0.25)


@pytest.mark.parametrize("broken", ["foreground", "centerness", "boxes"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_point_that_is_not_finite_is_passed_over_and_no_such_point_is_no_choice(broken, value):
    maps = dict(zip(("foreground", "centerness", "boxes"), candidates(), strict=True))
    maps["foreground"][3], maps["foreground"][5] = 0.9, 0.5
    arguments = {"last": Box(0, 0, 40, 40), "window": np.zeros(9), "settings": TrackerSettings()}
    assert choose(**maps, **arguments).confidence == pytest.approx(0.9)
    maps[broken][3] = value
    assert choose(**maps, **arguments).confidence == pytest.approx(0.5)
    maps[broken][:] = value
    assert choose(**maps, **arguments) is None


def test_the_online_score_is_windowed_and_blended_by_equation_11():
    foreground, centerness, boxes = candidates()
    foreground[:] = 0.0
    foreground[2], foreground[6] = 0.9, 0.6
    online, window = np.zeros(9), np.ones(9)
    online[6] = 0.8
    settings = TrackerSettings(window_influence=0.0, penalty_k=0.0, centerness_power=0.0, online_weight=0.5)
    last = Box(0, 0, 40, 40)
    plain = choose(foreground, centerness, boxes, last, window, settings)
    blended = choose(foreground, centerness, boxes, last, window, settings, online)
    assert (plain.score, blended.score) == pytest.approx((0.9, 0.6))  # 0.45 against 0.4 + 0.3
    window[6] = 0.1
    assert choose(foreground, centerness, boxes, last, window, settings, online).score == pytest.approx(0.9)
    online[2] = np.nan
    assert choose(foreground, centerness, boxes, last, window, settings, online).score == pytest.approx(0.6)


def test_size_is_interpolated_with_penalty_and_score():
    crop = Crop(200, 200, 510, 255)  # two image pixels per patch pixel
    choice = Choice(Box(117.5, 117.5, 20, 40), score=0.8, penalty=0.5, confidence=0.8)
    box = smooth(Box(180, 180, 60, 60), crop, choice, TrackerSettings(size_lr=0.5), 640, 480)
    rate = 0.8 * 0.5 * 0.5
    assert box.w == pytest.approx(60 * (1 - rate) + 40 * rate)
    assert box.h == pytest.approx(60 * (1 - rate) + 80 * rate)
    assert (box.cx, box.cy) == pytest.approx((200, 220))


def test_box_stays_in_the_image():
    crop = Crop(2, 2, 255, 255)
    box = smooth(
        Box(0, 0, 4, 4), crop, Choice(Box(0, 0, 2000, 1), 1.0, 1.0, 1.0), TrackerSettings(size_lr=1.0), 320, 240
    )
    assert 0 <= box.cx <= 320
    assert 0 <= box.cy <= 240
    assert box.w == 320
    assert box.h == 4


def test_the_power_of_the_score_sharpens_it_against_the_window():
    foreground, centerness, boxes = candidates()
    foreground[0], foreground[4], boxes[4] = 0.99, 0.90, (1, 1, 41, 41)
    window = cosine_window(3)  # 1 in the middle, point 4, and 0 elsewhere
    last = Box(0, 0, 40, 40)
    plain = TrackerSettings(window_influence=0.2, score_power=1.0)  # 0.99 * 0.8 against 0.90 * 0.8 + 0.2
    sharp = TrackerSettings(window_influence=0.2, score_power=8.0)  # 0.92 * 0.8 against 0.43 * 0.8 + 0.2
    assert choose(foreground, centerness, boxes, last, window, plain).box.x == 1
    assert choose(foreground, centerness, boxes, last, window, sharp).box.x == 100
    assert choose(foreground, centerness, boxes, last, window, sharp).score == pytest.approx(0.99)


def test_the_box_is_the_median_of_those_that_agree():
    chosen = np.array([10.0, 10, 50, 50])
    boxes = np.array([chosen, [12, 10, 52, 50], [14, 12, 54, 58], [200, 200, 240, 240]])
    # IoU with the chosen one: 1, 1520/1680, 1368/2072 = 0.66, 0.
    assert agreed_box(boxes, chosen, 0.6) == Box(12, 10, 40, 40)
    assert agreed_box(boxes, chosen, 0.7) == Box(11, 10, 40, 40)
    assert agreed_box(boxes, chosen, 1.0) == Box(10, 10, 40, 40)


@given(
    hnp.arrays(np.float64, (9, 4), elements=st.floats(-500, 500)),
    st.integers(0, 8),
    st.floats(0, 1),
)
def test_the_agreed_box_lies_within_those_that_agree_and_is_never_empty(boxes, best, agreement):
    box = agreed_box(boxes, boxes[best], agreement)
    assert min(box.w, box.h) > 0
    assert boxes[:, 0].min() <= box.x <= boxes[:, 0].max()
    assert boxes[:, 1].min() <= box.y <= boxes[:, 1].max()
