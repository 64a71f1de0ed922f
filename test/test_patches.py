"""Patches: the pixels are where the map says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros.geometry import Box, Crop
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


def test_outside_the_image_is_the_mean_colour():
    frame = np.full((200, 200, 3), (10, 120, 250), np.uint8)
    assert mean_color(frame) == (10, 120, 250)
    patch = crop_patch(frame, Crop(5000, 5000, 200, 127))
    assert (patch == (10, 120, 250)).all()


@given(crops)
def test_any_crop_gives_a_patch(crop):
    frame = np.full((90, 120, 3), 77, np.uint8)
    patch = crop_patch(frame, crop)
    assert patch.shape == (crop.patch, crop.patch, 3)
    assert patch.dtype == np.uint8
    assert abs(int(patch.mean()) - 77) <= 1
