"""The thread that tracks: takes the newest frame, updates the target, says what it saw. Knows no topics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from siam_tracker_interfaces.srv import InitTarget
from siam_tracker_ros.geometry import Box, BoxError, FrameError, check_box
from siam_tracker_ros.nodes.history import (
    FrameHistory,
    HistoryError,
    NoFrameError,
    StampTooOldError,
)
from siam_tracker_ros.nodes.image_message import ImageError, to_bgr
from siam_tracker_ros.nodes.mailbox import Frame, FrameMailbox
from siam_tracker_ros.tracking.contract import FollowsOne, TrackResult
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.state import TrackState

BOX_CODES = {
    "not_finite": InitTarget.Response.BOX_NOT_FINITE,
    "outside": InitTarget.Response.BOX_OUTSIDE_IMAGE,
    "too_small": InitTarget.Response.BOX_TOO_SMALL,
}


@dataclass(frozen=True)
class Target:
    """What the operator calls the thing that is followed."""

    id: str
    class_id: str


@dataclass(frozen=True)
class FrameReport:
    """What is known after one frame.

    Attributes:
        pixels: BGR, for the debug image; None where the frame could not be read.
        state: IDLE without a target; LOST also where the frame was refused or the tracker failed.
        reason: a sentence; empty while TRACKING.
        result: the tracker's; None without a target, or where there was no update.
        refused: whether the frame could not be used.
        started: the clock when its processing started, nanoseconds.
        processing: seconds that the processing took.
    """

    frame: Frame
    pixels: NDArray[np.uint8] | None
    state: TrackState
    reason: str
    target: Target | None
    result: TrackResult | None
    refused: bool
    started: int
    processing: float

    @property
    def seen(self) -> bool:
        """Whether the target may be published as seen in this frame."""
        return self.result is not None and self.result.seen


@dataclass(frozen=True)
class InitOutcome:
    """The answer to an InitRequest. ``stamp``: of the frame used, or of the oldest one kept; nanoseconds."""

    code: int
    message: str
    target_id: str = ""
    stamp: int = 0


@dataclass(frozen=True)
class InitRequest:
    """Start on ``box`` in the frame of ``stamp`` (nanoseconds; 0: the newest)."""

    box: Box
    stamp: int
    target_id: str
    class_id: str
    answer: Future[InitOutcome] = field(default_factory=Future)


@dataclass(frozen=True)
class ClearRequest:
    """Stop following. The answer is the target that was followed, if there was one."""

    answer: Future[Target | None] = field(default_factory=Future)


@dataclass(frozen=True)
class SettingsRequest:
    """Track with other thresholds from the next frame on."""

    settings: TrackerSettings


Request: TypeAlias = InitRequest | ClearRequest | SettingsRequest

STOPPING = InitOutcome(InitTarget.Response.NODE_STOPPING, "the node is shutting down")


class TrackingWorker:
    """Owns the tracker: nobody else calls it, so it needs no lock.

    ``publish`` is called in the worker's thread after every frame, so that a result waits for nobody.
    """

    def __init__(
        self,
        tracker: FollowsOne,
        mailbox: FrameMailbox[Request],
        history: FrameHistory,
        publish: Callable[[FrameReport], None],
        clock: Callable[[], int],
        report_error: Callable[[str], object],
        stamp_slop: float = 0.02,
    ) -> None:
        """Args: clock: nanoseconds, of the stamps' time. stamp_slop: seconds, see FrameHistory.find."""
        self._tracker, self._mailbox, self._history = tracker, mailbox, history
        self._publish, self._clock, self._report_error = publish, clock, report_error
        self._slop = round(stamp_slop * 1e9)
        self._target: Target | None = None
        self._size = (0, 0)  # height, width of the image that the target was drawn on
        self._made = 0  # target ids made
        self.processed = 0  # frames, the refused ones left out
        self.refused = 0
        self.busy_since: float | None = None  # time.monotonic() while something is being done
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)

    def start(self) -> None:
        """Start taking frames and requests."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Answer what is left, end after the update in progress. False if ``timeout`` seconds are too few."""
        for request in self._mailbox.close():
            self._turn_down(request)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def ask(self, request: Request) -> None:
        """Hand over a request; its ``answer`` is set when it is done."""
        if not self._mailbox.post(request):
            self._turn_down(request)

    @staticmethod
    def _turn_down(request: Request) -> None:
        if isinstance(request, InitRequest):
            request.answer.set_result(STOPPING)
        elif isinstance(request, ClearRequest):
            request.answer.set_result(None)

    def _run(self) -> None:
        while (item := self._mailbox.take()) is not None:
            self.busy_since = time.monotonic()
            try:
                self._do(item)
            except Exception as error:  # noqa: BLE001 - whatever one frame or call does, the next ones are served
                self._report_error(f"{type(error).__name__} while working on {type(item).__name__}: {error}")
                if isinstance(item, InitRequest) and not item.answer.done():
                    item.answer.set_result(_failed(error))
            self.busy_since = None

    def _do(self, item: Frame | Request) -> None:
        if isinstance(item, Frame):
            self._process(item)
        elif isinstance(item, InitRequest):
            self._init(item)
        elif isinstance(item, ClearRequest):
            cleared, self._target = self._target, None
            self._tracker.reset()
            item.answer.set_result(cleared)
        else:
            self._tracker.configure(item.settings)

    # A frame -------------------------------------------------------------------------------------------

    def _process(self, frame: Frame) -> None:
        started, start = self._clock(), time.perf_counter()
        pixels, result, refused = None, None, False
        state, reason = TrackState.LOST, ""
        try:
            pixels = to_bgr(frame.message)
            if self._target is None:
                state, reason = TrackState.IDLE, "no target: call init_target"
            else:
                result = self._update(pixels)
                state, reason = result.state, result.reason
        except (ImageError, FrameError) as error:
            refused, reason = True, f"frame refused: {error}"
        except Exception as error:  # noqa: BLE001 - a failing update must not end the node
            reason = f"the tracker failed: {type(error).__name__}: {error}"
            self._report_error(reason)
        if refused:
            self.refused += 1
            state = state if self._target else TrackState.IDLE
        else:
            self.processed += 1
        took = time.perf_counter() - start
        self._publish(FrameReport(frame, pixels, state, reason, self._target, result, refused, started, took))

    def _update(self, pixels: NDArray[np.uint8]) -> TrackResult:
        if pixels.shape[:2] != self._size:
            (height, width), (drawn_height, drawn_width) = pixels.shape[:2], self._size
            raise FrameError(
                f"the image is {width}x{height}, but the target was drawn on {drawn_width}x{drawn_height}; "
                "call init_target again if the camera's resolution changed"
            )
        return self._tracker.update(pixels)

    # A new target --------------------------------------------------------------------------------------

    def _init(self, request: InitRequest) -> None:
        codes = InitTarget.Response
        if not request.box.is_finite:
            message = f"the box is not finite ({request.box.as_tuple()}): give four finite numbers in pixels"
            request.answer.set_result(InitOutcome(codes.BOX_NOT_FINITE, message))
            return
        try:
            frame = self._history.find(request.stamp, self._slop)
            pixels = to_bgr(frame.message)
            height, width = pixels.shape[:2]
            # Checked here as well as in the tracker: whatever tracker it is, a refused box never reaches it.
            self._tracker.init(pixels, check_box(request.box, width, height))
        except HistoryError as error:
            request.answer.set_result(_not_in_history(error))
        except BoxError as error:
            request.answer.set_result(InitOutcome(BOX_CODES[error.reason], str(error)))
        except Exception as error:  # noqa: BLE001 - the operator is told, the node goes on
            self._report_error(f"init_target failed: {type(error).__name__}: {error}")
            request.answer.set_result(_failed(error))
        else:
            self._target = Target(request.target_id or self._make_id(), request.class_id)
            self._size = (height, width)
            request.answer.set_result(InitOutcome(codes.OK, "", self._target.id, frame.stamp))
            self._catch_up(frame)

    def _make_id(self) -> str:
        self._made += 1
        return f"target-{self._made}"

    def _catch_up(self, start: Frame) -> None:
        """Track through the frames after ``start``, up to the one that is processed next; publish nothing.

        Meanwhile more frames arrive. Each round takes at most half as many frames as the one before, evenly
        spread, so that a tracker slower than the camera catches up too.
        """
        last: int = start.number
        limit: int | None = None
        while True:
            waiting = self._mailbox.waiting
            missed = self._history.between(last, waiting.number if waiting else None)
            if not missed:
                return
            if limit is not None and len(missed) > limit:
                chosen = np.linspace(len(missed) - 1, 0, limit).round()[::-1]  # from the newest, which is always one
                missed = [missed[int(i)] for i in chosen]
            for frame in missed:
                if self._mailbox.closed:
                    return
                try:
                    self._update(to_bgr(frame.message))
                except (ImageError, FrameError):
                    continue  # the same frame was refused, counted and reported when it was processed
            last, limit = missed[-1].number, len(missed) // 2
            if limit == 0:
                return


def _failed(error: Exception) -> InitOutcome:
    return InitOutcome(InitTarget.Response.TRACKER_FAILED, f"the tracker failed: {type(error).__name__}: {error}")


def _not_in_history(error: HistoryError) -> InitOutcome:
    codes = InitTarget.Response
    if isinstance(error, StampTooOldError):
        return InitOutcome(codes.STAMP_TOO_OLD, str(error), stamp=error.oldest)
    return InitOutcome(codes.NO_FRAME if isinstance(error, NoFrameError) else codes.STAMP_UNKNOWN, str(error))
