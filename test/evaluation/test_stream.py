"""Joining what a camera published with what a node said: counts, overlaps, latencies, and the verdict."""

import json

import numpy as np
import pytest

from siam_tracker_ros.evaluation.stream import Published, join, measure, verdict

PERIOD = 33_000_000  # nanoseconds
START = 1_000_000_000_000
LATENCY = 20_000_000


def stream(held: int, played: int) -> list[Published]:
    stamps = [START + i * PERIOD for i in range(held + played)]
    return [Published(max(0, i - held + 1), stamp, i < held) for i, stamp in enumerate(stamps)]


def answers(published, *, unprocessed=(), lost=(), unseen=(), box=(10.0, 10.0, 40.0, 20.0), idle: int = 1):
    """A node's messages: it drops the frames at the positions ``unprocessed`` and never gets those in
    ``lost``.
    """
    messages, processed, dropped = [], 0, 0
    for position, frame in enumerate(published):
        if position in lost:
            continue
        if position in unprocessed:
            dropped += 1
            continue
        processed += 1
        following, seen = position >= idle, position >= idle and position not in unseen
        arrival = frame.stamp + LATENCY + position * 1000
        if seen:
            messages.append({"topic": "detection", "stamp": frame.stamp, "received": arrival, "box": box, "score": 0.9})
        messages.append({"topic": "detections", "stamp": frame.stamp, "received": arrival, "count": int(seen)})
        messages.append(
            {
                "topic": "status",
                "stamp": frame.stamp,
                "received": arrival + 100,
                "state": ("TRACKING" if seen else "LOST") if following else "IDLE",
                "confidence": 0.9 if seen else 0.1,
                "apce": 100.0,
                "template_updates": processed // 10,
                "target_id": "target",
                "frames_dropped": dropped,
                "frames_refused": 0,
                "pipeline_latency_ms": 18.0,
                "processing_time_ms": 10.0,
            }
        )
    return messages


def still(count: int, hidden=()) -> np.ndarray:
    truth = np.tile([10.0, 10.0, 40.0, 20.0], (count, 1))
    truth[list(hidden)] = np.nan
    return truth


def test_a_perfect_run():
    published = stream(held=5, played=60)
    metrics, records, rows = measure(published, answers(published), still(61), 30.0)
    assert (metrics.published, metrics.received, metrics.processed) == (60, 60, 60)
    assert (metrics.dropped, metrics.lost) == (0, 0)
    assert (metrics.mean_iou, metrics.success_rate, metrics.seen) == (1.0, 1.0, 60)
    assert metrics.latency_ms.p50 == pytest.approx(20.0, abs=0.1)
    assert metrics.latency_ms.max >= metrics.latency_ms.p95 >= metrics.latency_ms.p50
    assert metrics.node_latency_ms.p95 == 18.0
    assert metrics.fps == pytest.approx(1e9 / PERIOD)
    assert [record.index for record in records] == list(range(1, 61))
    assert rows[0].time == 0.0
    assert rows[-1].time == pytest.approx(59 / 30)
    followed, why = verdict(metrics, records, with_truth=True)
    assert followed
    assert "1.000" in why


@pytest.mark.parametrize("dropped", [{10}, {10, 11, 12}, {30, 40}, {63}])
def test_frames_dropped_while_busy_are_not_lost(dropped):
    published = stream(held=5, played=60)
    messages = answers(published, unprocessed=dropped)
    metrics, _, _ = measure(published, messages, None, 30.0)
    assert (metrics.dropped, metrics.lost) == (len(dropped), 0)
    assert metrics.received == 60
    assert metrics.processed == 60 - len(dropped)


@pytest.mark.parametrize("lost", [{10}, {10, 11, 12}, {30, 40}, {64}, {62, 63, 64}])
def test_frames_that_never_arrived_are_lost(lost):
    published = stream(held=5, played=60)
    metrics, _, _ = measure(published, answers(published, lost=lost), None, 30.0)
    assert (metrics.dropped, metrics.lost) == (0, len(lost))
    assert metrics.received == 60 - len(lost)


def test_held_frames_dropped_while_the_template_is_made_do_not_count():
    published = stream(held=12, played=20)
    messages = answers(published, unprocessed={3, 5, 6, 7, 9, 11}, idle=4)
    metrics, _, _ = measure(published, messages, None, 30.0)
    assert (metrics.published, metrics.processed, metrics.dropped, metrics.lost) == (20, 20, 0, 0)


def test_dropped_and_lost_are_told_apart():
    published = stream(held=5, played=60)
    metrics, _, _ = measure(published, answers(published, unprocessed={20, 21}, lost={30, 50}), None, 30.0)
    assert (metrics.dropped, metrics.lost, metrics.processed) == (2, 2, 56)


