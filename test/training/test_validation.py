"""The live tracking score: which sequences, which weights, what is kept."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_runs import draw_sequence

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.evaluation.one_pass import TrackerFailure
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.networks.afsn_mobile import AFSNMobile
from siam_tracker_ros.training.recipe import ValidationRecipe
from siam_tracker_ros.training.validation import TrackingScore, sequence_auc, validation_sequences


@pytest.fixture
def data(tmp_path):
    for name in ("a", "b"):
        draw_sequence(tmp_path / "sequences" / name)
    return tmp_path


class StandingStill:
    """A tracker that says the box it was given, moved by ``off`` of its width."""

    def __init__(self, off=0.0, fails=False):
        self.off, self.fails, self.seen = off, fails, 0

    def init(self, frame, box):
        self.box = box

    def update(self, frame):
        self.seen += 1
        if self.fails:
            raise ValueError("weights that are no good")
        x, y, w, h = self.box
        return SimpleNamespace(box=Box(x + self.off * w, y, w, h))


def test_sequences_by_name_or_all_of_them(data):
    assert not validation_sequences(ValidationRecipe(), data)
    every = validation_sequences(ValidationRecipe(path="sequences"), data)
    assert [sequence.name for sequence in every] == ["a", "b"]
    one = validation_sequences(ValidationRecipe(path="sequences", sequences=("b",)), data)
    assert [sequence.name for sequence in one] == ["b"]


def test_missing_and_empty_sequences_are_named(data):
    with pytest.raises(DatasetError, match=r"validation: .*there is no sequence c"):
        validation_sequences(ValidationRecipe(path="sequences", sequences=("a", "c")), data)
    truth = data / "sequences" / "a" / "groundtruth.txt"
    truth.write_text(truth.read_text().splitlines()[0] + "\nnan,nan,nan,nan" * 3 + "\n")
    with pytest.raises(DatasetError, match="validation: a has no box to score after its first frame"):
        validation_sequences(ValidationRecipe(path="sequences"), data)


@pytest.mark.parametrize(("off", "auc"), [(0.0, 20 / 21), (2.0, 0.0)])
def test_the_score_is_the_success_auc(data, off, auc):
    (sequence,) = validation_sequences(ValidationRecipe(path="sequences", sequences=("a",)), data)
    assert sequence_auc(StandingStill(off), sequence) == pytest.approx(auc)


def test_only_the_first_frames_are_seen(data):
    (sequence,) = validation_sequences(ValidationRecipe(path="sequences", sequences=("a",), frames=3), data)
    tracker = StandingStill()
    sequence_auc(tracker, sequence, 3)
    assert tracker.seen == 2


def test_a_tracker_that_raises_has_nothing(data):
    (sequence,) = validation_sequences(ValidationRecipe(path="sequences", sequences=("a",)), data)
    assert sequence_auc(StandingStill(fails=True), sequence) == 0
    assert issubclass(TrackerFailure, RuntimeError)


class Logger:
    def __init__(self):
        self.rows = {}

    def log_metrics(self, metrics, step):
        self.rows[step] = metrics


class Strategy:
    """Of one of two processes, whose other found 0.75 for sequence b."""

    root_device = torch.device("cpu")

    def reduce(self, scores, reduce_op):
        assert reduce_op == "sum"
        assert scores[1] == 0, "sequence b is the other process's"
        return scores + torch.tensor([0.0, 0.75])


def trainer_at(step, logger, world=1):
    return SimpleNamespace(
        global_step=step, global_rank=0, world_size=world, is_global_zero=True, strategy=Strategy(), loggers=[logger]
    )


def test_scores_come_at_their_steps_and_the_best_is_kept(data, monkeypatch):
    sequences = validation_sequences(ValidationRecipe(path="sequences"), data)
    values = iter([0.1, 0.3, 0.6, 0.8, 0.4, 0.4])
    monkeypatch.setattr("siam_tracker_ros.training.validation.sequence_auc", lambda *_: next(values))
    kept, said, logger = [], [], Logger()
    score = TrackingScore(
        "afsn_mobile", sequences, 0, 2, 5, AFSNMobile, lambda net, step, auc: kept.append((step, auc)), said.append
    )
    score.on_train_start(trainer_at(0, logger), None)
    for step in (1, 2, 3):
        score.on_train_batch_end(trainer_at(step, logger))
    score.on_train_batch_end(trainer_at(5, logger))
    assert list(logger.rows) == [0, 2, 5]
    assert logger.rows[2] == pytest.approx({"validation/auc": 0.7, "validation/a": 0.6, "validation/b": 0.8})
    assert kept == [(0, pytest.approx(0.2)), (2, pytest.approx(0.7))]
    assert said[1] == "step 2: tracking score 0.700 (a 0.600, b 0.800)"

    resumed = TrackingScore("afsn_mobile", sequences, 0, 2, 5, AFSNMobile, lambda *_: None, said.append)
    resumed.load_state_dict(score.state_dict())
    assert (resumed.best, resumed.best_step) == (pytest.approx(0.7), 2)


def test_processes_share_the_sequences(data, monkeypatch):
    sequences = validation_sequences(ValidationRecipe(path="sequences"), data)
    seen = []

    def auc(tracker, sequence, frames):
        seen.append(sequence.name)
        return 0.25

    monkeypatch.setattr("siam_tracker_ros.training.validation.sequence_auc", auc)
    score = TrackingScore("afsn_mobile", sequences, 0, 1, 5, AFSNMobile, lambda *_: None, lambda _: None)
    assert score.score(trainer_at(1, Logger(), world=2)) == pytest.approx(0.5)
    assert seen == ["a"]


def test_a_real_tracker_runs_on_the_network(data):
    torch.manual_seed(0)
    sequences = validation_sequences(ValidationRecipe(path="sequences", sequences=("a",)), data)
    logger = Logger()
    score = TrackingScore("afsn_mobile", sequences, 3, 1, 5, AFSNMobile, lambda *_: None, lambda _: None)
    assert 0 <= score.score(trainer_at(1, logger)) <= 1
    assert np.isfinite(logger.rows[1]["validation/auc"])
