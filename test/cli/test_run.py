"""siam-track run: the files it writes, what it says of bad arguments, and what Ctrl-C leaves."""

import csv
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

import siam_tracker_ros
from siam_tracker_ros.cli.main import app
from siam_tracker_ros.cli.run import COLUMNS, follow, summary
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.video import FrameSource, VideoWriter, open_source

SIZE = (160, 120)
COUNT = 24


@dataclass
class Result:
    box: Box
    confidence: float
    state: str
    reason: str = ""
    apce: float = 50.0
    apce_ratio: float = 1.0
    template_updates: int = 0

    @property
    def seen(self) -> bool:
        return self.state == "TRACKING"


class TemplateMatcher:
    """A small tracker that is a real one: normalised correlation with the first picture of the target."""

    def init(self, frame, box) -> None:
        x, y, w, h = (round(v) for v in box.as_tuple())
        self.template = frame[y : y + h, x : x + w].copy()

    def update(self, frame) -> Result:
        scores = cv2.matchTemplate(frame, self.template, cv2.TM_CCOEFF_NORMED)
        _, score, _, (x, y) = cv2.minMaxLoc(scores)
        height, width = self.template.shape[:2]
        state = "TRACKING" if score > 0.6 else "LOST"
        return Result(Box(x, y, width, height), max(0.0, score), state, "" if score > 0.6 else "no match")


def true_box(index: int) -> Box:
    return Box(20.0 + 3 * index, 40.0 + index, 24.0, 20.0)


def frames(hidden=()) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    background = cv2.GaussianBlur(random.integers(60, 160, (*SIZE[::-1], 3), dtype=np.uint8), (0, 0), 3)
    target = cv2.resize(random.integers(0, 256, (5, 6, 3), dtype=np.uint8), (24, 20))
    pictures = []
    for index in range(COUNT):
        picture = background.copy()
        if index not in hidden:
            x, y = int(true_box(index).x), int(true_box(index).y)
            picture[y : y + 20, x : x + 24] = target
        pictures.append(picture)
    return pictures


def source(pictures) -> FrameSource:
    return FrameSource("a clip", iter(pictures), 10.0, SIZE, len(pictures))


def truth(hidden=()) -> np.ndarray:
    boxes = np.array([true_box(index).as_tuple() for index in range(COUNT)])
    boxes[list(hidden)] = np.nan
    return boxes


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "track.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_follows_and_writes_a_line_and_a_picture_per_frame(tmp_path):
    track = follow(source(frames()), true_box(0), TemplateMatcher(), tmp_path, truth=truth())
    assert len(track.rows) == track.seen == COUNT - 1
    assert track.mean_iou > 0.95
    lines = table(tmp_path)
    assert tuple(lines[0]) == COLUMNS
    assert [int(line["frame"]) for line in lines] == list(range(COUNT))
    assert lines[0]["reason"] == "initial box"
    assert float(lines[10]["time"]) == pytest.approx(1.0)
    assert float(lines[10]["x"]) == pytest.approx(true_box(10).x, abs=1.0)
    assert float(lines[10]["iou"]) > 0.9
    video = open_source(tmp_path / "tracked.mp4")
    assert (len(list(video)), video.size, video.fps) == (COUNT, SIZE, 10.0)
    assert "mean IoU" in summary(track)


def test_a_hidden_target_is_lost_and_found_and_its_reason_is_in_the_table(tmp_path):
    hidden = range(8, 14)
    track = follow(
        source(frames(hidden)), true_box(0), TemplateMatcher(), tmp_path, truth=truth(hidden), write_video=False
    )
    states = [row.state for row in track.rows]
    assert states == ["TRACKING"] * 7 + ["LOST"] * 6 + ["TRACKING"] * 10
    assert [row.hidden for row in track.rows] == [state == "LOST" for state in states]
    assert table(tmp_path)[9]["reason"] == "no match"
    assert table(tmp_path)[9]["iou"] == ""
    assert not (tmp_path / "tracked.mp4").exists()


def test_without_truth_nothing_is_claimed(tmp_path):
    track = follow(source(frames()), true_box(0), TemplateMatcher(), tmp_path, write_video=False)
    assert np.isnan(track.mean_iou)
    assert "IoU" not in summary(track)


