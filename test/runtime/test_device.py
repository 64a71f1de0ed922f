"""Device and precision names."""

import pytest
import torch

from siam_tracker_ros.runtime.device import DeviceError, resolve_device, resolve_precision


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
