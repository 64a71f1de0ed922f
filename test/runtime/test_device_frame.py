"""A frame on the device and its halved levels."""

import numpy as np
import pytest
import torch

from siam_tracker_ros.runtime.device_frame import DeviceFrame


def test_a_level_is_the_means_of_2x2_pixels_of_the_one_before():
    frame = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    on_device = DeviceFrame(6, 8, torch.device("cpu"))
    on_device.take(frame)
    on_device.halve(1)
    means = frame.reshape(3, 2, 4, 2, 3).mean((1, 3))
    assert np.array_equal(on_device.level(0).numpy(), frame)
    assert np.array_equal(on_device.level(1).numpy(), np.floor(means + 0.5).astype(np.uint8))


@pytest.mark.parametrize(("height", "width"), [(5, 7), (1, 9), (9, 1), (1, 1), (720, 1280)])
def test_every_size_comes_down_to_one_pixel(height, width):
    on_device = DeviceFrame(height, width, torch.device("cpu"))
    on_device.take(np.full((height, width, 3), (7, 99, 255), np.uint8))
    for level in range(1, on_device.top + 1):
        on_device.halve(level)
    assert on_device.level(on_device.top).tolist() == [[[7, 99, 255]]]
    assert (on_device.pixels == torch.tensor([7, 99, 255], dtype=torch.uint8)).all()
    start, h, w = on_device.levels[-1].tolist()
    assert (start + 1, h, w) == (len(on_device.pixels), 1, 1)


def test_frames_come_to_the_same_place_whatever_their_layout():
    on_device = DeviceFrame(20, 30, torch.device("cpu"))
    place = on_device.pixels.data_ptr()
    frame = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    for view in (frame, frame[..., ::-1], np.asfortranarray(frame), frame[::-1]):
        on_device.filled = 3
        on_device.take(view)
        assert np.array_equal(on_device.level(0).numpy(), view)
        assert (on_device.pixels.data_ptr(), on_device.filled) == (place, 0)
