"""The node's health, once a second, as /diagnostics has it. docs/diagnostics.md has the rules as a table.

Two clocks are in use. Rates, and how long the tracker has been busy, are real time: of the machine's steady clock,
also under ``use_sim_time``. Latencies compare an image's stamp with the node's own clock, which is simulated where the
stamps are; while that clock stands at zero (no /clock yet), or an image has no stamp, they are NaN and judge nothing.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from siam_tracker_ros.memory import resident_memory
from siam_tracker_ros.nodes.messages import Engine, FrameCounts
from siam_tracker_ros.nodes.report import FrameReport
from siam_tracker_ros.tracking.state import TrackState

OK, WARN, ERROR, STALE = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR, DiagnosticStatus.STALE
WORST_FIRST = (ERROR, STALE, WARN, OK)

BUSY_TOO_LONG = 1.0  # seconds that one frame may take before it is an error
AHEAD = 0.1  # seconds that a stamp may lie in the future before the clocks are said to differ
ANOTHER_CLOCK = 3600.0  # seconds of latency beyond which the stamps come from another clock

# Every rule: its name, and its level.
RULES = {
    "busy": ERROR,
    "tracker failed": ERROR,
    "out of memory": ERROR,
    "qos, no images": ERROR,
    "latency error": ERROR,
    "no images": STALE,
    "clocks differ": WARN,
    "no clock": WARN,
    "latency warning": WARN,
    "fallback": WARN,
    "refused": WARN,
    "dropped": WARN,
    "qos": WARN,
    "bearing": WARN,
}


@dataclass(frozen=True)
class Period:
    """What happened between two messages.

    Attributes:
        seconds: how long it was.
        active: whether the node is to receive images.
        busy: seconds since which the worker works on one thing.
        latency_p50, latency_p95: milliseconds from an image's stamp to its result; NaN where unknown.
        clock_set: whether the node's clock shows a time.
        stale, qos_trouble, bearing_trouble, fallback: sentences; empty where all is well.
        failures, out_of_memory: how often, and the last one's sentence.
        last_refusal: why the last refused frame was refused.
    """

    seconds: float = 1.0
    active: bool = True
    busy: float = 0.0
    latency_p50: float = math.nan
    latency_p95: float = math.nan
    clock_set: bool = True
    dropped: int = 0
    refused: int = 0
    last_refusal: str = ""
    stale: str = ""
    qos_trouble: str = ""
    bearing_trouble: str = ""
    fallback: str = ""
    failures: tuple[int, str] = (0, "")
    out_of_memory: tuple[int, str] = (0, "")


def judge(period: Period, latency_warn: float, latency_error: float) -> Iterator[tuple[str, str]]:
    """The rules that a period breaks, by name, each with its sentence. The levels are in seconds."""
    p, in_the_last = period, f"in the last {period.seconds:.1f} s"
    if p.fallback:
        yield "fallback", p.fallback
    if p.out_of_memory[0]:
        yield "out of memory", f"out of memory {p.out_of_memory[0]} times {in_the_last}: {p.out_of_memory[1]}"
    if p.busy > BUSY_TOO_LONG:
        yield "busy", f"the tracker has been busy with one frame for {p.busy:.1f} s"
    if not p.active:
        return  # images and their latencies are nobody's concern
    if p.failures[0]:
        yield "tracker failed", f"the tracker failed {p.failures[0]} times {in_the_last}: {p.failures[1]}"
    if p.stale:
        yield ("qos, no images" if p.qos_trouble else "no images"), p.stale
    elif p.qos_trouble:
        yield "qos", p.qos_trouble
    if not p.clock_set:
        yield "no clock", "use_sim_time is set, but no time arrives on /clock: latencies are unknown"
    elif p.latency_p50 < -AHEAD * 1e3 or p.latency_p50 > ANOTHER_CLOCK * 1e3:
        yield (
            "clocks differ",
            f"the images' stamps and the node's clock are {abs(p.latency_p50) / 1e3:.1f} s apart: set use_sim_time as "
            "the camera's process has it, or synchronise the clocks",
        )
    elif p.latency_p95 > latency_error * 1e3:
        yield "latency error", f"latency of {p.latency_p95:.0f} ms, above {latency_error * 1e3:.0f} ms"
    elif p.latency_p95 > latency_warn * 1e3:
        yield "latency warning", f"latency of {p.latency_p95:.0f} ms, above {latency_warn * 1e3:.0f} ms"
    if p.refused:
        why = f": {p.last_refusal}" if p.last_refusal else ""
        yield "refused", f"{p.refused} frames refused {in_the_last}{why}"
    if p.dropped:
        yield "dropped", f"{p.dropped} frames dropped {in_the_last}"
    if p.bearing_trouble:
        yield "bearing", p.bearing_trouble


class Health:
    """Collects what happened since the last message. The worker records, the executor asks.

    ``engine``, ``latency_warn`` and ``latency_error`` (seconds) may be changed at any time.
    """

    def __init__(
        self,
        name: str,
        engine: Engine,
        *,
        latency_warn: float = 0.2,
        latency_error: float = 1.0,
        gpu_memory: Callable[[], int] | None = None,
    ) -> None:
        """Args: gpu_memory: bytes that the tracker takes on its GPU; None without one."""
        self._name, self.engine, self.gpu_memory = name, engine, gpu_memory
        self.latency_warn, self.latency_error = latency_warn, latency_error
        self._lock = threading.Lock()
        self._latencies: deque[float] = deque(maxlen=1000)
        self._state, self._reason, self._target, self._targets = TrackState.IDLE, "", "", 0
        self._refusal = ""
        self._failures = _Events()
        self._out_of_memory = _Events()
        self._before = FrameCounts(0, 0, 0, 0)
        self._since = time.monotonic()

    def record(self, report: FrameReport, latency_ms: float) -> None:
        """One frame's result, and the time from its stamp to its publishing."""
        with self._lock:
            self._state, self._reason = report.state, report.reason
            self._target, self._targets = report.target.id if report.target else "", len(report.targets)
            self._latencies.append(latency_ms)
            if report.refused:
                self._refusal = report.reason

    def record_failure(self, sentence: str) -> None:
        """The tracker raised an error that nobody foresaw; the node went on."""
        with self._lock:
            self._failures.add(sentence)

    def record_out_of_memory(self, sentence: str) -> None:
        """The device's memory was exhausted; the node went on."""
        with self._lock:
            self._out_of_memory.add(sentence)

    def message(
        self,
        counts: FrameCounts,
        late_stamps: int,
        stale: str,
        busy_since: float | None,
        stamp: Time,
        *,
        lifecycle: str = "active",
        refused_by: Mapping[str, int] | None = None,
        last_refusal: str = "",
        clock_jumps: int = 0,
        qos_trouble: str = "",
        bearing_trouble: str = "",
        fallback: str = "",
        box_refusal: str = "",
    ) -> DiagnosticArray:
        """The state since the last call.

        Args:
            late_stamps: frames refused so far because of their stamps.
            stale: why no frames arrive; empty while they do.
            busy_since: ``time.monotonic()`` since when the worker works on one thing; None while it waits.
            stamp: the node's clock; zero means that simulated time has not begun.
            lifecycle: the node's state; only an active one misses images.
            refused_by: frames that the camera's input refused so far, by reason.
            last_refusal: why it refused the last one.
            clock_jumps: how often the images' clock was set so far.
            fallback: why the tracker does not run on the device that was hoped for.
            box_refusal: why the last box that was to be followed was refused; empty once one was accepted.
        """
        now = time.monotonic()
        elapsed, self._since = max(now - self._since, 1e-3), now
        before, self._before = self._before, counts
        with self._lock:
            latencies = np.array([value for value in self._latencies if np.isfinite(value)])
            self._latencies.clear()
            state, reason, target, targets = self._state, self._reason, self._target, self._targets
            refusal, self._refusal = self._refusal, ""
            failures, out_of_memory = self._failures.take(), self._out_of_memory.take()
            failed, exhausted = self._failures.total, self._out_of_memory.total
        p50, p95 = np.percentile(latencies, (50, 95)) if latencies.size else (np.nan, np.nan)
        active = lifecycle == "active"
        period = Period(
            seconds=elapsed,
            active=active,
            busy=now - busy_since if busy_since is not None else 0.0,
            latency_p50=float(p50),
            latency_p95=float(p95),
            clock_set=bool(stamp.sec or stamp.nanosec),
            dropped=counts.dropped - before.dropped,
            refused=counts.refused - before.refused,
            last_refusal=refusal or last_refusal,
            stale=stale,
            qos_trouble=qos_trouble,
            bearing_trouble=bearing_trouble,
            fallback=fallback,
            failures=failures,
            out_of_memory=out_of_memory,
        )
        found = sorted(
            judge(period, self.latency_warn, self.latency_error), key=lambda each: WORST_FIRST.index(RULES[each[0]])
        )
        level = RULES[found[0][0]] if found else OK
        if found:
            text = "; ".join(sentence for _, sentence in found)
        else:
            text = (reason or state.name.lower()) if active else lifecycle
        if stale or not active:
            state = TrackState.STALE
        by_reason = {}
        if refused_by is not None:
            by_reason = {**refused_by, "in tracking": counts.refused - sum(refused_by.values())}
        values = {
            "state": state.name,
            "lifecycle": lifecycle,
            "target_id": target,
            "targets": str(targets),
            "model": self.engine.model,
            "device": self.engine.device,
            "image rate (Hz)": f"{(counts.received - before.received) / elapsed:.1f}",
            "tracking rate (Hz)": f"{(counts.processed - before.processed) / elapsed:.1f}",
            "latency p50 (ms)": f"{p50:.1f}",
            "latency p95 (ms)": f"{p95:.1f}",
            "frames received": str(counts.received),
            "frames processed": str(counts.processed),
            "frames dropped": str(counts.dropped),
            "frames refused": str(counts.refused),
            "frames refused for their stamps": str(late_stamps),
            **{f"frames refused: {why}": str(number) for why, number in by_reason.items()},
            "clock jumps": str(clock_jumps),
            "memory (MB)": f"{resident_memory() / 1e6:.0f}",
            **({"GPU memory (MB)": f"{self.gpu_memory() / 1e6:.0f}"} if self.gpu_memory else {}),
            "out of memory": str(exhausted),
            "tracker failures": str(failed),
            "fallback": fallback,
            "QoS": qos_trouble,
            "bearing": bearing_trouble,
            "last box refused": box_refusal,
        }
        entry = DiagnosticStatus(
            level=level,
            name=f"{self._name}: tracking",
            message=text,
            hardware_id=self.engine.device,
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
        array = DiagnosticArray(status=[entry])
        array.header.stamp = stamp
        return array


class _Events:
    """How often something happened, in all and since it was asked last."""

    def __init__(self) -> None:
        self.total = self._new = 0
        self._last = ""

    def add(self, sentence: str) -> None:
        self.total, self._new, self._last = self.total + 1, self._new + 1, sentence

    def take(self) -> tuple[int, str]:
        taken, self._new = (self._new, self._last), 0
        return taken
