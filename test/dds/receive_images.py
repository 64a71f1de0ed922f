"""A receiving process: prints the numbers of the images that arrived, as JSON, when the last one has or none comes.

Usage: receive_images.py COUNT PATIENCE, the latter in seconds without an image.
"""

import json
import sys
import time

import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Empty

count, patience = int(sys.argv[1]), float(sys.argv[2])

rclpy.init()
node = rclpy.create_node("receiver")
ready = node.create_publisher(Empty, "ready", 1)
numbers: list[int] = []
last = time.monotonic()


def take(image: Image) -> None:
    global last
    last = time.monotonic()
    number = image.header.stamp.sec
    if number == 0:
        ready.publish(Empty())
    else:
        numbers.append(number)


# What the executor has not taken yet is kept, so that only what the transport loses is missing.
qos = QoSProfile(depth=count, reliability=ReliabilityPolicy.BEST_EFFORT)
node.create_subscription(Image, "image", take, qos)
while (not numbers or numbers[-1] < count) and time.monotonic() - last < patience:
    rclpy.spin_once(node, timeout_sec=0.1)
rclpy.shutdown()
print(json.dumps(numbers))