def test_a_single_frame_is_no_error(tmp_path):
    track = follow(source(frames()[:1]), true_box(0), TemplateMatcher(), tmp_path)
    assert track.rows == []
    assert "nothing to follow" in summary(track)
    assert len(list(open_source(tmp_path / "tracked.mp4"))) == 1


def test_ctrl_c_finishes_the_frame_and_the_files(tmp_path):
    def interrupting():
        for index, frame in enumerate(frames()):
            if index == 9:
                signal.raise_signal(signal.SIGINT)
            yield frame

    endless = FrameSource("a camera", interrupting(), 10.0, SIZE, None)
    track = follow(endless, true_box(0), TemplateMatcher(), tmp_path)
    assert track.interrupted
    assert len(track.rows) == 9
    assert len(table(tmp_path)) == 10
    assert len(list(open_source(tmp_path / "tracked.mp4"))) == 10
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.fixture
def clip(tmp_path) -> Path:
    with VideoWriter(tmp_path / "clip.mp4", 10, SIZE) as video:
        for frame in frames():
            video.write(frame)
    return tmp_path / "clip.mp4"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.mp4", "--box", "1,2,30,40"], "missing.mp4: no such file"),
        (["CLIP"], "where is the target"),
        (["CLIP", "--box", "1,2,3"], "is not x,y,w,h"),
        (["CLIP", "--box", "500,500,30,40"], "outside"),
        (["CLIP", "--box", "20,40,24,20", "--model", "nothing"], "nothing"),
        (["CLIP", "--box", "20,40,24,20", "--preset", "otb"], "afsn_mobile has no preset 'otb'; use one of default"),
        (["CLIP", "--box", "20,40,24,20", "--device", "abacus"], "abacus"),
        (["CLIP", "--box", "20,40,24,20", "--weights", "none.safetensors"], "none.safetensors"),
    ],
)
def test_bad_arguments_are_said_in_one_sentence(clip, arguments, says):
    words = [str(clip) if word == "CLIP" else word for word in arguments]
    result = CliRunner().invoke(app, ["run", *words])
    assert result.exit_code == 2
    assert says in result.output
    assert result.output.startswith("error: ")
    assert len(result.output.strip().splitlines()) == 1


def test_the_real_tracker_follows_a_video_file(clip, tmp_path):
    np.savetxt(tmp_path / "groundtruth.txt", truth(), delimiter=",")
    result = CliRunner().invoke(app, ["run", str(clip), "--device", "cpu", "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert f"{COUNT - 1} frames followed" in result.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"track.csv", "timeline.png", "tracked.mp4"}
    assert len(table(tmp_path / "out")) == COUNT


@pytest.mark.parametrize(
    ("options", "settings", "said"),
    [
        ([], ("", None), "afsn_mobile on cpu (eager)\n"),
        (
            ["--preset", "default", "--online"],
            ("default", True),
            "on cpu (eager), preset default, with its online branch\n",
        ),
        (["--no-online"], ("", False), "afsn_mobile on cpu (eager)\n"),
    ],
)
def test_preset_and_online_branch_reach_the_tracker(clip, tmp_path, monkeypatch, options, settings, said):
    asked, load_tracker = [], siam_tracker_ros.load_tracker

    def load(model, **given):
        asked.append((given["preset"], given["online"]))
        return load_tracker(model, **given)

    monkeypatch.setattr(siam_tracker_ros, "load_tracker", load)
    arguments = [str(clip), "--box", "20,40,24,20", "--device", "cpu", "--runtime", "eager", "--no-video"]
    arguments += ["--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["run", *arguments, *options])
    assert result.exit_code == 0, result.output
    assert asked == [settings]
    assert said in result.output


def test_help_does_not_import_torch():
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from siam_tracker_ros.cli.main import app\n"
        "result = CliRunner().invoke(app, ['run', '--help'])\n"
        "assert result.exit_code == 0 and 'x,y,w,h' in result.output, result.output\n"
        "heavy = {'torch', 'torchvision', 'rclpy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ, timeout=60)


@pytest.mark.parametrize("name", ["run", "eval", "train", "models", "export"])
def test_every_command_has_help(name):
    assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0
