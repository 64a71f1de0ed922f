"""Raw encodings to BGR, rows with padding, and what is said of images that cannot be read."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from siam_tracker_ros.pixels import PixelError, compressed_to_bgr, raw_to_bgr

RANDOM = np.random.default_rng(3)
PICTURE = RANDOM.integers(0, 256, (6, 8, 3), dtype=np.uint8)
GREY = PICTURE[..., 0]


def image(pixels, encoding, *, padding=0, big=0):
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return SimpleNamespace(
        height=height, width=width, step=rows.shape[1], encoding=encoding, is_bigendian=big, data=rows.tobytes()
    )


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize(
    ("encoding", "pixels", "expected"),
    [
        ("bgr8", PICTURE, PICTURE),
        ("8UC3", PICTURE, PICTURE),
        ("rgb8", PICTURE[..., ::-1], PICTURE),
        ("bgra8", np.dstack([PICTURE, GREY]), PICTURE),
        ("rgba8", np.dstack([PICTURE[..., ::-1], GREY]), PICTURE),
        ("mono8", GREY, np.dstack([GREY] * 3)),
        ("mono16", (GREY.astype("<u2") << 8) + 9, np.dstack([GREY] * 3)),
    ],
)
def test_encodings(encoding, pixels, expected, padding):
    np.testing.assert_array_equal(raw_to_bgr(image(pixels, encoding, padding=padding)), expected)


def test_big_endian():
    pixels = ((GREY.astype(np.uint16) << 8) + 9).astype(">u2")
    np.testing.assert_array_equal(raw_to_bgr(image(pixels, "mono16", big=1)), np.dstack([GREY] * 3))


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_patterns_keep_a_colour(pattern):
    colour = {"b": 200, "g": 120, "r": 40}
    tile = np.array([colour[letter] for letter in pattern], dtype=np.uint8).reshape(2, 2)
    shown = raw_to_bgr(image(np.tile(tile, (4, 4)), f"bayer_{pattern}8"))
    assert shown[4, 4].tolist() == [200, 120, 40]


@pytest.mark.parametrize(("encoding", "luma"), [("yuv422", 1), ("uyvy", 1), ("yuv422_yuy2", 0), ("yuyv", 0)])
def test_yuv_without_colour_is_grey(encoding, luma):
    pixels = np.full((4, 6, 2), 128, np.uint8)
    pixels[..., luma] = 180
    shown = raw_to_bgr(image(pixels, encoding))
    assert shown.shape == (4, 6, 3)
    assert np.ptp(shown) <= 1
    assert shown[0, 0, 0] > 180


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"encoding": "32FC1"}, "encoding '32FC1' is not read here: it reads bgr8"),
        ({"width": 0}, "no pixels"),
        ({"step": 23}, "step is 23 bytes, but a row of 8 bgr8 pixels takes 24"),
        ({"data": b"short"}, "data has 5 bytes"),
    ],
)
def test_bad_images_are_refused(change, says):
    message = image(PICTURE, "bgr8")
    vars(message).update(change)
    with pytest.raises(PixelError, match=says):
        raw_to_bgr(message)


def test_an_odd_width_of_yuv_is_refused():
    with pytest.raises(PixelError, match="cannot be converted"):
        raw_to_bgr(image(np.zeros((4, 5, 2), np.uint8), "yuyv"))


def test_compressed():
    data = cv2.imencode(".png", PICTURE)[1].tobytes()
    np.testing.assert_array_equal(compressed_to_bgr(SimpleNamespace(format="png", data=data)), PICTURE)
    for name, broken, says in [
        ("png", data[:30], "cannot be decoded"),
        ("jpeg", b"", "cannot be decoded"),
        ("16UC1; compressedDepth png", data, "distances"),
    ]:
        with pytest.raises(PixelError, match=says):
            compressed_to_bgr(SimpleNamespace(format=name, data=broken))
