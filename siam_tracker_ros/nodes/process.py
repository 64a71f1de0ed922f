"""What every small process here needs: rclpy without its signal handlers, an executor thread, a flag to
stop.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from siam_tracker_ros.nodes.dds import use_shared_memory_profile


@contextmanager
def ros(args: Sequence[str] | None = None) -> Iterator[threading.Event]:
    """rclpy from start to end. Yields an event that is set by Ctrl-C (SIGINT) or SIGTERM; use it in the
    main thread.
    """
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    use_shared_memory_profile()
    rclpy.init(args=None if args is None else list(args), signal_handler_options=SignalHandlerOptions.NO)
    try:
        yield stop
    finally:
        rclpy.try_shutdown()


@contextmanager
def spinning(node: Node) -> Iterator[None]:
    """Receive and answer in a thread of its own while the block runs; the node is destroyed at the end."""
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            executor.spin_once(timeout_sec=0.5)

    thread = threading.Thread(target=spin, name="executor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        executor.wake()
        thread.join(2.0)
        executor.shutdown()
        node.destroy_node()
