"""Folders of sequences as objects: images as they are, videos by views that are stored once."""

import shutil

import cv2
import numpy as np
import pytest
from training_layouts import folders, write

from siam_tracker_ros.datasets import DatasetError, Sequence
from siam_tracker_ros.datasets.track_layouts import read_tracks


def read(root, **options):
    options.setdefault("say", lambda text: None)
    return read_tracks(root, "folders", **options)


@pytest.fixture
def videos(tmp_path):
    """One video of 160 x 120: a white box on grey that moves by ten pixels a frame, absent in the second of four."""
    folder = tmp_path / "videos" / "kite"
    folder.mkdir(parents=True)
    writer = cv2.VideoWriter(str(folder / "video.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 120))
    for number in range(4):
        frame = np.full((120, 160, 3), 90, np.uint8)
        frame[50:70, 30 + 10 * number : 54 + 10 * number] = 255
        writer.write(frame)
    writer.release()
    write(folder / "groundtruth.txt", "30,50,24,20", "nan,nan,nan,nan", "50,50,24,20", "60,50,24,20")
    return tmp_path / "videos"


def test_sequences_of_images_are_read_where_they_lie(tmp_path):
    boat, kite = tracks = read(folders(tmp_path))
    assert [(track.name, track.scene, track.category) for track in tracks] == [
        ("boat", "boat", ""),
        ("kite", "kite", ""),
    ]
    np.testing.assert_array_equal(boat.boxes, [[10, 5, 20, 30], [12, 5, 20, 30]])
    assert boat.frames.tolist() == [0, 2]
    assert list(boat.images) == [tmp_path / "boat" / "img" / f"{number:04d}.jpg" for number in (0, 2)]
    assert len(kite) == 3
    assert tracks.scenes.tolist() == [0, 1]
    assert tracks.categories.tolist() == [-1, -1]
    assert tracks.survey.left_out == {"views: the target is absent": (1, ("boat",))}


def test_the_views_of_a_video_show_the_target_where_its_box_says(videos, tmp_path):
    (track,) = read(videos, cache=tmp_path / "cache")
    assert track.frames.tolist() == [0, 2, 3]
    for path, (x, y, w, h) in zip(track.images, track.boxes, strict=True):
        view = cv2.imread(str(path))
        assert view.shape == (459, 459, 3)
        # In the middle, at the scale of a search patch: 24 x 20 pixels become 127 / sqrt((24 + 22) (20 + 22)) as large.
        scale = 127 / np.sqrt(46 * 42)
        np.testing.assert_allclose([x + w / 2, y + h / 2, w, h], [229.5, 229.5, 24 * scale, 20 * scale])
        white = np.argwhere(view[:, :, 0] > 180)
        np.testing.assert_allclose(white.min(axis=0), [y, x], atol=2.5)
        np.testing.assert_allclose(white.max(axis=0) + 1, [y + h, x + w], atol=2.5)


def test_a_second_start_decodes_nothing(videos, tmp_path):
    said = []
    (first,) = read(videos, cache=tmp_path / "cache", say=said.append)
    assert len(said) == 1
    assert said[0].startswith("storing the views of kite (3 frames)")
    times = [path.stat().st_mtime_ns for path in first.images]
    (second,) = read(videos, cache=tmp_path / "cache", say=said.append)
    assert len(said) == 1
    assert list(second.images) == list(first.images)
    np.testing.assert_array_equal(second.boxes, first.boxes)
    assert [path.stat().st_mtime_ns for path in second.images] == times


def test_other_boxes_are_other_views(videos, tmp_path):
    (first,) = read(videos, cache=tmp_path / "cache")
    write(videos / "kite" / "groundtruth.txt", *["30,50,24,20"] * 4)
    (second,) = read(videos, cache=tmp_path / "cache")
    assert second.images[0].parent != first.images[0].parent
    assert len(second) == 4


def test_an_interrupted_storing_leaves_nothing_that_looks_complete(videos, tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cv2, "imwrite", stopped)
        with pytest.raises(KeyboardInterrupt):
            read(videos, cache=tmp_path / "cache")
    assert list((tmp_path / "cache" / "views").iterdir()) == []
    assert len(read(videos, cache=tmp_path / "cache")[0]) == 3


def test_views_that_another_process_stored_meanwhile_are_taken(videos, tmp_path, monkeypatch):
    (first,) = read(videos, cache=tmp_path / "there")
    name = first.images[0].parent.name
    written = cv2.imwrite

    def slow(path, image, options):
        shutil.copytree(first.images[0].parent, tmp_path / "here" / "views" / name, dirs_exist_ok=True)
        return written(path, image, options)

    monkeypatch.setattr(cv2, "imwrite", slow)
    (second,) = read(videos, cache=tmp_path / "here")
    assert all(path.is_file() for path in second.images)
    assert [path.name for path in (tmp_path / "here" / "views").iterdir()] == [name]


def test_videos_need_a_cache(videos):
    with pytest.raises(DatasetError, match="name a cache folder"):
        read(videos)


def test_broken_sequences_and_small_boxes_are_counted(tmp_path):
    folders(tmp_path)
    write(tmp_path / "kite" / "groundtruth.txt", "10,5,20,30", "11,5,20,30", "12,5,20,3")
    write(tmp_path / "boat" / "groundtruth.txt", "10,5,20,30")
    tracks = read(tmp_path)
    assert [track.frames.tolist() for track in tracks] == [[0, 1]]
    assert tracks.survey.left_out["views: a side of the box is under 8 pixels"] == (1, ("kite frame 2",))
    count, (first,) = tracks.survey.left_out["sequences: a file of theirs cannot be used"]
    assert count == 1
    assert first.startswith("boat: groundtruth.txt has 1 lines, but img has 3 frames")


def test_boxes_are_checked_against_the_size_of_the_pictures(tmp_path, videos):
    folders(tmp_path / "images")
    write(tmp_path / "images" / "kite" / "groundtruth.txt", "-5,5,20,30", "80,5,20,30", "70,5,20,30")
    kite = read(tmp_path / "images")[1]
    np.testing.assert_array_equal(kite.boxes, [[0, 5, 15, 30], [70, 5, 10, 30]])
    assert kite.frames.tolist() == [0, 2]
    write(videos / "kite" / "groundtruth.txt", "30,50,24,20", "160,50,24,20", "nan,nan,nan,nan", "60,50,24,20")
    tracks = read(videos, cache=tmp_path / "cache")
    assert tracks[0].frames.tolist() == [0, 3]
    assert tracks.survey.left_out["views: the box lies outside the picture"] == (1, ("kite frame 1",))


def test_a_sequence_whose_pictures_cannot_be_read_is_left_out(tmp_path):
    for path in (folders(tmp_path) / "boat" / "img").iterdir():
        path.write_bytes(b"cut")
    tracks = read(tmp_path)
    assert [track.name for track in tracks] == ["kite"]
    assert "boat: no picture of 3 can be read" in tracks.survey.text()


def test_a_video_that_ends_too_early_is_left_out(videos, tmp_path, monkeypatch):
    shutil.copytree(videos / "kite", videos / "boat")
    whole = Sequence.frames

    def cut(sequence):
        for number, frame in enumerate(whole(sequence)):
            if sequence.name == "boat" and number == 2:
                raise DatasetError("boat: video.avi ends after 2 frames")
            yield frame

    monkeypatch.setattr(Sequence, "frames", cut)
    tracks = read(videos, cache=tmp_path / "cache")
    assert [track.name for track in tracks] == ["kite"]
    assert "boat: video.avi ends after 2 frames" in tracks.survey.text()
    assert tracks.survey.objects == 1
    assert len(list((tmp_path / "cache" / "views").iterdir())) == 1


def test_a_full_disk_ends_the_run(videos, tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "imwrite", lambda *_: False)
    with pytest.raises(DatasetError, match=r"the views of kite cannot be stored there \(000000\.jpg was not written"):
        read(videos, cache=tmp_path / "cache")
    assert list((tmp_path / "cache" / "views").iterdir()) == []


def test_nothing_usable_is_an_error_that_tells_why(tmp_path):
    with pytest.raises(DatasetError, match=r"leaves nothing to train on\n(.|\n)*5 views: a side"):
        read(folders(tmp_path), least_side=50)
