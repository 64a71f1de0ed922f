"""Line of sight and angular size: against OpenCV, by hand, and over DDS."""

import math

import cv2
import numpy as np
import pytest
import rclpy
from geometry_msgs.msg import Vector3Stamped
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.bearing import Bearing, Calibration, CalibrationError, angular_size, line_of_sight

PLUMB_BOB = [-0.32, 0.12, 0.0011, -0.0007, -0.021]
RATIONAL = [5.1, 2.3, 0.0004, -0.0002, 0.11, 5.4, 4.2, 0.63]
PRISM = [0.0012, -0.0003, 0.0008, 0.0002]
EQUIDISTANT = [-0.013, 0.021, -0.017, 0.004]
K = np.array([[610.0, 0, 325.5], [0, 605.0, 243.25], [0, 0, 1]])
PLACES = [(0.5, 0.5), (326.0, 243.75), (640.0, 480.0), (100.25, 400.0), (600.0, 10.0)]


def camera(model: str = "plumb_bob", d=(), *, k=K, **fields) -> CameraInfo:
    info = CameraInfo(width=640, height=480, distortion_model=model, d=list(d), k=np.asarray(k, float).reshape(-1))
    for name, value in fields.items():
        setattr(info, name, value)
    return info


def test_by_hand_without_distortion():
    # A camera of 100 pixels' focal length whose axis goes through the middle of an image of 640x480, which is between
    # two pixels: at 319.5 in CameraInfo, at 320 in a box.
    info = camera(k=[100, 0, 319.5, 0, 100, 239.5, 0, 0, 1])
    assert line_of_sight(info, 320, 240) == (0, 0, 1)
    assert line_of_sight(info, 420, 240) == pytest.approx((math.sqrt(0.5), 0, math.sqrt(0.5)))
    assert line_of_sight(info, 320, 340) == pytest.approx((0, math.sqrt(0.5), math.sqrt(0.5)))
    assert line_of_sight(info, 220, 240)[0] < 0
    assert line_of_sight(info, 320 + 300, 240 + 400) == pytest.approx(np.array([3, 4, 1]) / math.sqrt(26))
    width, height = angular_size(info, Box(220, 190, 200, 100))
    assert width == pytest.approx(math.pi / 2)
    assert height == pytest.approx(2 * math.atan(0.5))
    # The edges' rays go through the box's centre, so that a box far from the axis looks smaller.
    away = angular_size(info, Box(320 + 1000 - 5, 235, 10, 10))
    assert away[0] == pytest.approx(math.atan(10.05) - math.atan(9.95))
    assert away[1] == pytest.approx(2 * math.atan(0.05 / math.sqrt(101)))


@pytest.mark.parametrize(
    ("model", "d"),
    [
        ("plumb_bob", PLUMB_BOB),
        ("plumb_bob", PLUMB_BOB[:4]),
        ("plumb_bob", [0.4, 0.3, 0, 0, 0.1]),
        ("plumb_bob", [0.0] * 5),
        ("plumb_bob", []),
        ("rational_polynomial", RATIONAL),
        ("rational_polynomial", RATIONAL + PRISM),
        ("rational_polynomial", [*RATIONAL, *PRISM, 0.0, 0.0]),
        ("", []),
        ("", [0.0] * 5),
    ],
)
def test_as_opencv_projects_and_undistorts(model, d):
    info, coefficients = camera(model, d), np.array(d) if d else np.zeros(5)
    for u, v in PLACES:
        x, y, z = line_of_sight(info, u, v)
        assert math.hypot(x, y, z) == pytest.approx(1)
        # Forth again, which OpenCV does exactly; pixel centres are integers there.
        back, _ = cv2.projectPoints(np.array([[[x / z, y / z, 1.0]]]), np.zeros(3), np.zeros(3), K, coefficients)
        assert back.reshape(2) == pytest.approx((u - 0.5, v - 0.5), abs=1e-6)
    # Back, which it does in five steps: good near the axis.
    near = (350.0, 220.0)
    x, y, z = line_of_sight(info, *near)
    undone = cv2.undistortPoints(np.array([[[near[0] - 0.5, near[1] - 0.5]]]), K, coefficients)
    assert (x / z, y / z) == pytest.approx(tuple(undone.reshape(2)), abs=1e-5)


