"""Weights files: what is written is read; what does not fit is refused with a reason."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from siam_tracker_ros.networks.weights import WeightsError, load_weights, save_weights


def network():
    return nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))


def test_written_weights_are_read(tmp_path):
    torch.manual_seed(0)
    first, second = network(), network()
    save_weights(first, tmp_path / "w.safetensors", {"model": "m", "note": "n"})
    assert load_weights(second, tmp_path / "w.safetensors", "m") == {"model": "m", "note": "n"}
    for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def altered(change):
    state = {k: v.clone() for k, v in network().state_dict().items()}
    change(state)
    return state


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("0.bias"), "missing: 0.bias"),
        (lambda s: s.update(extra=torch.zeros(1)), "left over: extra"),
        (lambda s: s.update({"0.bias": torch.zeros(5)}), r"0.bias: shape \[5\], expected \[2\]"),
        (lambda s: s.update({"0.bias": torch.full((2,), float("nan"))}), "0.bias: not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path, change, said):
    save_file(altered(change), tmp_path / "w.safetensors", {"model": "m"})
    with pytest.raises(WeightsError, match=said):
        load_weights(network(), tmp_path / "w.safetensors", "m")


def test_missing_truncated_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    with pytest.raises(WeightsError, match="no such weights file"):
        load_weights(network(), path, "m")
    save_weights(network(), path, {"model": "m"})
    with pytest.raises(WeightsError, match="holds weights of m, not of other"):
        load_weights(network(), path, "other")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        load_weights(network(), path, "m")
