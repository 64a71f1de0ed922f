"""Several targets: in the worker with a small tracker, and in a node of its own over DDS."""

import signal
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from template_matching import WAIT, Bench, TemplateMatching

from siam_tracker_interfaces.msg import TrackerStatus
from siam_tracker_interfaces.srv import InitTarget, RemoveTarget
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.nodes.loading import warm_up
from siam_tracker_ros.nodes.messages import to_bbox, to_box
from siam_tracker_ros.nodes.requests import InitRequest
from siam_tracker_ros.tracking.state import TrackState

CODES = InitTarget.Response


class TwoSquares:
    """The square of the Scene, and another one that moves the other way below it."""

    def __init__(self, scene) -> None:
        self.scene = scene
        self.texture = cv2.flip(scene.texture, -1)
        self.texture[8:24, 8:24] = (0, 0, 255)

    def box(self, i: int) -> tuple[int, int, int, int]:
        return self.scene.box(i)

    def other(self, i: int) -> tuple[int, int, int, int]:
        side = self.texture.shape[0]
        return 500 - 3 * (i % 120), 330, side, side

    def frame(self, i: int) -> np.ndarray:
        picture = self.scene.frame(i)
        x, y, w, h = self.other(i)
        picture[y : y + h, x : x + w] = self.texture
        return picture


@pytest.fixture
def squares(scene) -> TwoSquares:
    return TwoSquares(scene)


@pytest.fixture
def bench(squares) -> Iterator[Bench]:
    made = Bench(TemplateMatching(), max_targets=2)
    made.process(squares.frame(0))
    yield made
    made.tracker.gate.set()
    assert made.worker.stop(WAIT)


def ids(report) -> list[str]:
    return [each.target.id for each in report.targets]


def test_each_target_has_its_box_under_its_id_from_one_update(bench, squares):
    assert bench.init(squares.box(0), target_id="a", class_id="square").code == CODES.OK
    assert bench.init(squares.other(0), class_id="box").target_id == "target-1"
    for i in (1, 2, 3):
        report = bench.process(squares.frame(i))
        first, second = report.targets
        assert (report.target, report.result) == (first.target, first.result)
        assert (first.target.id, first.target.class_id, first.result.box.as_tuple()) == ("a", "square", squares.box(i))
        assert (second.target.id, second.target.class_id) == ("target-1", "box")
        assert second.result.box.as_tuple() == squares.other(i)
        assert bench.tracker.named[-1] == ("a", "target-1")
    assert len(bench.tracker.updated) == 3
    assert [target.id for target in bench.worker.targets] == ["a", "target-1"]


def test_one_too_many_is_refused_and_the_others_stay(bench, squares):
    bench.init(squares.box(0), target_id="a")
    bench.init(squares.other(0), target_id="b")
    refused = bench.init(squares.box(0), target_id="c")
    assert (refused.code, refused.target_id) == (CODES.TOO_MANY_TARGETS, "")
    assert "2 targets are followed, and max_targets allows no more" in refused.message
    assert bench.init(squares.box(0)).code == CODES.TOO_MANY_TARGETS
    report = bench.process(squares.frame(1))
    assert ids(report) == ["a", "b"]
    assert all(each.seen for each in report.targets)


def test_a_known_id_starts_anew_in_its_place(bench, squares):
    bench.init(squares.box(0), target_id="a")
    bench.init(squares.other(0), target_id="b")
    assert bench.init(squares.other(0), target_id="a", class_id="again").code == CODES.OK
    report = bench.process(squares.frame(1))
    assert ids(report) == ["a", "b"], "the primary one stays the primary one"
    assert (report.target.class_id, report.result.box.as_tuple()) == ("again", squares.other(1))


def test_the_next_one_becomes_primary_when_the_primary_one_is_removed(bench, squares):
    bench.init(squares.box(0), target_id="a")
    bench.init(squares.other(0), target_id="b")
    assert bench.remove("nobody") == []
    assert bench.remove("a") == ["a"]
    report = bench.process(squares.frame(1))
    assert (report.target.id, report.result.box.as_tuple(), report.others) == ("b", squares.other(1), ())
    bench.init(squares.box(1), target_id="c")
    assert bench.remove() == ["b", "c"]
    assert bench.process(squares.frame(2)).state is TrackState.IDLE
    assert bench.tracker.ids == ()


