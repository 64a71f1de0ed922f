"""OpenCV's trackers behind init and update."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_onnx

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
    frame = next(sequence.frames())
    assert math.isnan(tracker.update(frame).confidence)


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


def test_a_score_is_a_confidence_where_it_is_known_to_be_one():
    scores = iter([0.25, 1.0000001, -1e-9, 0.25])
    fake = SimpleNamespace(
        init=lambda frame, box: None, update=lambda frame: (True, (1, 2, 3, 4)), getTrackingScore=lambda: next(scores)
    )
    tracker = peers.OpenCVTracker(lambda: fake, scored=True)
    tracker.init(FRAME, (1, 2, 3, 4))
    assert [tracker.update(FRAME).confidence for _ in range(3)] == [0.25, 1.0, 0.0]
    tracker = peers.OpenCVTracker(lambda: fake)
    tracker.init(FRAME, (1, 2, 3, 4))
    assert math.isnan(tracker.update(FRAME).confidence)


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
    monkeypatch.delattr(peers.cv2, "TrackerVit_create")
    with pytest.raises(peers.PeerError, match="has no Vit tracker; install opencv-contrib"):
        peers.vit_tracker(Path("a"))


def test_nano_files_are_checked(tmp_path):
    with pytest.raises(peers.PeerError, match=r"backbone\.onnx: no such file"):
        peers.nano_tracker(tmp_path / "backbone.onnx", tmp_path / "head.onnx")
    for name in ("backbone.onnx", "head.onnx"):
        (tmp_path / name).write_bytes(b"not a network")
    with pytest.raises(peers.PeerError, match=r"backbone\.onnx and head\.onnx: OpenCV cannot load them"):
        peers.nano_tracker(tmp_path / "backbone.onnx", tmp_path / "head.onnx")


def blue_square(index: int) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """A picture of noise with a bright square that moves by (3, 2) pixels a frame, and the square's box."""
    frame = np.random.default_rng(index).integers(0, 30, (200, 240, 3), dtype=np.uint8)
    x, y = 60 + 3 * index, 70 + 2 * index
    frame[y : y + 30, x : x + 30] = 255
    return frame, (x, y, 30, 30)


def test_vit_follows_says_how_sure_it_is_and_when_it_is_not(tmp_path):
    tracker = peers.vit_tracker(tiny_onnx.vit_network(tmp_path / "tiny.onnx"))
    for _ in range(2):  # started anew each time
        tracker.init(*blue_square(0))
        for index in range(1, 6):
            frame, box = blue_square(index)
            result = tracker.update(frame)
            assert result.found
            assert 0.9 < result.confidence <= 1
            # A cell of its score map is 7.5 pixels.
            np.testing.assert_allclose(result.box.as_tuple(), box, atol=4)
    lost = tracker.update(np.zeros_like(frame))
    assert (lost.found, lost.box) == (False, result.box)
    assert 0 <= lost.confidence < 0.2


def test_vit_s_file_is_checked(tmp_path):
    file = tmp_path / "vit.onnx"
    with pytest.raises(peers.PeerError, match=r"vit\.onnx: no such file; give VitTrack's ONNX file"):
        peers.vit_tracker(file)
    file.write_bytes(b"not a network")
    with pytest.raises(peers.PeerError, match=r"^vit\.onnx: OpenCV cannot load it"):
        peers.vit_tracker(file)


@pytest.fixture
def nano(shared_folder) -> peers.OpenCVTracker:
    files = [shared_folder / "peers" / f"nanotrackv2_nanotrack_{part}_sim.onnx" for part in ("backbone", "head")]
    return peers.nano_tracker(*files)


def test_nano_follows_a_moving_square(make_sequence, nano):
    (sequence,) = load_sequences(make_sequence("square", frames=6, step=1.5))
    track = track_sequence(nano, sequence)
    assert score_sequence(track.boxes, sequence.boxes).mean_iou > 0.5
    *_, last = sequence.frames()
    assert 0.5 < nano.update(last).confidence <= 1


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
        with pytest.raises(peers.PeerError, match=r"two ONNX files, as nano=BACKBONE\.onnx,HEAD\.onnx"):
            parse_tracker(wrong)
    vit = parse_tracker("vit_2023=a/vit.onnx")
    assert (vit.name, vit.model, vit.onnx, vit.is_peer) == ("vit_2023", "vit", (Path("a/vit.onnx"),), True)
    for wrong in ("vit", "VIT=", "vit=a,b"):
        with pytest.raises(peers.PeerError, match=r"VitTrack needs its ONNX file, as \w+=MODEL\.onnx"):
            parse_tracker(wrong)
    with pytest.raises(peers.PeerError, match="a folder of results, and 'file' is no folder"):
        parse_tracker("csrt=file")
    for wrong in ("csrt+online", "KCF:otb100"):
        with pytest.raises(peers.PeerError, match="is OpenCV's and has neither presets nor an online branch"):
            parse_tracker(wrong)


def test_vit_is_built_from_its_spec_and_told_apart_by_its_weights(tmp_path):
    spec = parse_tracker(f"vit={tiny_onnx.vit_network(tmp_path / 'tiny.onnx')}")
    before = spec.fingerprint()
    assert len(before["onnx"]) == 1
    tracker = spec.build()
    tracker.init(*blue_square(0))
    assert tracker.update(blue_square(1)[0]).found
    tiny_onnx.vit_network(tmp_path / "tiny.onnx", gain=9.0)
    assert spec.fingerprint() != before
