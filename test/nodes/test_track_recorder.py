"""The recorder as it runs: every message of a node becomes a line, with the time of its arrival."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from builtin_interfaces.msg import Time
from rclpy.qos import QoSProfile
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesis, ObjectHypothesisWithPose

from siam_tracker_interfaces.msg import TargetStatus, TrackerStatus
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.messages import to_bbox

pytestmark = pytest.mark.ros

COUNT = 200


@pytest.fixture
def recorder(tmp_path):
    command = [sys.executable, "-m", "siam_tracker_ros.nodes.track_recorder", "--ros-args", "-r", "__ns:=/rec"]
    command += ["-p", f"file:={tmp_path / 'deep' / 'track.jsonl'}"]
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(command, cwd=root, env=os.environ, stderr=subprocess.PIPE, text=True)
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()
    process.stderr.close()


def test_every_message_becomes_a_line_also_in_a_burst(recorder, connect, wait, tmp_path):
    operator = connect("/rec/unused", "/rec/unused_image")
    kept = QoSProfile(depth=1000)
    publishers = [
        operator.node.create_publisher(kind, f"/rec/siam_tracker/{name}", kept)
        for kind, name in (
            (Detection2D, "detection"),
            (Detection2DArray, "detections"),
            (TrackerStatus, "status"),
        )
    ]
    wait(lambda: all(p.get_subscription_count() for p in publishers), "the recorder to listen")
    # A message published now could still be too early for the other side: the first ones are repeated until
    # one of each kind is there.
    path = tmp_path / "deep" / "track.jsonl"

    def lines() -> list[dict]:
        whole = path.read_text().split("\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in whole]

    def knock() -> bool:
        for publisher, kind in zip(publishers, (Detection2D, Detection2DArray, TrackerStatus), strict=True):
            publisher.publish(kind())
        return {line["topic"] for line in lines()} == {"detection", "detections", "status"}

    wait(knock, "each topic to arrive")

    for i in range(1, COUNT + 1):
        header = Header(stamp=Time(sec=1000, nanosec=i))
        hypothesis = ObjectHypothesis(score=0.75)
        seen = Detection2D(header=header, bbox=to_bbox(Box(i, 2, 30, 40)), id="target")
        seen.results = [ObjectHypothesisWithPose(hypothesis=hypothesis)]
        publishers[0].publish(seen)
        publishers[1].publish(Detection2DArray(header=header, detections=[seen]))
        publishers[2].publish(
            TrackerStatus(
                header=header,
                state=TrackerStatus.UNCERTAIN,
                confidence=0.5,
                targets=[TargetStatus(target_id="target", state=TrackerStatus.LOST, score=0.25)],
                frames_dropped=i,
                pipeline_latency_ms=float("nan"),
            )
        )

    def mine() -> list[dict]:
        return [line for line in lines() if line["stamp"] > 0]

    wait(lambda: len(mine()) >= 3 * COUNT, "all lines")
    recorder.send_signal(signal.SIGINT)
    assert recorder.wait(10) == 0
    assert "Traceback" not in recorder.communicate()[1]

    by_topic = {topic: [m for m in mine() if m["topic"] == topic] for topic in ("detection", "detections", "status")}
    for messages in by_topic.values():
        assert [message["stamp"] for message in messages] == [10**12 + i for i in range(1, COUNT + 1)]
        assert [m["received"] for m in messages] == sorted(m["received"] for m in messages)
    assert by_topic["detection"][4]["box"] == [5.0, 2.0, 30.0, 40.0]
    assert by_topic["detection"][4]["score"] == 0.75
    assert by_topic["detection"][4]["id"] == "target"
    assert by_topic["detections"][0]["count"] == 1
    status = by_topic["status"][9]
    assert (status["state"], status["confidence"], status["frames_dropped"]) == ("UNCERTAIN", 0.5, 10)
    assert status["targets"] == [{"id": "target", "state": "LOST", "confidence": 0.0, "score": 0.25}]
    assert status["pipeline_latency_ms"] is None, "JSON has no nan"


def test_a_file_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "track.jsonl").mkdir()
    command = [sys.executable, "-m", "siam_tracker_ros.nodes.track_recorder", "--ros-args"]
    command += ["-p", f"file:={tmp_path / 'track.jsonl'}"]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, env=os.environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "track.jsonl" in done.stderr
    assert "Traceback" not in done.stderr