def test_a_made_id_is_never_one_that_is_in_use(bench, squares):
    bench.init(squares.box(0), target_id="target-1")
    assert bench.init(squares.other(0)).target_id == "target-2"


def test_with_one_target_a_new_one_replaces_it(squares):
    bench = Bench(TemplateMatching())
    bench.process(squares.frame(0))
    bench.init(squares.box(0), target_id="a")
    assert bench.init(squares.other(0), target_id="b").code == CODES.OK
    assert ids(bench.process(squares.frame(1))) == ["b"]
    assert bench.tracker.ids == ("b",)
    assert bench.worker.stop(WAIT)


def test_a_refused_box_leaves_every_target_as_it_was(bench, squares):
    bench.init(squares.box(0), target_id="a")
    for box in ((900, 10, 50, 50), (float("nan"), 1, 50, 50), (10, 10, 2, 50)):
        for name in ("a", "b"):
            assert bench.init(box, target_id=name).code != CODES.OK
    report = bench.process(squares.frame(1))
    assert (ids(report), report.result.box.as_tuple()) == (["a"], squares.box(1))


def test_only_the_added_target_catches_up(bench, squares):
    bench.init(squares.box(0), target_id="a")
    past = [bench.process(squares.frame(i)).frame for i in range(1, 5)]
    updates = len(bench.tracker.updated)
    assert bench.init(squares.other(2), stamp=past[1].stamp, target_id="b").code == CODES.OK
    report = bench.process(squares.frame(5))
    assert bench.tracker.named[updates:] == [("b",), ("b",), ("a", "b")]
    assert [each.result.box.as_tuple() for each in report.targets] == [squares.box(5), squares.other(5)]


def test_a_target_of_another_aspect_ratio_is_lost_while_the_others_are_followed(bench, squares):
    bench.init(squares.box(0), target_id="a")
    wide = [squares.frame(i)[120:] for i in range(4)]
    only = bench.process(wide[1])
    assert (only.refused, only.state) == (True, TrackState.LOST)
    x, y, w, h = squares.other(1)
    assert bench.init((x, y - 120, w, h), target_id="b").code == CODES.OK
    report = bench.process(wide[2])
    first, second = report.targets
    assert (report.refused, first.state, second.seen) == (False, TrackState.LOST, True)
    assert "640x360, but the target was drawn on 640x480" in first.reason
    # Another resolution of the new ratio, then one of the old ratio: each finds its target where it is.
    small = bench.process(cv2.resize(wide[3], (320, 180), interpolation=cv2.INTER_AREA))
    x, y, w, h = squares.other(3)
    assert small.targets[1].result.box.iou(Box(x / 2, (y - 120) / 2, w / 2, h / 2)) > 0.8
    back = bench.process(squares.frame(4))
    assert [each.state for each in back.targets] == [TrackState.TRACKING, TrackState.LOST]
    assert back.result.box.iou(Box(*map(float, squares.box(4)))) > 0.8
    assert bench.worker.processed + bench.worker.refused == bench.sent


def test_the_warm_up_ends_with_all_targets_at_once_and_leaves_none():
    tracker = TemplateMatching()
    warm_up(tracker, targets=3)
    assert [len(names) for names in tracker.named] == [1, 1, 1, 3]
    assert tracker.ids == ()


def test_requests_that_come_while_it_ends_are_answered(bench, squares):
    bench.init(squares.box(0), target_id="a")
    assert bench.worker.stop(WAIT)
    assert bench.init(squares.box(0)).code == CODES.NODE_STOPPING
    assert bench.remove() == []
    late = InitRequest(Box(0, 0, 50, 50), 0, "", "")
    bench.worker.ask(late)
    assert late.answer.result(WAIT).code == CODES.NODE_STOPPING


