"""Several trackers over several sequences: failures are counted, the others finish, runs can be resumed."""

from types import SimpleNamespace

import numpy as np
import pytest

from siam_tracker_ros.datasets import load_sequences
from siam_tracker_ros.evaluation.protocols import RealTime, Supervised
from siam_tracker_ros.evaluation.results import ResultsError
from siam_tracker_ros.evaluation.runner import RunSettings, evaluate
from siam_tracker_ros.evaluation.trackers import TrackerSpec, parse_tracker
from siam_tracker_ros.geometry import Box

KCF, MIL, CSRT = (parse_tracker(name) for name in ("kcf", "mil", "csrt"))


class Still:
    """Its box never moves; it can be told to raise or to press Ctrl-C at its n-th update."""

    device = "imagination"

    def __init__(self, raise_at: int = -1, interrupt_at: int = -1) -> None:
        self.updates, self.raise_at, self.interrupt_at = 0, raise_at, interrupt_at

    def init(self, frame, box) -> None:
        self.box = Box(*box)

    def update(self, frame):
        self.updates += 1
        if self.updates == self.raise_at:
            raise RuntimeError("lost my way")
        if self.updates == self.interrupt_at:
            raise KeyboardInterrupt
        return SimpleNamespace(box=self.box)


@pytest.fixture
def two(make_sequence):
    make_sequence("a", frames=4)
    return load_sequences(make_sequence("b", frames=5))


def use(monkeypatch, trackers):
    monkeypatch.setattr(TrackerSpec, "build", lambda spec: trackers[spec.name])


def test_every_tracker_takes_its_turn_on_every_sequence(two, tmp_path):
    seen = []
    result = evaluate([KCF, MIL], two, RunSettings(tmp_path), lambda label, frames: seen.append((label, frames)))
    assert [(o.tracker, o.sequence) for o in result.outcomes] == [
        ("kcf", "a"),
        ("mil", "a"),
        ("kcf", "b"),
        ("mil", "b"),
    ]
    assert not result.failures
    assert not result.interrupted
    assert result.devices == {"kcf": "cpu", "mil": "cpu"}
    assert sum(frames for _, frames in seen) == 2 * (4 + 5)
    first = result.outcomes[0]
    assert (first.updates, first.scores.frames, first.resumed) == (3, 3, False)
    assert first.fps == pytest.approx(3 / first.seconds)
    assert np.loadtxt(tmp_path / "results" / "mil" / "b.txt", delimiter=",").shape == (5, 4)


def test_a_tracker_that_raises_costs_one_sequence(two, tmp_path, monkeypatch):
    use(monkeypatch, {"kcf": Still(raise_at=2), "mil": Still()})
    seen = []
    result = evaluate([KCF, MIL], two, RunSettings(tmp_path), lambda label, frames: seen.append(frames))
    assert [(o.tracker, o.sequence, o.failure) for o in result.failures] == [
        ("kcf", "a", "frame 2: RuntimeError: lost my way")
    ]
    assert [o.sequence for o in result.scored("kcf")] == ["b"]
    assert [o.sequence for o in result.scored("mil")] == ["a", "b"]
    assert sum(seen) == 2 * (4 + 5)  # the progress ends at 100 % all the same
    assert not (tmp_path / "results" / "kcf" / "a.txt").exists()
    assert result.devices["kcf"] == "imagination"


def test_a_frame_that_cannot_be_read_costs_one_sequence(two, tmp_path):
    (two[0].source / "0003.png").write_bytes(b"x")
    result = evaluate([KCF], two, RunSettings(tmp_path))
    assert [(o.sequence, o.failure) for o in result.failures] == [
        ("a", "0003.png in a cannot be read as an image; restore it")
    ]
    assert [o.sequence for o in result.scored("kcf")] == ["b"]


def test_a_sequence_without_a_frame_to_score_is_a_failure(make_sequence, tmp_path):
    folder = make_sequence("one", frames=1)
    result = evaluate([KCF], load_sequences(folder), RunSettings(tmp_path))
    assert "no frame to score" in result.failures[0].failure


