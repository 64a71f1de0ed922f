"""The executable ``demo_operator``: what the demo's operator does, once, without a person.

Waits until pictures reach the tracker node, calls ``~/init_target`` on the picture that it shows, then lets the video
player go on. It works in its own namespace: the nodes are ``siam_tracker`` and ``video_player`` there. Exit codes: 0
when the camera runs, 1 if a node did not answer or refused, 2 for a video or a box that cannot be used.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import rclpy
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_srvs.srv import Trigger

from siam_tracker_interfaces.msg import TrackerStatus
from siam_tracker_interfaces.srv import InitTarget
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.messages import to_bbox
from siam_tracker_ros.nodes.process import ros
from siam_tracker_ros.start_box import choose_box, find_truth
from siam_tracker_ros.video import VideoError, open_source

START_TIMEOUT = 180.0
"""Seconds that the node gets to import, load its weights and warm up on a slow machine."""
ANSWER_TIMEOUT = 30.0
"""Seconds for the answer to a call."""


class OperatorError(RuntimeError):
    """A node did not answer, or refused; the message says which."""


def init_and_play(node: Node, start: Box, check: Callable[[], object]) -> None:
    """Set the target on the picture that the tracker node sees, and start the camera.

    Args:
        node: of the operator, in the namespace of the others; spun here, and by nobody else.
        check: called while waiting; may raise to end it.

    Raises:
        OperatorError: see there.
    """
    init: Any = node.create_client(InitTarget, "siam_tracker/init_target")
    play: Any = node.create_client(Trigger, "video_player/play")
    pictures: list[TrackerStatus] = []
    listening = node.create_subscription(TrackerStatus, "siam_tracker/status", pictures.append, QoSProfile(depth=10))

    def is_picture(status: TrackerStatus) -> bool:
        return bool(status.state != TrackerStatus.STALE)

    def until(what: str, ready: Callable[[], bool], timeout: float) -> None:
        end = time.monotonic() + timeout
        while not ready():
            check()
            if time.monotonic() > end:
                raise OperatorError(f"{what} for {timeout:g} s")
            rclpy.spin_once(node, timeout_sec=0.1)

    until("the tracker node offered no service", init.service_is_ready, START_TIMEOUT)
    until("the video player offered no service", play.service_is_ready, START_TIMEOUT)
    until("no picture reached the tracker node", lambda: any(map(is_picture, pictures)), START_TIMEOUT)
    request = InitTarget.Request(bbox=to_bbox(start), target_id="target")
    request.header = next(filter(is_picture, reversed(pictures))).header
    answer: Any = init.call_async(request)
    until("init_target was not answered", answer.done, ANSWER_TIMEOUT)
    response = answer.result()
    if not response.success:
        raise OperatorError(f"the tracker node refused the target: {response.message}")
    node.destroy_subscription(listening)
    answer = play.call_async(Trigger.Request())
    until("the video player did not start", answer.done, ANSWER_TIMEOUT)


class _EndedError(Exception):
    """Ctrl-C, while waiting."""


def main(args: Sequence[str] | None = None) -> int:
    """Start the target and the camera. ``args``: ROS arguments; by default the command line's."""
    with ros(args) as stop:
        node = rclpy.create_node("operator")
        try:
            video = _parameter(node, "video", "Video that the player publishes.")
            text = _parameter(node, "box", "Target in its first frame: x,y,w,h; empty: groundtruth.txt beside it.")
            start = choose_box(text, find_truth(video), open_source(video).size)
            init_and_play(node, start, lambda: _end_if(stop))
            node.get_logger().info(f"following the target in box {', '.join(f'{v:.0f}' for v in start.as_tuple())}")
        except (VideoError, ValueError, ParameterException) as error:
            return _say(error, 2)
        except OperatorError as error:
            return _say(error, 1)
        except _EndedError:
            pass
        finally:
            node.destroy_node()
    return 0


def _parameter(node: Node, name: str, text: str) -> str:
    return str(node.declare_parameter(name, "", ParameterDescriptor(description=text)).value)


def _end_if(stop: threading.Event) -> None:
    if stop.is_set():
        raise _EndedError


def _say(error: Exception, code: int) -> int:
    print(f"demo_operator: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
