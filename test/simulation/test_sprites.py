"""Laying a cut-out over a frame: where it comes to lie, what it covers, and how motion smears it."""

import numpy as np
import pytest

pytest.importorskip("skimage", reason="the cut-outs lie in scikit-image's wheel")

from siam_tracker_ros.simulation.photographs import brick_courses, motorcycle, photograph, recoloured
from siam_tracker_ros.simulation.sprites import Layer, Sprite, blend, hide, lay, smear, sprite

SAME = np.array([[1.0, 0, 0], [0, 1.0, 0]])


def square(side: int = 20) -> Sprite:
    pixels = np.ones((side, side, 4), np.float32)
    pixels[..., :3] = (10, 20, 30)
    return Sprite(pixels, (side, side))


def test_foot_is_the_bottom_centre_in_continuous_pixels():
    layer = lay(square(), (50.0, 60.0), SAME, (200, 200))
    rows, columns = np.nonzero(layer.alpha > 0.5)
    assert (columns.min() + layer.x, columns.max() + 1 + layer.x) == (40, 60)
    assert (rows.min() + layer.y, rows.max() + 1 + layer.y) == (40, 60)


def test_scale_and_camera_zoom_multiply():
    layer = lay(square(), (30.0, 30.0), 2 * SAME, (200, 200), scale=1.5)
    assert (layer.alpha > 0.5).sum() == pytest.approx(60 * 60, rel=0.02)


def test_outside_the_picture_nothing_is_laid():
    assert lay(square(), (-100.0, 60.0), SAME, (200, 200)) is None
    assert lay(square(), (50.0, 500.0), SAME, (200, 200)) is None


def test_mirrored_turns_left_and_right():
    item = square()
    item.pixels[:, :10, 0] = 200
    plain = lay(item, (50.0, 60.0), SAME, (200, 200)).pixels
    mirrored = lay(item, (50.0, 60.0), SAME, (200, 200), mirrored=True).pixels
    np.testing.assert_allclose(mirrored[:, ::-1], plain, atol=1e-3)


def test_blend_covers_and_leaves_the_rest_also_across_the_border():
    frame = np.full((50, 50, 3), 100, np.uint8)
    layer = lay(square(), (0.0, 20.0), SAME, (50, 50))
    blend(frame, layer)
    assert (frame[2:18, 0:9] == (10, 20, 30)).all()
    assert (frame[25:] == 100).all()
    assert (frame[:, 15:] == 100).all()


def test_hide_takes_away_what_is_covered():
    visible = np.ones((10, 10), np.float32)
    front = Layer(np.ones((4, 100, 4), np.float32), -50, 3)
    hide(visible, 0, 0, front)
    assert visible.sum() == 60
    hide(visible, 0, 0, Layer(np.ones((4, 4, 4), np.float32), 500, 500))
    assert visible.sum() == 60


@pytest.mark.parametrize("motion", [(8.0, 0.0), (0.0, 6.0), (5.0, -4.0)])
def test_smear_keeps_the_sum_and_the_centre(motion):
    image = np.zeros((41, 41), np.float32)
    image[20, 20] = 1.0
    smeared = smear(image, motion)
    rows, columns = np.mgrid[:41, :41]
    assert smeared.sum() == pytest.approx(1.0, abs=1e-4)
    assert (smeared * columns).sum() == pytest.approx(20.0, abs=0.02)
    assert (smeared * rows).sum() == pytest.approx(20.0, abs=0.02)
    spread = np.sqrt((smeared * ((columns - 20) ** 2 + (rows - 20) ** 2)).sum())
    assert spread == pytest.approx(np.hypot(*motion) / np.sqrt(12), rel=0.25)


def test_little_motion_leaves_the_picture_as_it_is():
    image = np.random.default_rng(0).random((9, 9)).astype(np.float32)
    assert smear(image, (1.0, 0.5)) is image


def test_motorcycle_is_cut_out_clean():
    cut = motorcycle()
    solid = cut[..., 3] > 127
    assert solid.any(axis=1)[[0, -1]].all(), "tight above and below"
    assert solid.any(axis=0)[[0, -1]].all(), "tight left and right"
    assert 0.35 < solid.mean() < 0.75
    # The tank is red, and red is hardly anywhere else.
    hue = recoloured(cut, 60)
    changed = (hue[..., :3] != cut[..., :3]).any(axis=2) & solid
    assert 0.1 < changed[solid].mean() < 0.5
    np.testing.assert_array_equal(hue[..., 3], cut[..., 3])


def test_sprite_keeps_the_shape():
    item = sprite(motorcycle(), 100.0)
    assert item.size[0] == 100.0
    assert item.size[1] == pytest.approx(100.0 * motorcycle().shape[0] / motorcycle().shape[1])
    assert item.pixels[..., 3].max() <= 1.0 + 1e-6


def test_photographs_are_bgr():
    astronaut = photograph("astronaut")
    # The suit is orange: more red than blue.
    assert astronaut[300, 150, 2] > astronaut[300, 150, 0] + 60
    assert photograph("brick").ndim == 3


def test_brick_courses_are_level():
    courses = brick_courses()[..., 0].astype(float)
    # Along a mortar line rows differ much; were they slanted, the mean over a row would blur that.
    assert courses.mean(axis=1).std() > 15
