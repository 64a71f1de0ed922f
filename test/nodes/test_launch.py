"""The launch files, run by launch itself. ROS distributions have launch; there is no wheel of it."""

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ARGUMENTS = {
    "tracker": {
        "namespace",
        "image",
        "camera_info",
        "image_transport",
        "model",
        "preset",
        "device",
        "precision",
        "runtime",
        "prepare_only",
        "max_targets",
        "autostart",
        "use_sim_time",
        "params_file",
        "log_level",
        "respawn",
    },
    "two_cameras": {"first", "second"},
    "demo": {"video", "box", "out", "seconds", "namespace"},
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_launch_file_declares_what_its_user_may_give(repository: Path, name):
    """Without launch, this much can be read: the arguments' names and their descriptions."""
    tree = ast.parse((repository / "launch" / f"{name}.launch.py").read_text())
    declared = {}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id == "DeclareLaunchArgument":
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            declared[ast.literal_eval(call.args[0])] = set(given)
    assert set(declared) == ARGUMENTS[name]
    assert all({"default_value", "description"} <= given for given in declared.values())


@pytest.mark.parametrize("name", ARGUMENTS)
def test_the_readme_and_the_docs_name_every_argument(repository: Path, name):
    text = (repository / "docs" / "launch.md").read_text()
    assert f"{name}.launch.py" in text
    missing = [argument for argument in ARGUMENTS[name] if f"`{argument}`" not in text]
    assert not missing


@dataclass
class Started:
    """A process that launch has started: its arguments, the parameters in its files, its DDS profile."""

    words: list[str]
    parameters: dict
    profile: str

    @property
    def namespace(self) -> str:
        return next((word.removeprefix("__ns:=") for word in self.words if word.startswith("__ns:=")), "")


RECORD = """\
#!{python}
import os, sys, yaml
given = {{}}
for word in sys.argv:
    if os.path.isfile(word) and word.endswith((".yaml", ".yml")) or "/launch_params_" in word:
        for node in yaml.safe_load(open(word)).values():
            given.update(node["ros__parameters"])
profile = os.environ.get("FASTDDS_DEFAULT_PROFILES_FILE", "")
path = os.path.join({folder!r}, os.path.basename(sys.argv[0]) + f".{{os.getpid()}}")
with open(path + ".part", "w") as file:
    yaml.safe_dump([sys.argv, given, profile], file)
os.rename(path + ".part", path + ".said")
sys.exit({code})
"""


class Launcher:
    """Runs launch files with programs in the nodes' place that write down what they were started with."""

    def __init__(self, repository: Path, folder: Path) -> None:
        self.repository, self.folder = repository, folder
        self.said = folder / "said"
        self.said.mkdir()
        self.bin = folder / "lib" / "siam_tracker_ros"
        self.bin.mkdir(parents=True)
        index = folder / "share" / "ament_index" / "resource_index" / "packages"
        index.mkdir(parents=True)
        (index / "siam_tracker_ros").touch()
        (folder / "share" / "siam_tracker_ros").mkdir()
        for name in ("config", "launch"):
            (folder / "share" / "siam_tracker_ros" / name).symlink_to(repository / name)
        for name in ("tracker_node", "video_player", "track_recorder", "demo_operator"):
            self.program(name)

    def program(self, name: str, code: int = 0, folder: Path | None = None) -> Path:
        path = (folder or self.bin) / name
        path.write_text(RECORD.format(python=sys.executable, folder=str(self.said), code=code))
        path.chmod(0o755)
        return path

    def run(self, name: str, **arguments: str) -> list[Started]:
        """What the programs were started with, those of the tracker node."""
        import launch
        from launch.launch_description_sources import PythonLaunchDescriptionSource

        source = PythonLaunchDescriptionSource(str(self.repository / "launch" / f"{name}.launch.py"))
        include = launch.actions.IncludeLaunchDescription(source, launch_arguments=arguments.items())
        service = launch.LaunchService(noninteractive=True)
        service.include_launch_description(launch.LaunchDescription([include]))
        assert service.run() == 0
        return self.of("tracker_node")

    def of(self, program: str) -> list[Started]:
        found = [Started(*yaml.safe_load(path.read_text())) for path in self.said.glob(f"{program}.*.said")]
        return sorted(found, key=lambda each: each.namespace)


@pytest.fixture
def launcher(repository, monkeypatch, tmp_path) -> Launcher:
    pytest.importorskip("launch.actions", reason="launch is not installed: there is no wheel of it")
    pytest.importorskip("launch_ros", reason="launch_ros is not installed: there is no wheel of it")
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "log"))
    monkeypatch.delenv("FASTDDS_DEFAULT_PROFILES_FILE", raising=False)
    monkeypatch.delenv("FASTRTPS_DEFAULT_PROFILES_FILE", raising=False)
    return Launcher(repository, tmp_path)


