"""Device and precision names."""

import pytest
import torch

from siam_tracker_ros.runtime import device
from siam_tracker_ros.runtime.device import (
    DeviceError,
    free_memory,
    is_out_of_memory,
    resolve_device,
    resolve_precision,
    used_memory,
)


def test_auto_takes_cuda_where_there_is_one():
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert resolve_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:-1", "", "cpu:0"])
def test_unknown_devices_are_refused(name):
    with pytest.raises(DeviceError, match="unknown device"):
        resolve_device(name)


def test_a_cuda_device_that_is_not_there_is_refused_by_name():
    with pytest.raises(DeviceError, match="'cuda:97' is not there"):
        resolve_device("cuda:97")


def test_half_precision_needs_cuda():
    assert resolve_precision("float32", torch.device("cpu")) is torch.float32
    assert resolve_precision("float16", torch.device("cuda", 0)) is torch.float16
    with pytest.raises(DeviceError, match="needs a CUDA device"):
        resolve_precision("float16", torch.device("cpu"))
    with pytest.raises(DeviceError, match="unknown precision"):
        resolve_precision("int8", torch.device("cpu"))


@pytest.mark.parametrize("flags", ["", "avx2 avx512f", "avx512_bf16", "fphp bf16"])
def test_bfloat16_is_for_cpus_that_compute_in_it(monkeypatch, flags):
    monkeypatch.setattr(device.Path, "read_text", lambda path, encoding: f"model name : x\nflags : fpu {flags}\n")
    if flags.endswith("bf16"):
        assert resolve_precision("bfloat16", torch.device("cpu")) is torch.bfloat16
    else:
        with pytest.raises(DeviceError, match="needs a CPU with bfloat16 instructions"):
            resolve_precision("bfloat16", torch.device("cpu"))


def test_which_errors_are_of_memory():
    assert is_out_of_memory(torch.cuda.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("CUDA error: an illegal memory access was encountered"))


def test_a_cpu_has_no_memory_of_its_own():
    free_memory()
    assert used_memory("cpu") == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_memory_is_given_back():
    held = torch.zeros(64, 1024, 1024, device="cuda")
    before = used_memory("cuda:0")
    assert before >= held.nbytes
    del held
    free_memory()
    assert used_memory("cuda:0") < before
    assert torch.cuda.memory_reserved() < before
