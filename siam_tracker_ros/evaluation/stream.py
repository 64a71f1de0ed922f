"""What a tracker node made of a camera's stream: published frames and recorded messages, joined by their
stamps.

Frames that the node dropped because it was busy are scored with what it had said before, as a controller
would have it (the real-time protocol of the VOT challenge). The first frame, in which the box was given, is
left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.evaluation.timeline import TimelineRow
from siam_tracker_ros.geometry import Box

FOUND_IOU = 0.5
"""Overlap from which a target counts as found."""
NAN = float("nan")


@dataclass(frozen=True)
class Published:
    """A frame as the camera sent it: its index in the video, its stamp in nanoseconds, and whether the
    camera was holding the first frame.
    """

    index: int
    stamp: int
    held: bool = False


@dataclass(frozen=True)
class FrameRecord:
    """What the node said about one played frame.

    index, stamp: of the frame. processed: whether the node published a status for it. box: as published,
    None where the target was not told to be seen. latency_ms: from the stamp to the arrival of the
    detection (or of the empty array) at the recorder; nan where nothing arrived. The others are from the
    status.
    """

    index: int
    stamp: int
    processed: bool = False
    box: Box | None = None
    state: str = ""
    confidence: float = NAN
    apce: float = NAN
    latency_ms: float = NAN
    node_latency_ms: float = NAN
    processing_ms: float = NAN
    template_updates: int = 0
    target_id: str = ""


@dataclass(frozen=True)
class Percentiles:
    """Median, 95th percentile and largest of some milliseconds; nan where there were none."""

    p50: float
    p95: float
    max: float


@dataclass(frozen=True)
class StreamMetrics:
    """The figures of one run.

    published: frames played after the target was given. processed: those with a result. dropped: replaced
    by newer ones while the node was busy. lost: of which the node never heard. seen:
    told to be seen. mean_iou, success_rate (share over 0.5): over the frames in which the target can be
    seen; nan without ground truth. hidden: frames in which it cannot. seen_while_hidden: those in which it
    was told to be seen all the same. found_again_s: for each time it was hidden, seconds from its
    reappearance until it was found; None: never. latency_ms: from the image's stamp to the detection's
    arrival; node_latency_ms: to its publication. fps: frames processed in a second.
    """

    published: int
    processed: int
    dropped: int
    lost: int
    seen: int
    mean_iou: float
    success_rate: float
    hidden: int
    seen_while_hidden: int
    found_again_s: list[float | None] = field(default_factory=list)
    latency_ms: Percentiles = field(default_factory=lambda: Percentiles(NAN, NAN, NAN))
    node_latency_ms: Percentiles = field(default_factory=lambda: Percentiles(NAN, NAN, NAN))
    processing_ms: Percentiles = field(default_factory=lambda: Percentiles(NAN, NAN, NAN))
    fps: float = NAN
    template_updates: int = 0

    @property
    def received(self) -> int:
        """Frames that reached the node."""
        return self.published - self.lost

    def as_json(self) -> dict[str, Any]:
        """The figures as JSON values, the counts under ``frames``; nan becomes None."""
        figures = asdict(self)
        counts = ("published", "processed", "dropped", "lost", "seen", "hidden", "seen_while_hidden")
        frames = {name: figures.pop(name) for name in counts}
        return _without_nan({"frames": {"received": self.received, **frames}, **figures})


def join(published: Sequence[Published], messages: Iterable[Mapping[str, Any]]) -> list[FrameRecord]:
    """One record per played frame, in their order. ``messages``: the recorder's lines, in the order of
    arrival.
    """
    by_topic: dict[str, dict[int, Mapping[str, Any]]] = {"detection": {}, "detections": {}, "status": {}}
    for message in messages:
        # A status without a frame of its own (the camera stalls) repeats the last stamp.
        if message["topic"] == "status" and message["state"] == "STALE":
            continue
        by_topic[message["topic"]].setdefault(message["stamp"], message)
    return [_record(frame, by_topic) for frame in published if not frame.held]


def _record(frame: Published, by_topic: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> FrameRecord:
    status = by_topic["status"].get(frame.stamp)
    if status is None:
        return FrameRecord(frame.index, frame.stamp)
    detection = by_topic["detection"].get(frame.stamp)
    arrived = detection or by_topic["detections"].get(frame.stamp)
    return FrameRecord(
        frame.index,
        frame.stamp,
        processed=True,
        box=Box(*detection["box"]) if detection else None,
        state=status["state"],
        confidence=_number(status["confidence"]),
        apce=_number(status["apce"]),
        latency_ms=(arrived["received"] - frame.stamp) / 1e6 if arrived else NAN,
        node_latency_ms=_number(status["pipeline_latency_ms"]),
        processing_ms=_number(status["processing_time_ms"]),
        template_updates=int(status["template_updates"]),
        target_id=status["target_id"],
    )


def count_lost(published: Sequence[Published], messages: Iterable[Mapping[str, Any]]) -> int:
    """Frames that the node never got: they have no status, and the node did not count them as dropped.

    The node's counter of dropped frames is read in two statuses. The first is one of a held frame whose
    successor has a status, too: then nothing newer had been dropped yet. The last has all that was dropped
    before it; what was published after it is lost, since a node always comes to the newest frame.
    """
    statuses = {m["stamp"]: m for m in messages if m["topic"] == "status" and m["state"] != "STALE"}
    stamps = [frame.stamp for frame in published]
    first_played = next((i for i, frame in enumerate(published) if not frame.held), len(published))
    answered = [i for i, stamp in enumerate(stamps) if stamp in statuses]
    starts = [i for i in answered if i + 1 < len(stamps) and stamps[i + 1] in statuses]
    before = [i for i in starts if i < first_played]
    start = before[-1] if before else (starts[0] if starts else None)
    if start is None:
        return len(published) - first_played
    first, last = statuses[stamps[start]], statuses[stamps[answered[-1]]]
    dropped = int(last["frames_dropped"]) - int(first["frames_dropped"])
    return len(published) - 1 - start - sum(i > start for i in answered) - dropped


def measure(
    published: Sequence[Published],
    messages: Sequence[Mapping[str, Any]],
    truth: NDArray[np.float64] | None,
    fps: float,
) -> tuple[StreamMetrics, list[FrameRecord], list[TimelineRow]]:
    """The figures, the records and the timeline of one run.

    published: in order, the held frames first. messages: the recorder's lines. truth: [N, 4] boxes by the
    video's frame, nan where hidden, or None. fps: the camera's.
    """
    records = join(published, messages)
    ious = _overlaps(records, truth)
    hidden = np.array([_is_hidden(record, truth) for record in records], bool)
    done = [record for record in records if record.processed]
    rows = [
        TimelineRow(
            (record.index - records[0].index) / fps,
            record.state,
            record.confidence,
            record.apce,
            record.latency_ms,
            record.template_updates,
            iou=float(iou),
            hidden=bool(gone),
        )
        for record, iou, gone in zip(records, ious, hidden, strict=True)
        if record.processed
    ]
    lost = count_lost(published, messages)
    known = ious[np.isfinite(ious)]
    span = (done[-1].stamp - done[0].stamp) / 1e9 if len(done) > 1 else NAN
    metrics = StreamMetrics(
        published=len(records),
        processed=len(done),
        dropped=len(records) - len(done) - lost,
        lost=lost,
        seen=sum(record.box is not None for record in records),
        mean_iou=float(known.mean()) if known.size else NAN,
        success_rate=float((known > FOUND_IOU).mean()) if known.size else NAN,
        hidden=int(hidden.sum()),
        seen_while_hidden=sum(
            record.box is not None and bool(gone) for record, gone in zip(records, hidden, strict=True)
        ),
        found_again_s=_found_again(ious, hidden, fps),
        latency_ms=_percentiles([record.latency_ms for record in done]),
        node_latency_ms=_percentiles([record.node_latency_ms for record in done]),
        processing_ms=_percentiles([record.processing_ms for record in done]),
        fps=(len(done) - 1) / span if len(done) > 1 else NAN,
        template_updates=max((record.template_updates for record in done), default=0),
    )
    return metrics, records, rows


def verdict(metrics: StreamMetrics, records: Sequence[FrameRecord], *, with_truth: bool) -> tuple[bool, str]:
    """Whether the target was followed, and why (not), in a sentence.

    With ground truth: mean IoU of at least 0.5, and found again within 2 seconds each time after it was
    hidden. Without: seen in at least half of the frames, and in the last one processed.
    """
    if not metrics.processed:
        return False, "no frame was processed"
    if with_truth:
        if not metrics.mean_iou >= FOUND_IOU:
            return False, f"mean IoU is {metrics.mean_iou:.3f}, under {FOUND_IOU}"
        late = [time for time in metrics.found_again_s if time is None or time > 2.0]
        if late:
            when = "never" if late[0] is None else f"only after {late[0]:.1f} s"
            return False, f"after it was hidden the target was found again {when}"
        again = [time for time in metrics.found_again_s if time is not None]
        suffix = f", found again {max(again):.2f} s after it was hidden" if again else ""
        return True, f"mean IoU {metrics.mean_iou:.3f}{suffix}"
    share = metrics.seen / metrics.published
    last = [record for record in records if record.processed][-1]
    if share < 0.5:
        return False, f"the target was seen in {share:.0%} of the frames only"
    if last.box is None:
        return False, f"the target is {last.state} at the end"
    return True, f"seen in {share:.0%} of the frames, and at the end"


def _overlaps(records: Sequence[FrameRecord], truth: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """IoU per record; 0 where nothing was told, nan where the target cannot be seen or nobody knows."""
    ious = np.full(len(records), NAN)
    if truth is None:
        return ious
    told: Box | None = None
    for position, record in enumerate(records):
        if record.processed:
            told = record.box
        if record.index < len(truth) and np.isfinite(truth[record.index]).all():
            ious[position] = told.iou(Box(*map(float, truth[record.index]))) if told is not None else 0.0
    return ious


def _is_hidden(record: FrameRecord, truth: NDArray[np.float64] | None) -> bool:
    return truth is not None and record.index < len(truth) and not np.isfinite(truth[record.index]).all()


def _found_again(ious: NDArray[np.float64], hidden: NDArray[np.bool_], fps: float) -> list[float | None]:
    """For each time the target comes back: seconds until the overlap is good again. None: never before the
    next time it is hidden, or before the end.
    """
    times: list[float | None] = []
    back = [i for i in range(1, len(hidden)) if hidden[i - 1] and not hidden[i]]
    for start in back:
        end = next((i for i in range(start, len(hidden)) if hidden[i]), len(hidden))
        found = [i for i in range(start, end) if ious[i] >= FOUND_IOU]
        times.append((found[0] - start) / fps if found else None)
    return times


def _percentiles(values: Sequence[float]) -> Percentiles:
    finite = np.array([value for value in values if np.isfinite(value)])
    if not finite.size:
        return Percentiles(NAN, NAN, NAN)
    return Percentiles(float(np.percentile(finite, 50)), float(np.percentile(finite, 95)), float(finite.max()))


def _number(value: float | None) -> float:
    return NAN if value is None else float(value)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
