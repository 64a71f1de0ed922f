"""The node's health, once a second, as /diagnostics has it."""

from __future__ import annotations

import threading
import time
from collections import deque

import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from siam_tracker_ros.nodes.messages import Engine, FrameCounts
from siam_tracker_ros.nodes.worker import FrameReport
from siam_tracker_ros.tracking.state import TrackState

BUSY_TOO_LONG = 1.0  # seconds that one frame may take before it is an error


class Health:
    """Collects what happened since the last message. The worker records, the executor asks."""

    def __init__(self, name: str, engine: Engine) -> None:
        self._name, self._engine = name, engine
        self._lock = threading.Lock()
        self._latencies: deque[float] = deque(maxlen=1000)
        self._state, self._reason, self._target = TrackState.IDLE, "", ""
        self._before = FrameCounts(0, 0, 0, 0)
        self._since = time.monotonic()

    def record(self, report: FrameReport, latency_ms: float) -> None:
        """One frame's result, and the time from its stamp to its publishing."""
        with self._lock:
            self._state, self._reason = report.state, report.reason
            self._target = report.target.id if report.target else ""
            self._latencies.append(latency_ms)

    def message(
        self, counts: FrameCounts, late_stamps: int, stale: str, busy_since: float | None, stamp: Time
    ) -> DiagnosticArray:
        """The state since the last call.

        Args:
            late_stamps: frames refused so far because of their stamps.
            stale: why no frames arrive; empty while they do.
            busy_since: ``time.monotonic()`` since when the worker works on one thing; None while it waits.
        """
        now = time.monotonic()
        elapsed, self._since = max(now - self._since, 1e-3), now
        before, self._before = self._before, counts
        with self._lock:
            latencies = np.array([value for value in self._latencies if np.isfinite(value)])
            self._latencies.clear()
            state, reason, target = self._state, self._reason, self._target
        dropped, refused = counts.dropped - before.dropped, counts.refused - before.refused
        busy = now - busy_since if busy_since is not None else 0.0
        level, text = DiagnosticStatus.OK, reason or state.name.lower()
        if busy > BUSY_TOO_LONG:
            level, text = DiagnosticStatus.ERROR, f"the tracker has been busy with one frame for {busy:.1f} s"
        elif stale:
            level, text, state = DiagnosticStatus.STALE, stale, TrackState.STALE
        elif refused:
            level, text = DiagnosticStatus.WARN, f"{refused} frames refused in the last {elapsed:.1f} s"
        elif dropped:
            level, text = DiagnosticStatus.WARN, f"{dropped} frames dropped in the last {elapsed:.1f} s"
        p50, p95 = np.percentile(latencies, (50, 95)) if latencies.size else (np.nan, np.nan)
        values = {
            "state": state.name,
            "target_id": target,
            "model": self._engine.model,
            "device": self._engine.device,
            "image rate (Hz)": f"{(counts.received - before.received) / elapsed:.1f}",
            "tracking rate (Hz)": f"{(counts.processed - before.processed) / elapsed:.1f}",
            "latency p50 (ms)": f"{p50:.1f}",
            "latency p95 (ms)": f"{p95:.1f}",
            "frames received": str(counts.received),
            "frames processed": str(counts.processed),
            "frames dropped": str(counts.dropped),
            "frames refused": str(counts.refused),
            "frames refused for their stamps": str(late_stamps),
        }
        entry = DiagnosticStatus(
            level=level,
            name=f"{self._name}: tracking",
            message=text,
            hardware_id=self._engine.device,
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
        array = DiagnosticArray(status=[entry])
        array.header.stamp = stamp
        return array
