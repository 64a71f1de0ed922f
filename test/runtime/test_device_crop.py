"""Patches that are sampled where the frame lies: the pixels are those that OpenCV cuts on the host."""

import numpy as np
import pytest
import torch
from filled import picture
from hypothesis import given, settings
from hypothesis import strategies as st

from siam_tracker_ros.geometry import Crop
from siam_tracker_ros.patches import crop_patch
from siam_tracker_ros.runtime.device_crop import crop_numbers, cut, halvings
from siam_tracker_ros.runtime.device_frame import DeviceFrame

FRAME = picture(150, 201, seed=7)
BORDER = (10.6, 100.2, 200.7)


def cut_all(frame, crops, rule="exact", border=BORDER):
    """The patches [B, P, P, 3] of crops of one size."""
    on_device = DeviceFrame(*frame.shape[:2], torch.device("cpu"))
    on_device.take(frame)
    for level in range(1, on_device.top + 1):
        on_device.halve(level)
    numbers = torch.tensor([crop_numbers(crop, border, rule, on_device.top) for crop in crops])
    return cut(on_device.pixels, on_device.levels, numbers, crops[0].patch).numpy()


def difference(one, other):
    return np.abs(one.astype(int) - other.astype(int))


@pytest.mark.parametrize("scale", [3.7, 2.0, 1.0, 0.83, 0.5])
@pytest.mark.parametrize("place", [(100.0, 75.0), (37.3, 140.9), (-20.25, 4.5), (230.0, -30.0)])
def test_as_the_host_cuts_at_sub_pixel_positions(scale, place):
    crop = Crop(*place, 63 / scale, 63)
    assert difference(cut_all(FRAME, [crop])[0], crop_patch(FRAME, crop, BORDER)).max() <= 1


@given(st.floats(-500, 700), st.floats(-500, 700), st.floats(4, 600))
@settings(max_examples=60, deadline=None)
def test_any_place_as_the_host(x, y, side):
    crop = Crop(x, y, side, 31)
    assert difference(cut_all(FRAME, [crop])[0], crop_patch(FRAME, crop, BORDER)).max() <= 1


def test_an_unscaled_crop_copies_the_pixels():
    frame = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    patch = cut_all(frame, [Crop(150.5, 140.5, 127, 127)])[0]
    assert np.array_equal(patch, frame[77:204, 87:214])


@pytest.mark.parametrize("scale", [0.499, 0.49, 0.3, 0.25, 0.2, 0.11, 0.06])
@pytest.mark.parametrize("place", [(97.3, 70.6), (190.2, 11.1), (-10.7, 149.0)])
def test_a_shrinking_crop_is_the_hosts_too(scale, place):
    crop = Crop(*place, 63 / scale, 63)
    assert 0.5 < crop.scale * 2 ** halvings(crop.scale, 99) <= 1
    assert difference(cut_all(FRAME, [crop])[0], crop_patch(FRAME, crop, BORDER)).max() <= 1


def test_no_detail_is_skipped_where_a_crop_shrinks():
    """Lines one pixel wide, of which a bilinear sample of every eighth pixel would see all or nothing."""
    frame = np.zeros((512, 512, 3), np.uint8)
    frame[:, ::8] = 240
    patch = cut_all(frame, [Crop(256.0, 256.0, 504.0, 63)])[0]
    assert patch.min() >= 28
    assert patch.max() <= 32


@pytest.mark.parametrize("rule", ["floor", "round"])
@pytest.mark.parametrize("side", [31.0, 44.6, 64.4, 127.0, 250.0])
@pytest.mark.parametrize("place", [(100.5, 75.5), (37.3, 140.9), (-20.25, 4.5), (600.0, 10.0)])
def test_whole_pixels_as_the_host_cuts_them(rule, side, place):
    crop = Crop(*place, side, 31)
    assert difference(cut_all(FRAME, [crop], rule)[0], crop_patch(FRAME, crop, BORDER, rule)).max() <= 1


@pytest.mark.parametrize("rule", ["exact", "floor"])
def test_outside_is_the_border_colour(rule):
    patch = cut_all(FRAME, [Crop(5000.0, 5000.0, 200.0, 31)], rule, (10.0, 120.0, 250.0))[0]
    assert (patch == (10, 120, 250)).all()


def test_a_batch_is_cut_as_each_alone_from_its_own_level():
    crops = [Crop(60.2, 80.1, side, 31) for side in (12.0, 50.0, 100.0, 160.0, 600.0)]
    assert [halvings(crop.scale, 99) for crop in crops] == [0, 0, 1, 2, 4]
    for crop, patch in zip(crops, cut_all(FRAME, crops), strict=True):
        assert np.array_equal(patch, cut_all(FRAME, [crop])[0])


def test_places_are_exact_in_a_large_frame():
    """Float32 at column 8000 still tells a thousandth of a pixel."""
    frame = np.zeros((40, 8192, 3), np.uint8)
    frame[:, :, 0] = np.arange(8192) % 256
    crop = Crop(8000.27, 20.0, 31.0, 31)
    assert difference(cut_all(frame, [crop])[0], crop_patch(frame, crop, BORDER)).max() <= 1


def test_a_frame_is_not_halved_more_often_than_it_can_be():
    assert halvings(1e-9, 8) == 8
    assert cut_all(FRAME, [Crop(100.0, 75.0, 1e6, 31)]).shape == (1, 31, 31, 3)
