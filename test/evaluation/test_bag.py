"""Recordings: images in, detections out, raw and compressed, whole and broken, and what is said of bad ones."""

from pathlib import Path

import numpy as np
import pytest
from bags import COUNT, stamp_of, true_box, write_recording
from rosbags.highlevel import AnyReader
from rosbags.typesys import get_types_from_msg

from siam_tracker_ros.evaluation.bag import (
    COMPRESSED,
    DETECTION_TOPIC,
    DETECTIONS_TOPIC,
    RAW,
    BagError,
    DetectionWriter,
    Recording,
    TruncatedError,
    vision_typestore,
)
from siam_tracker_ros.geometry import Box

OVERLAY = Path(__file__).resolve().parents[2] / "ros_env" / "overlay" / "vision_msgs" / "msg"


def read_until_broken(recording, topic):
    images = []

    def read():
        for image in recording.images(topic):
            images.append(image)

    with pytest.raises(TruncatedError) as broken:
        read()
    return images, str(broken.value)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize(
    ("kind", "encoding"), [(RAW, "bgr8"), (RAW, "rgb8"), (COMPRESSED, "png"), (COMPRESSED, "jpeg")]
)
@pytest.mark.parametrize("single", [False, True])
def test_images_come_as_they_were_recorded(tmp_path, storage, kind, encoding, single):
    pictures = write_recording(tmp_path / "bag", storage=storage, encoding=encoding)
    path = (
        next(p for p in (tmp_path / "bag").iterdir() if p.suffix in (".mcap", ".db3")) if single else tmp_path / "bag"
    )
    with Recording(path) as recording:
        topic = recording.image_topic("")
        assert (topic.name, topic.type, topic.count) == ("/camera/image", kind, COUNT)
        images = list(recording.images(topic))
    assert len(images) == COUNT
    for index, (image, picture) in enumerate(zip(images, pictures, strict=True)):
        assert image.stamp == stamp_of(index)
        assert image.header.frame_id == "camera"
        assert image.recorded == stamp_of(index) + 5_000_000
        difference = np.abs(image.frame.astype(int) - picture).mean()
        assert difference < (3 if encoding == "jpeg" else 1e-9)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_detections_are_read_back_by_the_library_with_the_images_headers(tmp_path, storage):
    write_recording(tmp_path / "bag")
    with Recording(tmp_path / "bag") as recording, DetectionWriter(tmp_path / "out", storage=storage) as writer:
        for index, image in enumerate(recording.images(recording.image_topic("/camera/image"))):
            writer.write(image, None if index == 3 else true_box(index), 0.5)
    assert (writer.images, writer.seen) == (COUNT, COUNT - 1)
    # No types are given: the recording has its own, which Foxglove needs.
    with AnyReader([tmp_path / "out"]) as reader:
        found = {DETECTION_TOPIC: [], DETECTIONS_TOPIC: []}
        for connection, recorded, data in reader.messages():
            found[connection.topic].append((recorded, reader.deserialize(data, connection.msgtype)))
    assert [len(message.detections) for _, message in found[DETECTIONS_TOPIC]] == [1, 1, 1] + [0] + [1] * (COUNT - 4)
    assert len(found[DETECTION_TOPIC]) == COUNT - 1
    for index, (recorded, message) in enumerate(found[DETECTIONS_TOPIC]):
        assert message.header.stamp.sec * 10**9 + message.header.stamp.nanosec == stamp_of(index)
        assert message.header.frame_id == "camera"
        assert recorded == stamp_of(index) + 5_000_000
    first = found[DETECTION_TOPIC][0][1]
    center = first.bbox.center.position
    assert Box.from_center(center.x, center.y, first.bbox.size_x, first.bbox.size_y) == true_box(0)
    assert (first.results[0].hypothesis.score, first.results[0].hypothesis.class_id) == (0.5, "target")


def test_definitions_are_those_of_the_overlay():
    store = vision_typestore()
    for file in OVERLAY.glob("*.msg"):
        name = f"vision_msgs/msg/{file.stem}"
        assert get_types_from_msg(file.read_text(), name)[name] == store.fielddefs[name]


