"""sensor_msgs/Image to BGR arrays without a copy where the layout allows it, and back."""

from __future__ import annotations

import array
import functools
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header

# Encoding: bytes a pixel, and OpenCV's conversion to BGR (None: it is BGR already). All are of one byte a
# channel, so that is_bigendian means nothing for them.
ENCODINGS: dict[str, tuple[int, int | None]] = {
    "bgr8": (3, None),
    "rgb8": (3, cv2.COLOR_RGB2BGR),
    "mono8": (1, cv2.COLOR_GRAY2BGR),
    "bgra8": (4, cv2.COLOR_BGRA2BGR),
    "rgba8": (4, cv2.COLOR_RGBA2BGR),
}


class ImageError(ValueError):
    """An image message that cannot be read; the message says why."""


@functools.lru_cache(maxsize=1)
def _bridge() -> Any:
    """cv_bridge's converter, or None where it is not installed (it has no wheel)."""
    try:
        from cv_bridge import CvBridge
    except ImportError:
        return None
    return CvBridge()


def check_image(message: Image) -> None:
    """Refuse an image that :func:`to_bgr` could not read, without touching its pixels.

    Raises:
        ImageError: an encoding that nothing here reads, no pixels, a step shorter than a row, or a data
        length that
            is not ``step * height`` as sensor_msgs/Image has it.
    """
    height, width, step, length = message.height, message.width, message.step, len(message.data)
    known = ENCODINGS.get(message.encoding)
    if known is None and _bridge() is None:
        raise ImageError(
            f"encoding '{message.encoding}' is not read here: publish one of {', '.join(ENCODINGS)}, "
            "or install cv_bridge"
        )
    if height == 0 or width == 0:
        raise ImageError(f"the image is {width}x{height}: it has no pixels")
    if known is not None and step < width * known[0]:
        raise ImageError(
            f"step is {step} bytes, but a row of {width} {message.encoding} pixels takes {width * known[0]}"
        )
    if length != step * height:
        raise ImageError(f"data has {length} bytes, but step x height is {step} x {height} = {step * height}")


def to_bgr(message: Image) -> NDArray[np.uint8]:
    """The image's pixels.

    Returns:
        BGR uint8 [H, W, 3]. For bgr8 it is a view of the message's own data, padding left out; treat it as
        read-only.

    Raises:
        ImageError: as for :func:`check_image`, or cv_bridge could not convert the encoding.
    """
    check_image(message)
    if message.encoding not in ENCODINGS:
        return _by_bridge(message)
    channels, conversion = ENCODINGS[message.encoding]
    pixels: NDArray[np.uint8] = np.ndarray(
        shape=(message.height, message.width, channels),
        dtype=np.uint8,
        buffer=message.data,
        strides=(message.step, channels, 1),
    )
    if conversion is None:
        return pixels
    return cv2.cvtColor(pixels, conversion)  # type: ignore[return-value]


def to_image_message(frame: NDArray[np.uint8], header: Header) -> Image:
    """A BGR frame, uint8 [H, W, 3], as a bgr8 message with the given header."""
    height, width = frame.shape[:2]
    # rclpy takes an array.array as it is; anything else it would check byte by byte.
    data = array.array("B", np.ascontiguousarray(frame).tobytes())
    return Image(header=header, height=height, width=width, encoding="bgr8", step=3 * width, data=data)


def _by_bridge(message: Image) -> NDArray[np.uint8]:
    try:
        frame = np.asarray(_bridge().imgmsg_to_cv2(message, desired_encoding="bgr8"))
    except Exception as error:  # cv_bridge raises its own, cv2's, numpy's and plain errors
        raise ImageError(f"cv_bridge cannot read encoding '{message.encoding}' as bgr8: {error}") from error
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise ImageError(f"cv_bridge made {frame.dtype} {list(frame.shape)} of encoding '{message.encoding}'")
    return frame
