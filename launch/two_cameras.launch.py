"""Two trackers side by side, one for each camera, in namespaces of their own.

``ros2 launch siam_tracker_ros two_cameras.launch.py image:=image_raw`` listens to ``/front/image_raw`` and
``/rear/image_raw``, and offers ``/front/siam_tracker/init_target`` and ``/rear/siam_tracker/init_target``. All
arguments of tracker.launch.py count for both.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration


def generate_launch_description() -> LaunchDescription:
    """The namespaces, and a tracker in each."""
    source = Path(get_package_share_directory("siam_tracker_ros")) / "launch" / "tracker.launch.py"

    def tracker(namespace: str) -> GroupAction:
        # Scoped, so that what the first one sets does not reach the second.
        include = IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(source)),
            launch_arguments={"namespace": LaunchConfiguration(namespace)}.items(),
        )
        return GroupAction([include], scoped=True)

    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "first",
                default_value="front",
                description="Namespace of the first camera and its tracker.",
            ),
            DeclareLaunchArgument(
                "second",
                default_value="rear",
                description="Namespace of the second camera and its tracker.",
            ),
            tracker("first"),
            tracker("second"),
        ]
    )
