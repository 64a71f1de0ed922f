"""How the node holds out: `make soak MINUTES=10`, or `python -m benchmarks.soak --minutes 10 --seed 1`.

A tracker node and a camera run as processes of their own. The camera does what cameras do wrong (soak_camera.py); this
process is everybody else: operators that set, remove and clear targets, rightly and wrongly, someone who turns the
parameters, listeners that come and go. First everything happens once, then all of it at random; at the end the camera
is good again and a target has to be followed. All the time the node has to live, its memory, threads and open files
must not grow, every frame must be accounted for, and its status must keep coming. What was found is written to
out/soak/. Exit codes: 0 if all held, 1 if not, 130 after Ctrl-C if all had held until then.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection2D, Detection2DArray

from benchmarks.process_usage import process_usage
from siam_tracker_interfaces.msg import TrackerStatus
from siam_tracker_interfaces.srv import InitTarget, RemoveTarget
from siam_tracker_ros.evaluation.machine import describe_machine, machine_line
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.dds import use_shared_memory_profile
from siam_tracker_ros.nodes.demo import DemoError, Processes
from siam_tracker_ros.nodes.messages import to_bbox, to_box
from siam_tracker_ros.nodes.stamps import to_nanoseconds
from siam_tracker_ros.progress import progress_bar
from siam_tracker_ros.tracking.state import TrackState

NODE, CAMERA = "tracker node", "camera"
START_TIMEOUT = 180.0  # seconds that the node gets to load its weights on a slow machine
STATUS_GAP = 5.0  # seconds without a status that are too many
ANSWER_TIMEOUT = 20.0  # seconds without the answer to a call that are too many
END_TIMEOUT = 10.0  # seconds from Ctrl-C to the end of the node's process
IN_WORK = 2  # frames that may be received and not yet counted otherwise: one in the mailbox, one in the worker
WARM_UP = (8.0, 60.0)  # seconds, at least and at most, before memory is judged; a fifth of the run in between
GROWTH_MB, GROWTH_SHARE = 32.0, 0.05  # of memory, from the first fifth after the warm-up to the last: the larger counts
SLOPE_SECONDS = 240.0  # from which the slope of the memory says something
LOST_FRAMES, LOST_SHARE = 3, 0.01  # of the published frames, that may be lost in transport: the larger counts
FOLLOWED_FRAMES, FOLLOWED_IOU = 30, 0.5  # at the end: frames in which the target must be seen, with this mean overlap
TARGETS = 3
CYCLES = 3  # of the lifecycle, at the end


@dataclass
class Sample:
    """One second of the run.

    rss: resident memory, MB; own: the part of it that is the process's own, without the libraries' files and the
    shared memory through which images come, whose pages fill up as they are used. files: open ones. latency: ms from
    stamp to status, of this second's frames. The frames are counted from the start.
    """

    time: float
    rss: float
    own: float
    threads: int
    files: int
    received: int
    processed: int
    dropped: int
    refused: int
    latency: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Check:
    """One thing that has to hold, and what was found."""

    name: str
    held: bool
    found: str


@dataclass(frozen=True)
class Call:
    """A call that waits for its answer. ``judge``: what is wrong with the answer; empty where nothing is."""

    name: str
    future: Any
    since: float
    judge: Callable[[Any], str]


class Crowd:
    """Everybody but the camera: one node that calls, listens and turns parameters, and watches what comes back."""

    def __init__(self, namespace: str, seed: int) -> None:
        self.node = rclpy.create_node("crowd", namespace=namespace)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._random = np.random.default_rng(seed)
        name = "siam_tracker"
        self.status: TrackerStatus | None = None
        self.statuses = 0
        self.states: Counter[str] = Counter()
        self.last_status = time.monotonic()
        self.worst_gap = 0.0
        self.latencies: list[float] = []
        self.miscounted: list[str] = []
        self.overlaps: list[float] = []
        self.hidden_seen = self.hidden_frames = 0
        self.node.create_subscription(TrackerStatus, f"{name}/status", self._on_status, QoSProfile(depth=1000))
        self.node.create_subscription(
            Detection2DArray, f"{name}/detections", self._on_detections, QoSProfile(depth=1000)
        )
        self._init: Any = self.node.create_client(InitTarget, f"{name}/init_target")
        self._remove: Any = self.node.create_client(RemoveTarget, f"{name}/remove_target")
        self.clear: Any = self.node.create_client(Trigger, f"{name}/clear_targets")
        self._set: Any = self.node.create_client(SetParameters, f"{name}/set_parameters")
        self._describe: Any = self.node.create_client(DescribeParameters, f"{name}/describe_parameters")
        self._change: Any = self.node.create_client(ChangeState, f"{name}/change_state")
        self.calm: Any = self.node.create_client(Trigger, "soak_camera/calm")
        self.stop: Any = self.node.create_client(Trigger, "soak_camera/stop")
        self.of_the_node = (self._init, self._remove, self.clear, self._set, self._describe, self._change)
        self.of_the_camera = (self.calm, self.stop)
        self._newest: tuple[int, Box] | None = None  # picture with the target in it: its stamp, the target's box
        self._listeners: list[tuple[Any, float]] = []
        self.calls: list[Call] = []
        self.answered = 0
        self.actions: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._kinds = {n.removeprefix("_do_"): getattr(self, n) for n in dir(self) if n.startswith("_do_")}
        self.tour = list(self._kinds)

    def close(self) -> None:
        """Take the node down."""
        self._executor.shutdown()
        self.node.destroy_node()

    def spin(self, seconds: float) -> None:
        """Receive for a while, and look at the answers that have come."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)
        now = time.monotonic()
        for call in list(self.calls):
            if call.future.done():
                self.calls.remove(call)
                self.answered += 1
                if wrong := call.judge(call.future.result()):
                    self.wrong.append(f"{call.name}: {wrong}")
            elif now - call.since > ANSWER_TIMEOUT:
                self.calls.remove(call)
                self.wrong.append(f"{call.name} was not answered within {ANSWER_TIMEOUT:g} s")
        for subscription, until in list(self._listeners):
            if now > until:
                self._listeners.remove((subscription, until))
                self.node.destroy_subscription(subscription)
        self.worst_gap = max(self.worst_gap, now - self.last_status)

    def act(self) -> None:
        """Do something: each thing once, then at random."""
        name = self.tour.pop(0) if self.tour else str(self._random.choice(list(self._kinds)))
        self.actions[name] += 1
        self._kinds[name]()

    def change_state(self, transition: int) -> None:
        """Step through the node's lifecycle."""
        request = ChangeState.Request(transition=Transition(id=transition))
        self.call("change_state", self._change, request, lambda r: "" if r.success else f"{transition} failed")

    # What arrives --------------------------------------------------------------------------------------

    def _on_status(self, message: TrackerStatus) -> None:
        now = time.monotonic()
        self.worst_gap = max(self.worst_gap, now - self.last_status)
        self.last_status, self.status = now, message
        self.statuses += 1
        self.states[TrackState(message.state).name] += 1
        if math.isfinite(message.pipeline_latency_ms) and 0 < message.pipeline_latency_ms < 60_000:
            self.latencies.append(message.pipeline_latency_ms)
        left = message.frames_received - (message.frames_processed + message.frames_dropped + message.frames_refused)
        if not 0 <= left <= IN_WORK:
            self.miscounted.append(
                f"{message.frames_received} received, {message.frames_processed} processed, "
                f"{message.frames_dropped} dropped, {message.frames_refused} refused"
            )
        stamp, box = to_nanoseconds(message.header.stamp), _truth(message.header.frame_id)
        if message.state != TrackerStatus.STALE and box is not None and stamp:
            self._newest = stamp, box

    def _on_detections(self, message: Detection2DArray) -> None:
        truth = _truth(message.header.frame_id)
        if truth is None:
            self.hidden_frames += 1
            self.hidden_seen += bool(message.detections)
            return
        self.overlaps += [to_box(each.bbox).iou(truth) for each in message.detections if each.id.startswith("true")]

    # What is done --------------------------------------------------------------------------------------

    def call(self, name: str, client: Any, request: Any, judge: Callable[[Any], str]) -> None:
        """Call a service; its answer is looked at when it has come."""
        self.calls.append(Call(name, client.call_async(request), time.monotonic(), judge))

    def init(self, target_id: str, *, stamped: bool) -> None:
        """Set a target where it is; with the stamp of the picture in which it was there, or on the newest one."""
        if self._newest is None:
            return
        stamp, box = self._newest
        request = InitTarget.Request(bbox=to_bbox(box), target_id=target_id, class_id="square")
        if stamped:
            request.header.stamp.sec, request.header.stamp.nanosec = stamp // 10**9, stamp % 10**9

        def judge(response: InitTarget.Response) -> str:
            if not response.success:
                self.refusals[_code(response.code)] += 1
            codes = InitTarget.Response
            return response.message if response.code in (codes.TRACKER_FAILED, codes.NODE_STOPPING) else ""

        self.call("init_target", self._init, request, judge)

    def _do_init(self) -> None:
        self.init(f"true-{self._random.integers(TARGETS)}", stamped=True)

    def _do_init_newest(self) -> None:
        self.init(f"true-{self._random.integers(TARGETS)}", stamped=False)

    def _do_init_nameless(self) -> None:
        self.init("", stamped=False)

    def _do_init_flood(self) -> None:
        for _ in range(8):
            self.init(f"true-{self._random.integers(2 * TARGETS)}", stamped=False)

    def _do_init_bad(self) -> None:
        codes = InitTarget.Response
        for box, code in (
            (Box(math.nan, 10.0, 50.0, 50.0), codes.BOX_NOT_FINITE),
            (Box(-500.0, 10.0, 50.0, 50.0), codes.BOX_OUTSIDE_IMAGE),
            (Box(10.0, 10.0, 1.0, 1.0), codes.BOX_TOO_SMALL),
        ):
            request = InitTarget.Request(bbox=to_bbox(box), target_id="bad")
            self.call("init_target", self._init, request, partial(self._refused, code))
        request = InitTarget.Request(bbox=to_bbox(Box(10.0, 10.0, 50.0, 50.0)), target_id="bad")
        request.header.stamp.sec = 2_000_000_000
        self.call("init_target", self._init, request, partial(self._refused, codes.STAMP_UNKNOWN))

    def _refused(self, code: int, response: InitTarget.Response) -> str:
        self.refusals[_code(response.code)] += 1
        # Without a picture, or with all places taken, that is the reason that comes first.
        allowed = {code, InitTarget.Response.NO_FRAME, InitTarget.Response.TOO_MANY_TARGETS}
        return "" if response.code in allowed else f"answered {_code(response.code)} where {_code(code)} is due"

    def _do_remove(self) -> None:
        request = RemoveTarget.Request(target_id=f"true-{self._random.integers(TARGETS)}")
        self.call("remove_target", self._remove, request, lambda response: "")

    def _do_remove_unknown(self) -> None:
        request = RemoveTarget.Request(target_id="nobody")
        self.call("remove_target", self._remove, request, lambda r: "said to have removed nobody" if r.success else "")

    def _do_clear(self) -> None:
        self.call("clear_targets", self.clear, Trigger.Request(), lambda r: "" if r.success else r.message)

    def set_parameters(self, expected: bool, **values: Any) -> None:
        """Set parameters; ``expected``: whether they are good."""
        parameters = [_parameter(name.replace("__", "."), value) for name, value in values.items()]

        def judge(response: SetParameters.Response) -> str:
            got = all(result.successful for result in response.results)
            return "" if got == expected else f"{values} were {'taken' if got else 'refused'}"

        self.call("set_parameters", self._set, SetParameters.Request(parameters=parameters), judge)

    def _do_turn_parameters(self) -> None:
        self.set_parameters(
            True,
            tracker__size_lr=float(self._random.uniform(0.2, 0.5)),
            tracker__template_interval=int(self._random.integers(5, 20)),
            image_timeout=float(self._random.uniform(0.3, 1.0)),
        )

    def _do_bad_parameters(self) -> None:
        self.set_parameters(False, tracker__size_lr=7.0)

    def _do_describe_parameters(self) -> None:
        request = DescribeParameters.Request(names=["model", "image_timeout"])
        self.call("describe_parameters", self._describe, request, lambda r: "" if len(r.descriptors) == 2 else "wrong")

    def _do_listen(self) -> None:
        kinds = (
            (Image, "siam_tracker/debug_image"),
            (Detection2D, "siam_tracker/detection"),
            (TrackerStatus, "siam_tracker/status"),
            (DiagnosticArray, "/diagnostics"),
        )
        for kind, topic in kinds:
            if self._random.random() < 0.5 or self.tour:
                qos = QoSProfile(depth=1) if self._random.random() < 0.5 else qos_profile_sensor_data
                subscription = self.node.create_subscription(kind, topic, lambda message: None, qos)
                self._listeners.append((subscription, time.monotonic() + self._random.uniform(0.5, 6.0)))


