"""OpenCV's trackers behind init and update."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from siam_tracker_ros.datasets import load_sequences
from siam_tracker_ros.evaluation import peers
from siam_tracker_ros.evaluation.metrics import score_sequence
from siam_tracker_ros.evaluation.one_pass import track_sequence
from siam_tracker_ros.evaluation.trackers import parse_tracker

FRAME = np.zeros((40, 60, 3), np.uint8)


@pytest.mark.parametrize("name", peers.PEERS)
def test_a_peer_follows_a_moving_square_twice(name, make_sequence):
    (sequence,) = load_sequences(make_sequence("square", frames=6, step=1.5))
    tracker = peers.peer_tracker(name)
    for _ in range(2):  # started anew each time
        track = track_sequence(tracker, sequence)
        assert score_sequence(track.boxes, sequence.boxes).mean_iou > 0.5


def test_the_last_box_stands_where_opencv_reports_a_failure():
    answers = iter([(True, (1, 2, 3, 4)), (False, (0, 0, 0, 0))])
    started = []
    fake = SimpleNamespace(init=lambda frame, box: started.append(box), update=lambda frame: next(answers))
    tracker = peers.OpenCVTracker(lambda: fake)
    tracker.init(FRAME, (1.6, 2.4, 0.2, 7.5))
    assert started == [(2, 2, 1, 8)]  # whole pixels, at least one
    assert [(r.found, r.box.as_tuple()) for r in (tracker.update(FRAME), tracker.update(FRAME))] == [
        (True, (1, 2, 3, 4)),
        (False, (1, 2, 3, 4)),
    ]


def test_update_before_init_is_refused():
    with pytest.raises(peers.PeerError, match="update before init"):
        peers.peer_tracker("kcf").update(FRAME)


def test_what_opencv_does_not_have_is_named(monkeypatch):
    with pytest.raises(peers.PeerError, match="unknown peer 'goturn'; choose one of csrt, kcf, mil"):
        peers.peer_tracker("goturn")
    monkeypatch.delattr(peers.cv2, "TrackerCSRT_create")
    with pytest.raises(peers.PeerError, match="has no CSRT tracker; install opencv-contrib"):
        peers.peer_tracker("csrt")
    monkeypatch.delattr(peers.cv2, "TrackerNano_create")
    with pytest.raises(peers.PeerError, match="has no Nano tracker"):
        peers.nano_tracker(Path("a"), Path("b"))


def test_nano_files_are_checked(tmp_path):
    with pytest.raises(peers.PeerError, match=r"backbone\.onnx: no such file"):
        peers.nano_tracker(tmp_path / "backbone.onnx", tmp_path / "head.onnx")
    for name in ("backbone.onnx", "head.onnx"):
        (tmp_path / name).write_bytes(b"not a network")
    with pytest.raises(peers.PeerError, match=r"backbone\.onnx and head\.onnx: OpenCV cannot load them"):
        peers.nano_tracker(tmp_path / "backbone.onnx", tmp_path / "head.onnx")


@pytest.fixture
def nano(shared_folder) -> peers.OpenCVTracker:
    files = [shared_folder / "peers" / f"nanotrackv2_nanotrack_{part}_sim.onnx" for part in ("backbone", "head")]
    return peers.nano_tracker(*files)


def test_nano_follows_a_moving_square(make_sequence, nano):
    (sequence,) = load_sequences(make_sequence("square", frames=6, step=1.5))
    track = track_sequence(nano, sequence)
    assert score_sequence(track.boxes, sequence.boxes).mean_iou > 0.5


def test_known_figures_come_out(shared_folder, nano):
    """Football1 with the public NanoTrack v2 and KCF; the means over all 37 are 0.628 and 0.24."""
    (sequence,) = load_sequences(shared_folder / "sequences" / "Football1")
    followed = track_sequence(nano, sequence)
    kcf = track_sequence(peers.peer_tracker("kcf"), sequence)
    assert score_sequence(followed.boxes, sequence.boxes).success_auc == pytest.approx(0.740, abs=0.02)
    assert score_sequence(kcf.boxes, sequence.boxes).success_auc == pytest.approx(0.070, abs=0.02)


def test_trackers_are_named_on_the_command_line():
    zoo = parse_tracker("afsn_mobile", weights=Path("w.safetensors"), device="cpu")
    assert (zoo.name, zoo.model, zoo.weights, zoo.device) == (
        "afsn_mobile",
        "afsn_mobile",
        Path("w.safetensors"),
        "cpu",
    )
    assert not zoo.is_peer
    assert parse_tracker("runs/first.safetensors").name == "runs/first.safetensors"
    assert parse_tracker("CSRT").is_peer
    nano = parse_tracker("nano_v2=a/backbone.onnx,head.onnx")
    assert (nano.name, nano.onnx) == ("nano_v2", (Path("a/backbone.onnx"), Path("head.onnx")))
    assert nano.is_peer
    for wrong in ("nano", "nano=one.onnx", "nano=a,b,c"):
        with pytest.raises(peers.PeerError, match="needs its two ONNX files"):
            parse_tracker(wrong)
    with pytest.raises(peers.PeerError, match="only nano takes files"):
        parse_tracker("csrt=file")
    for wrong in ("csrt+online", "KCF:otb100"):
        with pytest.raises(peers.PeerError, match="is OpenCV's and has neither presets nor an online branch"):
            parse_tracker(wrong)
