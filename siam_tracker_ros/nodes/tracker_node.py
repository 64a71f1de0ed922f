"""The executable ``tracker_node``: starts the node, runs it, and ends it at once when asked to.

Exit codes: 0 after Ctrl-C (SIGINT) or SIGTERM; 2 for a parameter or argument that the node cannot start with;
1 where something failed that nobody foresaw.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from rclpy.executors import SingleThreadedExecutor

    from siam_tracker_ros.nodes.node import SiamTrackerNode
    from siam_tracker_ros.tracking.contract import FollowsOne

GRACE = 1.0  # seconds that an update in progress gets to end


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the node and end the process. ``args``: ROS arguments; by default the command line's."""
    try:
        code = run(args)
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


def run(args: Sequence[str] | None = None) -> int:
    """Run the node until the process gets SIGINT or SIGTERM. Returns the exit code.

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

    from siam_tracker_ros.nodes.dds import use_shared_memory_profile

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
            node = SiamTrackerNode()
            start_tracking(node)
        except ParameterError as error:
            return _refuse(str(error))
        # What was made so far stays until the end. Without this the garbage collector looks through all of
        # it, torch's modules included, every now and then, which holds a frame up by tens of milliseconds.
        gc.collect()
        gc.freeze()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        running.set()
        failed, ended = _spin(executor, node, stop)
        if ended:  # else the worker hangs in an update, and may still publish
            executor.shutdown()
            node.destroy_node()
    finally:
        rclpy.try_shutdown()
        gc.unfreeze()
    return failed


def start_tracking(node: SiamTrackerNode) -> None:
    """Load the weights, warm the network up, then offer the services.

    Raises:
        ParameterError: unknown model, missing or foreign weights, a device that is not there.
    """
    from siam_tracker_ros import load_tracker
    from siam_tracker_ros.nodes.parameters import ParameterError

    values, start = node.values, time.monotonic()
    try:
        tracker = load_tracker(
            values["model"],
            weights=values["weights"] or None,
            device=values["device"],
            precision=values["precision"],
            settings=node.tracker_settings,
        )
        warm_up(tracker)
    except (ValueError, OSError, RuntimeError) as error:
        raise ParameterError(f"cannot load the tracker: {error}") from error
    node.start(tracker)
    took = time.monotonic() - start
    node.get_logger().info(
        f"ready after {took:.1f} s: model {tracker.model_name} on {tracker.device}, "
        f"listening to {node.resolve_topic_name('image')}"
    )


def warm_up(tracker: FollowsOne, updates: int = 3) -> None:
    """Run init and some updates on noise, so that the first real frame is not the slowest; forget them."""
    import numpy as np

    frame = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    tracker.init(frame, (130.0, 90.0, 60.0, 60.0))
    for _ in range(updates):
        tracker.update(frame)
    tracker.reset()


def _spin(executor: SingleThreadedExecutor, node: SiamTrackerNode, stop: threading.Event) -> tuple[int, bool]:
    """Spin in a thread of its own until ``stop`` is set, then end the tracking.

    The main thread only waits: a signal ends Python's waiting at once, but not the wait inside the middleware.

    Returns:
        The exit code, and whether the worker has ended.
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
    return failed, ended


def _refuse(sentence: str) -> int:
    print(f"tracker_node: {sentence}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
