"""Boxes, crops and the map between image and patch."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros.geometry import (
    Box,
    BoxError,
    Crop,
    FrameError,
    check_box,
    check_frame,
    context_side,
    halvings,
    search_crop,
    snapped,
    start_box,
    template_crop,
    whole_pixels,
)

place = st.floats(-500, 2000, allow_nan=False)
side = st.floats(1, 800, allow_nan=False)
boxes = st.builds(Box, place, place, side, side)
crops = st.builds(Crop, place, place, st.floats(10, 3000), st.sampled_from([127, 255]))


@given(crops, boxes)
def test_map_to_patch_and_back_is_exact(crop, box):
    back = crop.to_image(crop.to_patch(box))
    assert back.as_tuple() == pytest.approx(box.as_tuple(), abs=1e-6)


@given(boxes, boxes)
def test_iou_is_symmetric_and_within_one(a, b):
    assert a.iou(b) == pytest.approx(b.iou(a))
    assert 0 <= a.iou(b) <= 1
    assert a.iou(a) == pytest.approx(1)


@given(boxes, st.floats(0.1, 5))
def test_scaling_about_the_centre_scales_the_overlap(box, factor):
    scaled = box.scaled(factor)
    assert (scaled.cx, scaled.cy) == pytest.approx((box.cx, box.cy))
    expected = min(factor, 1 / factor) ** 2
    assert box.iou(scaled) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("a", "b", "iou"),
    [
        (Box(0, 0, 10, 10), Box(5, 0, 10, 10), 1 / 3),
        (Box(0, 0, 10, 10), Box(0, 0, 10, 5), 0.5),
        (Box(0, 0, 10, 10), Box(10, 0, 10, 10), 0.0),
        (Box(0, 0, 0, 0), Box(0, 0, 0, 0), 0.0),
    ],
)
def test_iou_by_hand(a, b, iou):
    assert a.iou(b) == pytest.approx(iou)


@given(boxes)
def test_clipped_box_lies_in_the_image(box):
    inside = box.clipped(640, 480)
    assert 0 <= inside.x <= inside.right <= 640
    assert 0 <= inside.y <= inside.bottom <= 480


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((math.nan, 0, 10, 10), "not_finite"),
        ((0, 0, math.inf, 10), "not_finite"),
        ((1, 2, 3), "not_finite"),
        ((0, 0, 3.9, 10), "too_small"),
        ((0, 0, 10, -5), "too_small"),
        ((700, 0, 10, 10), "outside"),
        ((-20, 0, 10, 10), "outside"),
        ((-8, 0, 10, 10), "too_small"),
    ],
)
def test_bad_boxes_are_refused_with_their_reason(box, reason):
    with pytest.raises(BoxError) as raised:
        check_box(box, 640, 480)
    assert raised.value.reason == reason


def test_box_cut_by_the_border_is_kept_whole():
    assert check_box((-5, 10, 20, 20), 640, 480) == Box(-5, 10, 20, 20)


@pytest.mark.parametrize(
    "frame",
    [
        None,
        [[0]],
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_bad_frames_are_refused(frame):
    with pytest.raises(FrameError, match="uint8"):
        check_frame(frame)


def test_context_square_of_siamfc():
    assert context_side(60, 40) == pytest.approx(math.sqrt(110 * 90))
    crop = template_crop(Box(100, 50, 60, 40))
    assert (crop.cx, crop.cy, crop.patch) == (130, 70, 127)
    assert search_crop(Box(100, 50, 60, 40)).scale == pytest.approx(crop.scale)


def test_whole_pixels_begin_at_the_authors_corner():
    """SiamBAN's floor(c + 0.5) goes up at a half, Ocean's round(c) to the even number: one pixel apart."""
    # Side 4, centre 12: the corner is 12 - 2.5 = 9.5.
    assert whole_pixels(12.0, 4.0, "floor") == (10, 4)
    assert whole_pixels(12.0, 4.0, "round") == (10, 4)
    # Centre 11: 8.5.
    assert whole_pixels(11.0, 4.0, "floor") == (9, 4)
    assert whole_pixels(11.0, 4.0, "round") == (8, 4)
    # Left of the image: -2.5.
    assert whole_pixels(0.0, 4.0, "floor") == (-2, 4)
    assert whole_pixels(0.0, 4.0, "round") == (-2, 4)
    assert whole_pixels(7.3, 5.4, "floor") == whole_pixels(7.3, 5.4, "round") == (4, 5)
    assert whole_pixels(7.0, 0.2, "round")[1] == 1


@pytest.mark.parametrize(("scale", "times"), [(2.0, 0), (0.5, 0), (0.4999, 1), (0.25, 2), (0.2501, 1), (0.1, 3)])
def test_a_crop_is_halved_until_less_than_half_is_left_to_shrink(scale, times):
    assert halvings(scale) == times


@given(crops)
def test_a_snapped_crop_lies_between_pixels_near_where_it_was(crop):
    near = snapped(crop)
    if crop.side < 0.25 * crop.patch:
        assert near == crop
        return
    assert snapped(near) == near
    unit = 2 ** halvings(near.scale)
    for value in (near.side, near.cx - near.side / 2, near.cy - near.side / 2):
        assert (value / unit).is_integer()
    assert abs(near.side - crop.side) <= unit / 2 + 1e-9
    assert max(abs(near.cx - crop.cx), abs(near.cy - crop.cy)) <= unit / 2 + 1e-9


def test_siamban_starts_half_a_pixel_up_left():
    box = Box(10.0, 20.0, 31.0, 40.0)
    shifted = start_box(box, "floor")
    # Its centre is x + (w - 1) / 2, the index of the middle pixel.
    assert (shifted.cx, shifted.cy) == (10 + 15, 20 + 19.5)
    assert (shifted.w, shifted.h) == (31, 40)
    assert start_box(box, "round") == start_box(box, "exact") == box
