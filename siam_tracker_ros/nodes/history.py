"""The last frames, by stamp, so that a box drawn on a past picture starts on that picture."""

from __future__ import annotations

import threading
from collections import deque

from siam_tracker_ros.nodes.mailbox import Frame


class HistoryError(LookupError):
    """No frame of the history is meant by a stamp."""


class NoFrameError(HistoryError):
    """No frame has arrived yet."""


class StampTooOldError(HistoryError):
    """The stamp is older than the oldest frame kept. ``oldest`` is that frame's stamp, nanoseconds."""

    def __init__(self, message: str, oldest: int) -> None:
        super().__init__(message)
        self.oldest = oldest


class StampUnknownError(HistoryError):
    """No frame has this stamp: it is newer than the newest one, or lies between two."""


class FrameHistory:
    """Frames in order of arrival, bounded in number and bytes; the newest one is always kept.

    Filled by the executor thread, read by the worker.
    """

    def __init__(self, max_frames: int, max_bytes: int) -> None:
        self._frames: deque[Frame] = deque()
        self._max_frames, self._max_bytes = max_frames, max_bytes
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, frame: Frame) -> list[Frame]:
        """Keep a frame, and forget the oldest ones beyond the bounds.

        Returns those that it forgot. Their memory is freed when the caller drops them: of a 4K image that takes a
        millisecond, which need not come before anything urgent.
        """
        forgotten = []
        with self._lock:
            self._frames.append(frame)
            self._bytes += len(frame.message.data)
            while len(self._frames) > 1 and (len(self._frames) > self._max_frames or self._bytes > self._max_bytes):
                forgotten.append(self._frames.popleft())
                self._bytes -= len(forgotten[-1].message.data)
        return forgotten

    def clear(self) -> None:
        """Forget every frame: their stamps belong to another time line."""
        with self._lock:
            self._frames.clear()
            self._bytes = 0

    def __len__(self) -> int:
        return len(self._frames)

    def find(self, stamp: int, slop: int) -> Frame:
        """The frame with this stamp, or the nearest at most ``slop`` away; stamp 0: the newest. Nanoseconds.

        Raises:
            NoFrameError, StampTooOldError, StampUnknownError: with a sentence for the operator.
        """
        with self._lock:
            frames = list(self._frames)
        if not frames:
            raise NoFrameError("no frame has arrived yet: check the image topic and that the camera runs")
        if stamp == 0:
            return frames[-1]
        stamped = [frame for frame in frames if frame.stamp]
        if not stamped:
            raise StampUnknownError("the camera's images have no stamps: call with a zero stamp for the newest frame")
        oldest, newest = stamped[0].stamp, stamped[-1].stamp
        if stamp < oldest - slop:
            raise StampTooOldError(
                f"stamp {seconds(stamp)} is older than the history, which starts at {seconds(oldest)}", oldest
            )
        nearest = min(stamped, key=lambda frame: abs(frame.stamp - stamp))
        if abs(nearest.stamp - stamp) > slop:
            raise StampUnknownError(
                f"no frame has stamp {seconds(stamp)}: the nearest has {seconds(nearest.stamp)}, the newest "
                f"{seconds(newest)}, and at most {slop / 1e9:g} s of difference are allowed"
            )
        return nearest

    def between(self, after: int, before: int | None) -> list[Frame]:
        """The frames numbered above ``after`` and, unless None, below ``before``, oldest first."""
        with self._lock:
            return [f for f in self._frames if f.number > after and (before is None or f.number < before)]


def seconds(stamp: int) -> str:
    """Nanoseconds as seconds with nine digits, as ``ros2 topic echo`` users know them."""
    return f"{stamp // 10**9}.{stamp % 10**9:09d}"