class Soak:
    """One run: starts the processes, keeps them busy, samples the node, and judges."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.seconds = options.minutes * 60
        self.out: Path = options.out
        self.namespace = f"soak_{os.getpid()}"
        self.interrupted = False
        self.samples: list[Sample] = []
        self.found: dict[str, Any] = {}
        self.error = ""

    def run(self) -> int:
        """Run it all. Returns the exit code."""
        self.out.mkdir(parents=True, exist_ok=True)
        faults = self.out / "faults.jsonl"
        faults.unlink(missing_ok=True)
        self._crowd = Crowd(self.namespace, self.options.seed)
        with Processes(self.out / "logs") as processes:
            try:
                self._start(processes, faults)
                self._soak(processes)
                self._crowd.worst_gap = max(self._crowd.worst_gap, time.monotonic() - self._crowd.last_status)
                self.found["gap"] = self._crowd.worst_gap
                if not self.interrupted:
                    self._follow(processes)
                self._drain(processes)
                if not self.interrupted:
                    self._cycle(processes)
                self.found["exit code"] = processes.end(NODE, END_TIMEOUT)
            except DemoError as error:
                self.error = str(error)
        self._crowd.close()
        self.checks = self._judge()
        self._write(faults)
        held = all(check.held for check in self.checks)
        return 1 if not held else 130 if self.interrupted else 0

    # The run -------------------------------------------------------------------------------------------

    def _start(self, processes: Processes, faults: Path) -> None:
        options = self.options
        processes.start(
            NODE,
            "siam_tracker_ros.nodes.tracker_node",
            self.namespace,
            # A bounded history, so that the size of the pictures is not taken for a leak; a queue in which a burst
            # waits where the node counts it.
            {
                "model": options.model,
                "device": options.device,
                "max_targets": TARGETS,
                "history_megabytes": 32,
                "image_qos.depth": 30,
            },
        )
        print(f"starting the tracker node in namespace /{self.namespace}", flush=True)
        end = time.monotonic() + START_TIMEOUT
        while not all(client.service_is_ready() for client in self._crowd.of_the_node):
            self._spin(processes, 0.1, end, "the tracker node offered no service")
        processes.start(
            CAMERA,
            "benchmarks.soak_camera",
            self.namespace,
            {"seed": options.seed, "rate": float(options.rate), "log": str(faults)},
        )
        while not all(client.service_is_ready() for client in self._crowd.of_the_camera):
            self._spin(processes, 0.1, end, "the camera offered no service")
        while self._crowd.status is None or self._crowd.status.frames_processed == 0:
            self._spin(processes, 0.1, end, "no picture reached the tracker node")
        self._crowd.last_status, self._crowd.worst_gap = time.monotonic(), 0.0

    def _spin(self, processes: Processes, seconds: float, end: float, what: str) -> None:
        processes.check()
        if self.interrupted:
            raise DemoError("interrupted before it had begun")
        if time.monotonic() > end:
            raise DemoError(what)
        self._crowd.spin(seconds)

    def _soak(self, processes: Processes) -> None:
        crowd, random = self._crowd, np.random.default_rng(self.options.seed + 1)
        begun, self._begun = time.monotonic(), time.time()
        next_action, next_sample = begun, begun + 1.0
        with progress_bar("soak", round(self.seconds), unit="s") as bar:
            while (now := time.monotonic()) < begun + self.seconds and not self.interrupted:
                processes.check()
                if now >= next_action:
                    crowd.act()
                    next_action = now + (0.25 if crowd.tour else random.exponential(0.5))
                if now >= next_sample:
                    sample = self._sample(processes.pid(NODE), now - begun)
                    next_sample += 1.0
                    words = f"{sample.own:.0f} MB, {sample.threads} threads, {sample.received} frames"
                    bar.set_postfix_str(f"{words}, {len(self._problems())} wrong", refresh=False)
                    bar.update(min(round(now - begun) - bar.n, (bar.total or 0) - bar.n))
                crowd.spin(0.05)
        self.found["ran"] = time.monotonic() - begun

    def _sample(self, pid: int, at: float) -> Sample:
        usage = process_usage(pid)
        status = self._crowd.status
        assert status is not None
        counts = status.frames_received, status.frames_processed, status.frames_dropped, status.frames_refused
        sample = Sample(at, *usage, *counts, self._crowd.latencies)
        self._crowd.latencies = []
        self.samples.append(sample)
        return sample

    def _problems(self) -> list[str]:
        return [*self._crowd.wrong, *self._crowd.miscounted]

    def _follow(self, processes: Processes) -> None:
        """The camera is good again: a target that is set now has to be followed."""
        crowd = self._crowd
        answer = crowd.calm.call_async(Trigger.Request())
        crowd.set_parameters(True, tracker__size_lr=0.8, tracker__template_interval=10, image_timeout=0.5)
        crowd.call("clear_targets", crowd.clear, Trigger.Request(), lambda response: "")
        end = time.monotonic() + ANSWER_TIMEOUT
        while (crowd.calls or not answer.done()) and time.monotonic() < end:
            processes.check()
            crowd.spin(0.1)
        crowd.spin(1.0)  # the last pictures with faults are over
        crowd.init("true-last", stamped=True)
        crowd.spin(0.2)
        while crowd.calls and time.monotonic() < end:
            crowd.spin(0.02)
        overlaps: list[float] = []
        crowd.overlaps = overlaps
        while len(overlaps) < FOLLOWED_FRAMES and time.monotonic() < end + ANSWER_TIMEOUT:
            processes.check()
            crowd.spin(0.1)
        self.found["followed"] = len(overlaps), float(np.mean(overlaps)) if overlaps else 0.0

    def _drain(self, processes: Processes) -> None:
        """Stop the camera, and wait until every frame is accounted for."""
        crowd = self._crowd
        answer = crowd.stop.call_async(Trigger.Request())
        end = time.monotonic() + ANSWER_TIMEOUT
        while (crowd.calls or not answer.done()) and time.monotonic() < end:
            processes.check()
            crowd.spin(0.05)
        if answer.done():
            self.found["camera"] = json.loads(answer.result().message)

        def settled() -> bool:
            status = crowd.status
            return status is not None and status.state == TrackerStatus.STALE and _left(status) == 0

        while not settled() and time.monotonic() < end + ANSWER_TIMEOUT:
            processes.check()
            crowd.spin(0.1)
        rss, own, threads, files = process_usage(processes.pid(NODE))
        self.found["end"] = {"rss_mb": rss, "own_mb": own, "threads": threads, "files": files}

    def _cycle(self, processes: Processes) -> None:
        """Through the lifecycle and back, some times: what is freed must not stay, and what is made must not add up."""
        crowd = self._crowd
        steps = (
            Transition.TRANSITION_DEACTIVATE,
            Transition.TRANSITION_CLEANUP,
            Transition.TRANSITION_CONFIGURE,
            Transition.TRANSITION_ACTIVATE,
        )
        used = []
        for _ in range(CYCLES):
            for step in steps:
                crowd.change_state(step)
                while crowd.calls:
                    processes.check()
                    crowd.spin(0.05)
            used.append(process_usage(processes.pid(NODE)))
        self.found["cycles"] = [{"rss_mb": r, "own_mb": o, "threads": t, "files": f} for r, o, t, f in used]

    # The verdict ---------------------------------------------------------------------------------------

    def _judge(self) -> list[Check]:
        crowd, status = self._crowd, self._crowd.status
        checks = [Check("the node lives", not self.error, self.error or "to the end")]
        if "exit code" in self.found:
            code = self.found["exit code"]
            checks.append(Check("it ends when it is told to", code == 0, f"exit code {code}"))
        checks.append(self._memory())
        checks += [self._flat("threads", "no thread is left"), self._flat("files", "no file is left open")]
        if status is not None and "camera" in self.found:
            published, received = self.found["camera"]["published"], status.frames_received
            lost, left = published - received, _left(status)
            words = (
                f"{published} published = {received} received + {lost} lost in transport; {received} = "
                f"{status.frames_processed} processed + {status.frames_dropped} dropped + "
                f"{status.frames_refused} refused"
            )
            held = lost >= 0 and left == 0 and not crowd.miscounted
            if crowd.miscounted:
                words += f"; {len(crowd.miscounted)} times not, first {crowd.miscounted[0]}"
            if left:
                words += f"; {left} left over"
            checks.append(Check("every frame is accounted for", held, words))
            found = f"{lost / max(published, 1):.2%}"
            checks.append(Check("few are lost in transport", lost <= max(LOST_FRAMES, LOST_SHARE * published), found))
        gap = self.found.get("gap", crowd.worst_gap)
        checks.append(Check("its status keeps coming", gap <= STATUS_GAP, f"{gap:.2f} s between two, at most"))
        wrong = crowd.wrong
        found = f"{crowd.answered} answers" + (f", {len(wrong)} wrong, first {wrong[0]}" if wrong else "")
        checks.append(Check("every call is answered rightly", not wrong, found))
        if "followed" in self.found:
            frames, overlap = self.found["followed"]
            held = frames >= FOLLOWED_FRAMES and overlap >= FOLLOWED_IOU
            checks.append(Check("a target is followed at the end", held, f"{frames} frames, mean IoU {overlap:.2f}"))
        if "cycles" in self.found:
            first, last = self.found["cycles"][0], self.found["cycles"][-1]
            held = last["own_mb"] - first["own_mb"] <= GROWTH_MB and all(
                last[what] <= max(first[what], self.found["end"][what]) for what in ("threads", "files")
            )
            words = ", ".join(f"{one['own_mb']:.0f} MB and {one['threads']} threads" for one in (first, last))
            found = f"after the first and the last of {CYCLES} times: {words}"
            checks.append(Check("it can be cleaned up and configured anew", held, found))
        log = (self.out / "logs" / f"{NODE}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        bad = [line for line in log if "Traceback" in line or "[ERROR]" in line or "[FATAL]" in line]
        checks.append(Check("its log has no error", not bad, bad[0] if bad else f"{len(log)} lines"))
        return checks

    def _warm(self) -> list[Sample]:
        after = min(max(self.found.get("ran", 0.0) / 5, WARM_UP[0]), WARM_UP[1])
        return [sample for sample in self.samples if sample.time >= after]

    def _memory(self) -> Check:
        warm = self._warm()
        if len(warm) < 2:
            return Check("its memory is flat", True, "not judged: the run is shorter than the warm-up")
        many = max(1, len(warm) // 5)
        first = float(np.median([sample.own for sample in warm[:many]]))
        last = float(np.median([sample.own for sample in warm[-many:]]))
        slope = float(np.polyfit([s.time / 60 for s in warm], [s.own for s in warm], 1)[0])
        self.found["memory"] = {"first_mb": first, "last_mb": last, "slope_mb_per_minute": slope}
        held = last - first <= max(GROWTH_MB, GROWTH_SHARE * first)
        words = f"{first:.0f} MB of its own after the warm-up, {last:.0f} MB at the end"
        if warm[-1].time - warm[0].time > SLOPE_SECONDS:  # in less, the pictures' sizes are all that it shows
            words += f", {slope:+.2f} MB a minute"
        return Check("its memory is flat", held, words)

    def _flat(self, what: str, name: str) -> Check:
        values = [getattr(sample, what) for sample in self._warm()]
        if not values or "end" not in self.found:
            return Check(name, True, "not judged: the run is shorter than the warm-up")
        many = max(1, len(values) // 5)
        first, last = max(values[:many]), self.found["end"][what]
        # Listeners come and go all the time: what counts is what is there when they have gone.
        return Check(name, last <= first, f"{first} after the warm-up, {max(values)} at most, {last} at the end")

    # The report ----------------------------------------------------------------------------------------

    def _write(self, faults: Path) -> None:
        crowd, status = self._crowd, self._crowd.status
        latency = [value for sample in self.samples for value in sample.latency]
        machine = describe_machine({status.model: status.device} if status else {}, os.cpu_count() or 1, 1)
        report = {
            "held": all(check.held for check in self.checks),
            "interrupted": self.interrupted,
            "seconds": self.found.get("ran", 0.0),
            "seed": self.options.seed,
            "rate": self.options.rate,
            "checks": [{"name": c.name, "held": c.held, "found": c.found} for c in self.checks],
            "memory": self.found.get("memory"),
            "end": self.found.get("end"),
            "cycles": self.found.get("cycles"),
            "camera": self.found.get("camera"),
            "frames": _counts(status) if status else None,
            "latency_ms": dict(zip(("p50", "p95", "max"), np.percentile(latency, (50, 95, 100)).tolist(), strict=True))
            if latency
            else None,
            "statuses": dict(crowd.states),
            "actions": dict(crowd.actions),
            "answers": crowd.answered,
            "refusals": dict(crowd.refusals),
            "hidden_frames_told_as_seen": [crowd.hidden_seen, crowd.hidden_frames],
            "machine": machine,
            "samples": [vars(sample) | {"latency": _percentiles(sample.latency)} for sample in self.samples],
        }
        (self.out / "metrics.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        if self.samples:
            _plot(self.samples, _faults(faults, self._begun), self.out / "soak.png", self._title(status))
        print()
        for check in self.checks:
            print(f"{'ok ' if check.held else 'NOT'}  {check.name}: {check.found}")
        print(machine_line(machine))
        print(f"written to {self.out}: metrics.json, soak.png, faults.jsonl, logs/")

    def _title(self, status: TrackerStatus | None) -> str:
        what = f"{status.model} on {status.device}, " if status else ""
        return f"soak: {what}{self.found.get('ran', 0.0) / 60:.1f} minutes, seed {self.options.seed}"


def _truth(frame_id: str) -> Box | None:
    """The target's box in a picture of the soak's camera; None while it is hidden, or where there is no picture."""
    values = frame_id.split(",")
    return Box(*map(float, values)) if len(values) == 4 else None


def _left(status: TrackerStatus) -> int:
    return int(status.frames_received - status.frames_processed - status.frames_dropped - status.frames_refused)


def _counts(status: TrackerStatus) -> dict[str, int]:
    return {name: int(getattr(status, f"frames_{name}")) for name in ("received", "processed", "dropped", "refused")}


def _code(code: int) -> str:
    names = [n for n in dir(InitTarget.Response) if n.isupper() and getattr(InitTarget.Response, n) == code]
    return names[0] if names else str(code)


def _parameter(name: str, value: Any) -> ParameterMessage:
    return Parameter(name, value=value).to_parameter_msg()


def _percentiles(values: Sequence[float]) -> list[float]:
    return [float(value) for value in np.percentile(values, (50, 95))] if values else [math.nan, math.nan]


def _faults(path: Path, begun: float) -> list[tuple[float, str]]:
    """The camera's faults, with the seconds since ``begun``."""
    if not path.is_file():
        return []
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(entry["time"] - begun, entry["fault"]) for entry in entries]


