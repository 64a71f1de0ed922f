"""The folder-of-sequences reader: lazy frames, and every kind of broken input by name."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from siam_tracker_ros.datasets import (
    DatasetError,
    load_sequence,
    load_sequences,
    read_boxes,
    survey_sequences,
)


def make_images(folder: Path, count: int = 4, truth: list[str] | None = None, suffix: str = ".png") -> Path:
    (folder / "img").mkdir(parents=True)
    for index in range(count):
        cv2.imwrite(str(folder / "img" / f"{index + 1:04d}{suffix}"), np.full((24, 32, 3), index * 10, np.uint8))
    lines = ["1,2,5,6"] * count if truth is None else truth
    (folder / "groundtruth.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def make_video(folder: Path, count: int = 6, truth: int | None = None) -> Path:
    folder.mkdir(parents=True)
    writer = cv2.VideoWriter(str(folder / "video.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
    for index in range(count):
        writer.write(np.full((48, 64, 3), index * 40, np.uint8))
    writer.release()
    lines = ["1,2,5,6"] * (count if truth is None else truth)
    (folder / "groundtruth.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_images_come_in_order_with_their_boxes(tmp_path):
    make_images(tmp_path / "walk", 3, ["1,2,3,4", "nan,nan,nan,nan", "5\t6 7,8"])
    (sequence,) = load_sequences(tmp_path)
    assert (sequence.name, len(sequence)) == ("walk", 3)
    np.testing.assert_array_equal(sequence.boxes, [[1, 2, 3, 4], [np.nan] * 4, [5, 6, 7, 8]])
    assert [int(frame[0, 0, 0]) for frame in sequence.frames()] == [0, 10, 20]


def test_video_frames_are_bgr_and_lazy(tmp_path):
    sequence = load_sequence(make_video(tmp_path / "clip"))
    frames = sequence.frames()
    first = next(frames)
    assert first.shape == (48, 64, 3)
    assert first.dtype == np.uint8
    frames.close()  # the decoder ends with the iterator
    means = [frame.mean() for frame in sequence.frames()]
    assert len(means) == 6
    assert np.all(np.diff(means) > 20)


def test_a_sequence_can_be_named_directly_and_others_are_sorted(tmp_path):
    make_images(tmp_path / "b")
    make_images(tmp_path / "a")
    (tmp_path / "notes").mkdir()
    assert [sequence.name for sequence in load_sequences(tmp_path)] == ["a", "b"]
    assert [sequence.name for sequence in load_sequences(tmp_path / "b")] == ["b"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1,2,3", "line 2 of groundtruth.txt, '1,2,3', has 3 numbers"),
        ("1,2,3,4,5", "has 5 numbers"),
        ("", "is not four numbers"),
        ("a,b,c,d", "is not four numbers"),
        ("1,nan,3,4", "is not finite"),
        ("1,2,inf,4", "is not finite"),
        ("1,2,0,4", "has no area"),
        ("1,2,3,-4", "has no area"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, said):
    make_images(tmp_path / "walk", 3, ["1,2,3,4", line, "1,2,3,4"])
    with pytest.raises(DatasetError, match="walk") as error:
        load_sequences(tmp_path)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda p: (p / "groundtruth.txt").unlink(), "groundtruth.txt cannot be read"),
        (lambda p: (p / "groundtruth.txt").write_text(""), "groundtruth.txt is empty"),
        (lambda p: (p / "groundtruth.txt").write_bytes(b"\xff\xfe1"), "is not UTF-8"),
        (lambda p: (p / "groundtruth.txt").write_text("1,2,5,6\n" * 3), "has 3 lines, but img has 4 frames"),
        (lambda p: (p / "groundtruth.txt").write_text("1,2,5,6\n" * 5), "has 5 lines, but img has 4 frames"),
        (lambda p: (p / "groundtruth.txt").write_text("nan,nan,nan,nan\n" * 4), "no box in the first frame"),
        (lambda p: (p / "img" / "0003.png").unlink(), "jumps from image 2 to 4"),
        (lambda p: (p / "img").rename(p / "pictures"), "neither a video.mp4 nor images"),
    ],
)
def test_a_broken_sequence_is_named_and_the_others_are_given(tmp_path, break_it, said):
    make_images(tmp_path / "good")
    break_it(make_images(tmp_path / "bad"))
    survey = survey_sequences(tmp_path)
    assert [sequence.name for sequence in survey.sequences] == ["good"]
    assert list(survey.broken) == ["bad"]
    assert survey.broken["bad"].startswith("bad: ")
    assert said in survey.broken["bad"]


@pytest.mark.parametrize("lines", [5, 7])
def test_a_video_with_more_or_fewer_boxes_than_frames_is_refused(tmp_path, lines):
    with pytest.raises(DatasetError, match=f"has {lines} lines, but video.mp4 has 6 frames"):
        load_sequence(make_video(tmp_path / "clip", 6, lines))


def test_an_unreadable_video_is_named(tmp_path):
    folder = make_video(tmp_path / "clip")
    (folder / "video.mp4").write_bytes(b"not a video" * 100)
    with pytest.raises(DatasetError, match=r"clip: video\.mp4 cannot be decoded"):
        load_sequence(folder)


def test_faults_found_only_while_decoding_are_errors(tmp_path):
    sequence = load_sequence(make_images(tmp_path / "walk"))
    (tmp_path / "walk" / "img" / "0004.png").unlink()
    with pytest.raises(DatasetError, match="ends after 3 frames"):
        list(sequence.frames())
    (tmp_path / "walk" / "img" / "0002.png").write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"0002\.png in walk cannot be read"):
        list(sequence.frames())
    sequence = load_sequence(make_images(tmp_path / "longer"))
    cv2.imwrite(str(tmp_path / "longer" / "img" / "0005.png"), np.zeros((24, 32, 3), np.uint8))
    with pytest.raises(DatasetError, match="has more than 4 frames"):
        list(sequence.frames())


def test_numbers_without_leading_zeros_are_counted_not_spelled(tmp_path):
    (tmp_path / "s" / "img").mkdir(parents=True)
    for index in range(1, 12):
        cv2.imwrite(str(tmp_path / "s" / "img" / f"{index}.jpg"), np.full((24, 32, 3), index * 20, np.uint8))
    (tmp_path / "s" / "groundtruth.txt").write_text("1,2,5,6\n" * 11, encoding="utf-8")
    means = [frame.mean() for frame in load_sequence(tmp_path / "s").frames()]
    assert means == sorted(means)


def test_a_folder_without_sequences_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="holds no sequence"):
        load_sequences(tmp_path)
    with pytest.raises(DatasetError, match="is not a folder"):
        load_sequences(tmp_path / "none")


def test_trailing_empty_lines_do_not_count(tmp_path):
    path = tmp_path / "boxes.txt"
    path.write_text("1,2,3,4\n\n\n", encoding="utf-8")
    assert read_boxes(path).shape == (1, 4)


def test_the_development_sequences_are_whole(shared_folder):
    sequences = load_sequences(shared_folder / "sequences")
    assert len(sequences) == 37
    assert sum(len(sequence) for sequence in sequences) == 7743