def test_by_default_the_parameter_file_stands(launcher, repository):
    (node,) = launcher.run("tracker")
    file = yaml.safe_load((repository / "config" / "tracker.yaml").read_text())["/**"]["ros__parameters"]
    assert node.parameters == file
    assert {"image:=image", "camera_info:=camera_info", "__node:=siam_tracker"} <= set(node.words)
    assert Path(node.profile) == repository / "config" / "fastdds.xml"


def test_arguments_reach_the_node_with_their_types(launcher, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("/**:\n  ros__parameters:\n    image_timeout: 1.25\n    max_targets: 2\n")
    (node,) = launcher.run(
        "tracker",
        namespace="uav1",
        image="/front/image_raw",
        image_transport="compressed",
        model="on",
        preset="otb100",
        device="cpu",
        max_targets="4",
        autostart="false",
        use_sim_time="true",
        params_file=str(own),
        log_level="debug",
    )
    assert node.namespace == "/uav1"
    assert {"image:=/front/image_raw", "camera_info:=/front/camera_info", "--log-level", "debug"} <= set(node.words)
    assert node.parameters == {
        "image_timeout": 1.25,
        "image_transport": "compressed",
        "model": "on",
        "preset": "otb100",
        "device": "cpu",
        "max_targets": 4,
        "autostart": False,
        "use_sim_time": True,
    }


def test_the_camera_info_may_be_elsewhere(launcher):
    (node,) = launcher.run("tracker", image="/front/image_raw", camera_info="/calibration/front")
    assert "camera_info:=/calibration/front" in node.words


@pytest.mark.parametrize(
    ("argument", "value"),
    [("log_level", "loud"), ("image_transport", "theora"), ("autostart", "maybe"), ("max_targets", "two")],
)
def test_a_value_that_is_no_choice_is_refused(launcher, argument, value):
    with pytest.raises(AssertionError):
        launcher.run("tracker", **{argument: value})
    assert launcher.of("tracker_node") == []


def test_the_users_own_dds_profile_stays(launcher, monkeypatch):
    monkeypatch.setenv("FASTDDS_DEFAULT_PROFILES_FILE", "/home/me/mine.xml")
    assert launcher.run("tracker")[0].profile == "/home/me/mine.xml"


def test_a_node_that_ends_by_itself_is_started_again_where_that_is_asked_for(launcher, repository):
    """The stand-in ends at once, so that launch would start it for ever: it is told to stop after the second time."""
    import launch
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    source = PythonLaunchDescriptionSource(str(repository / "launch" / "tracker.launch.py"))
    starts = []

    def started(event, context):
        starts.append(event.pid)
        return [launch.actions.Shutdown()] if len(starts) == 2 else []

    service = launch.LaunchService(noninteractive=True)
    handler = launch.event_handlers.OnProcessStart(on_start=started)
    include = launch.actions.IncludeLaunchDescription(source, launch_arguments={"respawn": "true"}.items())
    service.include_launch_description(
        launch.LaunchDescription([launch.actions.RegisterEventHandler(handler), include])
    )
    assert service.run() == 0
    assert len(starts) == 2


def test_two_trackers_run_side_by_side_in_their_namespaces(launcher):
    front, rear = launcher.run("two_cameras", image="image_raw", device="cpu")
    assert (front.namespace, rear.namespace) == ("/front", "/rear")
    for node in (front, rear):
        assert "image:=image_raw" in node.words, "relative: each in its own namespace"
        assert node.parameters["device"] == "cpu"
    assert [node.namespace for node in launcher.run("two_cameras", first="left", second="right")[1:3]] == [
        "/left",
        "/rear",
    ]


def test_the_demo_starts_what_make_demo_starts(launcher, tmp_path):
    (tracker,) = launcher.run("demo", video="flight.mp4", box="1,2,30,40", out=str(tmp_path / "out"))
    (player,), (recorder,), (operator,) = map(launcher.of, ("video_player", "track_recorder", "demo_operator"))
    assert {each.namespace for each in (tracker, player, recorder, operator)} == {"/demo"}
    video = str(Path("flight.mp4").absolute())
    assert player.parameters == {"video": video, "hold_first_frame": True, "wait_for_subscribers": 1}
    assert operator.parameters == {"video": video, "box": "1,2,30,40"}
    assert recorder.parameters == {"file": str(tmp_path / "out" / "recording.jsonl")}


def test_the_demo_without_a_video_draws_the_flight_first(launcher, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(launcher.program("python", folder=tmp_path)))
    launcher.run("demo", out=str(tmp_path / "out"), seconds="2.0")
    (drawn,), (player,) = launcher.of("python"), launcher.of("video_player")
    assert drawn.words[1:] == ["-m", "siam_tracker_ros.simulation.clip", str(tmp_path / "out/clip"), "--seconds", "2.0"]
    assert player.parameters["video"] == str(tmp_path / "out" / "clip" / "video.mp4")


def test_the_demo_ends_where_the_flight_cannot_be_drawn(launcher, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(launcher.program("python", code=2, folder=tmp_path)))
    assert launcher.run("demo", out=str(tmp_path / "out")) == []
    assert launcher.of("video_player") == []
