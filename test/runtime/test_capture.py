"""Steps stay as they are without CUDA, and where they cannot be recorded."""

import warnings

import pytest
import torch

from siam_tracker_ros.runtime.capture import Capture

CPU = torch.device("cpu")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")


def refuses(step):
    raise RuntimeError("operation not permitted when stream is capturing")


def test_without_cuda_a_step_is_run_as_it_is():
    capture = Capture(CPU)
    runs = []
    step = capture(lambda: (torch.tensor(runs.append(1) or len(runs)),))
    assert [int(step()[0]) for _ in range(3)] == [1, 2, 3]
    assert capture.failure is None


def test_what_cannot_be_recorded_is_run_as_it_is_and_said_once(monkeypatch):
    capture = Capture(CPU)
    capture.enabled = True
    monkeypatch.setattr(capture, "_recorded", refuses)
    one, two = capture(lambda: (torch.tensor(1),)), capture(lambda: (torch.tensor(2),))
    with pytest.warns(RuntimeWarning, match="no CUDA graph, the network runs without: operation not permitted") as said:
        results = [int(step()[0]) for step in (one, two, one, two)]
    assert (results, len(said)) == ([1, 2, 1, 2], 1)
    assert capture.failure == "operation not permitted when stream is capturing"


def test_a_step_is_recorded_when_it_is_called_first_and_once(monkeypatch):
    capture, recorded = Capture(CPU), []
    capture.enabled = True
    monkeypatch.setattr(capture, "_recorded", lambda step: recorded.append(step) or (lambda: (torch.tensor(7),)))
    step = capture(lambda: (torch.tensor(1),))
    assert recorded == []
    assert [int(step()[0]) for _ in range(2)] == [7, 7]
    assert len(recorded) == 1


def test_an_error_of_the_step_itself_is_the_callers(monkeypatch):
    capture = Capture(CPU)
    capture.enabled = True
    monkeypatch.setattr(capture, "_recorded", lambda step: step())
    with pytest.raises(ValueError, match="shape"):
        capture(lambda: (_ for _ in ()).throw(ValueError("shape")))()


@needs_cuda
def test_a_graph_sees_new_values_in_its_inputs():
    capture = Capture(torch.device("cuda", 0))
    inputs = torch.ones(4, device="cuda")
    step = capture(lambda: (inputs * 2,))
    assert step()[0].tolist() == [2.0] * 4
    inputs.fill_(5.0)
    assert step()[0].tolist() == [10.0] * 4
    assert capture.failure is None


@needs_cuda
def test_a_step_that_asks_the_host_is_run_without_a_graph_and_the_next_one_is_recorded():
    capture = Capture(torch.device("cuda", 0))
    inputs = torch.ones(4, device="cuda")
    stream = torch.cuda.current_stream()
    with pytest.warns(RuntimeWarning, match="no CUDA graph"):
        assert capture(lambda: (inputs * inputs.sum().item(),))()[0].tolist() == [4.0] * 4
    assert torch.cuda.current_stream() == stream
    capture.failure = None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert capture(lambda: (inputs + 1,))()[0].tolist() == [2.0] * 4
    assert capture.failure is None


@needs_cuda
def test_a_new_pool_is_taken_once_all_graphs_are_gone():
    capture = Capture(torch.device("cuda", 0))
    inputs = torch.ones(4, device="cuda")
    step = capture(lambda: (inputs + 1,))
    step()
    del step
    capture.restart()
    assert capture(lambda: (inputs + 2,))()[0].tolist() == [3.0] * 4
    assert capture.failure is None
