import array
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from siam_tracker_ros.nodes import image_message
from siam_tracker_ros.nodes.image_message import ImageError, check_image, to_bgr, to_image_message
from siam_tracker_ros.pixels import RAW_ENCODINGS

BYTES = {"bgr8": 3, "rgb8": 3, "mono8": 1, "bgra8": 4, "rgba8": 4, "8UC1": 1, "8UC3": 3}


def message_of(pixels: np.ndarray, encoding: str, padding: int = 0, bigendian: int = 0) -> Image:
    """An image message of uint8 [H, W, C] whose rows end in ``padding`` bytes of rubbish."""
    height, width, channels = pixels.shape
    rows = np.full((height, width * channels + padding), 0xA5, np.uint8)
    rows[:, : width * channels] = pixels.reshape(height, -1)
    return Image(
        height=height,
        width=width,
        encoding=encoding,
        step=rows.shape[1],
        is_bigendian=bigendian,
        data=array.array("B", rows.tobytes()),
    )


def as_bgr(pixels: np.ndarray, encoding: str) -> np.ndarray:
    """What the pixels are in BGR, written out by channel."""
    order = {"rgb": [2, 1, 0], "bgr": [0, 1, 2], "mon": [0, 0, 0]}
    order |= {"8UC": order["bgr"] if pixels.shape[2] == 3 else order["mon"]}
    return pixels[..., order[encoding[:3]]]


@given(
    encoding=st.sampled_from(sorted(BYTES)),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    padding=st.integers(0, 17),
    bigendian=st.sampled_from([0, 1]),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_layout_gives_the_same_pixels(encoding, height, width, padding, bigendian, seed):
    channels = BYTES[encoding]
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    frame = to_bgr(message_of(pixels, encoding, padding, bigendian))
    assert frame.dtype == np.uint8
    np.testing.assert_array_equal(frame, as_bgr(pixels, encoding))


def test_bgr8_is_a_view_of_the_message_that_opencv_takes():
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    message = message_of(pixels, "bgr8", padding=5)
    frame = to_bgr(message)
    assert np.shares_memory(frame, np.frombuffer(message.data, np.uint8))
    np.testing.assert_array_equal(cv2.flip(frame, 0), pixels[::-1])


@given(
    encoding=st.sampled_from(sorted(RAW_ENCODINGS)),
    height=st.integers(0, 6),
    width=st.integers(0, 6),
    step=st.integers(0, 40),
    length=st.integers(0, 160) | st.none(),
)
def test_whatever_the_sizes_say_an_image_is_read_or_refused(encoding, height, width, step, length):
    fits = step * height * 3 // 2 if encoding in ("nv12", "nv21") else step * height
    data = array.array("B", bytes(fits if length is None else length))
    message = Image(height=height, width=width, encoding=encoding, step=step, data=data)
    try:
        check_image(message)
    except ImageError:
        with pytest.raises(ImageError):
            to_bgr(message)
        return
    assert height > 0
    assert width > 0
    assert len(data) == fits
    assert to_bgr(message).shape == (height, width, 3)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"height": 0}, "it has no pixels"),
        ({"step": 17}, "a row of 6 bgr8 pixels takes 18"),
        ({"data": array.array("B", bytes(71))}, "data has 71 bytes, but step x height is 18 x 4 = 72"),
        ({"height": 5}, "data has 72 bytes, but step x height is 18 x 5 = 90"),
    ],
)
def test_a_refusal_says_what_is_wrong(change, sentence):
    message = message_of(np.zeros((4, 6, 3), np.uint8), "bgr8")
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(ImageError, match=sentence):
        check_image(message)


@pytest.fixture
def bridge(monkeypatch):
    """Puts a converter, or none, where cv_bridge would be."""

    def put(converter: object | None) -> None:
        module = SimpleNamespace(CvBridge=lambda: converter) if converter is not None else None
        monkeypatch.setitem(sys.modules, "cv_bridge", module)
        image_message._bridge.cache_clear()

    yield put
    monkeypatch.undo()
    image_message._bridge.cache_clear()


def test_without_cv_bridge_another_encoding_is_refused_by_name(bridge):
    bridge(None)
    message = message_of(np.zeros((4, 6, 6), np.uint8), "rgb16")
    with pytest.raises(ImageError, match=r"'rgb16' is not read here: .*bgr8.*or install cv_bridge"):
        check_image(message)


def test_with_cv_bridge_it_converts_another_encoding(bridge):
    class Converter:
        def imgmsg_to_cv2(self, message: Image, desired_encoding: str) -> np.ndarray:
            assert desired_encoding == "bgr8"
            samples = np.frombuffer(message.data, np.uint16).reshape(message.height, message.width, 3)
            return (samples[..., ::-1] >> 8).astype(np.uint8)

    bridge(Converter())
    message = message_of(np.full((4, 6, 6), 128, np.uint8), "rgb16")
    check_image(message)
    np.testing.assert_array_equal(to_bgr(message), np.full((4, 6, 3), 128))
    message.step += 1
    with pytest.raises(ImageError, match="data has 144 bytes"):
        check_image(message)


def test_what_is_read_here_does_not_go_through_cv_bridge(bridge):
    bridge(SimpleNamespace())
    assert to_bgr(message_of(np.full((4, 6, 2), 128, np.uint8), "yuv422_yuy2")).shape == (4, 6, 3)


def test_a_compressed_image_is_read_or_refused():
    frame = np.random.default_rng(5).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    data = array.array("B", cv2.imencode(".png", frame)[1].tobytes())
    message = CompressedImage(format="bgr8; png compressed bgr8", data=data)
    check_image(message)
    np.testing.assert_array_equal(to_bgr(message), frame)
    cut = CompressedImage(format="png", data=data[:-10])
    for read in (check_image, to_bgr):
        with pytest.raises(ImageError, match="the picture is cut off"):
            read(cut)
    with pytest.raises(ImageError, match="0 bytes of format ''"):
        check_image(CompressedImage())


def test_what_cv_bridge_cannot_convert_is_refused_by_name(bridge):
    class Converter:
        def imgmsg_to_cv2(self, message: Image, desired_encoding: str) -> np.ndarray:
            raise RuntimeError("[32FC1] is not a color format")

    bridge(Converter())
    with pytest.raises(ImageError, match=r"cv_bridge cannot read encoding '32FC1' as bgr8: .*not a color"):
        to_bgr(message_of(np.zeros((4, 6, 4), np.uint8), "32FC1"))


def test_a_frame_becomes_a_message_and_comes_back():
    frame = np.random.default_rng(3).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    header = Header(frame_id="camera")
    message = to_image_message(frame[:, ::-1], header)
    assert message.header == header
    np.testing.assert_array_equal(to_bgr(message), frame[:, ::-1])
