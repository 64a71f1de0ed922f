"""A small genuine tracker of several targets, and a worker around it that a test feeds as the executor would."""

import array
import threading
from dataclasses import dataclass

import cv2
import numpy as np
from sensor_msgs.msg import Image

from siam_tracker_ros.geometry import Box, check_box, check_frame
from siam_tracker_ros.nodes.history import FrameHistory
from siam_tracker_ros.nodes.mailbox import Frame, FrameMailbox
from siam_tracker_ros.nodes.report import FrameReport
from siam_tracker_ros.nodes.requests import InitRequest, RemoveRequest, Request
from siam_tracker_ros.nodes.worker import TrackingWorker
from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.state import TrackState

MS = 10**6
WAIT = 20


@dataclass(frozen=True)
class Found:
    box: Box
    confidence: float
    state: TrackState
    reason: str = ""
    apce: float = 30.0
    apce_ratio: float = 1.0
    template_updates: int = 0
    score: float = 0.5

    @property
    def seen(self) -> bool:
        return self.state is TrackState.TRACKING


class TemplateMatching:
    """Normalised cross-correlation with each target's first frame; under 0.9 the target is lost."""

    device, model_name = "cpu", "template-matching"

    def __init__(self) -> None:
        self.settings = TrackerSettings()
        self.templates: dict[str, np.ndarray] = {}
        self.updated: list[np.ndarray] = []  # the frames of the updates
        self.named: list[tuple[str, ...]] = []  # the targets of each update
        self.gate = threading.Event()  # an update waits for it, so that a test can act in the middle of one
        self.gate.set()
        self.entered = threading.Event()
        self.fail: Exception | None = None
        self.prepared: list[tuple[int, int, int]] = []

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self.templates)

    def clear(self) -> None:
        self.templates.clear()

    def release(self) -> None:
        self.clear()

    def prepare(self, height, width, targets) -> None:
        self.prepared.append((height, width, targets))

    def configure(self, settings: TrackerSettings) -> None:
        self.settings = settings

    def add(self, target_id, frame, box) -> None:
        box = check_box(box, frame.shape[1], frame.shape[0])
        x, y, w, h = (round(value) for value in box.as_tuple())
        self.templates[target_id] = check_frame(frame)[max(y, 0) : y + h, max(x, 0) : x + w].copy()

    def remove(self, target_id) -> bool:
        return self.templates.pop(target_id, None) is not None

    def rescale(self, factor_x, factor_y) -> None:
        for name, template in self.templates.items():
            size = round(template.shape[1] * factor_x), round(template.shape[0] * factor_y)
            self.templates[name] = cv2.resize(template, size, interpolation=cv2.INTER_AREA)

    def update(self, frame, only=None) -> dict[str, Found]:
        self.entered.set()
        assert self.gate.wait(WAIT)
        self.updated.append(frame)
        self.named.append(self.ids if only is None else tuple(only))
        if self.fail is not None:
            raise self.fail
        return {name: self.find(frame, self.templates[name]) for name in self.named[-1]}

    def rest(self) -> None:
        """Nothing is left to be done: the templates stay as they are."""

    def find(self, frame, template) -> Found:
        scores = cv2.matchTemplate(frame, template, cv2.TM_CCOEFF_NORMED)
        _, best, _, (x, y) = cv2.minMaxLoc(scores)
        h, w = template.shape[:2]
        if best < 0.9:
            return Found(Box(x, y, w, h), max(best, 0.0), TrackState.LOST, "no place looks like the template")
        return Found(Box(x, y, w, h), min(best, 1.0), TrackState.TRACKING)


class Bench:
    """A worker with its mailbox and history, fed by a test as the executor thread would."""

    def __init__(self, tracker: TemplateMatching, max_frames: int = 100, max_targets: int = 1) -> None:
        self.tracker = tracker
        self.mailbox: FrameMailbox[Request] = FrameMailbox()
        self.history = FrameHistory(max_frames, 10**9)
        self.reports: list[FrameReport] = []
        self.errors: list[str] = []
        self.out_of_memory: list[str] = []
        self.changes: list[str] = []
        self.published = threading.Condition()
        self.publish_error: Exception | None = None
        self.worker = TrackingWorker(
            tracker,
            self.mailbox,
            self.history,
            publish=self._publish,
            clock=lambda: 5000 * MS,
            report_error=self.errors.append,
            report_out_of_memory=self.out_of_memory.append,
            report_change=self.changes.append,
            stamp_slop=0.005,
            max_targets=max_targets,
        )
        self.worker.start()
        self.sent = 0

    def _publish(self, report: FrameReport) -> None:
        with self.published:
            self.reports.append(report)
            self.published.notify_all()
        if self.publish_error is not None:
            raise self.publish_error

    def put(self, pixels: np.ndarray, *, encoding: str = "bgr8", mailbox: bool = True) -> Frame:
        """The next frame, 33 ms after the last; without ``mailbox`` it goes into the history only."""
        self.sent += 1
        height, width = pixels.shape[:2]
        message = Image(height=height, width=width, encoding=encoding, step=pixels[0].size)
        message.data = array.array("B", pixels.tobytes())
        frame = Frame(self.sent, 1000 * MS + 33 * MS * self.sent, message)
        self.history.add(frame)
        if mailbox:
            self.mailbox.put(frame)
        return frame

    def process(self, pixels: np.ndarray, **options) -> FrameReport:
        """Put a frame and wait for its report."""
        frame = self.put(pixels, **options)
        return self.report_of(frame)

    def report_of(self, frame: Frame) -> FrameReport:
        with self.published:
            assert self.published.wait_for(lambda: self.reports and self.reports[-1].frame is frame, WAIT)
            return self.reports[-1]

    def init(self, box, stamp: int = 0, target_id: str = "", class_id: str = "square"):
        request = InitRequest(Box(*map(float, box)), stamp, target_id, class_id)
        self.worker.ask(request)
        return request.answer.result(WAIT)

    def remove(self, target_id: str | None = None) -> list[str]:
        request = RemoveRequest(target_id)
        self.worker.ask(request)
        return [target.id for target in request.answer.result(WAIT)]
