"""What ``make demo`` starts, as launch: ``ros2 launch siam_tracker_ros demo.launch.py``.

A player publishes a video as a camera does, the tracker follows what is in the box, a recorder writes down what it says
into ``out``, and an operator sets the target on the first frame and lets the player go on. Without ``video`` the
simulated flight of ``make demo`` is drawn first, which takes a minute. Everything ends a second after the last frame.
"""

import os
import sys
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
    TimerAction,
)
from launch.event import Event
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.launch_context import LaunchContext
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from siam_tracker_ros.nodes.dds import use_shared_memory_profile

LAST_RESULT = 1.0  # seconds after the last frame in which its result is recorded


def generate_launch_description() -> LaunchDescription:
    """The launch arguments and the four nodes."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "video",
                default_value="",
                description="Video file or folder of images that the camera shows; empty: the simulated flight.",
            ),
            DeclareLaunchArgument(
                "box",
                default_value="",
                description="The target in the first frame, x,y,w,h, pixels; empty: groundtruth.txt beside the video.",
            ),
            DeclareLaunchArgument(
                "out",
                default_value="out/demo_launch",
                description="Folder for the recording, and for the flight if it is drawn.",
            ),
            DeclareLaunchArgument(
                "seconds",
                default_value="14.0",
                description="Length of the simulated flight, at most 14.",
            ),
            DeclareLaunchArgument(
                "namespace",
                default_value="demo",
                description="Namespace of the nodes.",
            ),
            OpaqueFunction(function=start),
        ]
    )


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """The nodes, after the flight has been drawn where no video is given."""
    out = Path(LaunchConfiguration("out").perform(context)).absolute()
    if video := LaunchConfiguration("video").perform(context):
        return nodes(context, Path(video).absolute(), out)
    clip = out / "clip"
    draw = ExecuteProcess(
        cmd=[sys.executable, "-m", "siam_tracker_ros.simulation.clip", str(clip), "--seconds"]
        + [LaunchConfiguration("seconds").perform(context)],
        name="draw_flight",
        output="screen",
    )

    def drawn(event: Event, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        assert isinstance(event, ProcessExited)
        if event.returncode != 0:
            return [Shutdown(reason="the flight could not be drawn")]
        return nodes(context, clip / "video.mp4", out)

    return [RegisterEventHandler(OnProcessExit(target_action=draw, on_exit=drawn)), draw]


def nodes(context: LaunchContext, video: Path, out: Path) -> list[LaunchDescriptionEntity]:
    """Player, tracker, recorder and operator, and what ends them."""
    namespace = LaunchConfiguration("namespace").perform(context)

    # Into the nodes' environment only; one that the user has chosen stays.
    environment = dict(os.environ)
    use_shared_memory_profile(environment)
    profile = {name: text for name, text in environment.items() if os.environ.get(name) != text}

    def string(value: str | Path) -> ParameterValue:
        return ParameterValue(str(value), value_type=str)

    def node(executable: str, **parameters: object) -> Node:
        return Node(
            package="siam_tracker_ros",
            executable=executable,
            namespace=namespace,
            parameters=[parameters],
            additional_env=profile,
            output="screen",
            emulate_tty=True,
        )

    player = node("video_player", video=string(video), hold_first_frame=True, wait_for_subscribers=1)
    recorder = node("track_recorder", file=string(out / "recording.jsonl"))
    box = LaunchConfiguration("box").perform(context)
    operator = node("demo_operator", video=string(video), box=string(box))
    tracker = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(
            str(Path(get_package_share_directory("siam_tracker_ros")) / "launch" / "tracker.launch.py")
        ),
        launch_arguments={"namespace": namespace, "image": "image"}.items(),
    )

    def set_up(event: Event, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        assert isinstance(event, ProcessExited)
        return [] if event.returncode == 0 else [Shutdown(reason="the operator could not set the target")]

    end = TimerAction(period=LAST_RESULT, actions=[Shutdown(reason=f"the video is over; recorded in {out}")])
    return [
        RegisterEventHandler(OnProcessExit(target_action=player, on_exit=[end])),
        RegisterEventHandler(OnProcessExit(target_action=operator, on_exit=set_up)),
        tracker,
        recorder,
        player,
        operator,
    ]
