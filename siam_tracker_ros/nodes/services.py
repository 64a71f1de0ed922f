"""What the operator calls: services to set and remove targets, and boxes on a topic.

A service callback runs in a group of its own, reentrant, and is a coroutine: it awaits the worker's answer while the
executor goes on receiving images. The worker's answer wakes the executor, which resumes the coroutine and sends the
response.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future as WorkerFuture
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.task import Future
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection2D

from siam_tracker_interfaces.srv import InitTarget, RemoveTarget
from siam_tracker_ros.nodes.messages import to_box
from siam_tracker_ros.nodes.requests import NOT_ACTIVE, InitOutcome, InitRequest, RemoveRequest
from siam_tracker_ros.nodes.stamps import to_nanoseconds, to_stamp
from siam_tracker_ros.nodes.worker import TrackingWorker

# Calls that DDS keeps until the node takes them; with the default of 10, a flood of calls loses some unanswered.
CALLS_WAITING = 100
BOXES_WAITING = 10  # boxes of ~/init_box that may wait for the worker, at most
LOG_EVERY = 1.0  # seconds between two log lines about the boxes of a topic: a detector sends one for every frame


class TargetServices:
    """``~/init_target``, ``~/remove_target``, ``~/clear_targets``, and the topic ``~/init_box``."""

    def __init__(self, node: Node, worker: Callable[[], TrackingWorker | None]) -> None:
        """Args: worker: gives it while the node is active, else None."""
        self._node, self._worker, self._logger = node, worker, node.get_logger()
        self._boxes: list[WorkerFuture[InitOutcome]] = []  # answers to boxes of the topic that are still waited for
        group, calls = ReentrantCallbackGroup(), QoSProfile(depth=CALLS_WAITING)
        node.create_service(InitTarget, "~/init_target", self._on_init_target, qos_profile=calls, callback_group=group)
        node.create_service(
            RemoveTarget, "~/remove_target", self._on_remove_target, qos_profile=calls, callback_group=group
        )
        node.create_service(Trigger, "~/clear_targets", self._on_clear_targets, qos_profile=calls, callback_group=group)
        node.create_subscription(Detection2D, "~/init_box", self._on_init_box, 10)

    async def _on_init_target(self, request: InitTarget.Request, response: InitTarget.Response) -> InitTarget.Response:
        box, stamp = to_box(request.bbox), to_nanoseconds(request.header.stamp)
        worker, outcome = self._worker(), NOT_ACTIVE
        if worker is not None:
            outcome = await self._ask(worker, InitRequest(box, stamp, request.target_id, request.class_id))
        if outcome.success:
            self._logger.info(f"following '{outcome.target_id}' from box {_short(request.bbox)}")
        else:
            self._logger.warning(f"init_target refused: {outcome.message}")
        response.success = outcome.success
        response.code, response.message, response.target_id = outcome.code, outcome.message, outcome.target_id
        response.stamp = to_stamp(outcome.stamp)
        return response

    async def _on_remove_target(
        self, request: RemoveTarget.Request, response: RemoveTarget.Response
    ) -> RemoveTarget.Response:
        worker = self._worker()
        if worker is None:
            response.message = NOT_ACTIVE.message
            return response
        response.success = bool(await self._ask(worker, RemoveRequest(request.target_id)))
        if not response.success:
            known = ", ".join(f"'{target.id}'" for target in worker.targets) or "none"
            response.message = f"no target is named '{request.target_id}'; followed: {known}"
        return response

    async def _on_clear_targets(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        worker = self._worker()
        if worker is None:
            response.message = NOT_ACTIVE.message
            return response
        names = ", ".join(f"'{target.id}'" for target in await self._ask(worker, RemoveRequest()))
        response.success = True
        response.message = f"no longer followed: {names}" if names else "no target was followed"
        return response

    def _on_init_box(self, message: Detection2D) -> None:
        worker = self._worker()
        self._boxes = [answer for answer in self._boxes if not answer.done()]
        if worker is None:
            self._tell(NOT_ACTIVE, message)
        elif len(self._boxes) >= BOXES_WAITING:
            text = f"init_box refused: {len(self._boxes)} boxes before it still wait for the tracker"
            self._logger.warning(text, throttle_duration_sec=LOG_EVERY)
        else:
            class_id = message.results[0].hypothesis.class_id if message.results else ""
            stamp = to_nanoseconds(message.header.stamp)
            request = InitRequest(to_box(message.bbox), stamp, message.id, class_id)
            request.answer.add_done_callback(lambda done: self._tell(done.result(), message))
            self._boxes.append(request.answer)
            worker.ask(request)

    def _tell(self, outcome: InitOutcome, message: Detection2D) -> None:
        """Say in the log what became of a box; nobody waits for an answer."""
        if outcome.success:
            text = f"following '{outcome.target_id}' from box {_short(message.bbox)} of init_box"
            self._logger.info(text, throttle_duration_sec=LOG_EVERY)
        else:
            self._logger.warning(f"init_box refused: {outcome.message}", throttle_duration_sec=LOG_EVERY)

    def _ask(self, worker: TrackingWorker, request: Any) -> Any:
        """The worker's answer as something that a callback of this executor can await."""
        answer: Future[Any] = Future()

        def pass_on(done: WorkerFuture[Any]) -> None:
            # In the worker's thread. The executor looks at its waiting callbacks when something wakes it.
            answer.set_result(done.result())
            if self._node.executor is not None:
                self._node.executor.wake()

        request.answer.add_done_callback(pass_on)
        worker.ask(request)
        return answer


def _short(bbox: Any) -> str:
    """The box as x, y, w, h in pixels."""
    return ", ".join(f"{number:.1f}" for number in to_box(bbox).as_tuple())
