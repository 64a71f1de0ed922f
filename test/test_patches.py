"""Patches: the pixels are where the map says."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros.geometry import Box, Crop, halvings, snapped
from siam_tracker_ros.patches import crop_patch, mean_color

place = st.floats(-500, 2000, allow_nan=False)
crops = st.builds(Crop, place, place, st.floats(10, 3000), st.sampled_from([127, 255]))


@pytest.mark.parametrize("factor", [0.15, 0.3, 0.49, 0.5, 0.8, 1.0, 2.0, 3.7])
def test_a_drawn_spot_is_where_the_map_says(factor):
    ys, xs = np.mgrid[0:480, 0:640] + 0.5
    cx, cy, sigma = 322.25, 231.5, 7.0
    spot = 255 * np.exp(-((xs - cx) ** 2 + (ys - cy) ** 2) / (2 * sigma**2))
    frame = np.repeat(spot.round().astype(np.uint8)[..., None], 3, axis=2)
    crop = Crop(325.3, 234.7, 255 / factor, 255)
    patch = crop_patch(frame, crop, (0, 0, 0)).astype(float)[..., 0]
    ys, xs = np.mgrid[0:255, 0:255] + 0.5
    expected = crop.to_patch(Box.from_center(cx, cy, 1, 1))
    assert (patch * xs).sum() / patch.sum() == pytest.approx(expected.cx, abs=0.03 * max(factor, 1))
    assert (patch * ys).sum() / patch.sum() == pytest.approx(expected.cy, abs=0.03 * max(factor, 1))


def test_unscaled_crop_copies_the_pixels():
    frame = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    patch = crop_patch(frame, Crop(150.5, 140.5, 127, 127))
    assert np.array_equal(patch, frame[77:204, 87:214])


@pytest.mark.parametrize("rule", ["exact", "floor", "round"])
def test_a_patch_that_is_the_whole_frame_is_in_memory_of_its_own(rule):
    frame = np.random.default_rng(0).integers(0, 256, (127, 127, 3), dtype=np.uint8)
    patch = crop_patch(frame, Crop(63.5, 63.5, 127, 127), (0, 0, 0), rule)
    assert not np.shares_memory(patch, frame)


def test_outside_the_image_is_the_mean_colour():
    frame = np.full((200, 200, 3), (10, 120, 250), np.uint8)
    assert mean_color(frame) == (10, 120, 250)
    patch = crop_patch(frame, Crop(5000, 5000, 200, 127))
    assert (patch == (10, 120, 250)).all()


@pytest.mark.parametrize("place", [(320.0, 240.0), (600.5, 400.5), (100.0, 330.0)])
def test_the_border_colour_is_not_mixed_into_what_lies_inside(place):
    frame = np.full((481, 639, 3), 200, np.uint8)
    side = 2 * min(place[0], 639 - place[0], place[1], 481 - place[1])  # up to the picture's border
    patch = crop_patch(frame, Crop(*place, side, 16), (0, 0, 0))
    assert (patch == 200).all()


def test_the_same_pixels_are_averaged_wherever_a_crop_lies():
    frame = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    means = cv2.resize(frame, (64, 64), interpolation=cv2.INTER_AREA).astype(int)
    for x in (10, 11, 17):
        patch = crop_patch(frame, Crop(4 * (x + 8.0), 4 * 24.0, 64.0, 16), (0, 0, 0))
        assert np.abs(patch - means[16:32, x : x + 16]).max() <= 1  # of halvings of halvings


@pytest.mark.parametrize("factor", [0.11, 0.21, 0.3, 0.49, 0.5, 0.8, 1.0, 2.0, 3.7])
@pytest.mark.parametrize("place", [(325.3, 234.7), (20.2, 240.0), (637.1, 478.6), (-900.0, 100.0)])
def test_a_crop_between_pixels_has_the_pixels_of_the_general_way(factor, place):
    """OpenCV's scaling and its sampling at every place say the same, but at the square's own rim."""
    frame = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (479, 641, 3), dtype=np.uint8), (0, 0), 3)
    crop = snapped(Crop(*place, 127 / factor, 127))
    fast = crop_patch(frame, crop, (10, 20, 30)).astype(int)
    # So small a step takes the crop off the pixels' borders, and nothing else.
    general = crop_patch(frame, Crop(crop.cx + 1e-7, crop.cy, crop.side, 127), (10, 20, 30)).astype(int)
    rim = 1 + round(0.5 * factor * 2 ** halvings(factor))
    # At the picture's border a halved picture's last pixel counts twice in one and the colour outside in the other.
    assert np.percentile(np.abs(fast - general)[rim:-rim, rim:-rim], 99) <= 1


@given(crops)
def test_any_crop_gives_a_patch(crop):
    frame = np.full((90, 120, 3), 77, np.uint8)
    patch = crop_patch(frame, crop)
    assert patch.shape == (crop.patch, crop.patch, 3)
    assert patch.dtype == np.uint8
    assert abs(int(patch.mean()) - 77) <= 1


@pytest.mark.parametrize("rule", ["floor", "round"])
def test_whole_pixels_are_the_images_own_where_the_patch_is_not_scaled(rule):
    frame = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    patch = crop_patch(frame, Crop(30.2, 25.9, 21.0, 21), (0, 0, 0), rule)
    assert np.array_equal(patch, frame[15:36, 19:40])


@pytest.mark.parametrize("rule", ["floor", "round"])
def test_whole_pixels_outside_have_the_border_colour_cut_to_whole_levels(rule):
    frame = np.full((20, 30, 3), 200, np.uint8)
    patch = crop_patch(frame, Crop(0.0, 10.0, 11.0, 11), (10.9, 20.2, 30.5), rule)
    assert (patch[:, 6:] == 200).all()  # the corner is column -6
    assert (patch[:, :6] == (10, 20, 30)).all()
    assert (crop_patch(frame, Crop(500.0, 10.0, 11.0, 11), (7, 8, 9), rule) == (7, 8, 9)).all()


def test_whole_pixels_are_scaled_bilinearly_without_averaging_first():
    frame = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    patch = crop_patch(frame, Crop(40.0, 40.0, 64.4, 16), (0, 0, 0), "floor")
    assert np.array_equal(patch, cv2.resize(frame[8:72, 8:72], (16, 16), interpolation=cv2.INTER_LINEAR))
