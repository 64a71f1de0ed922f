"""Every rule of docs/diagnostics.md, one by one, and what a message says."""

import math
import mmap
import re
import time
from pathlib import Path

import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import Image

from siam_tracker_ros.memory import resident_memory
from siam_tracker_ros.nodes.diagnostics import RULES, Health, Period, judge
from siam_tracker_ros.nodes.mailbox import Frame
from siam_tracker_ros.nodes.messages import Engine, FrameCounts
from siam_tracker_ros.nodes.report import FrameReport, Target
from siam_tracker_ros.tracking.state import TrackState

NAN = float("nan")
LEVELS = {"OK": DiagnosticStatus.OK, "WARN": DiagnosticStatus.WARN, "ERROR": DiagnosticStatus.ERROR}
LEVELS["STALE"] = DiagnosticStatus.STALE
NOW = Time(sec=7)


def report(*, refused: bool = False, reason: str = "", state: TrackState = TrackState.TRACKING) -> FrameReport:
    return FrameReport(
        frame=Frame(1, 1, Image()),
        pixels=None,
        state=state,
        reason=reason,
        target=Target("target-1", ""),
        result=None,
        refused=refused,
        started=0,
        processing=0.0,
    )


def entry(counts: FrameCounts, *, late=0, stale="", busy_since=None, stamp=NOW, latencies=(), health=None, **more):
    health = health or Health("siam_tracker", Engine("afsn_mobile", "cpu"))
    for latency in latencies:
        health.record(report(), latency)
    array = health.message(counts, late, stale, busy_since, stamp, **more)
    assert array.header.stamp == stamp
    (only,) = array.status
    return only, {each.key: each.value for each in only.values}


ALL_WELL = FrameCounts(3, 3, 0, 0)


def test_all_is_well():
    status, values = entry(ALL_WELL, latencies=[10.0, 20.0, NAN])
    assert (status.level, status.message) == (DiagnosticStatus.OK, "tracking")
    assert (status.name, status.hardware_id) == ("siam_tracker: tracking", "cpu")
    assert (values["state"], values["target_id"], values["latency p50 (ms)"]) == ("TRACKING", "target-1", "15.0")
    assert (values["targets"], values["lifecycle"], values["QoS"], values["bearing"]) == ("1", "active", "", "")
    assert float(values["memory (MB)"]) > 1
    assert "GPU memory (MB)" not in values


# Each rule of the table: a period that just breaks it, one that just does not, and words of its sentence.
CASES = {
    "busy": (Period(busy=1.1), Period(busy=0.9), "busy with one frame for 1.1 s"),
    "tracker failed": (Period(failures=(2, "KeyError: x")), Period(failures=(0, "x")), "2 times .*KeyError: x"),
    "out of memory": (Period(out_of_memory=(1, "frame given up")), Period(), "out of memory 1 times .*frame given up"),
    "qos, no images": (
        Period(stale="no new image on /image; QoS", qos_trouble="QoS"),
        Period(stale="no new image on /image"),
        "no new image on /image; QoS",
    ),
    "latency error": (Period(latency_p95=1001, latency_p50=5), Period(latency_p95=999), "1001 ms, above 1000 ms"),
    "no images": (Period(stale="no new image on /image"), Period(), "no new image on /image"),
    "clocks differ": (Period(latency_p50=-101.0), Period(latency_p50=-99.0), "0.1 s apart: set use_sim_time"),
    "no clock": (Period(clock_set=False), Period(), "no time arrives on /clock"),
    "latency warning": (Period(latency_p95=201), Period(latency_p95=199), "201 ms, above 200 ms"),
    "fallback": (Period(fallback="CUDA is broken"), Period(), "CUDA is broken"),
    "refused": (Period(refused=2, last_refusal="too small"), Period(last_refusal="x"), "2 frames refused .*: too"),
    "dropped": (Period(dropped=3), Period(), "3 frames dropped in the last 1.0 s"),
    "qos": (Period(qos_trouble="offers best_effort"), Period(), "offers best_effort"),
    "bearing": (Period(bearing_trouble="not calibrated"), Period(), "not calibrated"),
}


def broken(period: Period) -> dict[str, str]:
    return dict(judge(period, latency_warn=0.2, latency_error=1.0))


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_by_itself(rule):
    breaks, keeps, words = CASES[rule]
    found = broken(breaks)
    assert set(found) == {rule}
    assert re.search(words, found[rule])
    assert rule not in broken(keeps)


def test_the_table_in_the_docs_is_the_rules(repository: Path):
    text = (repository / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z][a-z, ]+) \| (OK|WARN|ERROR|STALE) \|", text, re.M)
    assert {rule: LEVELS[level] for rule, level in rows} == RULES