@pytest.mark.parametrize("d", [EQUIDISTANT, [0.0] * 4])
def test_as_opencv_does_fisheye(d):
    k = np.array([[350.0, 0, 325.5], [0, 352.0, 243.25], [0, 0, 1]])
    info = camera("equidistant", d, k=k)
    for u, v in PLACES:
        x, y, z = line_of_sight(info, u, v)
        assert math.hypot(x, y, z) == pytest.approx(1)
        undone = cv2.fisheye.undistortPoints(np.array([[[u - 0.5, v - 0.5]]]), k, np.array(d)).reshape(2)
        assert z > 0
        assert (x / z, y / z) == pytest.approx(tuple(undone), rel=1e-5, abs=1e-7)


def test_a_fisheye_sees_behind_itself():
    # Without distortion the radius in pixels is the angle in radians times the focal length.
    info = camera("equidistant", [0.0] * 4, k=[100, 0, 319.5, 0, 100, 239.5, 0, 0, 1])
    x, y, z = line_of_sight(info, 320 + 100 * math.radians(110), 240)
    assert (x, y, z) == pytest.approx((math.sin(math.radians(110)), 0, math.cos(math.radians(110))))
    width, _ = angular_size(info, Box(320 - 100 * math.radians(60), 235, 2 * 100 * math.radians(60), 10))
    assert width == pytest.approx(math.radians(120))


def test_binning_and_region_of_interest_refer_to_the_full_resolution():
    full = camera("plumb_bob", PLUMB_BOB)
    part = camera("plumb_bob", PLUMB_BOB, binning_x=2, binning_y=4)
    part.roi.x_offset, part.roi.y_offset, part.roi.width, part.roi.height = 100, 60, 400, 320
    calibration = Calibration.of(part)
    assert (calibration.width, calibration.height) == (200, 80)
    assert calibration.ray(30.0, 20.0) == pytest.approx(line_of_sight(full, 160.0, 140.0))
    assert angular_size(part, Box(30, 20, 10, 5)) == pytest.approx(angular_size(full, Box(160, 140, 20, 20)))


def test_a_rectified_image_has_the_camera_of_p_and_no_distortion():
    info = camera("plumb_bob", PLUMB_BOB, p=[200.0, 0, 299.5, 0, 0, 200.0, 199.5, 0, 0, 0, 1, 0])
    assert line_of_sight(info, 500, 200, rectified=True) == pytest.approx((math.sqrt(0.5), 0, math.sqrt(0.5)))
    info.p[0] = 0
    with pytest.raises(CalibrationError, match="not calibrated: camera_info's P has the focal lengths 0, 200"):
        line_of_sight(info, 500, 200, rectified=True)


@pytest.mark.parametrize(
    ("info", "says"),
    [
        (camera(k=np.zeros(9)), "not calibrated: camera_info's K has the focal lengths 0, 0"),
        (camera(k=np.full(9, math.nan)), "K is not finite"),
        (camera(k=[math.inf, 0, 1, 0, 1, 1, 0, 0, 1]), "K is not finite"),
        (camera("plumb_bob", [0.1, math.nan, 0, 0, 0]), "D is not finite"),
        (camera("", PLUMB_BOB), "distortion model has no name; it may be plumb_bob, rational_polynomial, equidistant"),
        (camera("double_sphere", [0.1, 0.2]), "'double_sphere' is not known here"),
        (camera("plumb_bob", RATIONAL), "D has 8 numbers; plumb_bob has 4 or 5"),
        (camera("equidistant", PLUMB_BOB), "D has 5 numbers; equidistant has 4"),
        (camera("rational_polynomial", [*RATIONAL, *PRISM, 0.01, 0.0]), "tilted sensor"),
    ],
)
def test_what_cannot_be_used_is_said(info, says):
    with pytest.raises(CalibrationError, match=says):
        line_of_sight(info, 320, 240)


def test_where_the_distortion_folds_back_there_is_no_line_of_sight():
    # r (1 - 0.5 r^2) grows up to r = sqrt(2/3) only, where it is 0.544.
    info = camera("plumb_bob", [-0.5, 0, 0, 0, 0], k=[100, 0, 319.5, 0, 100, 239.5, 0, 0, 1])
    x, _, z = line_of_sight(info, 320 + 54, 240)
    assert x / z == pytest.approx(0.75, abs=0.05)
    with pytest.raises(CalibrationError, match="distortion cannot be undone at 380, 240"):
        line_of_sight(info, 380, 240)
    with pytest.raises(CalibrationError, match="cannot be undone"):
        line_of_sight(camera("equidistant", [-0.2, 0, 0, 0], k=K), 5000, 240)
    with pytest.raises(CalibrationError, match="no line of sight"):
        line_of_sight(info, math.nan, 240)


