"""The node: parameters, topics, services and timers around a TrackingWorker.

Threads. One SingleThreadedExecutor receives images, answers services and runs timers; one worker tracks. The
worker publishes what it found itself: ``rcl_publish`` may be called from any thread, and handing the result
to the executor would cost a wake-up behind whatever it is doing, on every frame. The executor publishes only
what no frame causes: STALE and the diagnostics.

Services. A service callback runs in a group of its own, reentrant, and is a coroutine: it awaits the worker's
answer while the executor goes on receiving images. The worker's answer wakes the executor, which resumes the
coroutine and sends the response.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import Future as WorkerFuture
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy
from rclpy.task import Future
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection2D, Detection2DArray

from siam_tracker_interfaces.msg import TrackerStatus
from siam_tracker_interfaces.srv import InitTarget
from siam_tracker_ros.nodes import messages, parameters
from siam_tracker_ros.nodes.debug_image import DebugImage
from siam_tracker_ros.nodes.diagnostics import Health
from siam_tracker_ros.nodes.history import FrameHistory
from siam_tracker_ros.nodes.image_message import ImageError, check_image
from siam_tracker_ros.nodes.mailbox import Frame, FrameMailbox
from siam_tracker_ros.nodes.messages import Engine, FrameCounts
from siam_tracker_ros.nodes.stamps import Arrival, StampOrder, to_nanoseconds, to_stamp
from siam_tracker_ros.nodes.worker import (
    ClearRequest,
    FrameReport,
    InitRequest,
    Request,
    SettingsRequest,
    TrackingWorker,
)
from siam_tracker_ros.tracking.contract import FollowsOne
from siam_tracker_ros.tracking.settings import TrackerSettings

STALE_REPEAT = 1.0  # seconds between two STALE statuses while the camera stalls
LOG_EVERY = 5.0  # seconds between two log lines about the same trouble
RESULTS_KEPT = 30  # results that DDS keeps for a reliable listener that is slow for a while: about one second


class SiamTrackerNode(Node):
    """Follows one target in the topic ``image``.

    Made in two steps, so that a bad parameter is refused before the weights are loaded, and no service is
    offered before they are: the constructor declares the parameters, :meth:`start` does the rest.
    """

    def __init__(self) -> None:
        """Raises: ParameterError."""
        super().__init__("siam_tracker")
        # The names given on the command line and in the parameter file; rclpy has no public way to list them.
        for sentence in parameters.unknown_names(getattr(self, "_parameter_overrides", {})):
            self.get_logger().warning(sentence)
        self.values = parameters.declare(self)
        self.tracker_settings: TrackerSettings = parameters.check(self.values)
        self._worker: TrackingWorker | None = None

    def start(self, tracker: FollowsOne) -> None:
        """Offer topics and services. ``tracker``: with its weights loaded, and warmed up."""
        values = self.values
        self._engine = Engine(tracker.model_name, tracker.device)
        self._health = Health(self.get_name(), self._engine)
        self._order = StampOrder(values["clock_jump"])
        self._mailbox: FrameMailbox[Request] = FrameMailbox()
        self._history = FrameHistory(values["history_frames"], values["history_megabytes"] * 10**6)
        self._received = self._refused = self._late = 0
        self._last_header, self._last_trouble = Header(), ""
        self._last_usable: float | None = None  # time.monotonic()
        self._started = time.monotonic()
        self._stale_said: float | None = None  # time.monotonic() of the last STALE status; None while frames arrive
        self._last_report: FrameReport | None = None

        self._detection = self.create_publisher(Detection2D, "~/detection", RESULTS_KEPT)
        self._detections = self.create_publisher(Detection2DArray, "~/detections", RESULTS_KEPT)
        self._status = self.create_publisher(TrackerStatus, "~/status", RESULTS_KEPT)
        debug_publisher = self.create_publisher(Image, "~/debug_image", 1)
        self._debug = DebugImage(debug_publisher, values["debug_image.max_rate"], values["debug_image.max_width"])
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)

        self._worker = TrackingWorker(
            tracker,
            self._mailbox,
            self._history,
            publish=self._publish,
            clock=self._now,
            report_error=lambda text: self.get_logger().error(text, throttle_duration_sec=LOG_EVERY),
            stamp_slop=values["stamp_slop"],
        )
        self._worker.start()

        self._image = self.create_subscription(Image, "image", self._on_image, _image_qos(values))
        services = ReentrantCallbackGroup()
        self.create_service(InitTarget, "~/init_target", self._on_init_target, callback_group=services)
        self.create_service(Trigger, "~/clear_targets", self._on_clear_targets, callback_group=services)
        self._stale_timer = self.create_timer(values["image_timeout"] / 4, self._check_stale)
        self.create_timer(1.0, self._publish_diagnostics)
        self.add_on_set_parameters_callback(self._on_parameters)

    def stop(self, timeout: float) -> bool:
        """End the tracking. False if the worker is still in its update after ``timeout`` seconds."""
        return self._worker is None or self._worker.stop(timeout)

    # Images: executor thread ---------------------------------------------------------------------------

    def _on_image(self, message: Image) -> None:
        self._received += 1
        stamp = to_nanoseconds(message.header.stamp)
        try:
            check_image(message)
        except ImageError as error:
            self._refuse(f"image refused: {error}")
            return
        arrival = self._order.check(stamp)
        if arrival in (Arrival.DUPLICATE, Arrival.OUT_OF_ORDER):
            self._late += 1
            what = "the same as" if arrival is Arrival.DUPLICATE else "older than"
            self._refuse(f"image refused: its stamp is {what} that of the image before it")
            return
        if arrival is Arrival.CLOCK_JUMPED:
            self._history.clear()
            self.get_logger().warning("the images' clock was set back: the history starts anew, the target stays")
        frame = Frame(self._received, stamp, message)
        self._last_usable, self._stale_said = time.monotonic(), None
        self._last_header, self._last_trouble = message.header, ""
        self._history.add(frame)
        self._mailbox.put(frame)

    def _refuse(self, sentence: str) -> None:
        self._refused += 1
        self._last_trouble = sentence
        self.get_logger().warning(sentence, throttle_duration_sec=LOG_EVERY)

    # Results: worker thread ----------------------------------------------------------------------------

    def _publish(self, report: FrameReport) -> None:
        self._last_report = report
        if not report.refused:
            seen = messages.detection(report)
            if seen is not None:
                self._detection.publish(seen)
            self._detections.publish(messages.detections(report, seen))
        else:
            self.get_logger().warning(report.reason, throttle_duration_sec=LOG_EVERY)
        status = messages.status(report, self._counts(), self._engine, self._now())
        self._status.publish(status)
        self._health.record(report, status.pipeline_latency_ms)
        self._debug.offer(report)

    # Services: executor thread -------------------------------------------------------------------------

    async def _on_init_target(self, request: InitTarget.Request, response: InitTarget.Response) -> InitTarget.Response:
        box, stamp = messages.to_box(request.bbox), to_nanoseconds(request.header.stamp)
        outcome = await self._ask(InitRequest(box, stamp, request.target_id, request.class_id))
        response.success = outcome.code == InitTarget.Response.OK
        response.code, response.message, response.target_id = outcome.code, outcome.message, outcome.target_id
        response.stamp = to_stamp(outcome.stamp)
        if response.success:
            self.get_logger().info(f"following '{outcome.target_id}' from box {_short(box.as_tuple())}")
        else:
            self.get_logger().warning(f"init_target refused: {outcome.message}")
        return response

    async def _on_clear_targets(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        target = await self._ask(ClearRequest())
        response.success = True
        response.message = f"'{target.id}' is no longer followed" if target else "no target was followed"
        return response

    def _ask(self, request: Any) -> Any:
        """The worker's answer as something that a callback of this executor can await."""
        assert self._worker is not None
        answer: Future[Any] = Future()

        def pass_on(done: WorkerFuture[Any]) -> None:
            # In the worker's thread. The executor looks at its waiting callbacks when something wakes it.
            answer.set_result(done.result())
            if self.executor is not None:
                self.executor.wake()

        request.answer.add_done_callback(pass_on)
        self._worker.ask(request)
        return answer

    # Timers: executor thread ---------------------------------------------------------------------------

    def _check_stale(self) -> None:
        now = time.monotonic()
        quiet = now - (self._started if self._last_usable is None else self._last_usable)
        if quiet < self.values["image_timeout"]:
            return
        if self._stale_said is not None and now - self._stale_said < STALE_REPEAT:
            return
        self._stale_said = now
        report = self._last_report
        self._status.publish(
            messages.stale_status(
                self._last_header,
                to_nanoseconds(self._last_header.stamp),
                self._stale_reason(),
                report.target if report else None,
                self._counts(),
                self._engine,
                self._now(),
            )
        )

    def _stale_reason(self) -> str:
        """Why no frames arrive; empty while they do."""
        now, topic = time.monotonic(), self._image.topic_name
        if self._last_usable is None:
            quiet, what = now - self._started, "no usable image on"
        else:
            quiet, what = now - self._last_usable, "no new image on"
        if quiet < self.values["image_timeout"]:
            return ""
        trouble = f"; {self._last_trouble}" if self._last_trouble else ""
        return f"{what} {topic} for {quiet:.1f} s ({self.count_publishers(topic)} publishers){trouble}"

    def _publish_diagnostics(self) -> None:
        assert self._worker is not None
        stamp = self.get_clock().now().to_msg()
        message = self._health.message(self._counts(), self._late, self._stale_reason(), self._worker.busy_since, stamp)
        self._diagnostics.publish(message)

    # Parameters: executor thread -----------------------------------------------------------------------

    def _on_parameters(self, proposed: Iterable[Parameter]) -> SetParametersResult:
        assert self._worker is not None
        result, values = parameters.changed(self.values, proposed)
        if result.successful:
            self.values = values
            settings = parameters.check(values)
            if settings != self.tracker_settings:
                self.tracker_settings = settings
                self._worker.ask(SettingsRequest(settings))
            self._debug.max_rate, self._debug.max_width = (
                values["debug_image.max_rate"],
                values["debug_image.max_width"],
            )
            self._stale_timer.timer_period_ns = int(values["image_timeout"] / 4 * 1e9)
        return result

    # ---------------------------------------------------------------------------------------------------

    def _now(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def _counts(self) -> FrameCounts:
        worker = self._worker
        assert worker is not None
        return FrameCounts(self._received, worker.processed, self._mailbox.dropped, self._refused + worker.refused)


def _image_qos(values: dict[str, Any]) -> QoSProfile:
    reliable = values["image_qos.reliability"] == "reliable"
    return QoSProfile(
        history=QoSHistoryPolicy.KEEP_LAST,
        depth=values["image_qos.depth"],
        reliability=QoSReliabilityPolicy.RELIABLE if reliable else QoSReliabilityPolicy.BEST_EFFORT,
    )


def _short(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:.1f}" for number in numbers)
