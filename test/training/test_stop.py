"""A signal ends a run after its step, in all processes at once."""

import os
import signal
from types import SimpleNamespace

import pytest

from siam_tracker_ros.training.stop import StopOnSignal


class Trainer(SimpleNamespace):
    """One of ``world_size`` processes, the others of which answer ``others`` when asked whether to stop."""

    def __init__(self, world_size=1, others=False):
        super().__init__(world_size=world_size, should_stop=False, saved=[], strategy=self)
        self.others = others

    def reduce_boolean_decision(self, decision, all):
        assert not all
        return decision or self.others

    def save_checkpoint(self, path):
        self.saved.append(path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_step_is_finished_and_the_run_saved(tmp_path, number):
    said, trainer = [], Trainer()
    stop = StopOnSignal(tmp_path / "last.ckpt", said.append)
    before = signal.getsignal(number)
    stop.on_train_start(trainer, None)
    stop.on_train_batch_end(trainer)
    assert not trainer.should_stop
    os.kill(os.getpid(), number)
    assert said == ["stopping after this step"]
    assert signal.getsignal(number) is before, "a second signal has to do what it always does"
    assert not trainer.saved
    stop.on_train_batch_end(trainer)
    assert (stop.stopped, trainer.should_stop, trainer.saved) == (True, True, [tmp_path / "last.ckpt"])


def test_a_signal_in_another_process_stops_this_one_too(tmp_path):
    trainer = Trainer(world_size=2, others=True)
    stop = StopOnSignal(tmp_path / "last.ckpt", print)
    stop.on_train_batch_end(trainer)
    assert stop.stopped
    assert trainer.saved


@pytest.mark.parametrize("end", ["on_train_end", "on_exception"])
def test_signals_do_afterwards_what_they_did_before(tmp_path, end):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    stop = StopOnSignal(tmp_path / "last.ckpt", print)
    stop.on_train_start(Trainer(), None)
    assert signal.getsignal(signal.SIGINT) is not before[0]
    getattr(stop, end)(Trainer(), None, *([RuntimeError()] if end == "on_exception" else []))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
