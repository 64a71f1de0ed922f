"""What the node itself costs, from a picture to its detection: `make node-cost`, or `python -m benchmarks.node_cost`.

The node runs as it is shipped, as a process of its own, with a tracker that costs nothing (no_cost_tracker.py); a
camera (bench_camera.py) is another process, and this one is the operator and the controller that listens. All speak
real DDS with the package's profile. For each camera first a plain copy of its picture is timed, then a plain listener
takes the node's place (bench_listener.py), then the node is there. Ctrl-C ends it with what was measured so far.

Four moments of each picture count: the camera stamps it and publishes; the node's image callback is called; the node
has handed the detection to the middleware; the listener's callback gets the detection.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from vision_msgs.msg import Detection2D

from benchmarks.bench_camera import picture
from benchmarks.figures import environment, fill, machine_note
from benchmarks.no_cost_tracker import open_moments
from benchmarks.node_cost_report import Camera, Run, markdown, plot, summary
from benchmarks.process_usage import process_usage
from siam_tracker_interfaces.srv import InitTarget
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.memory import TUNABLES
from siam_tracker_ros.nodes.dds import use_shared_memory_profile
from siam_tracker_ros.nodes.demo import DemoError, Processes
from siam_tracker_ros.nodes.messages import to_bbox
from siam_tracker_ros.nodes.stamps import to_nanoseconds
from siam_tracker_ros.progress import progress_bar

NODE, CAMERA, LISTENER = "tracker node", "camera", "listener"
CAMERAS = ("640x480@30", "1280x720@30", "1920x1080@30", "3840x2160@10")
WARM_UP = 60  # detections that do not count
PLAIN_FRAMES = 300  # at most, for the plain listener
COPIES = 60
START_TIMEOUT = 120.0  # seconds that the processes get to start and find one another
SPARE_ROWS = 20_000  # pictures that may be published before the first one that counts, or be lost


class Interrupted(Exception):
    """Ctrl-C."""


class Controller:
    """The operator who draws the box, and the controller that listens to the detections."""

    def __init__(self, namespace: str) -> None:
        self.node = rclpy.create_node("controller", namespace=namespace)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self.received: dict[int, tuple[int, int]] = {}  # picture's number: its stamp, when its detection came
        self.newest = 0
        self.node.create_subscription(Detection2D, "siam_tracker/detection", self._on_detection, QoSProfile(depth=10))
        self.init: Any = self.node.create_client(InitTarget, "siam_tracker/init_target")

    def _on_detection(self, message: Detection2D) -> None:
        now = time.time_ns()
        self.newest = int(message.header.frame_id)
        self.received[self.newest] = to_nanoseconds(message.header.stamp), now

    def spin(self, seconds: float) -> None:
        """Receive for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def close(self) -> None:
        """Take the node down."""
        self._executor.shutdown()
        self.node.destroy_node()


