"""Start tracker_node: ``ros2 launch siam_tracker_ros tracker.launch.py image:=/camera/image_raw``."""

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


def generate_launch_description() -> LaunchDescription:
    """The launch arguments and the node."""
    share = Path(get_package_share_directory("siam_tracker_ros"))
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "image",
                default_value="image",
                description="The camera's image topic.",
            ),
            DeclareLaunchArgument(
                "namespace",
                default_value="",
                description="Namespace of the node with its topics and services.",
            ),
            DeclareLaunchArgument(
                "params_file",
                default_value=str(share / "config" / "tracker.yaml"),
                description="YAML file with the node's parameters.",
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
                "log_level",
                default_value="info",
                description="Lowest level of the node's log that is shown.",
                choices=["debug", "info", "warn", "error", "fatal"],
            ),
            OpaqueFunction(function=start_node),
        ]
    )


def start_node(context: LaunchContext) -> list[Node]:
    """The node, with the arguments' values."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    given = {name: value(name) for name in ("model", "preset", "device")}
    # As text: a model named "on" must not become a truth value.
    overrides = {name: ParameterValue(text, value_type=str) for name, text in given.items() if text != FROM_FILE}
    # The profile goes into the node's environment only; one that the user has chosen stays.
    environment = dict(os.environ)
    use_shared_memory_profile(environment)
    profile = {name: text for name, text in environment.items() if os.environ.get(name) != text}
    return [
        Node(
            package="siam_tracker_ros",
            executable="tracker_node",
            name="siam_tracker",
            namespace=value("namespace"),
            parameters=[value("params_file"), overrides] if overrides else [value("params_file")],
            remappings=[("image", value("image"))],
            arguments=["--ros-args", "--log-level", value("log_level")],
            additional_env=profile,
            output="screen",
            emulate_tty=True,
        )
    ]
