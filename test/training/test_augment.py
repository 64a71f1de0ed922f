"""Variations: what they change, and that none of them moves the target."""

import numpy as np
import pytest

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.training.augment import (
    cover,
    cut_out,
    defocus,
    motion_blur,
    paste,
    remove_colour,
    vary,
    vary_colour,
)
from siam_tracker_ros.training.recipe_pairs import PatchRecipe

BOX = Box(100, 90, 60, 40)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def patch(rng):
    return rng.integers(0, 256, (255, 255, 3), dtype=np.uint8)


def changed(before, after):
    """x0, y0, x1, y1 of what differs."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize("size", [127, 255])
def test_variations_keep_shape_and_type(rng, size):
    patch = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
    settings = PatchRecipe(shift=0, scale=0, colour=0.3, blur=1, defocus=1, cut_out=1, occlude=1)
    out = vary(patch, Box(40, 40, 30, 30), settings, rng)
    assert (out.shape, out.dtype) == (patch.shape, np.uint8)
    assert (out != patch).any()


def test_settings_of_zero_change_nothing(rng, patch):
    settings = PatchRecipe(shift=64, scale=0.2, colour=0, blur=0, defocus=0, cut_out=0, occlude=0)
    assert np.array_equal(vary(patch, BOX, settings, rng), patch)
    assert np.array_equal(vary_colour(patch, 0.0, rng), patch)


@pytest.mark.parametrize("setting", ["blur", "defocus", "cut_out", "occlude"])
def test_each_setting_is_a_share(setting, patch):
    settings = PatchRecipe(shift=0, scale=0, colour=0, **{setting: 0.5})
    out = [vary(patch, BOX, settings, np.random.default_rng(i)) for i in range(80)]
    assert 25 <= sum((one != patch).any() for one in out) <= 55


def test_colour_keeps_its_amount(patch):
    flat = np.full((20, 20, 3), 128, np.uint8)
    seen = np.array([vary_colour(flat, 0.2, np.random.default_rng(i))[0, 0] for i in range(300)]).astype(float)
    # Grey 128 is where contrast changes nothing: brightness moves it by at most 0.2 of 128, a channel by 0.1 more.
    assert np.abs(seen - 128).max() <= 128 * (0.2 + 0.1 * 1.2) + 1
    assert np.abs(seen - 128).max() > 128 * 0.2
    assert (np.ptp(seen, axis=1) > 3).any()  # channels by themselves


def test_grey_has_three_equal_channels(patch):
    grey = remove_colour(patch)
    assert np.array_equal(grey[..., 0], grey[..., 1])
    assert np.array_equal(grey[..., 0], grey[..., 2])


@pytest.mark.parametrize("blur", [motion_blur, defocus])
def test_blur_spreads_a_point_around_its_place(blur, rng):
    for _ in range(20):
        patch = np.zeros((255, 255, 3), np.uint8)
        patch[100:103, 60:63] = 255
        out = blur(patch, rng)[..., 0].astype(float)
        assert 1 < (out > 0).sum() / 9 < 30
        rows, columns = np.indices(out.shape)
        assert (out * columns).sum() / out.sum() == pytest.approx(61, abs=0.3)
        assert (out * rows).sum() / out.sum() == pytest.approx(101, abs=0.3)


def test_a_cover_hides_a_fifth_to_a_half_of_the_target_only(rng, patch):
    for _ in range(30):
        x0, y0, x1, y1 = changed(patch, cover(patch, BOX, rng))
        assert 100 <= x0 < x1 <= 160
        assert 90 <= y0 < y1 <= 130
        assert 0.18 * BOX.area < (x1 - x0) * (y1 - y0) <= 0.5 * BOX.area


def test_a_cut_out_is_one_colour_at_the_target_and_hides_half_of_it_at_most(rng, patch):
    for _ in range(50):
        out = cut_out(patch, BOX, rng)
        x0, y0, x1, y1 = changed(patch, out)
        hole = out[y0:y1, x0:x1].reshape(-1, 3)
        assert (hole == hole[0]).all()
        assert np.abs(hole[0].astype(float) - patch.mean(axis=(0, 1))).max() <= 1
        inside = max(min(x1, 160) - max(x0, 100), 0) * max(min(y1, 130) - max(y0, 90), 0)
        assert 0 < inside <= 0.55 * BOX.area  # to whole pixels
        assert (x1 - x0) * (y1 - y0) <= 0.55 * BOX.area


def test_a_cut_out_at_the_border_stays_in_the_patch(rng):
    patch = rng.integers(0, 256, (127, 127, 3), dtype=np.uint8)
    out = cut_out(patch, Box(-40, -40, 50, 50), rng)
    assert out.shape == patch.shape


def test_a_pasted_object_does_not_touch_the_target(rng):
    patch, other = np.zeros((255, 255, 3), np.uint8), np.full((40, 30, 3), 200, np.uint8)
    for _ in range(30):
        out, where = paste(patch, BOX, other, rng)
        assert (where.w, where.h) == (30, 40)
        assert where.iou(BOX) == 0
        x0, y0, x1, y1 = changed(patch, out)
        assert (x0 >= where.x, y0 >= where.y, x1 <= where.right, y1 <= where.bottom) == (True,) * 4
        assert (out[y0 + 8 : y1 - 8, x0 + 8 : x1 - 8] == 200).all()


def test_nothing_is_pasted_where_there_is_no_room(rng):
    patch, other = np.zeros((255, 255, 3), np.uint8), np.full((200, 200, 3), 200, np.uint8)
    out, where = paste(patch, Box(60, 60, 130, 130), other, rng)
    assert where is None
    assert out is patch