class Bench:
    """Measures one camera after the other."""

    def __init__(self, frames: int, out: Path) -> None:
        self.frames, self.out = frames, out
        self.interrupted = False

    def run(self, camera: Camera) -> Run:
        """Measure with this camera. Raises: DemoError: a process failed. Interrupted: before there was anything."""
        run = Run(camera, copy_ms=self._copy(camera))
        with tempfile.TemporaryDirectory() as folder:
            run.plain_ms = self._plain(camera, Path(folder))
            self._check()
            self._with_node(run, Path(folder))
        return run

    def _copy(self, camera: Camera) -> list[float]:
        """Milliseconds of copies of such a picture, into memory that is there."""
        frame = picture(camera.width, camera.height)
        copy, times = frame.copy(), []
        for _ in range(COPIES):
            begun = time.perf_counter()
            np.copyto(copy, frame)
            times.append((time.perf_counter() - begun) * 1e3)
        return times

    def _plain(self, camera: Camera, folder: Path) -> list[float]:
        """Milliseconds from stamp to callback of a listener in the node's place."""
        frames, log = min(self.frames, PLAIN_FRAMES), folder / "listener.json"
        namespace = f"node_cost_plain_{os.getpid()}"
        with Processes(self.out / "logs") as processes:
            with environment(GLIBC_TUNABLES=TUNABLES):  # it keeps its memory as the node does
                processes.start(LISTENER, "benchmarks.bench_listener", namespace, {"frames": frames, "log": str(log)})
            values: dict[str, object] = {**camera.parameters, "frames": frames}
            processes.start(CAMERA, "benchmarks.bench_camera", namespace, values)
            patience = time.monotonic() + START_TIMEOUT + 2 * frames / camera.rate
            while not log.exists():
                self._check(processes)
                if time.monotonic() > patience:
                    raise DemoError("the plain listener did not get the last picture")
                time.sleep(0.05)
        return [(now - stamp) / 1e6 for _, stamp, now in json.loads(log.read_text(encoding="utf-8"))["arrivals"]]

    def _with_node(self, run: Run, folder: Path) -> None:
        namespace, file = f"node_cost_{os.getpid()}", folder / "moments"
        moments = open_moments(file, self.frames + SPARE_ROWS)
        controller = Controller(namespace)
        try:
            with Processes(self.out / "logs") as processes:
                processes.start(NODE, "benchmarks.no_cost_node", namespace, {}, [str(file)])
                self._until(controller, processes, controller.init.service_is_ready, "the node offered no service")
                processes.start(CAMERA, "benchmarks.bench_camera", namespace, run.camera.parameters)
                self._start(controller, processes, run.camera)
                self._listen(run, controller, processes)
        finally:
            controller.close()
            run.take(controller.received, moments)

    def _start(self, controller: Controller, processes: Processes, camera: Camera) -> None:
        """Draw a box, until there is a picture to draw it on; wait until the first detections have come."""
        box = Box(camera.width * 0.4, camera.height * 0.4, camera.width * 0.1, camera.height * 0.1)

        def accepted() -> bool:
            answer = controller.init.call_async(InitTarget.Request(bbox=to_bbox(box)))
            self._until(controller, processes, answer.done, "init_target was not answered")
            if not answer.result().success:  # there was no picture yet
                controller.spin(0.3)
            return bool(answer.result().success)

        self._until(controller, processes, accepted, "the node accepted no box")
        self._until(controller, processes, lambda: len(controller.received) >= WARM_UP, "no detection came")

    def _listen(self, run: Run, controller: Controller, processes: Processes) -> None:
        run.first = controller.newest + 1
        begun = seen = time.monotonic()
        counted = 0
        with progress_bar(str(run.camera), self.frames) as bar:
            while True:
                controller.spin(0.5)
                processes.check()
                now, before = time.monotonic(), counted
                counted = min(controller.newest - run.first + 1, self.frames)
                seen = now if counted > before else seen
                if now - seen > 10:
                    raise DemoError("no detection came for 10 s")
                run.memory.append((now - begun, *process_usage(processes.pid(NODE))[:2]))
                bar.set_postfix_str(f"{run.memory[-1][2]:.0f} MB", refresh=False)
                bar.update(counted - before)
                if counted >= self.frames or self.interrupted:
                    break
        run.last = run.first + counted - 1

    def _until(self, controller: Controller, processes: Processes, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + START_TIMEOUT
        while not condition():
            self._check(processes)
            if time.monotonic() > end:
                raise DemoError(what)
            controller.spin(0.02)

    def _check(self, processes: Processes | None = None) -> None:
        if self.interrupted:
            raise Interrupted
        if processes is not None:
            processes.check()


def parse_camera(text: str) -> Camera:
    """``1280x720@30``: width, height, frames a second. Raises argparse.ArgumentTypeError."""
    found = re.fullmatch(r"(\d+)x(\d+)@(\d+(?:\.\d+)?)", text)
    if not found or min(int(found[1]), int(found[2])) < 100 or not 0 < float(found[3]) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no WIDTHxHEIGHT@RATE such as 1280x720@30, from 100 pixels up")
    return Camera(int(found[1]), int(found[2]), float(found[3]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure. ``arguments``: the command line's by default. Returns the exit code: 1 where a process failed, 130 after
    Ctrl-C; missing a goal is said, and is no failure.
    """
    options = _parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    use_shared_memory_profile()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    bench, runs, code = Bench(options.frames, options.out), [], 0

    def on_signal(number: int, frame: FrameType | None) -> None:
        if bench.interrupted:
            raise KeyboardInterrupt  # the second time: at once
        bench.interrupted = True

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    try:
        for camera in options.camera:
            run = bench.run(camera)
            runs.append(run)
            if bench.interrupted:
                break
    except (Interrupted, KeyboardInterrupt):
        pass
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 1
    finally:
        rclpy.try_shutdown()
    _write([run for run in runs if len(run.moments)], options, machine_note(load))
    return code or (130 if bench.interrupted else 0)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="node_cost", description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--camera", type=parse_camera, nargs="+", help=f"WIDTHxHEIGHT@RATE; {' '.join(CAMERAS)}")
    parser.add_argument("--frames", type=int, default=900, help="pictures of each camera; 10000 is the long run")
    parser.add_argument("--out", type=Path, default=Path("out/node_cost"), help="folder for what is written")
    parser.add_argument("--page", type=Path, help="a page of docs/ whose figures are replaced")
    options = parser.parse_args(arguments)
    options.camera = options.camera or [parse_camera(each) for each in CAMERAS]
    if options.frames < 10:
        parser.error(f"--frames is {options.frames}; it must be at least 10")
    return options


def _write(runs: list[Run], options: argparse.Namespace, machine: str) -> None:
    if not runs:
        print("nothing was measured", file=sys.stderr)
        return
    report = {"machine": machine, "frames": options.frames, "cameras": [summary(run, runs) for run in runs]}
    (options.out / "node_cost.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = markdown(report)
    (options.out / "node_cost.md").write_text(text, encoding="utf-8")
    plot(runs, options.out / "node_cost.png")
    if options.page:
        fill(options.page, text)
    print(f"\n{text}\nwritten to {options.out}: node_cost.json, node_cost.md, node_cost.png")


if __name__ == "__main__":
    sys.exit(main())
