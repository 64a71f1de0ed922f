"""The camera's side of the node: one subscription, raw or compressed, and all that can be wrong with what arrives.

Everything here runs in the executor's thread. What a camera can do to a tracker is handled before a frame gets in its
way: images that cannot be read and stamps that go back are refused and counted, a clock that was set is told, and a
publisher whose quality of service does not match, of which DDS lets nothing through, is named.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import (
    QoSDurabilityPolicy,
    QoSHistoryPolicy,
    QoSPresetProfiles,
    QoSProfile,
    QoSReliabilityPolicy,
    qos_policy_name_from_kind,
)
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from siam_tracker_ros.nodes.image_message import CameraImage, ImageError, check_image
from siam_tracker_ros.nodes.mailbox import Frame
from siam_tracker_ros.nodes.stamps import Arrival, StampOrder, to_nanoseconds

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

LOG_EVERY = 5.0  # seconds between two log lines about the same trouble
NAMELESS = "a publisher"
COMPRESSED_SUFFIX = "/compressed"
MESSAGES = {"raw": Image, "compressed": CompressedImage}
TYPE_NAMES = {"raw": "sensor_msgs/msg/Image", "compressed": "sensor_msgs/msg/CompressedImage"}

PROFILES: dict[str, QoSProfile] = {
    "sensor_data": QoSPresetProfiles.SENSOR_DATA.value,  # best effort, volatile: matches every publisher
    "reliable": QoSProfile(
        depth=10, reliability=QoSReliabilityPolicy.RELIABLE, durability=QoSDurabilityPolicy.VOLATILE
    ),
    "default": QoSProfile(depth=10),  # rclpy's own: reliable, volatile
    "system_default": QoSPresetProfiles.SYSTEM_DEFAULT.value,  # whatever the DDS vendor's files say
}
RELIABILITIES = {"best_effort": QoSReliabilityPolicy.BEST_EFFORT, "reliable": QoSReliabilityPolicy.RELIABLE}
DURABILITIES = {
    "volatile": QoSDurabilityPolicy.VOLATILE,
    "transient_local": QoSDurabilityPolicy.TRANSIENT_LOCAL,
}


def image_qos(values: Mapping[str, Any]) -> QoSProfile:
    """The quality of service that the parameters ``image_qos.*`` ask for; an empty word is as the profile says."""
    profile = PROFILES[values["image_qos.profile"]]
    return QoSProfile(
        history=QoSHistoryPolicy.KEEP_LAST,
        depth=values["image_qos.depth"],
        reliability=RELIABILITIES.get(values["image_qos.reliability"], profile.reliability),
        durability=DURABILITIES.get(values["image_qos.durability"], profile.durability),
    )


def mismatches(asked: QoSProfile, offered: QoSProfile) -> list[str]:
    """Why nothing of a publisher arrives, a half-sentence for each policy; what a vendor chooses is not judged."""
    found = []
    if (asked.reliability, offered.reliability) == (QoSReliabilityPolicy.RELIABLE, QoSReliabilityPolicy.BEST_EFFORT):
        found.append(
            "offers reliability best_effort where reliable is asked for (set image_qos.reliability to best_effort)"
        )
    if (asked.durability, offered.durability) == (QoSDurabilityPolicy.TRANSIENT_LOCAL, QoSDurabilityPolicy.VOLATILE):
        found.append(
            "offers durability volatile where transient_local is asked for (set image_qos.durability to volatile)"
        )
    return found


class CameraInput:
    """Subscribes to the camera's images while it is open, and hands on those that can be used.

    All counts are since the node started: opening and closing does not touch them.

    Attributes:
        topic: resolved name of the topic.
        received: images that arrived.
        refused: those of them that were not handed on.
        unreadable: those refused because of their encoding, sizes or data.
        late: those refused because of their stamp, no newer than that of the image before it.
        duplicates: the part of ``late`` whose stamp is the same as that of the image before it.
        clock_jumps: times that the images' clock was set, back or forward.
        last_header: of the newest usable image; empty before the first.
        last_refusal: why the last refused image was refused, a sentence.
    """

    def __init__(
        self,
        node: Node,
        values: Mapping[str, Any],
        on_frame: Callable[[Frame], None],
        on_clock_jump: Callable[[], None],
    ) -> None:
        """Subscribes to nothing yet.

        Args:
            values: the node's parameters.
            on_frame: gets every usable image.
            on_clock_jump: called before the first image after the clock was set back: stamps known so far mean nothing
                any more.
        """
        self._node, self._on_frame, self._on_clock_jump = node, on_frame, on_clock_jump
        self._transport: str = values["image_transport"]
        self._qos = image_qos(values)
        self.topic = topic_of(node, self._transport)
        self._order = StampOrder(values["clock_jump"])
        self._subscription: Any = None
        self._jump_handle: Any = None
        self.received = self.refused = self.unreadable = self.late = self.duplicates = self.clock_jumps = 0
        self.last_header, self.last_refusal = Header(), ""
        self._trouble = ""  # of the images since the last usable one
        self._last_usable: float | None = None  # time.monotonic()
        self._opened = time.monotonic()
        self._incompatible = ""  # the policy that the middleware named last
        self._qos_said: set[str] = set()

    @property
    def is_open(self) -> bool:
        """Whether it is subscribed."""
        return self._subscription is not None

    def open(self) -> None:
        """Subscribe. Counts go on."""
        if self.is_open:
            return
        self._opened, self._incompatible = time.monotonic(), ""
        events = SubscriptionEventCallbacks(incompatible_qos=self._on_incompatible_qos)
        kind = MESSAGES[self._transport]
        self._subscription = self._node.create_subscription(
            kind, self.topic, self._on_image, self._qos, event_callbacks=events
        )
        threshold = JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=False)
        self._jump_handle = self._node.get_clock().create_jump_callback(threshold, post_callback=self._on_time_jump)

    def close(self) -> None:
        """End the subscription, so that the middleware delivers nothing and the camera may stop."""
        if not self.is_open:
            return
        self._jump_handle.unregister()
        self._node.destroy_subscription(self._subscription)
        self._subscription = self._jump_handle = None

    @property
    def refused_by(self) -> dict[str, int]:
        """Refused images by reason."""
        return {
            "unreadable": self.unreadable,
            "same stamp": self.duplicates,
            "older stamp": self.late - self.duplicates,
        }

    def quiet(self) -> float:
        """Seconds (steady clock) since the last usable image, or since :meth:`open`; 0 while closed."""
        if not self.is_open:
            return 0.0
        return time.monotonic() - max(self._opened, self._last_usable or self._opened)

    def stale_reason(self, timeout: float) -> str:
        """Why no image has arrived for ``timeout`` seconds, as far as can be told; empty while they arrive."""
        quiet = self.quiet()
        if not self.is_open or quiet < timeout:
            return ""
        publishers = self._publishers()
        what = "no usable image on" if self._last_usable is None else "no new image on"
        sentence = f"{what} {self.topic} for {quiet:.1f} s ({_count(len(publishers))})"
        wanted = TYPE_NAMES[self._transport]
        hints = [f"{_name(each)} sends {each.topic_type}" for each in publishers if each.topic_type != wanted]
        if not publishers:
            other = "raw" if self._transport == "compressed" else "compressed"
            there = topic_of(self._node, other)
            count = self._node.count_publishers(there)
            hints += [f"{there} has {_count(count)}: image_transport may have to be {other}"] if count else []
        return "; ".join([sentence, *filter(None, [*hints, self.qos_trouble, self._trouble])])

    @property
    def qos_trouble(self) -> str:
        """Which publisher's quality of service does not match, and in what; empty where all match or it is closed."""
        if not self.is_open:
            return ""
        publishers = self._publishers()
        found, unnamed = [], False
        for publisher in publishers:
            reasons = mismatches(self._qos, publisher.qos_profile)
            if reasons:
                found.append(f"nothing arrives of {_name(publisher)} on {self.topic}: it {' and '.join(reasons)}")
                unnamed = unnamed or _name(publisher) == NAMELESS
        if not found and self._incompatible and publishers and self.quiet() > 1.0:
            found = [
                f"nothing arrives of {NAMELESS} on {self.topic}: its {self._incompatible} does not match "
                "what image_qos asks for"
            ]
        if not unnamed or self.quiet() > 2.0:  # else it is worth while to wait for the name
            for sentence in set(found) - self._qos_said:
                self._qos_said.add(sentence)
                self._node.get_logger().warning(sentence)
        return "; ".join(found)

    # Executor thread -----------------------------------------------------------------------------------

    def _on_image(self, message: CameraImage) -> None:
        if not self.is_open:
            return
        self.received += 1
        stamp = to_nanoseconds(message.header.stamp)
        try:
            check_image(message)
        except ImageError as error:
            self.unreadable += 1
            self._refuse(f"image refused: {error}")
            return
        # Simulated time runs at any speed, and is set by whoever simulates it.
        simulated = getattr(self._node.get_clock(), "ros_time_is_active", False)
        arrival = self._order.check(stamp, None if simulated else time.monotonic_ns())
        if arrival in (Arrival.DUPLICATE, Arrival.OUT_OF_ORDER):
            self.late += 1
            self.duplicates += arrival is Arrival.DUPLICATE
            what = "the same as" if arrival is Arrival.DUPLICATE else "older than"
            self._refuse(f"image refused: its stamp is {what} that of the image before it")
            return
        if arrival is Arrival.CLOCK_JUMPED:
            self._set_back()
        elif arrival is Arrival.CLOCK_ADVANCED:
            self.clock_jumps += 1
            self._node.get_logger().warning("the images' clock was set forward", throttle_duration_sec=LOG_EVERY)
        self._last_usable, self._trouble, self.last_header = time.monotonic(), "", message.header
        self._on_frame(Frame(self.received, stamp, message))

    def _refuse(self, sentence: str) -> None:
        self.refused += 1
        self._trouble = self.last_refusal = sentence
        self._node.get_logger().warning(sentence, throttle_duration_sec=LOG_EVERY)

    def _set_back(self) -> None:
        self.clock_jumps += 1
        self._on_clock_jump()
        self._node.get_logger().warning("the images' clock was set back: the history starts anew, the target stays")

    def _on_time_jump(self, jump: Any) -> None:
        """Simulated time went back. A bag may be shorter than ``clock_jump``, and its images would all be late."""
        if self._order.newest > self._node.get_clock().now().nanoseconds:
            self._order.restart()
            self._set_back()

    def _on_incompatible_qos(self, event: Any) -> None:
        self._incompatible = qos_policy_name_from_kind(event.last_policy_kind).lower()
        _ = self.qos_trouble  # says so in the log

    def _publishers(self) -> list[Any]:
        return list(self._node.get_publishers_info_by_topic(self.topic))


def topic_of(node: Node, transport: str) -> str:
    """The resolved name of the image topic that a transport uses.

    Compressed images are on the image's topic with "/compressed" after it, as image_transport has them, also where
    ``image`` is remapped; a remapping of ``image/compressed`` itself counts above that.
    """
    if transport == "raw":
        return str(node.resolve_topic_name("image"))
    own = "image" + COMPRESSED_SUFFIX
    resolved = str(node.resolve_topic_name(own))
    if resolved != node.resolve_topic_name(own, only_expand=True):
        return resolved
    return str(node.resolve_topic_name("image")) + COMPRESSED_SUFFIX


def _count(publishers: int) -> str:
    return f"{publishers} publisher" if publishers == 1 else f"{publishers} publishers"


def _name(publisher: Any) -> str:
    """An endpoint's node, as far as it is known: discovery tells the node later than the endpoint."""
    if publisher.node_name.startswith("_NODE_NAME_UNKNOWN"):
        return NAMELESS
    return f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"
