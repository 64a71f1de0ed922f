"""Where executor and worker thread meet: the newest frame, and the operator's requests in order."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from sensor_msgs.msg import CompressedImage, Image

Request = TypeVar("Request")

HAND_OVER = 0.002  # seconds that a frame's giver waits, at most, for a taker that sleeps to wake up


@dataclass(frozen=True)
class Frame:
    """A received image.

    Attributes:
        number: of its arrival, counted from 1.
        stamp: of its header, nanoseconds; 0 where nobody set it.
        message: as received; its data are not copied.
    """

    number: int
    stamp: int
    message: Image | CompressedImage


class FrameMailbox(Generic[Request]):
    """Holds one frame at most: a newer one replaces it, and the replaced one is counted.

    Requests are never replaced, and are taken before the frame: an operator's call waits for one update at
    most.

    Who leaves a frame lets a sleeping taker go first. Python runs one thread at a time, and the executor has about a
    millisecond of its own work after a frame: the frame would lie here for so long.
    """

    def __init__(self) -> None:
        lock = threading.Lock()
        self._changed, self._woken = threading.Condition(lock), threading.Condition(lock)
        self._asleep = 0  # takers that wait
        self._frame: Frame | None = None
        self._requests: deque[Request] = deque()
        self._closed = False
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Frames replaced before anyone took them."""
        return self._dropped

    @property
    def waiting(self) -> Frame | None:
        """The frame that would be taken next."""
        return self._frame

    @property
    def closed(self) -> bool:
        """Whether the work has ended."""
        return self._closed

    def put(self, frame: Frame) -> None:
        """Leave a frame; one that still lay there is dropped, and so is this one once the mailbox is closed.

        Returns when a taker that slept is awake, after ``HAND_OVER`` seconds at most.
        """
        with self._changed:
            self._dropped += self._frame is not None or self._closed
            self._frame = None if self._closed else frame
            self._changed.notify()
            if self._asleep:
                self._woken.wait(HAND_OVER)

    def post(self, request: Request) -> bool:
        """Leave a request. False, and nothing is left, once the mailbox is closed."""
        with self._changed:
            if self._closed:
                return False
            self._requests.append(request)
            self._changed.notify()
            return True

    def take(self) -> Frame | Request | None:
        """Wait for the next request or frame; None once the mailbox is closed."""
        with self._changed:
            while not (self._closed or self._requests or self._frame is not None):
                self._asleep += 1
                self._changed.wait()
                self._asleep -= 1
                self._woken.notify()
            if self._closed:
                return None
            if self._requests:
                return self._requests.popleft()
            frame, self._frame = self._frame, None
            return frame

    def discard(self) -> None:
        """Drop the frame that lies there."""
        with self._changed:
            self._dropped += self._frame is not None
            self._frame = None

    def close(self) -> list[Request]:
        """Wake and end every ``take``; drop the frame. Returns the requests that nobody will answer any more."""
        with self._changed:
            self._closed = True
            self._dropped += self._frame is not None
            self._frame = None
            left = list(self._requests)
            self._requests.clear()
            self._changed.notify_all()
            return left