# Over DDS ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair(request, operator_class, scene) -> Iterator:
    """An operator of a node that follows two targets."""
    process = request.getfixturevalue("tracker_process")("max_targets:=2", "device:=cpu", namespace="pair")
    process.wait_ready()
    made = operator_class("/pair/siam_tracker", "/pair/image")
    made.connect(TwoSquares(scene).frame(0))
    yield made
    made.close()
    process.send(signal.SIGINT)
    try:
        assert process.wait_exit() == 0, process.output
    finally:
        process.close()


@pytest.fixture
def operator(pair, squares):
    """It follows nothing, after a first image."""
    pair.clear()
    pair.process(squares.frame(0))
    return pair


def overlap(detection, box) -> float:
    return to_box(detection.bbox).iou(Box(*map(float, box)))


@pytest.mark.ros
def test_the_node_follows_two_targets_and_the_oldest_is_the_primary_one(operator, squares):
    assert operator.init(squares.box(0), target_id="a", class_id="square").success
    assert operator.init(squares.other(0), target_id="b", class_id="box").success
    full = operator.init(squares.box(0), target_id="c")
    assert (full.success, full.code) == (False, CODES.TOO_MANY_TARGETS)
    for i in range(1, 8):
        stamp = operator.process(squares.frame(i))
        status, array = operator.status_of(stamp), operator.detections_of(stamp)
        assert [each.id for each in array.detections] == ["a", "b"]
        assert overlap(array.detections[0], squares.box(i)) > 0.5
        assert overlap(array.detections[1], squares.other(i)) > 0.5
        assert operator.detection_of(stamp) == array.detections[0]
        assert [(each.target_id, each.class_id) for each in status.targets] == [("a", "square"), ("b", "box")]
        assert (status.target_id, status.state) == ("a", TrackerStatus.TRACKING)
        assert 0 < status.tracking_time_ms <= status.processing_time_ms

    remove = operator.node.create_client(RemoveTarget, "/pair/siam_tracker/remove_target")
    assert operator.call(remove, RemoveTarget.Request(target_id="a")).success
    unknown = operator.call(remove, RemoveTarget.Request(target_id="a"))
    assert (unknown.success, unknown.message) == (False, "no target is named 'a'; followed: 'b'")
    stamp = operator.process(squares.frame(8))
    assert operator.detection_of(stamp).id == "b"
    assert [each.target_id for each in operator.status_of(stamp).targets] == ["b"]
    assert operator.clear().message == "no longer followed: 'b'"


@pytest.mark.ros
def test_a_box_on_the_topic_is_followed_and_a_bad_one_harms_nothing(operator, squares, wait):
    from vision_msgs.msg import Detection2D, ObjectHypothesis, ObjectHypothesisWithPose

    boxes = operator.node.create_publisher(Detection2D, "/pair/siam_tracker/init_box", 10)
    wait(boxes.get_subscription_count, "the node to listen to boxes")
    stamps = [operator.process(squares.frame(i)) for i in range(8)]

    def draw(box, name: str, stamp: int) -> None:
        hypothesis = ObjectHypothesisWithPose(hypothesis=ObjectHypothesis(class_id="car", score=1.0))
        message = Detection2D(id=name, bbox=to_bbox(Box(*map(float, box))), results=[hypothesis])
        message.header.stamp.sec, message.header.stamp.nanosec = stamp // 10**9, stamp % 10**9
        boxes.publish(message)

    def said(words: str) -> str | None:
        status = operator.status_of(operator.process(squares.frame(7)))
        return status if words in status.reason or any(words in each.target_id for each in status.targets) else None

    draw((900, 10, 50, 50), "a", stamps[7])
    assert "outside the 640x480 image" in wait(lambda: said("the last box was refused"), "the refusal").reason
    draw(squares.box(2), "a", stamps[2])  # it catches up with the five frames since
    status = wait(lambda: said("a"), "the target")
    assert [(each.target_id, each.class_id) for each in status.targets] == [("a", "car")]
    draw((10, 10, 2, 2), "a", 0)
    draw(squares.other(7), "b", 0)
    wait(lambda: said("b"), "the second target")
    seen = operator.detections_of(operator.process(squares.frame(8))).detections
    assert overlap(seen[0], squares.box(8)) > 0.5
    assert overlap(seen[1], squares.other(8)) > 0.5
