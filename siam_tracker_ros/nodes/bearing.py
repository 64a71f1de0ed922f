"""Where the target is as an angle: from a box and the camera's calibration to the line of sight.

Two conventions meet here. A :class:`Box` lives in continuous pixel coordinates, in which the image covers
``[0, width] x [0, height]`` and the centre of its first pixel is at 0.5 (``geometry.py``). ``CameraInfo`` and OpenCV
count pixel centres as integers, so that half a pixel lies between the two; binning and a region of interest are undone
in the first, where they are exact.

The result is in the camera's optical frame: x right, y down, z forward.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import Vector3, Vector3Stamped
from rclpy.node import Node
from rclpy.qos import QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from siam_tracker_ros.geometry import Box

PLUMB_BOB, RATIONAL, EQUIDISTANT = "plumb_bob", "rational_polynomial", "equidistant"
COEFFICIENTS = {PLUMB_BOB: (4, 5), RATIONAL: (8, 12, 14), EQUIDISTANT: (4,)}
SAME_ASPECT = 0.01  # relative difference of the two scales up to which an image only has another size
RESULTS_KEPT = 30

Ray = tuple[float, float, float]


class CalibrationError(ValueError):
    """A CameraInfo from which no line of sight can be computed, or not for this place; the message says why."""


@dataclass(frozen=True)
class Calibration:
    """What a CameraInfo says, ready for use.

    Attributes:
        fx, fy, cx, cy: pixels of the full resolution, pixel centres at integers.
        distortion: 12 coefficients of OpenCV's rational model with thin prism (k1, k2, p1, p2, k3 to k6, s1 to s4), or
            the 4 of the equidistant one.
        fisheye: whether they are those of the equidistant model.
        limit: the undistorted radius (equidistant: the angle to the axis) at which the distortion folds back; beyond it
            a place in the image means nothing.
        left, top: of the region of interest, full-resolution pixels.
        binning_x, binning_y: full-resolution pixels in a pixel of the image.
        width, height: of the image that the calibration describes, after region and binning; 0: not said.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...]
    fisheye: bool
    limit: float
    left: float
    top: float
    binning_x: int
    binning_y: int
    width: int
    height: int

    @classmethod
    def of(cls, info: CameraInfo, rectified: bool = False) -> Calibration:
        """Read a CameraInfo.

        Args:
            rectified: the image has been rectified with it: P counts in place of K, and there is no distortion left.

        Raises:
            CalibrationError: the camera is not calibrated, or its distortion model is not known here.
        """
        matrix, stride = (info.p, 4) if rectified else (info.k, 3)
        fx, cx, fy, cy = (float(matrix[i]) for i in (0, 2, stride + 1, stride + 2))
        name = "P" if rectified else "K"
        if not all(map(math.isfinite, (fx, fy, cx, cy))):
            raise CalibrationError(f"camera_info's {name} is not finite")
        if fx <= 0 or fy <= 0:
            raise CalibrationError(
                f"the camera is not calibrated: camera_info's {name} has the focal lengths {fx:g}, {fy:g}"
            )
        fisheye, distortion = (False, (0.0,) * 12) if rectified else _distortion(info)
        bins = max(int(info.binning_x), 1), max(int(info.binning_y), 1)
        roi = info.roi
        return cls(
            *(fx, fy, cx, cy),
            distortion=distortion,
            fisheye=fisheye,
            limit=_limit(distortion, fisheye),
            left=float(roi.x_offset),
            top=float(roi.y_offset),
            binning_x=bins[0],
            binning_y=bins[1],
            width=int(roi.width or info.width) // bins[0],
            height=int(roi.height or info.height) // bins[1],
        )

    def ray(self, u: float, v: float) -> Ray:
        """The unit vector from the camera to what is seen at ``u, v``: continuous coordinates of the published image.

        Raises:
            CalibrationError: the distortion cannot be undone there, which is far outside the image.
        """
        x = (u * self.binning_x + self.left - 0.5 - self.cx) / self.fx
        y = (v * self.binning_y + self.top - 0.5 - self.cy) / self.fy
        if not (math.isfinite(x) and math.isfinite(y)):
            raise CalibrationError(f"there is no line of sight to {u:g}, {v:g}")
        if self.fisheye:
            distorted = math.hypot(x, y)
            angle = _inverse(_equidistant, self.distortion, distorted, self.limit)
            if angle is None:
                raise CalibrationError(f"the camera's distortion cannot be undone at {u:.0f}, {v:.0f}")
            scale = math.sin(angle) / distorted if distorted > 1e-12 else 1.0
            return _unit(x * scale, y * scale, math.cos(angle))
        place = _undo_polynomial(x, y, self.distortion, self.limit) if any(self.distortion) else (x, y)
        if place is None:
            raise CalibrationError(f"the camera's distortion cannot be undone at {u:.0f}, {v:.0f}")
        return _unit(*place, 1.0)

    def scaled(self, box: Box, width: int, height: int) -> Box:
        """A box in an image of another size, as it would be in an image of the calibrated size.

        Raises:
            CalibrationError: the image has another shape: it is a part, and nobody says which.
        """
        if not self.width or not self.height or (width, height) == (self.width, self.height):
            return box
        x, y = self.width / width, self.height / height
        if abs(x / y - 1) > SAME_ASPECT:
            raise CalibrationError(
                f"the image is {width}x{height}, but camera_info describes {self.width}x{self.height}, another shape"
            )
        return Box(box.x * x, box.y * y, box.w * x, box.h * y)