def _plot(samples: list[Sample], faults: list[tuple[float, str]], path: Path, title: str) -> None:
    """Memory and threads, rates, latency and the camera's faults over time, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    t = np.array([sample.time for sample in samples])
    figure = Figure(figsize=(11, 9), layout="constrained")
    FigureCanvasAgg(figure)
    memory, rate, latency, events = figure.subplots(4, 1, sharex=True, height_ratios=(2, 2, 2, 1.6))
    figure.suptitle(title)
    memory.plot(t, [sample.rss for sample in samples], color="tab:blue", alpha=0.4)
    memory.plot(t, [sample.own for sample in samples], color="tab:blue")
    memory.set_ylabel("memory, MB: resident (pale), own", color="tab:blue")
    memory.set_ylim(0, None)
    threads = memory.twinx()
    threads.plot(t, [sample.threads for sample in samples], color="tab:orange")
    threads.plot(t, [sample.files for sample in samples], color="tab:green")
    threads.set_ylabel("threads (orange), open files (green)")
    threads.set_ylim(0, None)
    for name in ("received", "processed", "dropped", "refused"):
        counts = np.array([getattr(sample, name) for sample in samples])
        rate.plot(t[1:], np.diff(counts) / np.maximum(np.diff(t), 1e-3), label=name, linewidth=1)
    rate.set_ylabel("frames a second")
    rate.legend(loc="upper right", ncols=4, fontsize="small")
    pairs = np.array([_percentiles(sample.latency) for sample in samples])
    latency.semilogy(t, pairs[:, 0], label="p50", linewidth=1)
    latency.semilogy(t, pairs[:, 1], label="p95", linewidth=1)
    latency.set_ylabel("stamp to status, ms")
    latency.legend(loc="upper right", ncols=2, fontsize="small")
    names = sorted({name for _, name in faults})
    events.scatter([at for at, _ in faults], [names.index(name) for _, name in faults], s=6, color="tab:red")
    events.set_yticks(range(len(names)), names, fontsize="small")
    events.set_ylabel("faults of the camera")
    events.set_xlabel("seconds")
    figure.savefig(path, dpi=110)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak. ``arguments``: the command line's by default."""
    parser = argparse.ArgumentParser(prog="soak", description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1, help="of the camera's faults and of everybody's actions")
    parser.add_argument("--rate", type=float, default=30.0, help="of the camera, frames a second")
    parser.add_argument("--model", default="afsn_mobile", help="a model of the zoo")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--out", type=Path, default=Path("out/soak"), help="folder for what is written")
    options = parser.parse_args(arguments)
    if not 0 < options.minutes < 100_000:
        parser.error(f"--minutes is {options.minutes}; it must be above 0")
    use_shared_memory_profile()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    soak = Soak(options)

    def on_signal(number: int, frame: FrameType | None) -> None:
        if soak.interrupted:
            raise KeyboardInterrupt  # the second time: at once
        soak.interrupted = True

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    try:
        return soak.run()
    except KeyboardInterrupt:
        print("\ninterrupted: every process was ended", file=sys.stderr)
        return 130
    finally:
        rclpy.try_shutdown()


if __name__ == "__main__":
    sys.exit(main())
