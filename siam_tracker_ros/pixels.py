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
    # Two pixels share a colour: UYVY or YUYV.
    "yuv422": (1, 2, cv2.COLOR_YUV2BGR_UYVY),
    "uyvy": (1, 2, cv2.COLOR_YUV2BGR_UYVY),
    "yuv422_yuy2": (1, 2, cv2.COLOR_YUV2BGR_YUY2),
    "yuyv": (1, 2, cv2.COLOR_YUV2BGR_YUY2),
    # Four pixels share a colour: a plane of Y, and under it one of half the height with U and V in turn. `step` and
    # `height` are those of the first plane.
    "nv12": (1, 1, cv2.COLOR_YUV2BGR_NV12),
    "nv21": (1, 1, cv2.COLOR_YUV2BGR_NV21),
}
PACKED_PAIRS = {name for name, (_, samples, _) in RAW_ENCODINGS.items() if samples == 2}
TWO_PLANES = {"nv12", "nv21"}

# How the files that a CompressedImage may hold begin.
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"II*\x00", b"MM\x00*", b"BM")
JPEG, PNG = SIGNATURES[:2]
TAIL = 1024  # bytes in which the end of a picture is looked for: some cameras pad their JPEGs
DISTANCES = ("16UC1", "32FC1")


class PixelError(ValueError):
    """An image that cannot be read; the message says why."""


def check_raw(message: Any) -> None:
    """Refuse a sensor_msgs/Image that :func:`raw_to_bgr` could not read, without touching its pixels.

    Raises PixelError: an encoding that is not read here, no pixels, or data of another length than the message says.
    """
    encoding = str(message.encoding)
    if encoding not in RAW_ENCODINGS:
        raise PixelError(f"encoding '{encoding}' is not read here: it reads {', '.join(RAW_ENCODINGS)}")
    height, width = int(message.height), int(message.width)
    depth, samples, _ = RAW_ENCODINGS[encoding]
    check_size(message, depth * samples * width, twos=encoding in TWO_PLANES)
    pairs, planes = encoding in PACKED_PAIRS, encoding in TWO_PLANES
    if ((pairs or planes) and width % 2) or (planes and height % 2):
        raise PixelError(f"the image is {width}x{height}, but in {encoding} neighbours share a colour: it must be even")


def check_size(message: Any, row: int = 0, *, twos: bool = False) -> None:
    """Whether a sensor_msgs/Image has pixels, rows of at least ``row`` bytes, and as many bytes as it says.

    ``twos``: half as many bytes follow, as in nv12. Raises PixelError.
    """
    height, width, step, length = int(message.height), int(message.width), int(message.step), len(message.data)
    if height == 0 or width == 0:
        raise PixelError(f"the image is {width}x{height}: it has no pixels")
    if step < row:
        raise PixelError(f"step is {step} bytes, but a row of {width} {message.encoding} pixels takes {row}")
    if not twos and length != step * height:
        raise PixelError(f"data has {length} bytes, but step x height is {step} x {height} = {step * height}")
    if twos and 2 * length != 3 * step * height:
        raise PixelError(f"data has {length} bytes, but {message.encoding} has 1.5 x step x height, {step} x {height}")


def raw_to_bgr(message: Any) -> NDArray[np.uint8]:
    """The pixels of a sensor_msgs/Image: BGR uint8 [H, W, 3], treat it as read-only.

    For bgr8 it is a view of the message's own data, padding left out. mono16 loses its lower byte.
    Raises PixelError: as for :func:`check_raw`.
    """
    check_raw(message)
    height, width, step, encoding = int(message.height), int(message.width), int(message.step), str(message.encoding)
    depth, samples, conversion = RAW_ENCODINGS[encoding]
    data: NDArray[np.uint8] = np.frombuffer(message.data, dtype=np.uint8)
    rows = data.reshape(-1, step)[:, : depth * samples * width]
    if depth == 2:
        # The byte that counts; without a channel axis of its own it would be taken for a colour.
        rows = rows[:, 0::2] if message.is_bigendian else rows[:, 1::2]
    pixels = rows.reshape(height, width, samples) if samples > 1 else rows
    if conversion is None:
        return pixels
    try:
        return _as_bytes(cv2.cvtColor(pixels if depth == 1 else np.ascontiguousarray(pixels), conversion))
    except cv2.error as error:
        raise PixelError(f"{width}x{height} pixels of {encoding} cannot be converted to BGR") from error


def check_compressed(message: Any) -> None:
    """Refuse a sensor_msgs/CompressedImage that is certainly no whole picture, by its first and last bytes.

    Raises PixelError: no data, a format that is no picture's, such as compressedDepth or h264, or a JPEG or PNG that is
    cut off, which OpenCV would fill up with grey.
    """
    name, length = str(message.format), len(message.data)
    if "compressedDepth" in name or name.startswith(DISTANCES):
        raise PixelError(f"format '{name}' holds distances, not a picture; give the colour image's topic")
    view = memoryview(message.data)
    head, tail = bytes(view[:8]), bytes(view[-TAIL:])
    if not head.startswith(SIGNATURES):
        raise PixelError(f"{length} bytes of format '{name}' cannot be decoded: neither a whole JPEG nor a whole PNG")
    end = {JPEG: b"\xff\xd9", PNG: b"IEND"}.get(JPEG if head.startswith(JPEG) else head, b"")
    if end not in tail:
        raise PixelError(f"{length} bytes of format '{name}' cannot be decoded: the picture is cut off")


def compressed_to_bgr(message: Any) -> NDArray[np.uint8]:
    """The pixels of a sensor_msgs/CompressedImage (JPEG, PNG and what else OpenCV decodes): BGR uint8 [H, W, 3].

    Raises PixelError: as for :func:`check_compressed`, or broken data.
    """
    check_compressed(message)
    data = np.frombuffer(message.data, dtype=np.uint8)
    # As the camera delivered it: an orientation tag would turn the picture, and with it the boxes.
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(data, flags)
    except cv2.error:  # a size that OpenCV does not allow
        image = None
    if image is None:
        raise PixelError(f"{len(data)} bytes of format '{message.format}' cannot be decoded: the data are broken")
    return _as_bytes(image)


def _as_bytes(image: np.ndarray) -> NDArray[np.uint8]:
    return image.astype(np.uint8, copy=False)