def test_an_image_of_another_size_is_scaled_where_it_has_the_same_shape():
    calibration = Calibration.of(camera())
    box = Box(10, 20, 30, 40)
    assert calibration.scaled(box, 640, 480) == box
    assert calibration.scaled(box, 320, 240) == Box(20, 40, 60, 80)
    assert Calibration.of(camera(width=0, height=0)).scaled(box, 7, 9) == box
    with pytest.raises(CalibrationError, match="640x360, but camera_info describes 640x480, another shape"):
        calibration.scaled(box, 640, 360)


@pytest.fixture
def over_dds(wait):
    """A node with a Bearing, a publisher of camera_info, and listeners: ``listen(topic)`` gives the messages' list."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("bearing_test", context=context, namespace="bearing_test")
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    class World:
        bearing = Bearing(node)
        infos = node.create_publisher(CameraInfo, "camera_info", 1)

        def listen(self, topic: str) -> list[Vector3Stamped]:
            kept: list[Vector3Stamped] = []
            before = self.count(topic)
            node.create_subscription(Vector3Stamped, f"~/{topic}", kept.append, 10)
            self.until(lambda: self.count(topic) > before, "the subscription to be found")
            return kept

        def count(self, topic: str) -> int:
            return node.count_subscribers(node.resolve_topic_name(f"~/{topic}"))

        def until(self, condition, what):
            def spun():
                executor.spin_once(timeout_sec=0.01)
                return condition()

            return wait(spun, what)

        def calibrate(self, info: CameraInfo) -> None:
            """Publish it until it has arrived."""

            def arrived() -> bool:
                self.infos.publish(info)
                executor.spin_once(timeout_sec=0.01)
                return self.bearing._info == info

            wait(arrived, "camera_info")

    yield World()
    executor.shutdown()
    node.destroy_node()
    context.try_shutdown()


HEADER = Header(frame_id="camera_optical")
HEADER.stamp.sec = 7
SIMPLE = camera(k=[100, 0, 319.5, 0, 100, 239.5, 0, 0, 1])


def test_it_publishes_for_who_listens_with_the_images_header(over_dds):
    bearing = over_dds.bearing
    bearing.open()
    over_dds.calibrate(SIMPLE)
    assert bearing.trouble() == "", "nobody listens"
    rays, sizes = over_dds.listen("bearing"), over_dds.listen("angular_size")
    for publisher in (bearing._bearing, bearing._size):
        over_dds.until(publisher.get_subscription_count, "match")
    bearing.publish(HEADER, Box(410, 230, 20, 20))
    over_dds.until(lambda: rays and sizes, "a bearing and a size")
    ray, size = rays[0], sizes[0]
    assert ray.header == size.header == HEADER
    assert (ray.vector.x, ray.vector.y, ray.vector.z) == pytest.approx((math.sqrt(0.5), 0, math.sqrt(0.5)))
    assert (size.vector.x, size.vector.z) == (pytest.approx(math.atan(1.1) - math.atan(0.9)), 0)
    assert bearing.trouble() == ""

    # Half the size, the same place.
    bearing.publish(HEADER, Box(205, 115, 10, 10), (240, 320, 3))
    over_dds.until(lambda: len(rays) == 2, "a second bearing")
    assert rays[1].vector == ray.vector

    bearing.publish(HEADER, Box(410, 230, 20, 20), (360, 640, 3))
    assert "640x360, but camera_info describes 640x480" in bearing.trouble()
    bearing.publish(HEADER, Box(410, 230, 20, 20), (480, 640, 3))
    assert bearing.trouble() == ""


def test_without_a_usable_calibration_nothing_is_published_and_the_reason_is_said(over_dds):
    bearing = over_dds.bearing
    rays = over_dds.listen("bearing")
    over_dds.until(bearing._bearing.get_subscription_count, "match")
    bearing.open()
    bearing.publish(HEADER, Box(410, 230, 20, 20))
    assert bearing.trouble() == "no bearing: nothing arrives on /bearing_test/camera_info (1 publishers)"
    over_dds.calibrate(camera(k=np.zeros(9)))
    bearing.publish(HEADER, Box(410, 230, 20, 20))
    assert "not calibrated" in bearing.trouble()
    over_dds.calibrate(SIMPLE)
    assert bearing.trouble() == ""
    bearing.publish(HEADER, Box(410, 230, 20, 20))
    over_dds.until(lambda: rays, "a bearing")
    bearing.close()
    bearing.publish(HEADER, Box(410, 230, 20, 20))
    assert "nothing arrives" in bearing.trouble()
    for _ in range(20):
        over_dds.until(lambda: True, "")
    assert len(rays) == 1
    bearing.destroy()
