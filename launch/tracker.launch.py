"""Start tracker_node: ``ros2 launch siam_tracker_ros tracker.launch.py image:=/camera/image_raw``.

``--show-args`` lists the arguments. An argument that is left out leaves what the parameter file says.
"""

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.launch_context import LaunchContext
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from siam_tracker_ros.nodes.dds import use_shared_memory_profile

# What an argument says where it is not given: the value in the parameter file stands.
FROM_FILE = ""
RESPAWN_DELAY = 2.0  # seconds: a camera's driver that fails as well is not overrun by restarts

# The arguments that are the node's parameters of the same name, with their types.
PARAMETERS: dict[str, type] = {
    "image_transport": str,
    "model": str,
    "preset": str,
    "device": str,
    "precision": str,
    "runtime": str,
    "max_targets": int,
    "autostart": bool,
    "prepare_only": bool,
    "use_sim_time": bool,
}


def generate_launch_description() -> LaunchDescription:
    """The launch arguments and the node."""
    share = Path(get_package_share_directory("siam_tracker_ros"))
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "namespace",
                default_value="",
                description="Namespace of the node with its topics and services; one for each of several nodes.",
            ),
            DeclareLaunchArgument(
                "image",
                default_value="image",
                description="The camera's image topic, without /compressed; relative to the namespace without a /.",
            ),
            DeclareLaunchArgument(
                "camera_info",
                default_value="",
                description="The camera's camera_info topic; empty: the one beside the image topic.",
            ),
            DeclareLaunchArgument(
                "image_transport",
                default_value=FROM_FILE,
                description="Listen to the raw images or to IMAGE/compressed; empty: what the parameter file says.",
                choices=[FROM_FILE, "raw", "compressed"],
            ),
            DeclareLaunchArgument(
                "model",
                default_value=FROM_FILE,
                description="Model of the zoo or path to weights; empty: what the parameter file says.",
            ),
            DeclareLaunchArgument(
                "preset",
                default_value=FROM_FILE,
                description="The model's settings by name (siam-track models); empty: what the parameter file says.",
            ),
            DeclareLaunchArgument(
                "device",
                default_value=FROM_FILE,
                description="auto, cpu, cuda or cuda:N; empty: what the parameter file says.",
            ),
            DeclareLaunchArgument(
                "precision",
                default_value=FROM_FILE,
                description="float32, float16 or bfloat16; empty: what the parameter file says.",
                choices=[FROM_FILE, "float32", "float16", "bfloat16"],
            ),
            DeclareLaunchArgument(
                "runtime",
                default_value=FROM_FILE,
                description="What computes the network; empty: what the parameter file says (auto: the fastest).",
                choices=[FROM_FILE, "auto", "eager", "cuda_graph", "onnx", "tensorrt", "openvino"],
            ),
            DeclareLaunchArgument(
                "prepare_only",
                default_value=FROM_FILE,
                description="Make what the runtime needs for this model on this machine, and exit. "
                "Empty: what the parameter file says.",
                choices=[FROM_FILE, "true", "false"],
            ),
            DeclareLaunchArgument(
                "max_targets",
                default_value=FROM_FILE,
                description="Targets followed at the same time, at most; empty: what the parameter file says.",
            ),
            DeclareLaunchArgument(
                "autostart",
                default_value=FROM_FILE,
                description="Configure and activate the node at once; false: a lifecycle manager does it. "
                "Empty: what the parameter file says.",
                choices=[FROM_FILE, "true", "false"],
            ),
            DeclareLaunchArgument(
                "use_sim_time",
                default_value=FROM_FILE,
                description="Take the time from /clock (simulators, bags); empty: what the parameter file says.",
                choices=[FROM_FILE, "true", "false"],
            ),
            DeclareLaunchArgument(
                "params_file",
                default_value=str(share / "config" / "tracker.yaml"),
                description="YAML file with the node's parameters.",
            ),
            DeclareLaunchArgument(
                "log_level",
                default_value="info",
                description="Lowest level of the node's log that is shown.",
                choices=["debug", "info", "warn", "error", "fatal"],
            ),
            DeclareLaunchArgument(
                "respawn",
                default_value="false",
                description="Start the node anew when its process ends without having been told to.",
                choices=["true", "false"],
            ),
            OpaqueFunction(function=start_node),
        ]
    )


def start_node(context: LaunchContext) -> list[Node]:
    """The node, with the arguments' values."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    # With their types: a model named "on" must not become a truth value.
    given = {name: value(name) for name in PARAMETERS}
    overrides = {
        name: ParameterValue(typed(name, text), value_type=PARAMETERS[name])
        for name, text in given.items()
        if text != FROM_FILE
    }
    image = value("image")
    # The profile goes into the node's environment only; one that the user has chosen stays.
    environment = dict(os.environ)
    use_shared_memory_profile(environment)
    profile = {name: text for name, text in environment.items() if os.environ.get(name) != text}
    return [
        # A plain Node action: the node steps through its lifecycle by itself (autostart), or a manager calls its
        # services; launch_ros's LifecycleNode would only add events that nobody here sends.
        Node(
            package="siam_tracker_ros",
            executable="tracker_node",
            name="siam_tracker",
            namespace=value("namespace"),
            parameters=[value("params_file"), overrides] if overrides else [value("params_file")],
            remappings=[
                ("image", image),
                ("camera_info", value("camera_info") or beside(image)),
            ],
            arguments=["--ros-args", "--log-level", value("log_level")],
            additional_env=profile,
            output="screen",
            emulate_tty=True,
            respawn=value("respawn") == "true",
            respawn_delay=RESPAWN_DELAY,
        )
    ]


def typed(name: str, text: str) -> str | int | bool:
    """An argument's text as the parameter's type."""
    kind = PARAMETERS[name]
    if kind is int and not text.isdigit():
        raise ValueError(f"argument '{name}' is '{text}'; it must be a whole number")
    return text == "true" if kind is bool else int(text) if kind is int else text


def beside(image: str) -> str:
    """The camera_info topic that belongs to an image topic, as image_transport has it."""
    return image.rpartition("/")[0] + "/camera_info" if "/" in image else "camera_info"