def test_a_recorder_that_was_killed_leaves_what_it_had_written(tmp_path):
    write_recording(tmp_path / "bag")
    (file,) = (tmp_path / "bag").glob("*.mcap")
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * 0.6)])
    (tmp_path / "bag" / "metadata.yaml").unlink()
    for path in (file, tmp_path / "bag"):
        with Recording(path) as recording:
            images, said = read_until_broken(recording, recording.image_topic(""))
        assert 0 < len(images) < COUNT
        assert [image.stamp for image in images] == [stamp_of(index) for index in range(len(images))]
        assert "broken" in said


def test_a_cut_database_gives_its_first_rows(tmp_path):
    write_recording(tmp_path / "bag", storage="sqlite3")
    (file,) = (tmp_path / "bag").glob("*.db3")
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * 0.6)])
    with Recording(tmp_path / "bag") as recording:
        images, said = read_until_broken(recording, recording.image_topic("/camera/image"))
    assert 0 < len(images) < COUNT
    assert all(image.frame is not None for image in images)
    assert "broken" in said


def test_a_folder_without_metadata_is_read_and_said_to_be_broken(tmp_path):
    write_recording(tmp_path / "bag")
    (tmp_path / "bag" / "metadata.yaml").unlink()
    with Recording(tmp_path / "bag") as recording:
        images, _ = read_until_broken(recording, recording.image_topic(""))
    assert len(images) == COUNT


def test_a_recording_cut_before_its_images_is_said_to_be_broken(tmp_path):
    write_recording(tmp_path / "bag", encoding="jpeg")
    (file,) = (tmp_path / "bag").glob("*.mcap")
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(BagError, match="broken"), Recording(file) as recording:
        recording.image_topic("/camera/image")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "not a recording of ROS 2: no metadata.yaml"),
        (lambda path: path.write_text("words"), "not a recording of ROS 2; give its folder"),
    ],
)
def test_what_is_no_recording(tmp_path, make, says):
    make(tmp_path / "thing")
    with pytest.raises(BagError, match=says):
        Recording(tmp_path / "thing")


@pytest.mark.parametrize("suffix", [".mcap", ".db3"])
@pytest.mark.parametrize("content", [b"", b"words" * 50, b"\x89MCAP0\r\n", b"SQLite format 3\x00" + bytes(200)])
def test_files_that_only_have_the_name_of_a_recording(tmp_path, suffix, content):
    file = tmp_path / f"bag{suffix}"
    file.write_bytes(content)
    with pytest.raises(BagError) as refused:
        Recording(file)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("/other", "no topic '/other'; its image topics are /camera/image"),
        ("/words", "'/words' carries std_msgs/msg/String, not images; its image topics are /camera/image"),
    ],
)
def test_topics_that_are_no_images_are_refused_with_those_that_are(tmp_path, name, says):
    write_recording(tmp_path / "bag")
    with Recording(tmp_path / "bag") as recording, pytest.raises(BagError, match=says):
        recording.image_topic(name)


def test_a_topic_without_images(tmp_path):
    write_recording(tmp_path / "bag", count=0)
    with Recording(tmp_path / "bag") as recording, pytest.raises(BagError, match="there are no images on"):
        recording.image_topic("/camera/image")


def test_an_image_that_cannot_be_read_is_named_and_the_others_come(tmp_path):
    write_recording(tmp_path / "bag", encoding="jpeg", spoiled=(4,))
    with Recording(tmp_path / "bag") as recording:
        images = list(recording.images(recording.image_topic("")))
    assert [image.frame is None for image in images] == [index == 4 for index in range(COUNT)]
    assert "cannot be decoded" in images[4].fault
    assert images[4].stamp == stamp_of(4)


def test_nothing_but_an_earlier_recording_of_detections_is_replaced(tmp_path):
    for _ in range(2):
        DetectionWriter(tmp_path / "out").close()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(BagError, match="is there already"):
        DetectionWriter(tmp_path / "out")
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"
    with pytest.raises(BagError, match="use one of mcap, sqlite3"):
        DetectionWriter(tmp_path / "other", storage="tape")


def test_a_recording_of_images_is_never_replaced(tmp_path):
    write_recording(tmp_path / "detections")
    before = sorted(path.name for path in (tmp_path / "detections").iterdir())
    with pytest.raises(BagError, match="is there already"):
        DetectionWriter(tmp_path / "detections")
    assert sorted(path.name for path in (tmp_path / "detections").iterdir()) == before
