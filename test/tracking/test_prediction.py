"""A box carried through frames in which its target is not seen, with a camera whose motion is known."""

import numpy as np
import pytest

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.tracking.camera_motion import Glance, View
from siam_tracker_ros.tracking.prediction import DAMPING, HISTORY, HOP, Prediction


class Rails:
    """A camera that moves the picture by `pan` pixels and zooms it by `zoom` a frame; a view is a frame's number."""

    def __init__(self, pan=(0.0, 0.0), zoom=1.0, blind=()):
        self.pan, self.zoom, self.blind = np.array(pan), zoom, blind
        self.asked = []

    def between(self, before, now, without=()):
        first, last = before.factor, now.factor
        self.asked.append((first, last, tuple(without)))
        if first in self.blind or last in self.blind:
            return None
        motion = np.eye(3)
        step = np.array([[self.zoom, 0, self.pan[0]], [0, self.zoom, self.pan[1]], [0, 0, 1]])
        for _ in range(first, last):
            motion = step @ motion
        return motion[:2]


class Numbers:
    """Views that are frames' numbers, of frames that hold their number."""

    def look(self, frame):
        return View(np.zeros((1, 1), np.uint8), int(frame[0]), 640, 480)


def view(number):
    return Glance(Numbers(), np.array([number]))


def hidden(camera, centers, frames, size=40.0):
    """The boxes of `frames` frames after those in which the target was at these centres."""
    prediction, boxes = Prediction(camera), []
    for number, (x, y) in enumerate(centers):
        prediction.begin(view(number))
        prediction.seen(box := Box.from_center(x, y, size, size))
    for number in range(len(centers), len(centers) + frames):
        prediction.begin(view(number))
        box, _ = prediction.carry(box)
        boxes.append(box)
    return boxes


def test_a_target_that_stands_goes_with_the_ground():
    boxes = hidden(Rails(pan=(-6, 2)), [(300 - 6 * i, 200 + 2 * i) for i in range(12)], 10)
    for i, box in enumerate(boxes, start=12):
        assert (box.cx, box.cy) == pytest.approx((300 - 6 * i, 200 + 2 * i))


def test_a_target_that_the_camera_follows_stays_where_it_is_for_a_while():
    boxes = hidden(Rails(pan=(-6, 0)), [(300, 200)] * 12, 5)
    lag = [6 * (i - sum(DAMPING**k for k in range(1, i + 1))) for i in range(1, 6)]
    assert [box.cx for box in boxes] == pytest.approx([300 - late for late in lag])
    assert all(box.cy == pytest.approx(200) for box in boxes)


def test_its_own_way_comes_to_rest():
    boxes = hidden(Rails(), [(100 + 5 * i, 200) for i in range(12)], 200)
    assert boxes[0].cx == pytest.approx(155 + 5 * DAMPING)
    assert boxes[-1].cx == pytest.approx(155 + 5 * DAMPING / (1 - DAMPING))


def test_a_box_grows_as_the_camera_comes_nearer():
    boxes = hidden(Rails(zoom=1.01), [(0, 0)] * 12, 10)
    assert boxes[-1].w == pytest.approx(40 * 1.01**10)


@pytest.mark.parametrize("seen", range(1, HOP + 1))
def test_after_too_few_frames_there_is_no_velocity(seen):
    boxes = hidden(Rails(), [(100 + 5 * i, 200) for i in range(seen)], 3)
    assert [box.cx for box in boxes] == [100 + 5 * (seen - 1)] * 3


def test_a_camera_that_cannot_be_told_leaves_the_box():
    boxes = hidden(Rails(pan=(4, 0), blind={13}), [(100 + 4 * i, 0) for i in range(12)], 4)
    assert [round(box.cx - 144, 6) for box in boxes] == [4, 4, 4, 8]  # not in the frames 12 to 13 and 13 to 14


def test_a_camera_that_could_not_be_told_before_leaves_the_velocity_out():
    boxes = hidden(Rails(blind={5}), [(100 + 4 * i, 0) for i in range(8)], 2)
    assert [box.cx for box in boxes] == [128, 128]


def test_nothing_is_estimated_while_the_target_is_seen():
    camera = Rails()
    hidden(camera, [(100, 100)] * 50, 0)
    assert camera.asked == []
    hidden(camera, [(100, 100)] * 50, 1)
    assert len(camera.asked) <= HISTORY / HOP + 1


def test_the_target_itself_is_left_out():
    camera = Rails()
    hidden(camera, [(100, 100)] * 3, 1)
    assert all(boxes == (Box.from_center(100, 100, 40, 40),) for _, _, boxes in camera.asked)


def test_without_views_nothing_moves():
    prediction = Prediction(Rails(pan=(5, 5)))
    box = Box(10, 20, 30, 40)
    for _ in range(3):
        prediction.begin(None)
        prediction.seen(box)
    prediction.begin(view(1))
    assert prediction.carry(box) == (box, None)


def test_while_the_target_is_seen_few_views_are_made_and_one_frame_is_held():
    prediction, glances = Prediction(Rails()), [view(number) for number in range(20)]
    for glance in glances:
        prediction.begin(glance)
        prediction.seen(Box.from_center(100, 100, 40, 40))
        prediction.rest()
    assert sum(glance.is_made for glance in glances) == 20 // HOP
    glances.append(view(20))
    prediction.begin(glances[-1])
    prediction.carry(Box.from_center(100, 100, 40, 40))
    assert [glance.is_made for glance in glances[-2:]] == [True, True]


def test_the_view_that_will_be_compared_is_made_while_the_frame_rests():
    prediction, glances = Prediction(Rails()), [view(number) for number in range(HOP + 1)]
    for glance in glances[:HOP]:
        prediction.begin(glance)
        prediction.seen(Box.from_center(100, 100, 40, 40))
        assert not glance.is_made
        prediction.rest()
    assert [glance.is_made for glance in glances[:HOP]] == [False] * (HOP - 1) + [True]


def test_a_view_that_had_no_time_to_rest_is_made_with_the_next_frame_unless_its_memory_has_it():
    camera, memories = Rails(pan=(4, 0)), [np.zeros(1, np.int64) for _ in range(HOP)]
    memories.append(memories[-1])  # the first that is to be compared is overwritten by the one after it
    prediction = Prediction(camera)
    for number, memory in enumerate(memories):
        memory[0] = number
        prediction.begin(Glance(Numbers(), memory))
        prediction.seen(box := Box.from_center(100 + 4 * number, 0, 40, 40))
    memory = np.array([len(memories)])
    prediction.begin(Glance(Numbers(), memory))
    carried, _ = prediction.carry(box)
    assert carried.cx == pytest.approx(box.cx + 4)
    assert camera.asked == [(HOP, HOP + 1, (box,))]  # of no frame by another's number


def test_frames_that_come_in_the_same_memory_are_looked_at_in_time():
    """As where a camera's driver writes every frame into one buffer: the frame before is gone when the next is here."""
    camera, memory = Rails(pan=(4, 0)), np.zeros(1, np.int64)
    prediction, box = Prediction(camera), Box.from_center(100, 0, 40, 40)
    for number in range(14):
        memory[0] = number
        prediction.begin(Glance(Numbers(), memory))
        if number < 12:
            prediction.seen(box := Box.from_center(100 + 4 * number, 0, 40, 40))
        else:
            box, motion = prediction.carry(box)
            assert motion is not None
    assert box.cx == pytest.approx(152)
    assert all(first < last for first, last, _ in camera.asked)
