"""Message stamps as integers, and what the order in which they arrive says."""

from __future__ import annotations

from enum import Enum, auto

from builtin_interfaces.msg import Time

SECOND = 1_000_000_000  # nanoseconds


def to_nanoseconds(stamp: Time) -> int:
    """A message's stamp in nanoseconds; 0 means that nobody set it."""
    return int(stamp.sec) * SECOND + int(stamp.nanosec)


def to_stamp(nanoseconds: int) -> Time:
    """The inverse of :func:`to_nanoseconds`."""
    return Time(sec=nanoseconds // SECOND, nanosec=nanoseconds % SECOND)


class Arrival(Enum):
    """What a frame's stamp says beside the stamp before it."""

    IN_ORDER = auto()
    DUPLICATE = auto()
    OUT_OF_ORDER = auto()
    CLOCK_JUMPED = auto()
    CLOCK_ADVANCED = auto()


class StampOrder:
    """Tells a late frame from a clock that was set back.

    A stamp slightly older than the newest one belongs to a frame that overtook another: tracking it would go
    back in time. A stamp older by more than ``jump`` means a new time line (a bag that starts again, a clock
    that was set). A stamp that is further ahead than the time between the two arrivals explains, by more than
    ``jump`` and a second, means a clock that was set forward. A frame without a stamp (0) is taken as it comes.
    """

    def __init__(self, jump: float) -> None:
        """Args: jump: seconds."""
        self._jump = round(jump * SECOND)
        self.newest = 0  # nanoseconds; 0: none yet
        self._arrived = 0

    def check(self, stamp: int, arrived: int | None = None) -> Arrival:
        """Place the next frame's stamp (nanoseconds). It becomes the newest unless it is late.

        Args:
            arrived: by a clock that nobody sets, nanoseconds; without it a clock set forward is not told.
        """
        if stamp == 0:
            return Arrival.IN_ORDER
        behind = self.newest - stamp
        if self.newest and behind == 0:
            return Arrival.DUPLICATE
        if self.newest and 0 < behind <= self._jump:
            return Arrival.OUT_OF_ORDER
        leapt = False
        if arrived is not None:
            leapt = bool(self.newest) and -behind > arrived - self._arrived + max(self._jump, SECOND)
            self._arrived = arrived
        self.newest = stamp
        if behind > 0:
            return Arrival.CLOCK_JUMPED
        return Arrival.CLOCK_ADVANCED if leapt else Arrival.IN_ORDER

    def restart(self) -> None:
        """Take the next stamp as it comes: it belongs to another time line."""
        self.newest = 0