def test_frames_lost_before_the_node_found_the_camera_do_not_count():
    published = stream(held=8, played=20)
    metrics, _, _ = measure(published, answers(published, lost={0, 1, 2}, idle=4), None, 30.0)
    assert (metrics.published, metrics.lost) == (20, 0)


def test_a_dropped_frame_is_scored_with_what_was_said_before():
    published = stream(held=2, played=10)
    truth = still(11)
    truth[6] = (1000.0, 1000.0, 40.0, 20.0)
    everything, _, _ = measure(published, answers(published), truth, 30.0)
    busy, _, _ = measure(published, answers(published, unprocessed={5}), truth, 30.0)
    assert everything.mean_iou == busy.mean_iou == pytest.approx(0.9)


def test_hidden_frames_have_no_overlap_and_the_recovery_is_timed():
    published = stream(held=2, played=100)
    hidden = range(41, 61)
    # Positions are one more than the video's index here, since two frames are held.
    metrics, records, rows = measure(published, answers(published, unseen=range(45, 68)), still(101, hidden), 30.0)
    assert metrics.hidden == 20
    assert metrics.seen_while_hidden == 3
    assert metrics.found_again_s == [pytest.approx(6 / 30)]
    assert sum(row.hidden for row in rows) == 20
    assert all(np.isnan(row.iou) for row in rows if row.hidden)
    followed, why = verdict(metrics, records, with_truth=True)
    assert followed
    assert "found again" in why


def test_never_found_again_is_not_followed():
    published = stream(held=2, played=100)
    metrics, records, _ = measure(published, answers(published, unseen=range(80, 200)), still(101, range(80, 90)), 30.0)
    assert metrics.found_again_s == [None]
    assert metrics.mean_iou > 0.5
    followed, why = verdict(metrics, records, with_truth=True)
    assert not followed
    assert "found again never" in why


def test_found_again_too_late_is_not_followed():
    published = stream(held=2, played=300)
    metrics, records, _ = measure(
        published, answers(published, unseen=range(100, 190)), still(301, range(100, 110)), 30.0
    )
    followed, why = verdict(metrics, records, with_truth=True)
    assert not followed
    assert "only after" in why


def test_another_place_than_the_target_s_is_not_followed():
    published = stream(held=2, played=30)
    metrics, records, _ = measure(published, answers(published, box=(300.0, 10.0, 40.0, 20.0)), still(31), 30.0)
    assert metrics.mean_iou == 0.0
    assert verdict(metrics, records, with_truth=True) == (False, "mean IoU is 0.000, under 0.5")


@pytest.mark.parametrize(
    ("unseen", "followed", "says"),
    [
        ((), True, "at the end"),
        (range(20, 30), True, "at the end"),
        (range(20, 90), False, "of the frames only"),
        (range(90, 200), False, "LOST at the end"),
    ],
)
def test_without_truth_being_seen_decides(unseen, followed, says):
    published = stream(held=2, played=100)
    metrics, records, _ = measure(published, answers(published, unseen=unseen), None, 30.0)
    assert np.isnan(metrics.mean_iou)
    decided, why = verdict(metrics, records, with_truth=False)
    assert decided is followed
    assert says in why


def test_a_node_that_said_nothing_is_not_followed():
    published = stream(held=2, played=10)
    metrics, records, rows = measure(published, [], still(11), 30.0)
    assert (metrics.processed, metrics.lost, rows) == (0, 10, [])
    assert verdict(metrics, records, with_truth=True) == (False, "no frame was processed")


def test_a_stalled_camera_s_statuses_are_not_frames():
    published = stream(held=2, played=10)
    messages = answers(published)
    stale = {**messages[-1], "state": "STALE", "received": messages[-1]["received"] + 10**9}
    before = {**messages[-1], "state": "STALE", "stamp": 0}
    metrics, records, _ = measure(published, [before, *messages, stale], still(11), 30.0)
    assert metrics.processed == 10
    assert records[-1].state == "TRACKING"


def test_the_box_is_that_of_the_frame_with_the_same_stamp():
    published = stream(held=1, played=3)
    messages = answers(published)
    detections = [m for m in messages if m["topic"] == "detection"]
    for number, message in enumerate(detections):
        message["box"] = (float(number), 0.0, 10.0, 10.0)
    assert [record.box.x for record in join(published, reversed(messages))] == [0.0, 1.0, 2.0]


def test_figures_are_json_without_nan():
    published = stream(held=2, played=10)
    metrics, _, _ = measure(published, answers(published), None, 30.0)
    text = json.dumps(metrics.as_json(), allow_nan=False)
    figures = json.loads(text)
    assert figures["mean_iou"] is None
    assert figures["frames"]["received"] == 10
    assert figures["latency_ms"]["p95"] > 0
