"""A FrameReport as the messages that are published of it."""

from __future__ import annotations

from dataclasses import dataclass

from std_msgs.msg import Header
from vision_msgs.msg import (
    BoundingBox2D,
    Detection2D,
    Detection2DArray,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
)

from siam_tracker_interfaces.msg import TrackerStatus
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.worker import FrameReport, Target
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
    bbox = BoundingBox2D(size_x=float(box.w), size_y=float(box.h))
    bbox.center.position.x, bbox.center.position.y = float(box.cx), float(box.cy)
    return bbox


def detection(report: FrameReport) -> Detection2D | None:
    """The target as seen in the frame, under the frame's own header; None where it is not seen."""
    result, target = report.result, report.target
    if result is None or target is None or not result.seen:
        return None
    score = min(max(float(result.confidence), 0.0), 1.0)
    hypothesis = ObjectHypothesis(class_id=target.class_id, score=score)
    return Detection2D(
        header=report.frame.message.header,
        results=[ObjectHypothesisWithPose(hypothesis=hypothesis)],
        bbox=to_bbox(result.box),
        id=target.id,
    )


def detections(report: FrameReport, seen: Detection2D | None) -> Detection2DArray:
    """What :func:`detection` gave, as an array: empty where nothing is seen."""
    return Detection2DArray(header=report.frame.message.header, detections=[seen] if seen else [])


def status(report: FrameReport, counts: FrameCounts, engine: Engine, now: int) -> TrackerStatus:
    """All about one frame. ``now``: when its result was published, nanoseconds of the stamps' clock."""
    stamp, result = report.frame.stamp, report.result
    message = _status(report.frame.message.header, report.state, report.reason, report.target, counts, engine)
    if result is not None:
        message.confidence = min(max(float(result.confidence), 0.0), 1.0)
        message.apce, message.apce_ratio = float(result.apce), float(result.apce_ratio)
        message.template_updates = result.template_updates
    message.image_age_ms = _milliseconds(stamp, report.started)
    message.processing_time_ms = report.processing * 1e3
    message.pipeline_latency_ms = _milliseconds(stamp, now)
    return message


def stale_status(
    header: Header,
    stamp: int,
    reason: str,
    target: Target | None,
    counts: FrameCounts,
    engine: Engine,
    now: int,
) -> TrackerStatus:
    """The camera stalls. The header is the last image's; ``image_age_ms`` says how old it is ``now``."""
    message = _status(header, TrackState.STALE, reason, target, counts, engine)
    message.image_age_ms = _milliseconds(stamp, now)
    return message


def _status(
    header: Header, state: TrackState, reason: str, target: Target | None, counts: FrameCounts, engine: Engine
) -> TrackerStatus:
    return TrackerStatus(
        header=header,
        state=int(state),
        reason=reason,
        target_id=target.id if target else "",
        frames_received=counts.received,
        frames_processed=counts.processed,
        frames_dropped=counts.dropped,
        frames_refused=counts.refused,
        model=engine.model,
        device=engine.device,
    )


def _milliseconds(stamp: int, now: int) -> float:
    """From ``stamp`` to ``now``, both nanoseconds; NaN for an image without a stamp (age unknown)."""
    return (now - stamp) / 1e6 if stamp else NAN
