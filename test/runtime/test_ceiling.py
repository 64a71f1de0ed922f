"""What a device can do at most."""

import pytest
import torch

from siam_tracker_ros.runtime.ceiling import measure_ceiling


def test_a_processor_multiplies_and_copies():
    found = measure_ceiling(torch.device("cpu"), seconds=0.01)
    assert 1e8 < found.flop < 1e15
    assert 1e8 < found.bytes < 1e13


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_gpu_is_waited_for():
    assert measure_ceiling(torch.device("cuda", 0), torch.float16, seconds=0.1).flop < 1e16
