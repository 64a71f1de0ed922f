"""The demo's operator, where it cannot do its work; that it does it, test_demo.py shows."""

import signal

import pytest
import rclpy
from rclpy.signals import SignalHandlerOptions

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes import demo_operator
from siam_tracker_ros.nodes.demo_operator import OperatorError, init_and_play, main

pytestmark = pytest.mark.ros


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        (["video:=missing.mp4", "box:='1,2,30,40'"], "missing.mp4: no such file or folder"),
        (["video:=3.5"], "video"),
    ],
)
def test_a_video_that_cannot_be_used_is_said_in_one_sentence(capsys, parameters, says):
    words = [word for parameter in parameters for word in ("-p", parameter)]
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    try:
        assert main(["--ros-args", *words]) == 2
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
    error = capsys.readouterr().err
    assert error.startswith("demo_operator: ")
    assert says in error


def test_a_node_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(demo_operator, "START_TIMEOUT", 0.3)
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node("operator", namespace="nobody")
    try:
        with pytest.raises(OperatorError, match=r"the tracker node offered no service for 0\.3 s"):
            init_and_play(node, Box(1.0, 2.0, 30.0, 40.0), lambda: None)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
