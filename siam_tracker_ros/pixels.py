"""Pixels as ROS images carry them, raw or compressed, to BGR arrays. Needs no ROS: any message with the fields of
sensor_msgs/Image or sensor_msgs/CompressedImage will do.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# Encoding: bytes a sample, samples a pixel, and OpenCV's conversion to BGR (None: it is BGR already). ROS names a Bayer
# pattern by its first row from the left, OpenCV by the second row from the second pixel: RGGB is its BG.
RAW_ENCODINGS: dict[str, tuple[int, int, int | None]] = {
    "bgr8": (1, 3, None),
    "8UC3": (1, 3, None),
    "rgb8": (1, 3, cv2.COLOR_RGB2BGR),
    "bgra8": (1, 4, cv2.COLOR_BGRA2BGR),
    "8UC4": (1, 4, cv2.COLOR_BGRA2BGR),
    "rgba8": (1, 4, cv2.COLOR_RGBA2BGR),
    "mono8": (1, 1, cv2.COLOR_GRAY2BGR),
    "8UC1": (1, 1, cv2.COLOR_GRAY2BGR),
    "mono16": (2, 1, cv2.COLOR_GRAY2BGR),
    "bayer_rggb8": (1, 1, cv2.COLOR_BayerBG2BGR),
    "bayer_bggr8": (1, 1, cv2.COLOR_BayerRG2BGR),
    "bayer_gbrg8": (1, 1, cv2.COLOR_BayerGR2BGR),
    "bayer_grbg8": (1, 1, cv2.COLOR_BayerGB2BGR),
    "yuv422": (1, 2, cv2.COLOR_YUV2BGR_UYVY),
    "uyvy": (1, 2, cv2.COLOR_YUV2BGR_UYVY),
    "yuv422_yuy2": (1, 2, cv2.COLOR_YUV2BGR_YUY2),
    "yuyv": (1, 2, cv2.COLOR_YUV2BGR_YUY2),
}


class PixelError(ValueError):
    """An image that cannot be read; the message says why."""


def raw_to_bgr(message: Any) -> NDArray[np.uint8]:
    """The pixels of a sensor_msgs/Image: BGR uint8 [H, W, 3], treat it as read-only.

    mono16 loses its lower byte. Raises PixelError: an encoding that is not read here, no pixels, or data of another
    length than the message says.
    """
    height, width, step, encoding = int(message.height), int(message.width), int(message.step), str(message.encoding)
    if encoding not in RAW_ENCODINGS:
        raise PixelError(f"encoding '{encoding}' is not read here: it reads {', '.join(RAW_ENCODINGS)}")
    if height == 0 or width == 0:
        raise PixelError(f"the image is {width}x{height}: it has no pixels")
    data = np.frombuffer(message.data, dtype=np.uint8)
    depth, samples, conversion = RAW_ENCODINGS[encoding]
    row = depth * samples * width
    if step < row:
        raise PixelError(f"step is {step} bytes, but a row of {width} {encoding} pixels takes {row}")
    if len(data) != step * height:
        raise PixelError(f"data has {len(data)} bytes, but step x height is {step} x {height} = {step * height}")
    rows = data.reshape(height, step)[:, :row]
    if depth == 2:
        # The byte that counts; without a channel axis of its own it would be taken for a colour.
        rows = rows[:, 0::2] if message.is_bigendian else rows[:, 1::2]
    pixels = rows.reshape(height, width, samples) if samples > 1 else rows.reshape(height, width)
    if conversion is None:
        return np.ascontiguousarray(pixels)
    try:
        return _as_bytes(cv2.cvtColor(np.ascontiguousarray(pixels), conversion))
    except cv2.error as error:
        raise PixelError(f"{width}x{height} pixels of {encoding} cannot be converted to BGR") from error


def compressed_to_bgr(message: Any) -> NDArray[np.uint8]:
    """The pixels of a sensor_msgs/CompressedImage (JPEG, PNG and what else OpenCV decodes): BGR uint8 [H, W, 3].

    Raises PixelError: a format that is no picture's, such as compressedDepth or h264, or broken data.
    """
    data = np.frombuffer(message.data, dtype=np.uint8)
    name = str(message.format)
    if "compressedDepth" in name:
        raise PixelError(f"format '{name}' holds distances, not a picture; give the colour image's topic")
    # As the camera delivered it: an orientation tag would turn the picture, and with it the boxes.
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(data, flags) if len(data) else None
    if image is None:
        raise PixelError(
            f"{len(data)} bytes of format '{name}' cannot be decoded: neither a whole JPEG nor a whole PNG"
        )
    return _as_bytes(image)


def _as_bytes(image: np.ndarray) -> NDArray[np.uint8]:
    return image.astype(np.uint8, copy=False)
