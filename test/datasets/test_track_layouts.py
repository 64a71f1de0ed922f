"""What holds for every layout: one interface, a second start from the index, and pictures read late."""

import pickle

import cv2
import numpy as np
import pytest
from training_layouts import MAKERS

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.track_layouts import TRACK_LAYOUTS, read_tracks
from siam_tracker_ros.datasets.view_rows import ViewRows

LARGE = [name for name in MAKERS if name not in ("folders", "stills")]


def read(path, layout, **options):
    return read_tracks(path, layout, say=lambda text: None, **options)


def test_every_layout_has_a_fixture():
    assert set(MAKERS) == set(TRACK_LAYOUTS)


@pytest.mark.parametrize("layout", MAKERS)
def test_every_object_is_whole(tmp_path, layout):
    tracks = read(MAKERS[layout](tmp_path), layout)
    objects = list(tracks)
    assert len(objects) == len(tracks) == len(tracks.scenes) == len(tracks.categories) == tracks.survey.objects
    assert sum(len(track) for track in objects) == tracks.survey.views
    assert len({track.name for track in objects}) == len(objects)
    assert tracks.name == tracks.survey.name
    assert tracks.scenes.dtype == tracks.categories.dtype == np.int64
    for track in objects:
        assert len(track.images) == len(track.frames) == len(track.boxes) >= 1
        assert track.boxes.shape == (len(track), 4)
        assert (track.boxes.dtype, track.frames.dtype) == (np.float64, np.int64)
        assert np.isfinite(track.boxes).all()
        assert (track.boxes[:, 2:] >= 8).all()
        assert (np.diff(track.frames) > 0).all()
        assert all(cv2.imread(str(path)).shape == (60, 80, 3) for path in track.images)
    # Equal numbers are equal names, and the other way round.
    names = {track.scene for track in objects}
    assert len(set(tracks.scenes.tolist())) == len(names)
    assert len({(number, track.scene) for number, track in zip(tracks.scenes.tolist(), objects, strict=True)}) == len(
        names
    )
    assert all(
        (track.category == "") == (number == -1) for track, number in zip(objects, tracks.categories, strict=True)
    )


@pytest.mark.parametrize("layout", LARGE)
def test_a_second_start_reads_the_index_and_gives_the_same(tmp_path, layout, monkeypatch):
    path = MAKERS[layout](tmp_path / "data")
    first = read(path, layout, cache=tmp_path / "cache")

    def forbidden(*_):
        raise AssertionError("annotations were read again")

    with monkeypatch.context() as patch:
        patch.setattr(ViewRows, "table", forbidden)
        second = read(path, layout, cache=tmp_path / "cache")
        with pytest.raises(AssertionError):
            read(path, layout, cache=tmp_path / "cache", least_side=9.0)
    for tracks in (second, read(path, layout), pickle.loads(pickle.dumps(first))):
        assert tracks.survey == first.survey
        np.testing.assert_array_equal(tracks.scenes, first.scenes)
        np.testing.assert_array_equal(tracks.categories, first.categories)
        for one, other in zip(first, tracks, strict=True):
            assert (one.name, one.scene, one.category) == (other.name, other.scene, other.category)
            assert list(one.images) == list(other.images)
            np.testing.assert_array_equal(one.frames, other.frames)
            np.testing.assert_array_equal(one.boxes, other.boxes)


@pytest.mark.parametrize("layout", LARGE)
def test_a_file_that_comes_or_goes_makes_the_index_anew(tmp_path, layout):
    path = MAKERS[layout](tmp_path / "data")
    before = read(path, layout, cache=tmp_path / "cache")
    gone = before[0].images[0]
    gone.unlink()
    after = read(path, layout, cache=tmp_path / "cache")
    assert after.survey.views < before.survey.views
    assert gone not in [image for track in after for image in track.images]


@pytest.mark.parametrize("layout", ["coco", "imagenet_det", "imagenet_vid", "youtube_vos", "stills"])
def test_pictures_are_not_opened_before_they_are_asked_for(tmp_path, layout):
    path = MAKERS[layout](tmp_path)
    for track in read(path, layout):
        for image in track.images:
            image.write_bytes(b"not an image")
    tracks = read(path, layout)
    assert cv2.imread(str(tracks[0].images[0])) is None


@pytest.mark.parametrize("layout", ["youtube_bb", "got10k", "lasot", "folders"])
def test_of_a_sequence_only_one_picture_is_opened_for_its_size(tmp_path, layout):
    path = MAKERS[layout](tmp_path)
    before = read(path, layout)
    for track in before:
        if len(track) > 1:
            for image in track.images[1:]:
                image.write_bytes(b"not an image")
    assert read(path, layout).survey == before.survey


@pytest.mark.parametrize("layout", MAKERS)
def test_scenes_can_be_left_out_by_name(tmp_path, layout):
    path = MAKERS[layout](tmp_path)
    before = read(path, layout)
    scene = before[0].scene
    after = read(path, layout, leave_out=[scene])
    assert [track.name for track in after] == [track.name for track in before if track.scene != scene]
    assert after.survey.views == sum(len(track) for track in after)
    with pytest.raises(DatasetError, match="nothing is left to train on"):
        read(path, layout, leave_out=[track.scene for track in before])


@pytest.mark.parametrize("layout", [name for name in LARGE if name != "coco"])
def test_reading_many_files_shows_how_far_it_is(tmp_path, layout, capsys):
    read(MAKERS[layout](tmp_path), layout)
    assert "reading " in capsys.readouterr().err


def test_an_unknown_layout_names_those_that_there_are(tmp_path):
    with pytest.raises(DatasetError, match="no layout tfrecord; there are coco, imagenet_det"):
        read(tmp_path, "tfrecord")


@pytest.mark.parametrize("layout", MAKERS)
def test_a_folder_that_is_missing_or_empty_is_an_error(tmp_path, layout):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(DatasetError, match=str(tmp_path)):
            read(path, layout)


def test_the_videos_to_train_on_can_be_read(shared_folder, tmp_path):
    tracks = read(shared_folder / "train" / "lake.csv", "stills", cache=tmp_path)
    assert (len(tracks), tracks.survey.views) == (138, 624)
