"""Recordings that tests write: a patch that moves over a still background."""

from pathlib import Path

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from siam_tracker_ros.geometry import Box

SIZE, COUNT = (160, 120), 40
STORE = get_typestore(Stores.ROS2_HUMBLE)
TYPES = STORE.types
STORAGES = {"mcap": StoragePlugin.MCAP, "sqlite3": StoragePlugin.SQLITE3}


def true_box(index: int) -> Box:
    return Box(20.0 + 2 * index, 40.0 + index, 24.0, 20.0)


def stamp_of(index: int) -> int:
    """The header's stamp of an image, nanoseconds; it is recorded five milliseconds later."""
    return 1_700_000_000_000_000_000 + index * 100_000_000


def pictures() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    background = cv2.GaussianBlur(random.integers(60, 160, (*SIZE[::-1], 3), dtype=np.uint8), (0, 0), 3)
    target = cv2.resize(random.integers(0, 256, (5, 6, 3), dtype=np.uint8), (24, 20))
    frames = []
    for index in range(COUNT):
        frame = background.copy()
        x, y = int(true_box(index).x), int(true_box(index).y)
        frame[y : y + 20, x : x + 24] = target
        frames.append(frame)
    return frames


def _header(stamp: int):
    time = TYPES["builtin_interfaces/msg/Time"](sec=stamp // 10**9, nanosec=stamp % 10**9)
    return TYPES["std_msgs/msg/Header"](stamp=time, frame_id="camera")


def _message(picture: np.ndarray, stamp: int, encoding: str, spoiled: bool):
    if encoding in ("jpeg", "png"):
        data = cv2.imencode(f".{encoding}", picture)[1].reshape(-1)
        data = data[:20].copy() if spoiled else data
        name = f"bgr8; {encoding} compressed bgr8"
        return TYPES["sensor_msgs/msg/CompressedImage"](header=_header(stamp), format=name, data=data)
    data = np.ascontiguousarray(picture[..., ::-1] if encoding == "rgb8" else picture).reshape(-1)
    return TYPES["sensor_msgs/msg/Image"](
        header=_header(stamp),
        height=SIZE[1],
        width=SIZE[0],
        encoding=encoding,
        is_bigendian=0,
        step=3 * SIZE[0],
        data=data,
    )


def write_recording(
    path: Path, *, storage: str = "mcap", encoding: str = "bgr8", count: int = COUNT, spoiled: tuple[int, ...] = ()
) -> list[np.ndarray]:
    """Write images on /camera/image and a word on /words; return the images."""
    frames = pictures()[:count]
    compressed = encoding in ("jpeg", "png")
    kind = "sensor_msgs/msg/CompressedImage" if compressed else "sensor_msgs/msg/Image"
    with Writer(path, version=8, storage_plugin=STORAGES[storage]) as writer:
        images = writer.add_connection("/camera/image", kind, typestore=STORE)
        words = writer.add_connection("/words", "std_msgs/msg/String", typestore=STORE)
        text = STORE.serialize_cdr(TYPES["std_msgs/msg/String"](data="hello"), "std_msgs/msg/String")
        writer.write(words, stamp_of(0), text)
        for index, frame in enumerate(frames):
            message = _message(frame, stamp_of(index), encoding, index in spoiled)
            writer.write(images, stamp_of(index) + 5_000_000, STORE.serialize_cdr(message, kind))
    return frames