def line_of_sight(info: CameraInfo, u: float, v: float, *, rectified: bool = False) -> Ray:
    """The unit vector (x right, y down, z forward) to what is seen at ``u, v``.

    Args:
        u, v: continuous coordinates of the published image: its first pixel covers 0 to 1.

    Raises:
        CalibrationError: see :class:`Calibration`.
    """
    return Calibration.of(info, rectified).ray(u, v)


def angular_size(info: CameraInfo, box: Box, *, rectified: bool = False) -> tuple[float, float]:
    """How large the box looks: the angles between the rays to its left and right edge, and to its top and bottom edge,
    through its centre; radians.

    Raises:
        CalibrationError: see :class:`Calibration`.
    """
    return _size(Calibration.of(info, rectified), box)


class Bearing:
    """Publishes ``~/bearing`` and ``~/angular_size`` of the target, while someone listens and ``camera_info`` arrives.

    :meth:`publish` may be called from any thread.
    """

    def __init__(self, node: Node, rectified: bool = False) -> None:
        """Subscribes to nothing yet. ``rectified``: see :meth:`Calibration.of`."""
        self._node, self._rectified = node, rectified
        self._bearing = node.create_publisher(Vector3Stamped, "~/bearing", RESULTS_KEPT)
        self._size = node.create_publisher(Vector3Stamped, "~/angular_size", RESULTS_KEPT)
        self._topic = str(node.resolve_topic_name("camera_info"))
        self._subscription: Any = None
        self._info: CameraInfo | None = None
        self._read: tuple[tuple[Any, ...], Calibration | CalibrationError] | None = None
        self._trouble = ""  # of the last box

    def open(self) -> None:
        """Subscribe to the calibration."""
        if self._subscription is None:
            # Best effort matches every publisher.
            qos = QoSProfile(history=QoSHistoryPolicy.KEEP_LAST, depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
            self._subscription = self._node.create_subscription(CameraInfo, "camera_info", self._on_info, qos)

    def close(self) -> None:
        """End the subscription, and forget the calibration: another camera may be there when it is opened again."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription, self._info, self._trouble = None, None, ""

    def destroy(self) -> None:
        """Close, and take the two topics down."""
        self.close()
        self._node.destroy_publisher(self._bearing)
        self._node.destroy_publisher(self._size)

    def publish(self, header: Header, box: Box, size: tuple[int, ...] | None = None) -> None:
        """Publish where the box is, if someone listens and it can be said.

        Args:
            header: the image's own.
            size: height and width of the image (its ``shape``); without it, it is taken to be camera_info's.
        """
        listeners = self._bearing.get_subscription_count(), self._size.get_subscription_count()
        if not any(listeners) or self._info is None:
            return
        try:
            calibration = self._calibration(self._info)
        except CalibrationError:
            return  # trouble() says so
        try:
            if size is not None:
                box = calibration.scaled(box, size[1], size[0])
            if listeners[0]:
                x, y, z = calibration.ray(box.cx, box.cy)
                self._bearing.publish(Vector3Stamped(header=header, vector=Vector3(x=x, y=y, z=z)))
            if listeners[1]:
                x, y = _size(calibration, box)
                self._size.publish(Vector3Stamped(header=header, vector=Vector3(x=x, y=y, z=0.0)))
            self._trouble = ""
        except CalibrationError as error:
            self._trouble = str(error)

    def trouble(self) -> str:
        """Why no bearing is published although someone listens; empty where all is well or nobody does."""
        if not (self._bearing.get_subscription_count() or self._size.get_subscription_count()):
            return ""
        info = self._info
        if info is None:
            publishers = self._node.count_publishers(self._topic)
            return f"no bearing: nothing arrives on {self._topic} ({publishers} publishers)"
        try:
            self._calibration(info)
        except CalibrationError as error:
            return f"no bearing: {error}"
        return f"no bearing: {self._trouble}" if self._trouble else ""

    def _on_info(self, message: CameraInfo) -> None:
        self._info = message

    def _calibration(self, info: CameraInfo) -> Calibration:
        """Of the newest CameraInfo; read anew where it changed, as that of a zoom lens does."""
        roi = info.roi
        key = (
            *(info.width, info.height, info.binning_x, info.binning_y, info.distortion_model),
            *(roi.x_offset, roi.y_offset, roi.width, roi.height),
            *(bytes(np.asarray(numbers, dtype=np.float64).data) for numbers in (info.k, info.d, info.p)),
        )
        known = self._read
        if known is None or known[0] != key:
            try:
                known = key, Calibration.of(info, self._rectified)
            except CalibrationError as error:
                known = key, error
            self._read, self._trouble = known, ""
        if isinstance(known[1], CalibrationError):
            raise known[1]
        return known[1]


def _size(calibration: Calibration, box: Box) -> tuple[float, float]:
    return (
        _angle(calibration.ray(box.x, box.cy), calibration.ray(box.right, box.cy)),
        _angle(calibration.ray(box.cx, box.y), calibration.ray(box.cx, box.bottom)),
    )


def _unit(x: float, y: float, z: float) -> Ray:
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length


def _angle(a: Ray, b: Ray) -> float:
    """Between two unit vectors; exact for small angles too."""
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return math.atan2(math.hypot(*cross), sum(p * q for p, q in zip(a, b, strict=True)))


def _distortion(info: CameraInfo) -> tuple[bool, tuple[float, ...]]:
    """Whether the model is the equidistant one, and its coefficients, filled up to their number."""
    model, given = str(info.distortion_model), tuple(float(value) for value in info.d)
    if not all(map(math.isfinite, given)):
        raise CalibrationError("camera_info's D is not finite")
    if model == EQUIDISTANT:
        # Without coefficients it is no pinhole camera either.
        if len(given) not in (0, *COEFFICIENTS[model]):
            raise CalibrationError(f"camera_info's D has {len(given)} numbers; {model} has 4")
        return True, given or (0.0,) * 4
    if not any(given):
        return False, (0.0,) * 12
    if model not in COEFFICIENTS:
        known = ", ".join(COEFFICIENTS)
        named = f"'{model}' is not known here" if model else "has no name"
        raise CalibrationError(f"camera_info's distortion model {named}; it may be {known}")
    if len(given) not in COEFFICIENTS[model]:
        counts = " or ".join(map(str, COEFFICIENTS[model]))
        raise CalibrationError(f"camera_info's D has {len(given)} numbers; {model} has {counts}")
    if any(given[12:]):
        raise CalibrationError("camera_info describes a tilted sensor (last two numbers of D), which is not known here")
    return False, (*given[:12], *(0.0,) * (12 - len(given[:12])))


def _limit(distortion: tuple[float, ...], fisheye: bool) -> float:
    """Up to where the distorted radius grows with the undistorted one (tangential parts left out)."""
    if fisheye:
        reach = np.linspace(0.0, math.pi, 4001)
        squared = reach**2
        k1, k2, k3, k4 = distortion
        distorted = reach * (1 + squared * (k1 + squared * (k2 + squared * (k3 + squared * k4))))
    else:
        reach = np.tan(np.linspace(0.0, math.radians(89.0), 4001))
        squared = reach**2
        k1, k2, _, _, k3, k4, k5, k6 = distortion[:8]
        upper = 1 + squared * (k1 + squared * (k2 + squared * k3))
        lower = 1 + squared * (k4 + squared * (k5 + squared * k6))
        with np.errstate(divide="ignore", invalid="ignore"):
            distorted = np.where(lower > 0, reach * upper / lower, -1.0)
    folds = np.flatnonzero(np.diff(distorted) <= 0)
    return float(reach[folds[0]]) if folds.size else float(reach[-1])


def _equidistant(angle: float, k: tuple[float, ...]) -> float:
    """The distorted radius of an angle to the axis (Kannala and Brandt's polynomial)."""
    s = angle * angle
    return angle * (1 + s * (k[0] + s * (k[1] + s * (k[2] + s * k[3]))))


def _radial(radius: float, d: tuple[float, ...]) -> float:
    """The distorted radius of a radius on the plane z = 1, tangential parts left out."""
    s = radius * radius
    return radius * (1 + s * (d[0] + s * (d[1] + s * d[4]))) / (1 + s * (d[5] + s * (d[6] + s * d[7])))


def _inverse(
    function: Callable[[float, tuple[float, ...]], float], k: tuple[float, ...], value: float, limit: float
) -> float | None:
    """Where the function, which grows from 0 up to ``limit``, has this value; None beyond."""
    if value > function(limit, k):
        return None
    low, high = 0.0, limit
    for _ in range(60):  # to the last bit
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle, k) < value else (low, middle)
    return (low + high) / 2


def _undo_polynomial(xd: float, yd: float, d: tuple[float, ...], limit: float) -> tuple[float, float] | None:
    """The place x, y on the plane z = 1 that is distorted to ``xd, yd``; None where there is none."""
    distorted = math.hypot(xd, yd)
    radius = _inverse(_radial, d, distorted, limit)
    if radius is None:
        return None
    scale = radius / distorted if distorted > 1e-12 else 1.0
    x, y = xd * scale, yd * scale
    k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4 = d
    if not any((p1, p2, s1, s2, s3, s4)):
        return x, y
    # Newton's method from there: the tangential parts are small.
    for _ in range(20):
        r2 = x * x + y * y
        upper, lower = 1 + r2 * (k1 + r2 * (k2 + r2 * k3)), 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
        radial = upper / lower
        # Derivatives by r2: of the radial factor, and of the thin prism's parts.
        slope = ((k1 + r2 * (2 * k2 + 3 * k3 * r2)) - radial * (k4 + r2 * (2 * k5 + 3 * k6 * r2))) / lower
        prism_x, prism_y = s1 + 2 * s2 * r2, s3 + 2 * s4 * r2
        fx = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x) + r2 * (s1 + s2 * r2) - xd
        fy = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y + r2 * (s3 + s4 * r2) - yd
        xx = radial + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x + 2 * x * prism_x
        xy = 2 * x * y * slope + 2 * p1 * x + 2 * p2 * y + 2 * y * prism_x
        yx = 2 * x * y * slope + 2 * p1 * x + 2 * p2 * y + 2 * x * prism_y
        yy = radial + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x + 2 * y * prism_y
        determinant = xx * yy - xy * yx
        if not determinant > 0:
            return None
        dx, dy = (fx * yy - fy * xy) / determinant, (fy * xx - fx * yx) / determinant
        x, y = x - dx, y - dy
        if abs(dx) + abs(dy) < 1e-12 * (1 + abs(x) + abs(y)):
            return (x, y) if math.hypot(x, y) <= limit else None
    return None
