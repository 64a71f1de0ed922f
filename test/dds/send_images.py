"""A camera process: sends numbered images with best-effort QoS at a rate, once the receiver has said that it is ready.

Usage: send_images.py WIDTH HEIGHT COUNT RATE. The number is the stamp's seconds; 0 is sent until the receiver answers.
"""

import array
import sys

import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Empty

width, height, count, rate = (int(argument) for argument in sys.argv[1:])

rclpy.init()
node = rclpy.create_node("camera")
publisher = node.create_publisher(Image, "image", QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))
node.create_subscription(Empty, "ready", lambda _: ready.append(True), 1)
ready: list[bool] = []
image = Image(height=height, width=width, encoding="bgr8", step=3 * width)
image.data = array.array("B", bytes(3 * width * height))
sent = 0


def send() -> None:
    global sent
    if ready:
        sent += 1
        image.header.stamp.sec = sent
    if sent <= count:
        publisher.publish(image)


node.create_timer(1 / rate, send)
while sent <= count:
    rclpy.spin_once(node)
# The segment belongs to the sender: it must stay until the receiver has taken the last image.
while publisher.get_subscription_count() > 0:
    rclpy.spin_once(node, timeout_sec=0.05)
rclpy.shutdown()
