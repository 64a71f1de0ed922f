"""siam-track bag: what it writes, what it says of bad arguments and broken recordings, and what Ctrl-C leaves."""

import csv
import signal
from pathlib import Path

import pytest
from bags import COUNT, stamp_of, true_box, write_recording
from rosbags.highlevel import AnyReader
from typer.testing import CliRunner

from siam_tracker_ros import load_tracker
from siam_tracker_ros.cli.bag import follow_recording
from siam_tracker_ros.cli.main import app
from siam_tracker_ros.cli.run import COLUMNS
from siam_tracker_ros.evaluation.bag import DETECTION_TOPIC, DETECTIONS_TOPIC, Recording
from siam_tracker_ros.geometry import Box

BOX = "20,40,24,20"


@pytest.fixture
def bag(tmp_path) -> Path:
    write_recording(tmp_path / "bag")
    return tmp_path / "bag"


def run(*words):
    return CliRunner().invoke(app, ["bag", *map(str, words), "--device", "cpu"])


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "track.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def detections(folder: Path) -> dict[str, list]:
    found = {DETECTION_TOPIC: [], DETECTIONS_TOPIC: []}
    with AnyReader([folder / "detections"]) as reader:
        for connection, _, data in reader.messages():
            found[connection.topic].append(reader.deserialize(data, connection.msgtype))
    return found


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_follows_and_writes_a_line_and_a_detection_per_image(bag, tmp_path, storage):
    out = tmp_path / "out"
    result = run(bag, "--topic", "/camera/image", "--box", BOX, "--out", out, "--storage", storage)
    assert result.exit_code == 0, result.output
    assert f"{COUNT - 1} frames followed" in result.output
    lines, found = table(out), detections(out)
    assert tuple(lines[0]) == COLUMNS
    assert [int(line["frame"]) for line in lines] == list(range(COUNT))
    assert float(lines[10]["time"]) == pytest.approx(1.0)
    assert len(found[DETECTIONS_TOPIC]) == COUNT
    seen = [index for index, message in enumerate(found[DETECTIONS_TOPIC]) if message.detections]
    assert len(seen) == len(found[DETECTION_TOPIC]) > COUNT / 2
    for index, message in zip(seen, found[DETECTION_TOPIC], strict=True):
        assert message.header.stamp.sec * 10**9 + message.header.stamp.nanosec == stamp_of(index)
        bbox = message.bbox
        box = Box.from_center(bbox.center.position.x, bbox.center.position.y, bbox.size_x, bbox.size_y)
        assert box.as_tuple() == pytest.approx([float(lines[index][key]) for key in "xywh"], abs=0.011)


def test_an_interrupted_run_leaves_complete_files(bag, tmp_path):
    tracker = load_tracker("afsn_mobile", device="cpu")
    update, calls = tracker.update, []

    def interrupting(frame):
        calls.append(0)
        if len(calls) == 5:
            signal.raise_signal(signal.SIGINT)
        return update(frame)

    tracker.update = interrupting
    with Recording(bag) as recording:
        track = follow_recording(recording, recording.image_topic(""), true_box(0), tracker, tmp_path)
    assert track.interrupted
    assert len(table(tmp_path)) == len(detections(tmp_path)[DETECTIONS_TOPIC]) == 6


def test_a_broken_recording_gives_what_could_be_read_and_exit_code_1(bag, tmp_path):
    (file,) = bag.glob("*.mcap")
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * 0.6)])
    result = run(bag, "--box", BOX, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "broken" in result.output
    lines = table(tmp_path / "out")
    assert 0 < len(lines) < COUNT
    assert len(detections(tmp_path / "out")[DETECTIONS_TOPIC]) == len(lines)


def test_an_image_that_cannot_be_read_is_counted_and_the_others_are_followed(tmp_path):
    write_recording(tmp_path / "bag", encoding="jpeg", spoiled=(4, 7))
    result = run(tmp_path / "bag", "--box", BOX, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "2 images left out; the first: image 4: " in result.output
    assert [int(line["frame"]) for line in table(tmp_path / "out")] == [i for i in range(COUNT) if i not in (4, 7)]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.mcap", "--box", BOX], "missing.mcap: no such file"),
        (["BAG"], "where is the target"),
        (["BAG", "--box", "1,2,3"], "is not x,y,w,h"),
        (["BAG", "--box", "500,500,30,40"], "outside"),
        (["BAG", "--box", BOX, "--topic", "/other"], "no topic '/other'; its image topics are /camera/image"),
        (["BAG", "--box", BOX, "--topic", "/words"], "carries std_msgs/msg/String"),
        (["BAG", "--box", BOX, "--model", "nothing"], "nothing"),
        (["BAG", "--box", BOX, "--preset", "otb"], "afsn_mobile has no preset 'otb'"),
    ],
)
def test_bad_arguments_are_said_in_one_sentence(bag, tmp_path, arguments, says):
    result = run(*[str(bag) if word == "BAG" else word for word in arguments], "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert says in result.output
    assert result.output.startswith("error: ")
    assert len(result.output.strip().splitlines()) == 1


def test_an_encoding_that_is_not_read_is_named(tmp_path):
    write_recording(tmp_path / "bag", encoding="32FC1")
    result = run(tmp_path / "bag", "--box", BOX, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "encoding '32FC1' is not read here" in result.output


def test_help():
    assert CliRunner().invoke(app, ["bag", "--help"]).exit_code == 0
