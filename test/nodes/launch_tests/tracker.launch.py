"""A launch_testing test: tracker.launch.py starts a node that follows a target, and Ctrl-C ends it with exit code 0.

``launch_test test/nodes/launch_tests/tracker.launch.py`` in a workspace where the package is installed.
"""

import array
import time
import unittest
from pathlib import Path

import launch_testing.actions
import launch_testing.asserts
import numpy as np
import rclpy
from ament_index_python.packages import get_package_share_directory
from builtin_interfaces.msg import Time
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D

from siam_tracker_interfaces.msg import TrackerStatus
from siam_tracker_interfaces.srv import InitTarget

WAIT = 60.0  # seconds after which something has gone wrong


def generate_test_description() -> LaunchDescription:
    """The launch file as a user starts it."""
    source = Path(get_package_share_directory("siam_tracker_ros")) / "launch" / "tracker.launch.py"
    arguments = {"namespace": "launched", "image": "camera/image_raw", "device": "cpu"}
    return LaunchDescription(
        [
            IncludeLaunchDescription(PythonLaunchDescriptionSource(str(source)), launch_arguments=arguments.items()),
            launch_testing.actions.ReadyToTest(),
        ]
    )


class TestTheNode(unittest.TestCase):
    """While it runs."""

    def setUp(self) -> None:
        rclpy.init()
        self.node = rclpy.create_node("launch_test")
        self.camera = self.node.create_publisher(Image, "/launched/camera/image_raw", qos_profile_sensor_data)
        self.status: list[TrackerStatus] = []
        self.seen: list[Detection2D] = []
        self.node.create_subscription(TrackerStatus, "/launched/siam_tracker/status", self.status.append, 10)
        self.node.create_subscription(Detection2D, "/launched/siam_tracker/detection", self.seen.append, 10)
        self.init = self.node.create_client(InitTarget, "/launched/siam_tracker/init_target")
        random = np.random.default_rng(3)
        self.ground = random.integers(60, 150, (15, 20, 3), dtype=np.uint8).repeat(16, axis=0).repeat(16, axis=1)
        self.target = random.integers(0, 256, (6, 6, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
        self.shown = 0

    def tearDown(self) -> None:
        self.node.destroy_node()
        rclpy.try_shutdown()

    def until(self, condition, what: str, *, camera: bool) -> None:
        """Spin, with the camera running or not, until the condition holds."""
        end = time.monotonic() + WAIT
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"waited {WAIT:.0f} s for {what}")
            if camera:
                self.show()
            rclpy.spin_once(self.node, timeout_sec=0.05)

    def show(self) -> None:
        """Publish a picture in which the target has moved a little."""
        self.shown += 1
        picture = self.ground.copy()
        left = 80 + self.shown % 60
        picture[90:138, left : left + 48] = self.target
        now = self.node.get_clock().now().nanoseconds
        header = Header(stamp=Time(sec=now // 10**9, nanosec=now % 10**9), frame_id="camera")
        data = array.array("B", picture.tobytes())
        self.camera.publish(Image(header=header, height=240, width=320, encoding="bgr8", step=960, data=data))

    def test_it_follows_what_is_in_the_box(self, proc_output) -> None:
        proc_output.assertWaitFor("ready after", timeout=WAIT)
        self.until(self.init.service_is_ready, "the service", camera=False)

        def idle() -> bool:
            return any(status.state == TrackerStatus.IDLE for status in self.status)

        self.until(idle, "the first picture to arrive", camera=True)
        self.shown = -1
        self.show()
        request = InitTarget.Request()
        request.bbox.center.position.x, request.bbox.center.position.y = 80.0 + 24, 90.0 + 24
        request.bbox.size_x = request.bbox.size_y = 48.0
        answer = self.init.call_async(request)
        self.until(answer.done, "an answer", camera=False)
        assert answer.result().success, answer.result().message
        self.until(lambda: len(self.seen) >= 3, "detections", camera=True)
        assert self.seen[-1].id == answer.result().target_id
        assert self.seen[-1].header.frame_id == "camera"


@launch_testing.post_shutdown_test()
class TestItsEnd(unittest.TestCase):
    """After launch has stopped it."""

    def test_it_ended_as_it_was_told(self, proc_info) -> None:
        launch_testing.asserts.assertExitCodes(proc_info)