def test_ctrl_c_keeps_what_is_finished_and_resuming_does_the_rest(two, tmp_path, monkeypatch):
    tracker = Still(interrupt_at=5)  # in the second sequence: the first has 3 updates
    use(monkeypatch, {"kcf": tracker})
    first = evaluate([KCF], two, RunSettings(tmp_path))
    assert first.interrupted
    assert [o.sequence for o in first.outcomes] == ["a"]
    second = evaluate([KCF], two, RunSettings(tmp_path, resume=True))
    assert not second.interrupted
    assert [(o.sequence, o.resumed) for o in second.outcomes] == [("a", True), ("b", False)]
    assert second.outcomes[0].scores == first.outcomes[0].scores
    assert tracker.updates == 5 + 4
    evaluate([KCF], two, RunSettings(tmp_path))
    assert tracker.updates == 9 + 3 + 4  # without resume everything is done again


def test_a_tracker_that_cannot_be_built_costs_no_earlier_track(two, tmp_path, monkeypatch):
    evaluate([KCF], two, RunSettings(tmp_path))
    before = (tmp_path / "results" / "kcf" / "a.txt").read_text()

    def refuse(spec):
        raise ValueError("no such file")

    monkeypatch.setattr(TrackerSpec, "build", refuse)
    with pytest.raises(ValueError, match="no such file"):
        evaluate([KCF], two, RunSettings(tmp_path))
    assert (tmp_path / "results" / "kcf" / "a.txt").read_text() == before


def test_each_protocol_has_its_own_tracks(two, tmp_path, monkeypatch):
    use(monkeypatch, {"kcf": Still()})
    for protocol, folder in ((RealTime(30), "results_real_time_30/kcf"), (Supervised(), "results_vot/kcf")):
        settings = RunSettings(tmp_path, protocol=protocol)
        first = evaluate([KCF], two, settings)
        assert not first.failures
        assert (tmp_path / folder).is_dir()
        again = evaluate([KCF], two, RunSettings(tmp_path, protocol=protocol, resume=True))
        assert [(o.sequence, o.resumed) for o in again.outcomes] == [("a", True), ("b", True)]
        for before, after in zip(first.outcomes, again.outcomes, strict=True):
            assert before.scores == after.scores
            np.testing.assert_array_equal(before.track.boxes, after.track.boxes)
            if protocol.supervised:
                np.testing.assert_array_equal(before.run.overlaps, after.run.overlaps)
                assert before.run.starts == after.run.starts
    assert first.supervised("kcf") == first.outcomes
    assert not first.scored("kcf")


def test_results_of_another_tool_kit_take_part(two, tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    np.savetxt(theirs / "a.txt", two[0].boxes, delimiter="\t")
    spec = parse_tracker(f"perfect={theirs}")
    result = evaluate([spec, KCF], two, RunSettings(tmp_path / "out"))
    assert [(o.tracker, o.sequence) for o in result.failures] == [("perfect", "b")]
    assert "b.txt" in result.failures[0].failure
    assert result.scored("perfect")[0].scores.mean_iou == 1
    assert result.scored("perfect")[0].fps == 0
    assert not (tmp_path / "out" / "results" / "perfect").exists()
    with pytest.raises(ValueError, match="perfect is a folder of results: which frames it would have missed"):
        evaluate([spec], two, RunSettings(tmp_path / "out", protocol=RealTime()))


def test_real_time_is_for_one_process(two, tmp_path):
    with pytest.raises(ValueError, match="real-time goes with --jobs 1 only"):
        evaluate([KCF], two, RunSettings(tmp_path, jobs=2, protocol=RealTime()))


def test_resuming_with_other_settings_is_refused(two, tmp_path):
    evaluate([KCF], two[:1], RunSettings(tmp_path, threads=1))
    with pytest.raises(ResultsError, match="was made with other threads"):
        evaluate([KCF], two[:1], RunSettings(tmp_path, threads=2, resume=True))


def test_two_trackers_of_one_name_are_refused(two, tmp_path):
    with pytest.raises(ValueError, match="same name"):
        evaluate([KCF, KCF], two, RunSettings(tmp_path))


def test_spread_over_processes_the_figures_are_the_same(two, tmp_path):
    (two[1].source / "0003.png").write_bytes(b"x")
    alone = evaluate([KCF, CSRT], two, RunSettings(tmp_path / "alone"))
    seen = []
    spread = evaluate(
        [KCF, CSRT], two, RunSettings(tmp_path / "spread", jobs=2), lambda label, frames: seen.append(frames)
    )
    figures = {(o.tracker, o.sequence): (o.scores, o.failure) for o in alone.outcomes}
    assert {(o.tracker, o.sequence): (o.scores, o.failure) for o in spread.outcomes} == figures
    assert len(spread.failures) == 2
    assert sum(seen) == 2 * (4 + 5)
