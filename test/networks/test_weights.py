"""Weights files: what is written is read; what does not fit is refused with a reason."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from siam_tracker_ros.networks.weights import (
    WeightsError,
    load_part,
    load_weights,
    read_metadata,
    save_tensors,
    save_weights,
)


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
        (lambda s: s.update({"0.bias": torch.zeros(5)}), r"of another shape: 0.bias \[5\], expected \[2\]"),
        (
            lambda s: s.update({"0.bias": torch.ones(2, dtype=torch.int64)}),
            "0.bias torch.int64, expected torch.float32",
        ),
        (lambda s: s.update({"0.bias": torch.full((2,), float("nan"))}), "1 not finite: 0.bias"),
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


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "pickle"])
@pytest.mark.parametrize("reader", [read_metadata, lambda path: load_weights(network(), path, "m")])
def test_a_pickle_is_refused_with_the_way_to_convert_it(tmp_path, zipped, reader):
    path = tmp_path / "model.pth"
    torch.save(network().state_dict(), path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match=r"could run code; use `siam-track convert LAYOUT .*model\.pth OUT"):
        reader(path)


def test_folders_empty_files_and_newer_formats_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    with pytest.raises(WeightsError, match="is a folder"):
        read_metadata(tmp_path)
    path.touch()
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        read_metadata(path)
    save_weights(network(), path, {"model": "m", "format_version": "2"})
    with pytest.raises(WeightsError, match="is of format 2, and this version of the package reads 1"):
        load_weights(network(), path, "m")


def test_many_faults_are_counted_and_the_first_named(tmp_path):
    path = tmp_path / "w.safetensors"
    save_tensors({"0.bias": torch.zeros(2)}, path, {})
    with pytest.raises(WeightsError, match=r"does not fit m: 6 missing: 0\.weight, 1\.weight, 1\.bias, \.\.\.$"):
        load_weights(network(), path, "m")


def test_a_part_fills_what_it_holds_and_nothing_else(tmp_path):
    torch.manual_seed(0)
    path, first, second = tmp_path / "part.safetensors", network(), network()
    metadata = {"model": "m", "part": "convolution", "prefixes": "0."}
    part = {name: tensor for name, tensor in first.state_dict().items() if name.startswith("0.")}
    save_tensors(part, path, metadata)
    before = second[1].weight.clone()
    read, left = load_part(second, path)
    assert read == metadata
    assert all(name.startswith("1.") for name in left)
    assert len(left) == 5
    assert torch.equal(second[0].weight, first[0].weight)
    assert torch.equal(second[1].weight, before)
    with pytest.raises(WeightsError, match="holds only the convolution, a starting point for training"):
        load_weights(second, path, "m")
    part.pop("0.bias")
    save_tensors(part, path, metadata)
    with pytest.raises(WeightsError, match=r"does not fit the network's convolution: 1 missing: 0\.bias"):
        load_part(second, path)
    save_weights(first, path, {"model": "m"})
    with pytest.raises(WeightsError, match="holds a whole network, not a starting point"):
        load_part(second, path)


def test_tensors_that_share_memory_are_written_and_a_failure_leaves_nothing(tmp_path):
    tensor = torch.arange(4.0)
    save_tensors({"a": tensor, "b": tensor[:2]}, tmp_path / "w.safetensors", {})
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]
    with pytest.raises(WeightsError, match="cannot be written"):
        save_tensors({"a": tensor}, tmp_path / "none" / "w.safetensors", {})
    (tmp_path / "folder").mkdir()
    with pytest.raises(WeightsError, match="cannot be written"):
        save_tensors({"a": tensor}, tmp_path / "folder", {})
    assert len(list(tmp_path.iterdir())) == 2
