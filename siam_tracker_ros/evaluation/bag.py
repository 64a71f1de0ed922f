"""The images of a rosbag2 recording, and detections as a new one, without a ROS installation.

>>> with Recording("flight.mcap") as recording:                          # doctest: +SKIP
...     for image in recording.images(recording.image_topic("")):
...         image.frame
"""

from __future__ import annotations

import io
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.pixels import PixelError, compressed_to_bgr, raw_to_bgr

RAW, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
DECODERS = {RAW: raw_to_bgr, COMPRESSED: compressed_to_bgr}
SUFFIXES = (".mcap", ".db3")
STORAGES = {"mcap": StoragePlugin.MCAP, "sqlite3": StoragePlugin.SQLITE3}
DETECTION_TOPIC, DETECTIONS_TOPIC = "/siam_tracker/detection", "/siam_tracker/detections"

# vision_msgs 4.1, which is in no distribution's standard set of messages.
VISION_MESSAGES = {
    "Point2D": "float64 x\nfloat64 y",
    "Pose2D": "vision_msgs/Point2D position\nfloat64 theta",
    "BoundingBox2D": "vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y",
    "ObjectHypothesis": "string class_id\nfloat64 score",
    "ObjectHypothesisWithPose": "vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose",
    "Detection2D": (
        "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
        "vision_msgs/BoundingBox2D bbox\nstring id"
    ),
    "Detection2DArray": "std_msgs/Header header\nvision_msgs/Detection2D[] detections",
}

MAGIC = b"\x89MCAP0\r\n"
END_OF_DATA, FOOTER = 0x0F, 0x02
# A footer that names no index: the reader then goes through the records themselves.
PLAIN_ENDING = bytes([FOOTER]) + struct.pack("<QQQI", 20, 0, 0, 0) + MAGIC


class BagError(ValueError):
    """A recording that cannot be read or written; the message says why."""


class TruncatedError(BagError):
    """A recording that ended before its end: what came until then was good."""


@dataclass(frozen=True)
class Topic:
    """A topic of a recording: its name, the type of its messages, and how many there are (0 where unknown)."""

    name: str
    type: str
    count: int


@dataclass(frozen=True)
class BagImage:
    """One image message.

    header: the message's std_msgs/Header. recorded: when it was recorded, nanoseconds. frame: BGR uint8 [H, W, 3], or
    None where the message cannot be read. fault: then, why not, a sentence.
    """

    header: Any
    recorded: int
    frame: NDArray[np.uint8] | None
    fault: str = ""

    @property
    def stamp(self) -> int:
        """The header's stamp, nanoseconds; when it was recorded, where the camera gave none."""
        return int(self.header.stamp.sec) * 1_000_000_000 + int(self.header.stamp.nanosec) or self.recorded


