"""The thread that tracks: takes the newest frame, updates the targets, says what it saw. Knows no topics."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage

from siam_tracker_interfaces.srv import InitTarget
from siam_tracker_ros.geometry import BoxError, FrameError, check_box
from siam_tracker_ros.nodes.history import FrameHistory, HistoryError, NoFrameError, StampTooOldError
from siam_tracker_ros.nodes.image_message import ImageError, to_bgr
from siam_tracker_ros.nodes.mailbox import Frame, FrameMailbox
from siam_tracker_ros.nodes.report import FrameReport, Target
from siam_tracker_ros.nodes.requests import InitOutcome, InitRequest, RemoveRequest, Request, turn_down
from siam_tracker_ros.nodes.targets import Targets
from siam_tracker_ros.tracking.contract import FollowsSeveral, TrackResult
from siam_tracker_ros.tracking.state import TrackState

CODES = InitTarget.Response
BOX_CODES = {
    "not_finite": CODES.BOX_NOT_FINITE,
    "outside": CODES.BOX_OUTSIDE_IMAGE,
    "too_small": CODES.BOX_TOO_SMALL,
}


class TrackingWorker:
    """Owns the tracker: nobody else calls it, so it needs no lock.

    ``publish`` is called in the worker's thread after every frame, so that a result waits for nobody.

    Attributes:
        processed, refused: frames so far; a frame is one or the other.
        refusal: why the last box was refused; empty once one was accepted.
        busy_since: time.monotonic() while something is being done, else None.
    """

    def __init__(
        self,
        tracker: FollowsSeveral,
        mailbox: FrameMailbox[Request],
        history: FrameHistory,
        publish: Callable[[FrameReport], None],
        clock: Callable[[], int],
        report_error: Callable[[str], object],
        report_out_of_memory: Callable[[str], object],
        report_change: Callable[[str], object],
        stamp_slop: float = 0.02,
        max_targets: int = 1,
    ) -> None:
        """
        Args:
            clock: nanoseconds, of the stamps' time.
            report_error, report_out_of_memory: told what failed, a sentence; the worker goes on.
            report_change: told how the camera's images changed.
            stamp_slop: seconds, see FrameHistory.find.
            max_targets: with 1 a new target replaces the one before it.
        """
        self._tracker, self._mailbox, self._history = tracker, mailbox, history
        self._publish, self._clock = publish, clock
        self._report_error, self._report_out_of_memory = report_error, report_out_of_memory
        self._report_change = report_change
        self._slop = round(stamp_slop * 1e9)
        self._targets, self._max_targets = Targets(tracker, max_targets), max_targets
        self._camera: tuple[int, int, str] | None = None  # height, width and encoding of the last frame
        self.processed = self.refused = 0
        self.refusal = ""
        self.busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Those that are followed, the primary one first."""
        return self._targets.all

    def start(self) -> None:
        """Start taking frames and requests."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Answer what is left, end after the update in progress. False if ``timeout`` seconds are too few."""
        for request in self._mailbox.close():
            turn_down(request)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def ask(self, request: Request) -> None:
        """Hand over a request; its ``answer`` is set when it is done."""
        if not self._mailbox.post(request):
            turn_down(request)

    def _run(self) -> None:
        while (item := self._mailbox.take()) is not None:
            self.busy_since = time.monotonic()
            try:
                self._do(item)
            except Exception as error:  # noqa: BLE001 - whatever one frame or call does, the next ones are served
                self._report_error(f"{type(error).__name__} while working on {type(item).__name__}: {error}")
                if isinstance(item, InitRequest) and not item.answer.done():
                    item.answer.set_result(InitOutcome(CODES.TRACKER_FAILED, str(error)))
            self.busy_since = None

    def _do(self, item: Frame | Request) -> None:
        if isinstance(item, Frame):
            self._process(item)
        elif isinstance(item, InitRequest):
            self._init(item)
        elif isinstance(item, RemoveRequest):
            item.answer.set_result(self._targets.remove(None if item.target_id is None else [item.target_id]))
        else:
            self._tracker.configure(item.settings)

    # A frame -------------------------------------------------------------------------------------------

    def _process(self, frame: Frame) -> None:
        started, start = self._clock(), time.perf_counter()
        converted: float | None = None
        pixels: NDArray[np.uint8] | None = None
        results: dict[str, TrackResult] = {}
        refused, trouble = False, ""
        try:
            pixels = to_bgr(frame.message)
            converted = time.perf_counter()
            self._note_camera(frame, pixels)
            if self._targets:
                results = self._targets.update(pixels)
        except (ImageError, FrameError) as error:
            refused, trouble = True, f"frame refused: {error}"
        except Exception as error:  # noqa: BLE001 - a failing update must not end the node
            trouble = self._failure(error)
        if refused:
            self.refused += 1
        else:
            self.processed += 1
        reports = self._targets.reports(pixels, results, trouble)
        primary = reports[0] if reports else None
        end = time.perf_counter()
        self._publish(
            FrameReport(
                frame=frame,
                pixels=pixels,
                state=primary.state if primary else TrackState.IDLE,
                reason=primary.reason if primary else trouble or self._idle_reason(),
                target=primary.target if primary else None,
                result=primary.result if primary else None,
                refused=refused,
                started=started,
                processing=end - start,
                others=reports[1:],
                conversion=(converted or end) - start,
                tracking=end - converted if converted and primary else 0.0,
            )
        )
        try:
            self._targets.rest()
        except Exception as error:  # noqa: BLE001 - the box is out, and the next frame goes on without it
            self._failure(error)

    def _idle_reason(self) -> str:
        refusal = f"; the last box was refused: {self.refusal}" if self.refusal else ""
        return f"no target: call init_target{refusal}"

    def _note_camera(self, frame: Frame, pixels: NDArray[np.uint8]) -> None:
        """Say when the images' size or encoding changes."""
        height, width = pixels.shape[:2]
        message = frame.message
        encoding = str(message.format if isinstance(message, CompressedImage) else message.encoding)
        before, self._camera = self._camera, (height, width, encoding)
        if before is None or before[:2] != (height, width):
            self._tracker.prepare(height, width, self._max_targets)
        if before is not None and before != self._camera:
            self._report_change(
                f"the camera's images changed from {before[1]}x{before[0]} {before[2]} to {width}x{height} {encoding}"
            )

    def _failure(self, error: Exception) -> str:
        """Say that the tracker failed, and free what can be freed if it was for want of memory."""
        from siam_tracker_ros.runtime.device import free_memory, is_out_of_memory  # imports torch

        if is_out_of_memory(error):
            traceback.clear_frames(error.__traceback__)  # whose variables still hold what was being computed
            free_memory()
            sentence = f"out of memory on {self._tracker.device}; what could be freed was, and the targets are kept"
            self._report_out_of_memory(sentence)
        else:
            sentence = f"the tracker failed: {type(error).__name__}: {error}"
            self._report_error(sentence)
        return sentence

    # Targets -------------------------------------------------------------------------------------------

    def _init(self, request: InitRequest) -> None:
        outcome, frame = self._add(request)
        self.refusal = outcome.message
        request.answer.set_result(outcome)
        if frame is not None:
            self._catch_up(frame, outcome.target_id)

    def _add(self, request: InitRequest) -> tuple[InitOutcome, Frame | None]:
        """Start on a target. Returns the answer and, if the target is followed now, the frame it starts on."""
        if not request.box.is_finite:
            message = f"the box is not finite ({request.box.as_tuple()}): give four finite numbers in pixels"
            return InitOutcome(CODES.BOX_NOT_FINITE, message), None
        if self._targets.is_full_for(request.target_id):
            message = f"{len(self._targets)} targets are followed, and max_targets allows no more: remove one first"
            return InitOutcome(CODES.TOO_MANY_TARGETS, message), None
        try:
            frame = self._history.find(request.stamp, self._slop)
            pixels = to_bgr(frame.message)
            height, width = pixels.shape[:2]
            # Checked here as well as in the tracker: whatever tracker it is, a refused box never reaches it.
            box = check_box(request.box, width, height)
            target = self._targets.add(request.target_id, request.class_id, pixels, box)
        except HistoryError as error:
            return _not_in_history(error), None
        except BoxError as error:
            return InitOutcome(BOX_CODES[error.reason], str(error)), None
        except (ImageError, FrameError) as error:
            return InitOutcome(CODES.TRACKER_FAILED, f"the image cannot be used: {error}"), None
        except Exception as error:  # noqa: BLE001 - the operator is told, the node goes on
            return InitOutcome(CODES.TRACKER_FAILED, self._failure(error)), None
        return InitOutcome(CODES.OK, "", target.id, frame.stamp), frame

    def _catch_up(self, start: Frame, name: str) -> None:
        """Track one target through the frames after ``start``, up to the one that is processed next; publish nothing.

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
                    self._targets.update_one(name, to_bgr(frame.message))
                except (ImageError, FrameError):
                    continue  # the same frame was refused, counted and reported when it was processed
                except Exception as error:  # noqa: BLE001 - the target is tried again in the next frame
                    self._failure(error)
                    return
            last, limit = missed[-1].number, len(missed) // 2
            if limit == 0:
                return


def _not_in_history(error: HistoryError) -> InitOutcome:
    if isinstance(error, StampTooOldError):
        return InitOutcome(CODES.STAMP_TOO_OLD, str(error), stamp=error.oldest)
    return InitOutcome(CODES.NO_FRAME if isinstance(error, NoFrameError) else CODES.STAMP_UNKNOWN, str(error))
