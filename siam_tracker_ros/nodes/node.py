"""The node: a ROS 2 lifecycle node around a TrackingWorker.

Lifecycle. *configure* checks the parameters, loads the weights and offers topics and services; *activate* subscribes
to the camera; *deactivate* ends that, and nothing is published until it is activated again; *cleanup* forgets the
targets and frees the tracker with its device's memory.

Threads. One SingleThreadedExecutor receives images, answers services and runs timers; one worker tracks. The
worker publishes what it found itself: ``rcl_publish`` may be called from any thread, and handing the result
to the executor would cost a wake-up behind whatever it is doing, on every frame. The executor publishes only
what no frame causes: STALE and the diagnostics.
"""

from __future__ import annotations

import gc
import threading
import time
import traceback
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter

from siam_tracker_ros.nodes import loading, parameters
from siam_tracker_ros.nodes.camera_input import CameraInput
from siam_tracker_ros.nodes.diagnostics import Health
from siam_tracker_ros.nodes.history import FrameHistory
from siam_tracker_ros.nodes.loading import Loader
from siam_tracker_ros.nodes.mailbox import Frame, FrameMailbox
from siam_tracker_ros.nodes.messages import Engine, FrameCounts
from siam_tracker_ros.nodes.parameters import ParameterError
from siam_tracker_ros.nodes.report import FrameReport
from siam_tracker_ros.nodes.requests import Request, SettingsRequest
from siam_tracker_ros.nodes.results import Results
from siam_tracker_ros.nodes.services import TargetServices
from siam_tracker_ros.nodes.worker import TrackingWorker
from siam_tracker_ros.tracking.contract import FollowsSeveral
from siam_tracker_ros.tracking.settings import TrackerSettings

STALE_REPEAT = 1.0  # seconds between two STALE statuses while the camera stalls
LOG_EVERY = 5.0  # seconds between two log lines about the same trouble
GRACE = 1.0  # seconds that an update in progress gets to end