def vision_typestore() -> Any:
    """The messages of ROS 2 Humble, whose images and headers are those of later ones too, and vision_msgs."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    for name, text in VISION_MESSAGES.items():
        store.register(get_types_from_msg(text, f"vision_msgs/msg/{name}"))
    return store


class Recording:
    """An rosbag2 recording: a folder with metadata.yaml, or a single .mcap or .db3 file; a context manager.

    A recorder that was killed leaves no index or no metadata.yaml: such a recording is opened all the same, and
    ``images`` ends with TruncatedError after the last message that can be read.

    Raises BagError: nothing there, or not a recording.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.broken = ""
        self._store = vision_typestore()
        self._stack = ExitStack()
        self._parts: list[Any] = []
        try:
            self._open()
        except BagError:
            self._stack.close()
            raise
        merged: dict[tuple[str, str], int] = {}
        for reader in self._parts:
            for connection in reader.connections:
                key = connection.topic, connection.msgtype
                merged[key] = merged.get(key, 0) + connection.msgcount
        self.topics = [Topic(*key, count) for key, count in sorted(merged.items())]

    def image_topic(self, name: str) -> Topic:
        """The topic of that name; the only one of images, if the name is empty.

        Raises BagError: no such topic, of another type, no images on it, or no name where there are several.
        """
        images = [topic for topic in self.topics if topic.type in DECODERS]
        there = f"its image topics are {', '.join(topic.name for topic in images)}" if images else "it has no images"
        there += " (of what could be read: the recording is broken)" if self.broken else ""
        if not name:
            if len(images) == 1:
                return self._with_images(images[0])
            raise BagError(f"{self.path}: which topic? {there[0].upper()}{there[1:]}")
        same_name = [topic for topic in self.topics if topic.name == name]
        if not same_name:
            raise BagError(f"{self.path}: there is no topic '{name}'; {there}")
        same_type = [topic for topic in same_name if topic.type in DECODERS]
        if not same_type:
            raise BagError(f"{self.path}: '{name}' carries {same_name[0].type}, not images; {there}")
        return self._with_images(same_type[0])

    def images(self, topic: Topic) -> Iterator[BagImage]:
        """The topic's images in the order of recording.

        Raises TruncatedError: after the last one, where the recording is broken.
        """
        for reader in self._parts:
            connections = [c for c in reader.connections if (c.topic, c.msgtype) == (topic.name, topic.type)]
            messages = reader.messages(connections) if connections else iter(())
            while True:
                try:
                    _, recorded, data = next(messages)
                except StopIteration:
                    break
                except Exception as error:  # each storage and each compression has errors of its own
                    raise TruncatedError(f"{self.path}: broken after what was read ({_line(error)})") from error
                yield self._image(topic.type, recorded, data)
        if self.broken:
            raise TruncatedError(self.broken)

    def close(self) -> None:
        """Close the files; a second call does nothing."""
        self._stack.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> None:
        """Open the recording as it is, or what is left of its files."""
        if not self.path.exists():
            raise BagError(f"{self.path}: no such file or folder")
        files = [self.path]
        if self.path.is_dir():
            files = sorted((p for p in self.path.iterdir() if p.suffix in SUFFIXES), key=_by_number)
        elif self.path.suffix not in SUFFIXES:
            raise BagError(f"{self.path}: not a recording of ROS 2; give its folder, or its .mcap or .db3 file")
        if not self.path.is_dir() or (self.path / "metadata.yaml").is_file():
            try:
                self._parts.append(self._reader(self.path))
                return
            except BagError:
                if not files:
                    raise
        if not files:
            raise BagError(f"{self.path}: not a recording of ROS 2: no metadata.yaml, .mcap or .db3 file in it")
        self.broken = f"{self.path}: broken, as after a recorder that was killed; what is whole in it was read"
        for file in files:
            try:
                self._parts.append(self._reader(file))
            except BagError:
                self._parts.append(self._remains(file))

    def _reader(self, path: Any) -> Reader:
        try:
            return self._stack.enter_context(Reader(path))
        except Exception as error:  # the library's own, and whatever it makes of broken bytes
            raise BagError(f"{path}: not a recording of ROS 2 that can be read ({_line(error)})") from error

    def _remains(self, path: Path) -> Any:
        """What is left of a broken file."""
        if path.suffix == ".db3":
            return self._stack.enter_context(closing(_BrokenDatabase(path)))
        return self._reader(_ended(path))

    def _with_images(self, topic: Topic) -> Topic:
        if topic.count == 0 and not self.broken:
            raise BagError(f"{self.path}: there are no images on '{topic.name}'")
        return topic

    def _image(self, kind: str, recorded: int, data: bytes) -> BagImage:
        header = self._header(recorded)
        try:
            message = self._message(kind, data)
            header = message.header
            return BagImage(header, recorded, DECODERS[kind](message))
        except PixelError as error:
            return BagImage(header, recorded, None, str(error))

    def _message(self, kind: str, data: bytes) -> Any:
        try:
            return self._store.deserialize_cdr(data, kind)
        except Exception as error:  # whatever the library makes of broken bytes
            raise PixelError(f"the message is no {kind} ({_line(error)})") from error

    def _header(self, stamp: int) -> Any:
        types = self._store.types
        time = types["builtin_interfaces/msg/Time"](sec=stamp // 10**9, nanosec=stamp % 10**9)
        return types["std_msgs/msg/Header"](stamp=time, frame_id="")


class DetectionWriter:
    """Writes detections as a new rosbag2 folder, with the messages' definitions in it; a context manager.

    Two topics: vision_msgs/Detection2D where the target is seen, and a Detection2DArray for every image, empty where it
    is not. Both carry the image's own header. The folder is complete once the writer is closed, which leaving the
    ``with`` block does, also after an error.

    path: the folder to make; one that holds nothing but an earlier recording of this writer is replaced.
    storage: mcap or sqlite3. target: the detections' id. class_id: what the target is.

    Raises BagError: unknown storage, or something else is at the path.
    """

    def __init__(
        self, path: str | Path, *, storage: str = "mcap", target: str = "target-1", class_id: str = "target"
    ) -> None:
        if storage not in STORAGES:
            raise BagError(f"storage '{storage}' is not known; use one of {', '.join(STORAGES)}")
        self.path, self.target, self.class_id = Path(path), target, class_id
        self.images = self.seen = 0
        self._store = vision_typestore()
        self._types = self._store.types
        _clear(self.path)
        try:
            # Version 8 is read by Humble and by everything later.
            self._writer = Writer(self.path, version=8, storage_plugin=STORAGES[storage])
            self._writer.open()
        except OSError as error:
            raise BagError(f"{self.path}: cannot be written ({error.strerror or error})") from error
        self._connections = {
            kind: self._writer.add_connection(topic, f"vision_msgs/msg/{kind}", typestore=self._store)
            for kind, topic in (("Detection2D", DETECTION_TOPIC), ("Detection2DArray", DETECTIONS_TOPIC))
        }
        self._closed = False

    def write(self, image: BagImage, box: Box | None, score: float) -> None:
        """What was found in an image: the box and its score 0..1, or None where the target is not seen."""
        found = [] if box is None else [self._detection(image.header, box, min(max(float(score), 0.0), 1.0))]
        for detection in found:
            self._write("Detection2D", image.recorded, detection)
        array = self._types["vision_msgs/msg/Detection2DArray"](header=image.header, detections=found)
        self._write("Detection2DArray", image.recorded, array)
        self.images += 1
        self.seen += len(found)

    def close(self) -> None:
        """Finish the files; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self._writer.close()

    def __enter__(self) -> DetectionWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, kind: str, recorded: int, message: Any) -> None:
        data = self._store.serialize_cdr(message, f"vision_msgs/msg/{kind}")
        self._writer.write(self._connections[kind], recorded, data)

    def _detection(self, header: Any, box: Box, score: float) -> Any:
        def make(name: str, **fields: Any) -> Any:
            return self._types[name](**fields)

        nowhere = make(
            "geometry_msgs/msg/Pose",
            position=make("geometry_msgs/msg/Point", x=0.0, y=0.0, z=0.0),
            orientation=make("geometry_msgs/msg/Quaternion", x=0.0, y=0.0, z=0.0, w=1.0),
        )
        result = make(
            "vision_msgs/msg/ObjectHypothesisWithPose",
            hypothesis=make("vision_msgs/msg/ObjectHypothesis", class_id=self.class_id, score=score),
            pose=make("geometry_msgs/msg/PoseWithCovariance", pose=nowhere, covariance=np.zeros(36)),
        )
        point = make("vision_msgs/msg/Point2D", x=float(box.cx), y=float(box.cy))
        bbox = make(
            "vision_msgs/msg/BoundingBox2D",
            center=make("vision_msgs/msg/Pose2D", position=point, theta=0.0),
            size_x=float(box.w),
            size_y=float(box.h),
        )
        return make("vision_msgs/msg/Detection2D", header=header, results=[result], bbox=bbox, id=self.target)


def _clear(path: Path) -> None:
    """Take away an earlier recording of the writer; refuse anything else, such as a recording of images."""
    if not path.exists():
        return
    ours = {"metadata.yaml", *(f"{path.name}{suffix}" for suffix in SUFFIXES)}
    refusal = BagError(f"{path}: is there already, and is not an earlier recording of detections; remove it")
    if not path.is_dir() or {file.name for file in path.iterdir()} - ours:
        raise refusal
    try:
        with Recording(path) as earlier:
            topics = {topic.name for topic in earlier.topics}
    except BagError as error:
        raise refusal from error
    if topics - {DETECTION_TOPIC, DETECTIONS_TOPIC}:
        raise refusal
    for file in path.iterdir():
        file.unlink()
    path.rmdir()


def _by_number(path: Path) -> tuple[int, str]:
    """Parts of a recording in their order: NAME_2 before NAME_10."""
    last = path.stem.rpartition("_")[2]
    return (int(last) if last.isdecimal() else -1, path.name)


def _line(error: Exception) -> str:
    """An error in one line."""
    return " ".join(str(error).split()) or type(error).__name__


@dataclass(frozen=True)
class _Connection:
    id: int
    topic: str
    msgtype: str
    msgcount: int = 0


class _BrokenDatabase:
    """The rows of a broken sqlite3 recording, in the order in which they were written, up to where it breaks."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)
        try:
            # Else SQLite refuses a file that is shorter than its header says, before it reads anything.
            self._database.execute("PRAGMA writable_schema = ON")
            rows = self._database.execute("SELECT id, name, type FROM topics").fetchall()
        except sqlite3.Error as error:
            self._database.close()
            raise BagError(f"{path}: not a recording of ROS 2 that can be read ({error})") from error
        self.connections = [_Connection(*row) for row in rows]

    def messages(self, connections: list[Any]) -> Iterator[tuple[Any, int, bytes]]:
        wanted = {connection.id: connection for connection in connections}
        # Not by the index on the stamps: its pages may be the missing ones.
        query = "SELECT topic_id, timestamp, data FROM messages NOT INDEXED ORDER BY rowid"
        for topic, recorded, data in self._database.execute(query):
            if topic in wanted:
                yield wanted[topic], recorded, data

    def close(self) -> None:
        self._database.close()


class _EndedFile(io.RawIOBase):
    """The first bytes of a file and an ending after them, without a copy of the file."""

    def __init__(self, path: Path, end: int, ending: bytes) -> None:
        self._file, self._end, self._ending, self._at = path.open("rb"), end, ending, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = (0, self._at, self._end + len(self._ending))[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        size = len(buffer)
        if self._at < self._end:
            self._file.seek(self._at)
            data = self._file.read(min(size, self._end - self._at))
        else:
            start = self._at - self._end
            data = self._ending[start : start + size]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


class _EndedPath:
    """What the library asks of a path, for an _EndedFile."""

    is_dir = staticmethod(lambda: False)
    exists = staticmethod(lambda: True)

    def __init__(self, path: Path, end: int) -> None:
        self._path, self._end, self.suffix = path, end, path.suffix

    def open(self, mode: str) -> BinaryIO:
        del mode  # it only reads
        return io.BufferedReader(_EndedFile(self._path, self._end, PLAIN_ENDING))

    def __str__(self) -> str:
        return str(self._path)


def _ended(path: Path) -> Any:
    """An MCAP file up to its last whole record, as a path that the library takes.

    Raises BagError: no record in it.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise BagError(f"{path}: not an MCAP file")
        end = len(MAGIC)
        while len(start := file.read(9)) == 9:
            kind, length = struct.unpack("<BQ", start)
            after = end + 9 + length
            if kind in (0, FOOTER, END_OF_DATA) or after > size:
                break
            end = file.seek(after)
    if end == len(MAGIC):
        raise BagError(f"{path}: an MCAP file that ends before its first record")
    return _EndedPath(path, end)
