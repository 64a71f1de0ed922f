"""Views: which two of an object, and patches cut out of pictures that are decoded no larger than they are needed."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_tracks import BLOCK, draw_blocks, place_of_block, track, track_set
from hypothesis import given, settings
from hypothesis import strategies as st

from siam_tracker_ros.geometry import Box, Crop
from siam_tracker_ros.training.views import (
    BrokenView,
    Stopwatch,
    View,
    any_view,
    cut_patches,
    inner,
    reduction,
    two_views,
    views_at,
)


@pytest.mark.parametrize(("side", "factor"), [(50, 1), (253.9, 1), (254, 2), (507, 2), (508, 4), (1016, 8), (9000, 8)])
def test_a_picture_shrinks_while_each_patch_pixel_keeps_one_of_its(side, factor):
    assert reduction(Crop(0, 0, side, 127)) == factor


@pytest.fixture
def reads(monkeypatch):
    """The file names and flags that pictures are read with."""
    seen, imread = [], cv2.imread
    monkeypatch.setattr(cv2, "imread", lambda path, flag: seen.append((Path(path).name, flag)) or imread(path, flag))
    return seen


def test_a_picture_of_two_crops_is_decoded_once(tmp_path, reads):
    view = View(draw_blocks(tmp_path / "one.jpg", [(60, 50, 40, 30)]), Box(60, 50, 40, 30))
    other = View(draw_blocks(tmp_path / "two.jpg", [(60, 50, 40, 30)]), Box(60, 50, 40, 30))
    small, large = Crop(80, 65, 60, 127), Crop(80, 65, 600, 127)
    assert len(cut_patches([(view, small), (view, large), (other, large)])) == 3
    # The first is wanted at full size by one of its crops.
    assert reads == [("one.jpg", cv2.IMREAD_COLOR), ("two.jpg", cv2.IMREAD_REDUCED_COLOR_4)]


def test_formats_that_do_not_shrink_while_decoding_are_read_whole(tmp_path, reads):
    view = View(draw_blocks(tmp_path / "one.png", [(60, 50, 40, 30)]), Box(60, 50, 40, 30))
    cut_patches([(view, Crop(80, 65, 600, 127))])
    assert reads == [("one.png", cv2.IMREAD_COLOR)]


@pytest.mark.parametrize("zoom", [2, 4, 8])
def test_a_shrunken_picture_leaves_every_thing_at_its_place(tmp_path, zoom):
    # Odd places and an odd size: nothing here is a multiple of the factor.
    box = Box(331, 205, 37 * zoom, 29 * zoom)
    view = View(draw_blocks(tmp_path / "one.jpg", [box.as_tuple()], size=(1001, 701)), box)
    crop = Crop(box.cx + 11.3, box.cy - 7.7, 127.0 * zoom, 127)
    (patch,) = cut_patches([(view, crop)])
    wanted = crop.to_patch(box)
    assert place_of_block(patch) == pytest.approx((wanted.x, wanted.y, wanted.right, wanted.bottom), abs=0.35)


def test_what_lies_outside_the_picture_is_its_mean_colour(tmp_path):
    view = View(draw_blocks(tmp_path / "one.png", [(0, 0, 100, 150)], values=[BLOCK]), Box(0, 0, 100, 150))
    (patch,) = cut_patches([(view, Crop(-60, 75, 100, 50))])
    assert np.abs(patch.astype(int) - 130).max() <= 1  # half of it 220, half 40


def test_a_file_that_is_no_picture_is_a_broken_view(tmp_path):
    path = tmp_path / "one.jpg"
    path.write_bytes(b"not a picture")
    view = View(path, Box(1, 1, 9, 9), "cars", "one")
    with pytest.raises(BrokenView, match=r"one\.jpg.*cannot be read.*cars") as caught:
        cut_patches([(view, Crop(5, 5, 20, 127))])
    assert caught.value.view is view


def test_a_box_outside_its_picture_is_a_broken_view(tmp_path):
    view = View(draw_blocks(tmp_path / "one.png", []), Box(201, 10, 20, 20), "cars", "one")
    with pytest.raises(BrokenView, match="outside the picture"):
        cut_patches([(view, Crop(211, 20, 40, 127))])


def test_the_object_alone(tmp_path):
    view = View(draw_blocks(tmp_path / "one.png", [(60, 50, 40, 20)]), Box(60, 50, 40, 20))
    crop = Crop(80, 60, 40, 60)
    (patch,) = cut_patches([(view, crop)])
    assert inner(patch, view, crop).shape == (30, 60, 3)
    assert (inner(patch, view, crop)[1:-1, 1:-1] == BLOCK).all()


@given(
    frames=st.lists(st.integers(0, 400), min_size=1, max_size=30, unique=True).map(sorted),
    gap=st.integers(0, 120),
    far=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_the_two_views_keep_the_gap(frames, gap, far, seed):
    tracks = track_set(track("one", [(1, 2, 3, 4)] * len(frames), frames=frames))
    first, second = two_views(tracks, 0, gap, far, np.random.default_rng(seed))
    assert {first.frame, second.frame} <= set(frames)
    assert abs(first.frame - second.frame) <= gap
    if far == 1 and any(gap <= 2 * abs(frame - first.frame) <= 2 * gap for frame in frames):
        assert 2 * abs(first.frame - second.frame) >= gap


def test_all_views_within_the_gap_come_up():
    tracks = track_set(track("one", [(1, 2, 3, 4)] * 5, frames=[0, 10, 20, 30, 90]))
    rng = np.random.default_rng(0)
    pairs = {tuple(view.frame for view in two_views(tracks, 0, 20, 0.0, rng)) for _ in range(400)}
    near = {(a, b) for a in (0, 10, 20, 30, 90) for b in (0, 10, 20, 30, 90) if abs(a - b) <= 20}
    assert pairs == near


def test_views_know_where_they_come_from():
    tracks = track_set(track("one", [(1, 2, 3, 4), (5, 6, 7, 8)], frames=[3, 9]), name="cars")
    assert views_at(tracks, 0, 9) == [View(Path("one/9.png"), Box(5, 6, 7, 8), "cars", "one", 9)]
    assert views_at(tracks, 0, 4) == []
    seen = {any_view(tracks, 0, np.random.default_rng(seed)).frame for seed in range(20)}
    assert seen == {3, 9}


def test_a_stopwatch_adds_up_what_belongs_together(monkeypatch):
    times = iter([1.0, 3.0, 10.0, 10.5])
    monkeypatch.setattr("time.perf_counter", lambda: next(times))
    watch = Stopwatch()
    for _ in range(2):
        with watch.part("crop"):
            pass
    assert watch.seconds == {"draw": 0, "decode": 0, "crop": 2.5, "augment": 0}
