"""A FrameReport as the messages that are published of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from std_msgs.msg import Header
from vision_msgs.msg import BoundingBox2D, Detection2D, Detection2DArray, ObjectHypothesisWithPose

from siam_tracker_interfaces.msg import TargetStatus, TrackerStatus
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.report import FrameReport, Target, TargetReport
from siam_tracker_ros.nodes.stamps import to_nanoseconds
from siam_tracker_ros.tracking.state import TrackState

NAN = float("nan")


@dataclass(frozen=True)
class FrameCounts:
    """Frames since the node started: received = processed + dropped + refused + what is being worked on."""

    received: int
    processed: int
    dropped: int
    refused: int


@dataclass(frozen=True)
class Engine:
    """Which model runs on which device."""

    model: str
    device: str


def to_box(bbox: BoundingBox2D) -> Box:
    """The message's box (centre and size, pixels); theta is ignored."""
    center = bbox.center.position
    return Box.from_center(center.x, center.y, bbox.size_x, bbox.size_y)


def to_bbox(box: Box) -> BoundingBox2D:
    """The box as centre and size, pixels, theta 0."""
    bbox = BoundingBox2D()
    _fill(bbox, box)
    return bbox


def detection(header: Header, report: TargetReport) -> Detection2D | None:
    """A target as seen in the frame of this header; None where it is not seen."""
    result, target = report.result, report.target
    if result is None or not result.seen:
        return None
    # Filled in place: whatever a message's constructor is given, it makes a default of first and checks.
    message, hypothesis = Detection2D(), ObjectHypothesisWithPose()
    message.header, message.id = header, target.id
    hypothesis.hypothesis.class_id, hypothesis.hypothesis.score = target.class_id, _share(result.confidence)
    message.results.append(hypothesis)
    _fill(message.bbox, result.box)
    return message


def primary_detection(report: FrameReport) -> Detection2D | None:
    """The primary target as seen in the frame; None where it is not."""
    targets = report.targets
    return detection(report.frame.message.header, targets[0]) if targets else None


def detections(report: FrameReport, primary: Detection2D | None) -> Detection2DArray:
    """All targets that are seen in the frame, perhaps none. ``primary``: what :func:`primary_detection` gave."""
    array, header = Detection2DArray(), report.frame.message.header
    others = [detection(header, target) for target in report.others]
    array.header = header
    array.detections = [seen for seen in (primary, *others) if seen is not None]
    return array


def status(report: FrameReport, counts: FrameCounts, engine: Engine, now: int) -> TrackerStatus:
    """All about one frame. ``now``: when its result was published, nanoseconds of the stamps' clock."""
    stamp = report.frame.stamp
    targets = [target_status(target) for target in report.targets]
    message = _status(report.frame.message.header, report.state, report.reason, targets, counts, engine)
    message.image_age_ms = _milliseconds(stamp, report.started)
    message.conversion_time_ms = report.conversion * 1e3
    message.tracking_time_ms = report.tracking * 1e3
    message.processing_time_ms = report.processing * 1e3
    message.pipeline_latency_ms = _milliseconds(stamp, now)
    return message


def target_status(report: TargetReport) -> TargetStatus:
    """All about one target in one frame."""
    message = TargetStatus(
        target_id=report.target.id, class_id=report.target.class_id, state=int(report.state), reason=report.reason
    )
    if (result := report.result) is not None:
        message.confidence, message.score = _share(result.confidence), _share(result.score)
        message.apce, message.apce_ratio = float(result.apce), float(result.apce_ratio)
        message.template_updates = result.template_updates
    return message


def stale_status(
    header: Header,
    reason: str,
    targets: Iterable[Target],
    counts: FrameCounts,
    engine: Engine,
    now: int,
) -> TrackerStatus:
    """The camera stalls. The header is the last image's; ``image_age_ms`` says how old it is ``now``."""
    stale = [target_status(TargetReport(target, TrackState.STALE, reason, None)) for target in targets]
    message = _status(header, TrackState.STALE, reason, stale, counts, engine)
    message.image_age_ms = _milliseconds(to_nanoseconds(header.stamp), now)
    return message


def _status(
    header: Header,
    state: TrackState,
    reason: str,
    targets: list[TargetStatus],
    counts: FrameCounts,
    engine: Engine,
) -> TrackerStatus:
    message = TrackerStatus(
        header=header,
        state=int(state),
        reason=reason,
        targets=targets,
        frames_received=counts.received,
        frames_processed=counts.processed,
        frames_dropped=counts.dropped,
        frames_refused=counts.refused,
        model=engine.model,
        device=engine.device,
    )
    if targets:
        primary = targets[0]
        message.target_id, message.confidence = primary.target_id, primary.confidence
        message.apce, message.apce_ratio = primary.apce, primary.apce_ratio
        message.template_updates = primary.template_updates
    return message


def _fill(bbox: BoundingBox2D, box: Box) -> None:
    bbox.size_x, bbox.size_y = float(box.w), float(box.h)
    center = bbox.center.position
    center.x, center.y = float(box.cx), float(box.cy)


def _share(value: float) -> float:
    return min(max(float(value), 0.0), 1.0)


def _milliseconds(stamp: int, now: int) -> float:
    """From ``stamp`` to ``now``, both nanoseconds; NaN where either is 0: no stamp, or no simulated time yet."""
    return (now - stamp) / 1e6 if stamp and now else NAN
