"""Imports what the package needs, in the environment's own interpreter: what is broken is found now."""

import importlib

MODULES = (
    "rclpy",
    "diagnostic_msgs.msg",
    "geometry_msgs.msg",
    "sensor_msgs.msg",
    "std_msgs.msg",
    "std_srvs.srv",
    "vision_msgs.msg",
    "siam_tracker_interfaces.msg",
    "siam_tracker_interfaces.srv",
    "av",
    "cv2",
    "lightning",
    "matplotlib",
    "numpy",
    "pydantic",
    "safetensors",
    "skimage",
    "torch",
    "torchvision",
    "tqdm",
    "typer",
    "yaml",
)

for name in MODULES:
    module = importlib.import_module(name)
    print(name, getattr(module, "__version__", ""))

# The type support of a message is loaded when it is first used, and is where a wrong library shows.
import rclpy  # noqa: E402
from vision_msgs.msg import Detection2D  # noqa: E402

from siam_tracker_interfaces.msg import TrackerStatus  # noqa: E402

rclpy.init()
node = rclpy.create_node("siam_tracker_trial")
node.create_publisher(Detection2D, "~/detection", 1)
node.create_publisher(TrackerStatus, "~/status", 1)
node.destroy_node()
rclpy.shutdown()
