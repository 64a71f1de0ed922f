import array

import pytest
from sensor_msgs.msg import Image

from siam_tracker_ros.nodes.history import (
    FrameHistory,
    NoFrameError,
    StampTooOldError,
    StampUnknownError,
    seconds,
)
from siam_tracker_ros.nodes.mailbox import Frame

MS = 10**6
SLOP = 5 * MS


def history(*stamps: int, max_frames: int = 100, max_bytes: int = 10**6, size: int = 10) -> FrameHistory:
    kept = FrameHistory(max_frames, max_bytes)
    for number, stamp in enumerate(stamps, start=1):
        kept.add(Frame(number, stamp, Image(data=array.array("B", bytes(size)))))
    return kept


STAMPS = [1000 * MS, 1033 * MS, 1067 * MS]


@pytest.mark.parametrize(
    ("stamp", "number"),
    [(0, 3), (1000 * MS, 1), (1033 * MS, 2), (1035 * MS, 2), (1030 * MS, 2), (996 * MS, 1), (1072 * MS, 3)],
)
def test_a_frame_is_found_by_its_stamp_or_by_one_near_it(stamp, number):
    assert history(*STAMPS).find(stamp, SLOP).number == number


@pytest.mark.parametrize(
    ("stamps", "stamp", "error", "sentence"),
    [
        ([], 0, NoFrameError, "no frame has arrived yet"),
        ([], 1000 * MS, NoFrameError, "no frame has arrived yet"),
        (STAMPS, 900 * MS, StampTooOldError, "stamp 0.900000000 is older than the history.* 1.000000000"),
        (STAMPS, 1055 * MS, StampUnknownError, "the nearest has 1.067000000"),
        (STAMPS, 2000 * MS, StampUnknownError, "the newest 1.067000000"),
        ([0, 0], 1000 * MS, StampUnknownError, "have no stamps"),
    ],
)
def test_a_stamp_that_means_no_frame_is_refused_with_the_reason(stamps, stamp, error, sentence):
    with pytest.raises(error, match=sentence):
        history(*stamps).find(stamp, SLOP)


def test_too_old_tells_the_oldest_stamp():
    with pytest.raises(StampTooOldError) as caught:
        history(*STAMPS, max_frames=2).find(1000 * MS, SLOP)
    assert caught.value.oldest == 1033 * MS


def test_images_without_a_stamp_are_kept_as_the_newest():
    assert history(1000 * MS, 0).find(0, SLOP).number == 2
    assert history(1000 * MS, 0).find(1000 * MS, SLOP).number == 1


@pytest.mark.parametrize(("max_frames", "max_bytes", "kept"), [(2, 10**6, 2), (100, 25, 2), (100, 5, 1), (1, 5, 1)])
def test_it_is_bounded_in_number_and_bytes_and_keeps_the_newest(max_frames, max_bytes, kept):
    frames = history(*STAMPS, max_frames=max_frames, max_bytes=max_bytes)
    assert len(frames) == kept
    assert frames.find(0, SLOP).number == 3


def test_between_gives_what_came_after_one_frame_and_before_another():
    frames = history(*STAMPS)
    assert [frame.number for frame in frames.between(1, None)] == [2, 3]
    assert [frame.number for frame in frames.between(1, 3)] == [2]
    assert frames.between(3, None) == []


def test_a_cleared_history_is_empty_and_fills_again():
    frames = history(*STAMPS, max_bytes=25)
    frames.clear()
    with pytest.raises(NoFrameError):
        frames.find(0, SLOP)
    frames.add(Frame(9, 5 * MS, Image()))
    assert frames.find(5 * MS, 0).number == 9


def test_seconds_have_nine_digits():
    assert seconds(12 * 10**9 + 34) == "12.000000034"


def test_what_is_forgotten_is_handed_back_so_that_its_memory_can_be_freed_later():
    kept = history(*STAMPS, max_bytes=30)
    large = Frame(4, 1100 * MS, Image(data=array.array("B", bytes(20))))
    assert [frame.number for frame in kept.add(large)] == [1, 2]
    assert kept.add(Frame(5, 1133 * MS, Image())) == []
