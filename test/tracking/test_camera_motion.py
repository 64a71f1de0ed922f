"""The camera's motion on pictures that were moved by a known similarity."""

import cv2
import numpy as np
import pytest
from filled import picture
from hypothesis import given, settings
from hypothesis import strategies as st

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.tracking.camera_motion import CameraMotion, moved

GROUND = picture(900, 1500, seed=5)


def shot(x, y, angle=0.0, zoom=1.0, width=960, height=540):
    """A camera's picture of the ground around its middle, and the similarity [2, 3] from ground to picture."""
    turn = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, (width / 2, height / 2) - turn @ (750 + x, 450 + y)])
    of_indices = matrix.copy()
    of_indices[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    return cv2.warpAffine(GROUND, of_indices, (width, height), flags=cv2.INTER_LINEAR), matrix


def between(first, second):
    """The true similarity from one picture to the other."""
    square = [np.vstack([m, (0, 0, 1)]) for m in (first, second)]
    return (square[1] @ np.linalg.inv(square[0]))[:2]


def difference(motion, truth, width=960, height=540):
    """The largest distance between where both take the picture's corners and middle, pixels."""
    points = np.array([(0, 0), (width, 0), (0, height), (width, height), (width / 2, height / 2)], float)
    return max(np.linalg.norm((motion - truth)[:, :2] @ p + (motion - truth)[:, 2]) for p in points)


@settings(max_examples=25, deadline=None)
@given(x=st.floats(-40, 40), y=st.floats(-30, 30), angle=st.floats(-0.05, 0.05), zoom=st.floats(0.93, 1.07))
def test_a_pan_a_roll_and_a_zoom_are_measured(x, y, angle, zoom):
    camera = CameraMotion()
    (before, first), (now, second) = shot(0, 0), shot(x, y, angle, zoom)
    motion = camera.between(camera.look(before), camera.look(now))
    assert motion is not None
    assert difference(motion, between(first, second)) < 2.0


@pytest.mark.parametrize(("width", "height"), [(320, 240), (641, 481), (1280, 720), (1920, 1080), (720, 1280)])
def test_every_size_of_frame(width, height):
    camera = CameraMotion()
    ground = cv2.resize(GROUND, (width + 40, height + 40), interpolation=cv2.INTER_AREA)
    before, now = ground[:height, :width], ground[12 : 12 + height, 20 : 20 + width]
    view = camera.look(before)
    assert max(view.gray.shape) < 2 * camera.settings.width
    motion = camera.between(view, camera.look(now))
    assert motion is not None
    assert difference(motion, np.array([[1, 0, -20], [0, 1, -12]]), width, height) < 2.0


def test_a_still_camera_does_not_move():
    camera = CameraMotion()
    view = camera.look(shot(0, 0)[0])
    assert difference(camera.between(view, view), np.eye(2, 3)) < 0.05


def test_a_target_that_moves_against_the_camera_does_not_count():
    camera = CameraMotion()
    (before, first), (now, second) = shot(0, 0), shot(12, 0)
    target = picture(300, 400, seed=9)
    before[100:400, 300:700], now[110:410, 340:740] = target, target
    motion = camera.between(camera.look(before), camera.look(now), [Box(300, 100, 400, 300)])
    assert difference(motion, between(first, second)) < 2.0


@pytest.mark.parametrize(
    "now",
    [
        np.full((540, 960, 3), 90, np.uint8),  # nothing in it
        picture(540, 960, seed=77),  # another place
        picture(480, 640, seed=5),  # another size
    ],
)
def test_what_cannot_be_told_is_not_told(now):
    camera = CameraMotion()
    assert camera.between(camera.look(shot(0, 0)[0]), camera.look(now)) is None


def test_a_picture_without_corners_is_not_told():
    camera = CameraMotion()
    view = camera.look(np.full((540, 960, 3), 90, np.uint8))
    assert camera.between(view, view) is None


def test_a_picture_all_of_which_is_the_target_is_not_told():
    camera = CameraMotion()
    view = camera.look(shot(0, 0)[0])
    assert camera.between(view, view, [Box(-10, -10, 2000, 2000)]) is None


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 900, 3), (64, 48, 3)])
def test_tiny_frames_are_harmless(shape):
    camera = CameraMotion()
    view = camera.look(np.zeros(shape, np.uint8))
    assert camera.between(view, view, [Box(0, 0, 5, 5)]) is None


def test_the_same_pictures_give_the_same_motion():
    camera = CameraMotion()
    views = [camera.look(shot(x, 0)[0]) for x in (0, 9)]
    np.testing.assert_array_equal(camera.between(*views), CameraMotion().between(*views))


@given(x=st.floats(-100, 100), y=st.floats(-100, 100), angle=st.floats(-3, 3), zoom=st.floats(0.5, 2))
def test_a_box_goes_with_the_picture(x, y, angle, zoom):
    motion = np.array(
        [[zoom * np.cos(angle), -zoom * np.sin(angle), x], [zoom * np.sin(angle), zoom * np.cos(angle), y]]
    )
    box = moved(Box.from_center(30, 40, 10, 20), motion)
    assert (box.w, box.h) == pytest.approx((10 * zoom, 20 * zoom))
    np.testing.assert_allclose((box.cx, box.cy), motion @ (30, 40, 1), atol=1e-9)
