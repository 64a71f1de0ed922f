"""sensor_msgs/Image and CompressedImage to BGR arrays, without a copy where the layout allows it, and back.

The pixels themselves are read in :mod:`siam_tracker_ros.pixels`; what that does not know goes through cv_bridge, where
it is installed.
"""

from __future__ import annotations

import array
import functools
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from siam_tracker_ros.pixels import (
    RAW_ENCODINGS,
    PixelError,
    check_compressed,
    check_raw,
    check_size,
    compressed_to_bgr,
    raw_to_bgr,
)

CameraImage: TypeAlias = Image | CompressedImage

# An image message that cannot be read; the message says why.
ImageError = PixelError


@functools.lru_cache(maxsize=1)
def _bridge() -> Any:
    """cv_bridge's converter, or None where it is not installed (it has no wheel)."""
    try:
        from cv_bridge import CvBridge
    except ImportError:
        return None
    return CvBridge()


def check_image(message: CameraImage) -> None:
    """Refuse an image that :func:`to_bgr` could not read, without touching its pixels.

    Raises:
        ImageError: an encoding or format that nothing here reads, no pixels, a step shorter than a row, a data length
            that is not ``step * height`` as sensor_msgs/Image has it, or a compressed picture that is cut off.
    """
    if isinstance(message, CompressedImage):
        check_compressed(message)
    elif message.encoding in RAW_ENCODINGS:
        check_raw(message)
    elif _bridge() is not None:
        check_size(message)
    else:
        raise ImageError(
            f"encoding '{message.encoding}' is not read here: publish one of {', '.join(RAW_ENCODINGS)}, "
            "or install cv_bridge"
        )


def to_bgr(message: CameraImage) -> NDArray[np.uint8]:
    """The image's pixels.

    Returns:
        BGR uint8 [H, W, 3]. For bgr8 it is a view of the message's own data, padding left out; treat it as
        read-only.

    Raises:
        ImageError: as for :func:`check_image`, broken compressed data, or an encoding that cv_bridge cannot convert.
    """
    check_image(message)
    if isinstance(message, CompressedImage):
        return compressed_to_bgr(message)
    return raw_to_bgr(message) if message.encoding in RAW_ENCODINGS else _by_bridge(message)


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
