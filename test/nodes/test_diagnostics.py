import time

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import Image

from siam_tracker_ros.nodes.diagnostics import Health
from siam_tracker_ros.nodes.mailbox import Frame
from siam_tracker_ros.nodes.messages import Engine, FrameCounts
from siam_tracker_ros.nodes.worker import FrameReport, Target
from siam_tracker_ros.tracking.state import TrackState


def report() -> FrameReport:
    return FrameReport(
        frame=Frame(1, 1, Image()),
        pixels=None,
        state=TrackState.TRACKING,
        reason="",
        target=Target("target-1", ""),
        result=None,
        refused=False,
        started=0,
        processing=0.0,
    )


def entry(counts: FrameCounts, *, stale: str = "", busy_since: float | None = None, latencies=()):
    health = Health("siam_tracker", Engine("afsn_mobile", "cpu"))
    for latency in latencies:
        health.record(report(), latency)
    array = health.message(counts, 0, stale, busy_since, Time(sec=7))
    assert array.header.stamp == Time(sec=7)
    (only,) = array.status
    return only, {each.key: each.value for each in only.values}


def test_all_is_well():
    status, values = entry(FrameCounts(3, 3, 0, 0), latencies=[10.0, 20.0, float("nan")])
    assert (status.level, status.message) == (DiagnosticStatus.OK, "tracking")
    assert (status.name, status.hardware_id) == ("siam_tracker: tracking", "cpu")
    assert (values["state"], values["target_id"], values["latency p50 (ms)"]) == ("TRACKING", "target-1", "15.0")


def test_trouble_is_named_and_has_its_level():
    assert entry(FrameCounts(3, 1, 2, 0))[0].level == DiagnosticStatus.WARN
    refused = entry(FrameCounts(3, 1, 0, 2))[0]
    assert refused.level == DiagnosticStatus.WARN
    assert "2 frames refused" in refused.message
    stale, values = entry(FrameCounts(3, 3, 0, 0), stale="no new image on /image for 3.0 s")
    assert (stale.level, values["state"]) == (DiagnosticStatus.STALE, "STALE")
    assert "/image" in stale.message
    hangs = entry(FrameCounts(3, 3, 0, 0), busy_since=time.monotonic() - 5)[0]
    assert hangs.level == DiagnosticStatus.ERROR
    assert "busy with one frame for 5" in hangs.message


def test_a_message_is_about_the_time_since_the_last_one():
    health = Health("siam_tracker", Engine("afsn_mobile", "cpu"))
    health.message(FrameCounts(10, 5, 5, 0), 0, "", None, Time())
    quiet = health.message(FrameCounts(10, 5, 5, 0), 0, "", None, Time()).status[0]
    assert quiet.level == DiagnosticStatus.OK
    values = {each.key: each.value for each in quiet.values}
    assert (values["image rate (Hz)"], values["frames dropped"]) == ("0.0", "5")
