"""The executable ``tracker_node``: starts the node, runs it, and ends it at once when asked to.

Exit codes: 0 after Ctrl-C (SIGINT) or SIGTERM; 2 for a parameter or argument that the node cannot start with;
1 where something failed that nobody foresaw.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from rclpy.executors import SingleThreadedExecutor

    from siam_tracker_ros.nodes.node import SiamTrackerNode

GRACE = 1.0  # seconds that an update in progress gets to end


def main(args: Sequence[str] | None = None, make_node: Callable[[], SiamTrackerNode] | None = None) -> NoReturn:
    """Run the node and end the process. The arguments are those of :func:`run`."""
    try:
        code = run(args, make_node)
    except SystemExit as exit_:  # a signal during the start
        code = int(exit_.code or 0)
    except BaseException:  # noqa: BLE001 - told, as Python itself would
        traceback.print_exc()
        code = 1
    # Not through Python's own ending: with torch loaded that takes up to seconds, in which a second Ctrl-C
    # would kill the process, and it crashes where the worker hangs inside a call. All that is ours has been
    # closed.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(args: Sequence[str] | None = None, make_node: Callable[[], SiamTrackerNode] | None = None) -> int:
    """Run the node until the process gets SIGINT or SIGTERM. Returns the exit code.

    Args:
        args: ROS arguments; by default the command line's.
        make_node: called once ROS is there; by default it makes the node as it is shipped.

    Raises:
        SystemExit: the signal came while it was starting.
    """
    stop = threading.Event()
    running = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        first = not stop.is_set()
        stop.set()
        if first and not running.is_set():
            raise SystemExit(0)  # importing or loading weights takes seconds, and nobody waits for its end

    # Before anything slow is imported, so that Ctrl-C is quiet from the first moment. Python's own handlers
    # and not rclpy's, which end the context under a worker that is still publishing.
    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)

    from siam_tracker_ros.memory import keep_freed_memory
    from siam_tracker_ros.nodes.dds import use_shared_memory_profile

    keep_freed_memory()
    use_shared_memory_profile()
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.signals import SignalHandlerOptions

    try:
        rclpy.init(args=None if args is None else list(args), signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:  # unknown ROS arguments, a parameter file that is missing or no YAML
        return _refuse(str(error))
    try:
        from siam_tracker_ros.nodes.node import SiamTrackerNode
        from siam_tracker_ros.nodes.parameters import ParameterError

        try:
            node = (make_node or SiamTrackerNode)()
            if node.prepare_only:
                prepare(node)
                node.destroy_node()
                return 0
            if node.autostart:
                start_tracking(node)
            else:
                node.get_logger().info("waiting to be configured (~/change_state), since autostart is off")
        except ParameterError as error:
            return _refuse(str(error))
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        running.set()
        failed, ended = _spin(executor, node, stop)
        if ended:  # else the worker hangs in an update and may still publish, or a transition is loading weights
            executor.shutdown()
            node.destroy_node()
    finally:
        rclpy.try_shutdown()
    return failed


def prepare(node: SiamTrackerNode) -> None:
    """Configure the node, which makes what its runtime needs and keeps it for the next start.

    Raises:
        ParameterError: as :func:`start_tracking`.
    """
    from rclpy.lifecycle import TransitionCallbackReturn

    start = time.monotonic()
    if node.trigger_configure() != TransitionCallbackReturn.SUCCESS:
        raise node.failure or RuntimeError("the node could not be configured")
    node.get_logger().info(f"prepared in {time.monotonic() - start:.1f} s; prepare_only is on, so the node ends here")
    node.stop(GRACE)


def start_tracking(node: SiamTrackerNode) -> None:
    """Configure and activate the node, as a lifecycle manager would.

    Raises:
        ParameterError: a value that the node cannot start with, unknown model, missing or foreign weights, a device
            that is not there. Else what went wrong.
    """
    from rclpy.lifecycle import TransitionCallbackReturn

    start = time.monotonic()
    for trigger in (node.trigger_configure, node.trigger_activate):
        if trigger() != TransitionCallbackReturn.SUCCESS:
            raise node.failure or RuntimeError("the node could not be started")
    node.get_logger().info(f"ready after {time.monotonic() - start:.1f} s")


def _spin(executor: SingleThreadedExecutor, node: SiamTrackerNode, stop: threading.Event) -> tuple[int, bool]:
    """Spin in a thread of its own until ``stop`` is set, then end the tracking.

    The main thread only waits: a signal ends Python's waiting at once, but not the wait inside the middleware.

    Returns:
        The exit code, and whether worker and executor have ended.
    """
    failed, done = 0, threading.Event()

    def spin() -> None:
        nonlocal failed
        try:
            while not done.is_set():
                executor.spin_once()
        except BaseException:
            failed = 1
            raise
        finally:
            stop.set()

    thread = threading.Thread(target=spin, name="executor", daemon=True)
    thread.start()
    stop.wait()
    ended = node.stop(GRACE)
    # Behind the callbacks that have just got their answer: a client that still waits is told NODE_STOPPING.
    executor.create_task(done.set)
    thread.join(GRACE)
    return failed, ended and not thread.is_alive()


def _refuse(sentence: str) -> int:
    print(f"tracker_node: {sentence}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
