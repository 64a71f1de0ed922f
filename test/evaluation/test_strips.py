"""Which frames are shown of a track that goes wrong, and what is drawn into them."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros.datasets import load_sequences
from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.evaluation import strips
from siam_tracker_ros.evaluation.strips import (
    Moment,
    draw_strip,
    read_frames,
    strip_frames,
    worst_moments,
    worst_sequences,
    write_strips,
)

RED, GREEN = "#ff0000", "#00ff00"
NAN = float("nan")


def track_of(overlaps):
    """Boxes and truth with these IoUs; nan where the target is absent."""
    truth = np.tile([50.0, 40.0, 100.0, 20.0], (len(overlaps), 1))
    boxes = truth.copy()
    boxes[:, 2] *= np.nan_to_num(overlaps, nan=1.0)  # a narrower box within the true one
    truth[np.isnan(overlaps)] = np.nan
    return boxes, truth


def moments_of(*overlaps, **options):
    return [(moment.frame, moment.frames) for moment in worst_moments(*track_of(overlaps), **options)]


def test_a_failure_begins_where_the_overlap_falls_below_a_tenth():
    found = worst_moments(*track_of([1, 0.8, 0.3, 0.05, 0.0, 0.7, 0.8]))
    assert found == [Moment(3, pytest.approx(0.05), 2)]


def test_a_box_that_touches_its_target_now_and_then_is_lost_once():
    assert moments_of(1, 0.9, 0.05, 0.2, 0.0, 0.45, 0.05, 0.5, 0.09, 0.9) == [(2, 5), (8, 1)]


def test_the_longest_failure_comes_first_and_the_earlier_of_equals():
    assert moments_of(1, 0, 0.9, 0, 0, 0.9, 0, 0.9, 0, 0, 0) == [(8, 3), (3, 2), (1, 1)]
    assert moments_of(1, 0, 0.9, 0, 0, 0.9, 0, 0.9, 0, 0, 0, count=2) == [(8, 3), (3, 2)]
    assert moments_of(1, 0, 0.9, 0, 0.9, 0, 0.9, 0, 0.9, count=10) == [(1, 1), (3, 1), (5, 1), (7, 1)]


def test_a_track_that_never_failed_has_its_worst_frame_the_first_of_equals():
    assert moments_of(1, 0.9, 0.4, 0.6, 0.4, 0.8) == [(2, 0)]
    assert moments_of(1, 0.1, 0.9) == [(1, 0)]


def test_the_first_frame_does_not_count():
    assert moments_of(0, 0.9, 0.8) == [(2, 0)]
    assert moments_of(0.5) == []


def test_frames_without_a_target_neither_begin_nor_end_a_failure():
    assert moments_of(1, 0.9, NAN, NAN, 0.0, NAN, 0.0, NAN, 0.9) == [(4, 2)]
    assert moments_of(1, 0.9, NAN, 0.6, NAN) == [(3, 0)]
    assert moments_of(1, NAN, NAN) == []


def test_frames_without_a_box_belong_to_the_failure():
    # As in VOT's protocol: failed in frame 3, started anew in frame 8, where there is no box of its own either.
    boxes, truth = track_of([1.0, 0.9, 0.8, 1, 1, 1, 1, 1, 1, 0.9, 0.9])
    boxes[3:9] = np.nan
    assert worst_moments(boxes, truth) == [Moment(3, 0.0, 6)]


def test_boxes_of_another_length_are_refused():
    boxes, truth = track_of([1, 0.5, 0.5])
    with pytest.raises(ValueError, match="boxes must both be"):
        worst_moments(boxes[:2], truth)


@given(st.lists(st.sampled_from([0.0, 0.05, 0.3, 0.49, 0.6, 1.0, NAN]), min_size=1, max_size=40))
def test_every_failed_frame_belongs_to_one_failure(overlaps):
    found = worst_moments(*track_of(overlaps), count=len(overlaps))
    failures = sorted(moment.frame for moment in found if moment.frames)
    scored = {index: value for index, value in enumerate(overlaps) if index and not np.isnan(value)}
    assert {moment.frame for moment in found} <= set(scored)
    assert all(scored[frame] < 0.1 for frame in failures)
    for before, after in pairwise(failures):
        assert any(before < index < after and value >= 0.5 for index, value in scored.items())
    for index, value in scored.items():
        if value < 0.1:
            start = max(frame for frame in failures if frame <= index)
            assert all(scored[other] < 0.5 for other in scored if start <= other <= index)
    lengths = [moment.frames for moment in found]
    assert lengths == sorted(lengths, reverse=True)
    assert bool(found) == bool(scored)


def test_the_worst_sequences_and_equals_by_name():
    values = {"d": 0.5, "b": 0.1, "c": 0.9, "a": 0.5}
    assert worst_sequences(values) == ["b", "a", "d", "c"]
    assert worst_sequences(values, 2) == ["b", "a"]
    assert worst_sequences({}) == []


@pytest.mark.parametrize(
    ("frame", "length", "shown"),
    [
        (100, 500, (80, 95, 100, 105, 120)),
        (3, 500, (0, 3, 8, 23)),
        (498, 500, (478, 493, 498, 499)),
        (4, 10, (0, 4, 9)),
        (0, 1, (0,)),
    ],
)
def test_the_frames_around_a_moment_lie_within_the_sequence(frame, length, shown):
    assert strip_frames(frame, length) == shown


class Counted(Sequence):
    """Counts the frames that were read."""

    def frames(self):
        for frame in super().frames():
            self.__dict__["read"] = self.__dict__.get("read", 0) + 1
            yield frame


@pytest.fixture
def sequence(make_sequence):
    [loaded] = load_sequences(make_sequence("square", frames=8))
    return Counted(loaded.name, loaded.path, loaded.boxes, loaded.source)


def image_of(sequence, index):
    return cv2.imread(str(sequence.path / "img" / f"{index + 1:04d}.png"))


def test_frames_are_read_once_up_to_the_last_that_is_needed(sequence):
    frames = read_frames(sequence, [5, 2, 2])
    assert list(frames) == [2, 5]
    assert all((frames[index] == image_of(sequence, index)).all() for index in frames)
    assert sequence.__dict__["read"] == 6
    with pytest.raises(DatasetError, match="square: has no frame 8"):
        read_frames(sequence, [1, 8])


# Frames of 200 x 100 pixels and boxes that reach into opposite corners, so that the whole frame is shown, 1.8 times as
# large, under a heading of 22 pixels.
FULL_TRUTH, FULL_BOX = (10.0, 10.0, 60.0, 40.0), (120.0, 50.0, 60.0, 40.0)


def full(count):
    return np.tile(FULL_TRUTH, (count, 1)), np.tile(FULL_BOX, (count, 1))


def edge_color(tile, box, scale=1.8):
    """The colour in the middle of the upper edge of a box."""
    x, y, w, _ = box
    return tuple(int(value) for value in tile[round(y * scale), round((x + w / 2) * scale)])


def tiles_of(image, count, heading=22):
    """The pictures of a strip."""
    width = (image.shape[1] - 4 * (count - 1)) // count
    return [image[heading:, index * (width + 4) : index * (width + 4) + width] for index in range(count)]


def test_both_boxes_are_drawn_where_they_are_in_every_frame():
    truth, boxes = full(30)
    boxes[7, 1] += 5
    frames = {index: np.full((100, 200, 3), 90, np.uint8) for index in (3, 7, 20)}
    image = draw_strip(frames, {"kcf": boxes}, truth, {"kcf": RED})
    assert image.shape == (22 + 180, 3 * 360 + 2 * 4, 3)
    for index, tile in zip((3, 7, 20), tiles_of(image, 3), strict=True):
        assert tile.shape == (180, 360, 3)
        assert edge_color(tile, truth[index]) == (255, 255, 255)
        assert edge_color(tile, boxes[index]) == (0, 0, 255)
        assert tuple(tile[90, 180]) == (90, 90, 90)


def test_the_first_tracker_is_drawn_over_the_others_and_all_are_named():
    truth, boxes = full(2)
    frames = {1: np.full((100, 200, 3), 90, np.uint8)}
    image = draw_strip(frames, {"kcf": boxes, "mil": boxes}, truth, {"kcf": RED, "mil": GREEN})
    assert edge_color(tiles_of(image, 1)[0], FULL_BOX) == (0, 0, 255)
    heading = {tuple(color) for color in image[:22].reshape(-1, 3)}
    assert {(255, 255, 255), (0, 0, 255), (0, 255, 0)} <= heading
    many = {f"tracker {index}": boxes for index in range(10)}
    taller = draw_strip(frames, many, truth, dict.fromkeys(many, RED))
    assert taller.shape[1] == image.shape[1]
    assert taller.shape[0] >= image.shape[0] + 3 * 22


def test_only_what_is_needed_of_a_large_frame_is_shown():
    frame = np.zeros((1000, 2000, 3), np.uint8)
    frame[500:510, 800:810] = (0, 200, 0)
    truth = np.tile([800.0, 500.0, 10.0, 10.0], (3, 1))
    image = draw_strip({1: frame}, {"kcf": truth + [12.0, 0, 0, 0]}, truth, {"kcf": RED})
    seen = (np.abs(image.astype(int) - (0, 200, 0)).max(axis=2) < 10).sum()
    # Three times as large is the most; the outline takes some of it. In the whole frame it would be 3 pixels.
    assert 20**2 < seen < 30**2
    assert (image == (0, 0, 255)).all(axis=2).any()


def test_a_tiny_box_far_from_its_target_is_still_seen():
    truth = np.tile([30.0, 30.0, 6.0, 6.0], (2, 1))
    boxes = np.tile([1950.0, 950.0, 6.0, 6.0], (2, 1))
    image = draw_strip({1: np.zeros((1000, 2000, 3), np.uint8)}, {"kcf": boxes}, truth, {"kcf": RED})[22:]
    for color in ((255, 255, 255), (0, 0, 255)):
        rows, columns = np.nonzero((image == color).all(axis=2)[:150])  # without the words
        if color == (0, 0, 255):
            rows, columns = np.nonzero((image == color).all(axis=2))
        assert rows.max() - rows.min() >= 6
        assert columns.max() - columns.min() >= 6


@pytest.mark.parametrize(
    "box", [(NAN,) * 4, (1e12, -1e12, 5, 5), (-500, -500, 10, 10), (0, 0, 1e9, 1e9), (5, 5, 0, -3), (np.inf, 0, 5, 5)]
)
def test_any_box_can_be_drawn(box):
    truth, boxes = full(2)
    boxes[1] = box
    image = draw_strip({1: np.full((100, 200, 3), 90, np.uint8)}, {"kcf": boxes}, truth, {"kcf": RED})
    assert (image[22:] == 255).all(axis=2).any()


def test_captions_say_frame_and_overlap_or_that_the_target_is_absent(monkeypatch):
    texts = []
    monkeypatch.setattr(strips, "draw_caption", lambda tile, text: texts.append(text))
    boxes, truth = track_of([1, 0.25, NAN, 0.5])
    boxes[3] = np.nan
    frames = {index: np.full((100, 200, 3), 90, np.uint8) for index in (3, 2, 1)}
    image = draw_strip(frames, {"kcf": boxes}, truth, {"kcf": RED})
    assert texts == ["frame 1, IoU 0.25", "frame 2, target absent", "frame 3, no box"]
    white = [(tile == 255).all(axis=2).any() for tile in tiles_of(image, 3)]
    red = [(tile == (0, 0, 255)).all(axis=2).any() for tile in tiles_of(image, 3)]
    assert (white, red) == ([True, False, True], [True, True, False])


def test_a_sequence_where_nothing_is_to_be_drawn_is_shown_whole():
    frame = np.random.default_rng(0).integers(0, 200, (150, 180, 3), dtype=np.uint8)
    nothing = np.full((2, 4), np.nan)
    [tile] = tiles_of(draw_strip({1: frame}, {"kcf": nothing}, nothing, {"kcf": RED}), 1)
    assert tile.shape == (300, 360, 3)
    expected = cv2.resize(frame, (360, 300), interpolation=cv2.INTER_LINEAR)
    assert (tile[:250] == expected[:250]).all()


def test_strips_of_a_sequence_are_written_in_one_pass(sequence, tmp_path):
    wanted = {tmp_path / "a.jpg": strip_frames(4, 8), tmp_path / "b.png": (2, 3, 3)}
    assert write_strips(sequence, wanted, {"kcf": sequence.boxes}, sequence.boxes, {"kcf": RED}) == ""
    assert sequence.__dict__["read"] == 8
    for path, count in zip(wanted, (3, 2), strict=True):
        image = cv2.imread(str(path))
        assert image.shape == (22 + 270, count * 364 - 4, 3)
        assert image.std() > 20
    again = draw_strip(read_frames(sequence, (2, 3)), {"kcf": sequence.boxes}, sequence.boxes, {"kcf": RED})
    assert (cv2.imread(str(tmp_path / "b.png")) == again).all()


def test_what_cannot_be_read_or_written_is_a_sentence(sequence, tmp_path):
    def reason(path: Path) -> str:
        return write_strips(sequence, {path: (1, 6)}, {"kcf": sequence.boxes}, sequence.boxes, {"kcf": RED})

    assert reason(tmp_path / "gone" / "a.jpg") == "no pictures of square: a.jpg could not be written"
    assert reason(tmp_path / "a.unknown").startswith("no pictures of square: ")
    (sequence.path / "img" / "0006.png").write_bytes(b"\x89PNG, but cut")
    assert reason(tmp_path / "a.jpg").startswith("no pictures of square: 0006.png in square cannot be read")
    for image in (sequence.path / "img").iterdir():
        image.unlink()
    (sequence.path / "img").rmdir()
    assert reason(tmp_path / "a.jpg").startswith("no pictures of square: ")
    assert not (tmp_path / "a.jpg").exists()