def test_every_value_is_in_the_docs(repository: Path):
    text = (repository / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    table = text[text.index("## Values") : text.index("## Clocks")]
    health = Health("siam_tracker", Engine("afsn_mobile", "cuda:0"), gpu_memory=lambda: 0)
    _, values = entry(ALL_WELL, health=health, refused_by={"unreadable": 0, "same stamp": 0, "older stamp": 0})
    missing = [key for key in values if f"`{key}`" not in table]
    # In the table as "`frames received`, `processed`, ..." and "`frames refused: ...`".
    assert [key for key in missing if f"`{key.split(': ')[-1].removeprefix('frames ')}`" not in table] == []


def test_stamps_of_another_clock_are_no_latency():
    ages = 1.7e12  # milliseconds: a recording played without use_sim_time
    assert set(broken(Period(latency_p50=ages, latency_p95=ages))) == {"clocks differ"}
    assert not broken(Period(latency_p50=NAN, latency_p95=NAN))
    assert set(broken(Period(clock_set=False, latency_p50=-ages, latency_p95=-ages))) == {"no clock"}


def test_an_inactive_node_misses_no_images():
    period = Period(active=False, stale="no image", qos_trouble="QoS", dropped=3, refused=1, latency_p95=5000)
    assert not broken(period)
    assert set(broken(Period(active=False, fallback="on the CPU", busy=9.0))) == {"fallback", "busy"}
    status, values = entry(ALL_WELL, lifecycle="inactive", stale="no image")
    assert (status.level, status.message, values["lifecycle"]) == (DiagnosticStatus.OK, "inactive", "inactive")
    assert values["state"] == "STALE", "what was seen last is out of date"


def test_the_worst_rule_counts_and_all_are_said():
    status, values = entry(FrameCounts(9, 3, 4, 2), stale="no new image on /image for 3.0 s", latencies=[300.0])
    assert (status.level, values["state"]) == (DiagnosticStatus.STALE, "STALE")
    assert status.message.startswith("no new image on /image for 3.0 s; ")
    for words in ("latency of 300 ms", "2 frames refused", "4 frames dropped"):
        assert words in status.message
    hangs = entry(ALL_WELL, stale="no new image", busy_since=time.monotonic() - 5)[0]
    assert hangs.level == DiagnosticStatus.ERROR
    assert re.match("the tracker has been busy with one frame for 5.* s; no new image", hangs.message)
    mismatch = entry(ALL_WELL, stale="no image; offers best_effort", qos_trouble="offers best_effort")[0]
    assert mismatch.level == DiagnosticStatus.ERROR
    assert mismatch.message.count("best_effort") == 1


def test_a_message_is_about_the_time_since_the_last_one():
    health = Health("siam_tracker", Engine("afsn_mobile", "cpu"))
    health.record_failure("KeyError: x")
    first, _ = entry(FrameCounts(10, 5, 5, 0), health=health, latencies=[500.0])
    assert first.level == DiagnosticStatus.ERROR
    quiet, values = entry(FrameCounts(10, 5, 5, 0), health=health)
    assert quiet.level == DiagnosticStatus.OK
    assert (values["image rate (Hz)"], values["frames dropped"], values["tracker failures"]) == ("0.0", "5", "1")
    assert values["latency p95 (ms)"] == "nan"


def test_refusals_by_reason():
    health = Health("siam_tracker", Engine("afsn_mobile", "cpu"))
    by = {"unreadable": 1, "same stamp": 2, "older stamp": 3}
    camera = {"late": 5, "refused_by": by, "last_refusal": "older", "clock_jumps": 4}
    status, values = entry(FrameCounts(20, 10, 0, 8), health=health, box_refusal="the box is outside", **camera)
    assert values["last box refused"] == "the box is outside"
    assert status.message.endswith(": older")
    assert {key: values[f"frames refused: {key}"] for key in (*by, "in tracking")} == {
        "unreadable": "1",
        "same stamp": "2",
        "older stamp": "3",
        "in tracking": "2",
    }
    assert (values["frames refused for their stamps"], values["clock jumps"]) == ("5", "4")
    health.record(report(refused=True, reason="frame refused: the data are broken", state=TrackState.LOST), 1.0)
    status, _ = entry(FrameCounts(21, 10, 0, 9), health=health, refused_by=by, last_refusal="older")
    assert status.message.endswith("frame refused: the data are broken")


def test_memory_and_its_exhaustion():
    used = [3_000_000]
    health = Health("siam_tracker", Engine("afsn_mobile", "cuda:0"), gpu_memory=lambda: used[0])
    health.record_out_of_memory("2.0 GiB were asked for")
    health.record_out_of_memory("1.0 GiB were asked for")
    status, values = entry(ALL_WELL, health=health)
    assert status.level == DiagnosticStatus.ERROR
    assert "out of memory 2 times in the last" in status.message
    assert "1.0 GiB" in status.message
    assert (values["GPU memory (MB)"], values["out of memory"]) == ("3", "2")
    status, values = entry(ALL_WELL, health=health)
    assert (status.level, values["out of memory"]) == (DiagnosticStatus.OK, "2")


def test_the_memory_is_the_systems_figure():
    size = 50_000_000
    # Of the system itself: the allocator may have as much to spare from what was freed.
    with mmap.mmap(-1, size) as held:
        before = resident_memory()
        held.write(b"x" * size)
        assert resident_memory() - before > 0.6 * size


def test_the_latency_levels_are_those_given_and_may_change():
    health = Health("siam_tracker", Engine("afsn_mobile", "cpu"), latency_warn=0.05, latency_error=0.1)
    assert entry(ALL_WELL, health=health, latencies=[40.0] * 20)[0].level == DiagnosticStatus.OK
    assert entry(ALL_WELL, health=health, latencies=[60.0] * 20)[0].level == DiagnosticStatus.WARN
    assert entry(ALL_WELL, health=health, latencies=[110.0] * 20)[0].level == DiagnosticStatus.ERROR
    health.latency_warn = health.latency_error = 1.0
    assert entry(ALL_WELL, health=health, latencies=[110.0] * 20)[0].level == DiagnosticStatus.OK


def test_simulated_time_that_has_not_begun():
    status, values = entry(ALL_WELL, stamp=Time(), latencies=[NAN])
    assert (status.level, values["latency p50 (ms)"]) == (DiagnosticStatus.WARN, "nan")
    assert "/clock" in status.message
    assert math.isfinite(float(values["image rate (Hz)"]))
