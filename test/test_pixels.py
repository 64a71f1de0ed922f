"""Raw encodings to BGR, rows with padding, and what is said of images that cannot be read."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from siam_tracker_ros.pixels import PixelError, check_compressed, check_raw, compressed_to_bgr, raw_to_bgr

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


def two_planes(bgr, encoding, *, padding=0):
    """The picture as nv12 or nv21, laid out by hand from OpenCV's I420: planes of Y, U and V."""
    height, width = bgr.shape[:2]
    planar = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420).reshape(-1)
    luma, (u, v) = planar[: height * width].reshape(height, width), planar[height * width :].reshape(2, -1)
    pairs = np.stack([u, v] if encoding == "nv12" else [v, u], axis=1).reshape(height // 2, width)
    rows = np.pad(np.concatenate([luma, pairs]), ((0, 0), (0, padding)), constant_values=77)
    return SimpleNamespace(
        height=height, width=width, step=rows.shape[1], encoding=encoding, is_bigendian=0, data=rows.tobytes()
    )


@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("encoding", ["nv12", "nv21"])
def test_two_planes(encoding, padding):
    flat = np.full((6, 8, 3), (200, 120, 40), np.uint8)
    shown = raw_to_bgr(two_planes(flat, encoding, padding=padding))
    assert shown.shape == flat.shape
    assert np.abs(shown.astype(int) - flat).max() <= 4


def test_pixels_that_are_bgr_already_are_a_view_also_of_padded_rows():
    message = image(PICTURE, "bgr8", padding=5)
    shown = raw_to_bgr(message)
    assert np.shares_memory(shown, np.frombuffer(message.data, np.uint8))
    np.testing.assert_array_equal(cv2.flip(shown, 0), PICTURE[::-1])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"encoding": "32FC1"}, "encoding '32FC1' is not read here: it reads bgr8"),
        ({"encoding": "16UC1"}, "encoding '16UC1' is not read here"),
        ({"width": 0}, "no pixels"),
        ({"height": 0}, "no pixels"),
        ({"step": 23}, "step is 23 bytes, but a row of 8 bgr8 pixels takes 24"),
        ({"data": b"short"}, "data has 5 bytes, but step x height is 24 x 6 = 144"),
        ({"data": b""}, "data has 0 bytes"),
        ({"encoding": "nv12"}, "data has 144 bytes, but nv12 has 1.5 x step x height"),
        ({"encoding": "nv12", "height": 5, "step": 24, "data": bytes(180)}, "8x5, but in nv12 neighbours share"),
        ({"encoding": "yuyv", "width": 5}, "5x6, but in yuyv neighbours share a colour"),
    ],
)
def test_bad_images_are_refused_before_their_pixels_are_touched(change, says):
    message = image(PICTURE, "bgr8")
    vars(message).update(change)
    for read in (check_raw, raw_to_bgr):
        with pytest.raises(PixelError, match=says):
            read(message)


def compressed(extension, picture=PICTURE):
    return cv2.imencode(extension, picture)[1].tobytes()


def test_compressed():
    data = compressed(".png")
    np.testing.assert_array_equal(compressed_to_bgr(SimpleNamespace(format="png", data=data)), PICTURE)
    flat = np.full((16, 16, 3), (200, 120, 40), np.uint8)
    for name in ("jpeg", "bgr8; jpeg compressed bgr8", ""):
        shown = compressed_to_bgr(SimpleNamespace(format=name, data=compressed(".jpg", flat)))
        assert np.abs(shown.astype(int) - flat).max() <= 4, name
    padded = compressed(".jpg", flat) + bytes(500)
    assert compressed_to_bgr(SimpleNamespace(format="jpeg", data=padded)).shape == flat.shape
    grey = compressed_to_bgr(SimpleNamespace(format="mono8; png compressed", data=compressed(".png", GREY)))
    np.testing.assert_array_equal(grey, np.dstack([GREY] * 3))


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("png", compressed(".png")[:30], "30 bytes of format 'png' cannot be decoded: the picture is cut off"),
        ("jpeg", compressed(".jpg")[:-20], "cut off"),
        ("jpeg", b"", "0 bytes of format 'jpeg' cannot be decoded"),
        ("h264", b"\x00\x00\x00\x01\x67" + bytes(50), "'h264' cannot be decoded: neither a whole JPEG nor a whole PNG"),
        ("16UC1; compressedDepth png", compressed(".png"), "distances"),
        ("16UC1; png compressed ", compressed(".png"), "distances"),
    ],
)
def test_what_is_no_whole_picture_is_refused_by_its_ends(name, data, says):
    message = SimpleNamespace(format=name, data=data)
    for read in (check_compressed, compressed_to_bgr):
        with pytest.raises(PixelError, match=says):
            read(message)


@pytest.mark.parametrize("extension", [".jpg", ".png"])
def test_broken_data_between_whole_ends_are_refused(extension):
    data = bytearray(compressed(extension, RANDOM.integers(0, 256, (64, 64, 3), dtype=np.uint8)))
    data[8:200] = bytes(192)
    message = SimpleNamespace(format=extension[1:], data=bytes(data))
    check_compressed(message)
    with pytest.raises(PixelError, match="the data are broken"):
        compressed_to_bgr(message)