DONE, REFUSED = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class SiamTrackerNode(LifecycleNode):
    """Follows targets in the camera's images.

    Attributes:
        autostart: whether who starts the node is to configure and activate it.
        prepare_only: whether who starts the node is to end it once it is configured.
        failure: why the last transition failed.
    """

    def __init__(self, load: Loader = loading.load) -> None:
        """Args: load: makes the tracker each time the node is configured. Raises: ParameterError."""
        super().__init__("siam_tracker")
        self._load = load
        # The names given on the command line and in the parameter file; rclpy has no public way to list them.
        for sentence in parameters.unknown_names(getattr(self, "_parameter_overrides", {})):
            self.get_logger().warning(sentence)
        self.autostart = parameters.declare_autostart(self)
        self.prepare_only = parameters.declare_prepare_only(self)
        self.failure: Exception | None = None
        self.values: dict[str, Any] = {}
        self._tracker: FollowsSeveral | None = None  # from configure to cleanup, and so are worker and mailbox
        self._worker: TrackingWorker | None = None
        self._lifecycle = "unconfigured"  # rclpy has no public way to ask for it
        self._publishing = threading.Lock()  # held by the worker while it publishes a result
        self._earlier = FrameCounts(0, 0, 0, 0)  # of the workers before this one
        self._camera: CameraInput | None = None  # made once, with all that the node offers
        self._stale_said: float | None = None  # time.monotonic() of the last STALE status; None while frames arrive

    # Lifecycle: executor thread, or the main one before it spins ---------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Check the parameters, load the weights, offer topics and services."""
        start = time.monotonic()
        try:
            self._configure()
        except Exception as error:  # noqa: BLE001 - rclpy would not say it
            return self._fail(error)
        # What was made so far stays until the cleanup. Without this the garbage collector looks through all of
        # it, torch's modules included, every now and then, which holds a frame up by tens of milliseconds.
        gc.collect()
        gc.freeze()
        self._lifecycle = "inactive"
        took = time.monotonic() - start
        self.get_logger().info(f"configured in {took:.1f} s: model {self._engine.model} on {self._engine.device}")
        return DONE

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Receive images."""
        assert self._camera is not None
        try:
            self._camera.open()
            self._results.bearing.open()
        except Exception as error:  # noqa: BLE001 - rclpy would not say it
            return self._fail(error)
        self._lifecycle, self._stale_said = "active", None
        self.get_logger().info(f"active: listening to {self._camera.topic}")
        return DONE

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the camera. The targets are kept, and are looked for where they were once it is active again."""
        self._deactivate()
        return DONE

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget the targets, free the tracker and its device's memory."""
        if not self._free():
            return self._fail(RuntimeError("the tracker is still in an update"))
        self._lifecycle = "unconfigured"
        return DONE

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything. The process waits for its signal, so that a lifecycle manager can still ask its state."""
        self._deactivate()
        self._free()
        self._lifecycle = "finalized"
        return DONE

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, so that it can be configured anew."""
        self._deactivate()
        return self.on_cleanup(state)

    def destroy_node(self) -> None:
        """Destroy what the node has of the middleware, for good."""
        super().destroy_node()
        # rclpy forgets it. It keeps the node's DDS participant alive, whose shared memory (128 MiB of /dev/shm) would
        # stay behind where the process does not end through Python's own ending.
        self._state_machine.destroy_when_not_in_use()

    def stop(self, timeout: float) -> bool:
        """End the tracking. False if the worker is still in its update after ``timeout`` seconds."""
        return self._worker is None or self._worker.stop(timeout)

    def _configure(self) -> None:
        values = self.values = parameters.declare(self)
        self.tracker_settings: TrackerSettings = parameters.check(values)
        tracker = self._load(values, self.tracker_settings)
        self._engine = Engine(tracker.model_name, tracker.device)
        if self._camera is None:
            self._camera = CameraInput(self, values, self._on_frame, self._on_clock_jump)
            self._offer()
        self._health.engine = self._engine
        self._mailbox: FrameMailbox[Request] = FrameMailbox()
        self._history = FrameHistory(values["history_frames"], values["history_megabytes"] * 10**6)
        self._tracker = tracker
        self._worker = TrackingWorker(
            tracker,
            self._mailbox,
            self._history,
            publish=self._publish,
            clock=self._now,
            report_error=self._on_tracker_failure,
            report_out_of_memory=self._on_out_of_memory,
            report_change=lambda text: self.get_logger().warning(text, throttle_duration_sec=1.0),
            stamp_slop=values["stamp_slop"],
            max_targets=values["max_targets"],
        )
        self._worker.start()

    def _offer(self) -> None:
        """Topics, services and timers. They stay until the node ends."""
        self._results = Results(self, self.values)
        self._operator = TargetServices(self, lambda: self._worker if self._active else None)
        on_gpu = self._engine.device.startswith("cuda")
        self._health = Health(self.get_name(), self._engine, gpu_memory=self._gpu_memory if on_gpu else None)
        self._judge_latency()
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        # Whether the camera stalls is no matter of simulated time, which may stand still.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._stale_timer = self.create_timer(self.values["image_timeout"] / 4, self._check_stale, clock=steady)
        self.create_timer(1.0, self._publish_diagnostics, clock=steady)
        self.add_on_set_parameters_callback(self._on_parameters)

    def _deactivate(self) -> None:
        if not self._active:
            return
        assert self._camera is not None
        with self._publishing:
            self._lifecycle = "inactive"
        self._camera.close()
        self._results.bearing.close()
        self._mailbox.discard()
        self._history.clear()
        self._publish_stale("the node was deactivated: it receives no images")

    def _free(self) -> bool:
        """End the worker and free the tracker. False if the worker is still in an update."""
        if self._worker is None or self._tracker is None:
            return True
        if not self._worker.stop(GRACE):
            return False
        self._earlier = self._worker_counts()
        self._worker = None
        tracker, self._tracker = self._tracker, None
        gc.unfreeze()  # or what only a cycle holds would never be freed
        tracker.release()
        return True

    def _fail(self, error: Exception) -> TransitionCallbackReturn:
        self.failure = error
        if self.executor is not None:  # else who starts the node says it
            text = str(error) if isinstance(error, ParameterError) else "".join(traceback.format_exception(error))
            self.get_logger().error(text)
        return REFUSED

    # Images: executor thread ---------------------------------------------------------------------------

    def _on_frame(self, frame: Frame) -> None:
        forgotten = self._history.add(frame)
        self._mailbox.put(frame)
        del forgotten  # only now that the worker has the new one

    def _on_clock_jump(self) -> None:
        self._history.clear()

    # Results: worker thread ----------------------------------------------------------------------------

    def _publish(self, report: FrameReport) -> None:
        with self._publishing:
            if not self._active:
                return
            if report.refused:
                self.get_logger().warning(report.reason, throttle_duration_sec=LOG_EVERY)
            status = self._results.publish(report, self._counts(), self._engine, self._now())
            self._health.record(report, status.pipeline_latency_ms)

    def _on_tracker_failure(self, sentence: str) -> None:
        self._health.record_failure(sentence)
        self.get_logger().error(sentence, throttle_duration_sec=LOG_EVERY)

    def _on_out_of_memory(self, sentence: str) -> None:
        self._health.record_out_of_memory(sentence)
        self.get_logger().error(sentence, throttle_duration_sec=LOG_EVERY)

    # Timers: executor thread ---------------------------------------------------------------------------

    def _check_stale(self) -> None:
        if not self._active:
            return
        assert self._camera is not None
        reason, now = self._camera.stale_reason(self.values["image_timeout"]), time.monotonic()
        if not reason:
            self._stale_said = None
        elif self._stale_said is None or now - self._stale_said >= STALE_REPEAT:
            self._stale_said = now
            self._publish_stale(reason)

    def _publish_stale(self, reason: str) -> None:
        assert self._camera is not None
        assert self._worker is not None
        targets, counts = self._worker.targets, self._counts()
        self._results.publish_stale(self._camera.last_header, reason, targets, counts, self._engine, self._now())

    def _publish_diagnostics(self) -> None:
        camera, worker = self._camera, self._worker
        assert camera is not None
        message = self._health.message(
            self._counts(),
            camera.late,
            camera.stale_reason(self.values["image_timeout"]),
            worker.busy_since if worker else None,
            self.get_clock().now().to_msg(),
            lifecycle=self._lifecycle,
            refused_by=camera.refused_by,
            last_refusal=camera.last_refusal,
            clock_jumps=camera.clock_jumps,
            qos_trouble=camera.qos_trouble,
            bearing_trouble=self._results.bearing.trouble() if self._active else "",
            fallback=self._fallback(),
            box_refusal=worker.refusal if worker else "",
        )
        self._diagnostics.publish(message)

    def _gpu_memory(self) -> int:
        from siam_tracker_ros.runtime.device import used_memory  # imports torch

        return used_memory(self._engine.device)

    def _fallback(self) -> str:
        if self.values["device"] != "auto" or self._engine.device != "cpu":
            return ""
        return "device is auto and there is no usable CUDA device: the tracker runs on the CPU (device: cpu means that)"

    def _judge_latency(self) -> None:
        self._health.latency_warn = self.values["diagnostics.latency_warn"]
        self._health.latency_error = self.values["diagnostics.latency_error"]

    # Parameters: executor thread -----------------------------------------------------------------------

    def _on_parameters(self, proposed: Iterable[Parameter]) -> SetParametersResult:
        result, values = parameters.changed(self.values, proposed)
        if result.successful:
            self.values = values
            settings = parameters.check(values)
            if settings != self.tracker_settings:
                self.tracker_settings = settings
                if self._worker is not None:
                    self._worker.ask(SettingsRequest(settings))
            self._results.configure(values)
            self._judge_latency()
            self._stale_timer.timer_period_ns = int(values["image_timeout"] / 4 * 1e9)
        return result

    # ---------------------------------------------------------------------------------------------------

    @property
    def _active(self) -> bool:
        return self._lifecycle == "active"

    def _now(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def _counts(self) -> FrameCounts:
        """Frames since the node started."""
        assert self._camera is not None
        counts = self._worker_counts()
        return replace(counts, received=self._camera.received, refused=self._camera.refused + counts.refused)

    def _worker_counts(self) -> FrameCounts:
        """Frames that came to this worker and those before it; ``received`` is not known here."""
        worker, earlier = self._worker, self._earlier
        if worker is None:
            return earlier
        return FrameCounts(
            received=0,
            processed=earlier.processed + worker.processed,
            dropped=earlier.dropped + self._mailbox.dropped,
            refused=earlier.refused + worker.refused,
        )
