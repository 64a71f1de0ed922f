"""Checkpoints of other projects: wrappers, prefixes, files of all ages; and nothing in them is ever run."""

import io
import os
import pickle
import struct
import tarfile
import warnings
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from siam_tracker_ros.networks.checkpoint import CheckpointError, open_checkpoint, read_checkpoint

TENSORS = OrderedDict(a=torch.arange(6.0).reshape(2, 3), b=torch.tensor(7))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "c.pth"


def assert_read(path: Path) -> None:
    read = read_checkpoint(path)
    assert list(read) == list(TENSORS)
    for name, tensor in TENSORS.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)


def prefixed(prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in TENSORS.items()}


@pytest.mark.parametrize(
    "content",
    [
        TENSORS,
        dict(TENSORS),
        {name: torch.nn.Parameter(v) if v.is_floating_point() else v for name, v in TENSORS.items()},
        {"state_dict": TENSORS},
        {"model": TENSORS},
        {"net": TENSORS},
        {"model_state_dict": TENSORS},
        {"model": {"state_dict": TENSORS}},
        {"arch": "Ocean", "model": "a name", "state_dict": TENSORS},
        prefixed("module."),
        prefixed("feature_extractor."),
        prefixed("module.feature_extractor."),
        {"state_dict": prefixed("feature_extractor.module.module.")},
    ],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "pickle"])
def test_wrappers_and_prefixes_are_taken_off(path, content, zipped):
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert_read(path)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "pickle"])
def test_what_training_scripts_store_beside_the_weights_does_no_harm(path, zipped):
    content = {"epoch": 20, "state_dict": TENSORS, "lr": np.float64(0.1), "loss": np.float32(1), "best": np.bool_(True)}
    content["optimizer"] = {"state": {0: {"momentum_buffer": torch.ones(2)}}, "param_groups": [{"lr": np.int64(1)}]}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert_read(path)
    assert open_checkpoint(path).others == ("epoch", "lr", "loss", "best", "optimizer")


def test_what_is_no_tensor_is_told(path):
    torch.save({**TENSORS, "epoch": 3}, path)
    assert open_checkpoint(path).others == ("epoch",)


def write_tar(path: Path, names: object = None) -> None:
    """TENSORS in the format of early 2017, in one storage for each and a view that `b` has."""
    storages, tensors, pickled = io.BytesIO(), io.BytesIO(), io.BytesIO()

    def dump(value: object, file: io.BytesIO) -> None:
        pickle.dump(value, file, protocol=2)

    dump(2, storages)
    for key, kind, array in (
        (1, torch.FloatStorage, np.arange(6, dtype="<f4")),
        (2, torch.LongStorage, np.array([9, 7], dtype="<i8")),
    ):
        dump((key, "cpu", kind), storages)
        storages.write(struct.pack("<q", len(array)) + array.tobytes())
    dump([(3, 2, 1, 1)], storages)
    dump(2, tensors)
    for key, storage, kind, shape, stride in (
        (11, 1, torch.FloatTensor, (2, 3), (3, 1)),
        (12, 3, torch.LongTensor, (), ()),
    ):
        dump((key, storage, kind), tensors)
        tensors.write(struct.pack(f"<ii{2 * len(shape) + 1}q", len(shape), 0, *shape, *stride, 0))

    class Named(pickle.Pickler):
        def persistent_id(self, value: object) -> str | None:
            return {"a": "11", "b": "12"}[value[1:]] if isinstance(value, str) and value[:1] == "@" else None

    Named(pickled, protocol=2).dump(OrderedDict(a="@a", b="@b") if names is None else names)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, file in (("storages", storages), ("tensors", tensors), ("pickle", pickled)):
            info = tarfile.TarInfo(name)
            info.size = file.tell()
            file.seek(0)
            archive.addfile(info, file)


class OnlyTensors(pickle.Unpickler):
    """Finds what a dictionary of tensors is made of, and nothing else."""

    def find_class(self, module: str, name: str) -> type:
        kinds = {"FloatStorage", "FloatTensor", "LongStorage", "LongTensor"}
        if (module == "torch" and name in kinds) or (module, name) == ("collections", "OrderedDict"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")


def load_tensors(file, **options):
    return OnlyTensors(file, **options).load()


def test_tar_files_of_early_2017_are_read(path):
    write_tar(path)
    assert_read(path)
    # PyTorch itself reads this file, which shows that it is one; its own safe unpickler refuses all tar files.
    only = SimpleNamespace(__name__="only", Unpickler=OnlyTensors, load=load_tensors)
    theirs = torch.load(path, pickle_module=only)
    assert all(torch.equal(theirs[name], tensor) for name, tensor in TENSORS.items())
    whole = path.read_bytes()
    for length in (600, 1100, 2600):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="truncated or damaged"):
            read_checkpoint(path)


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self):
        return os.mkdir, (str(self.made),)


@pytest.mark.parametrize("kind", ["zip", "pickle", "tar", "bare pickle", "beside the weights"])
def test_code_in_a_checkpoint_is_refused_and_not_run(path, tmp_path, kind):
    trap = Trap(tmp_path / "made")
    if kind == "tar":
        write_tar(path, {"a": trap})
    elif kind == "bare pickle":
        path.write_bytes(pickle.dumps({"a": trap}))
    elif kind == "beside the weights":
        torch.save({"state_dict": TENSORS, "config": trap}, path)
    else:
        torch.save({"a": trap}, path, _use_new_zipfile_serialization=kind == "zip")
    with pytest.raises(CheckpointError, match="could run code, so nothing of it was run") as caught:
        read_checkpoint(path)
    assert "weights_only" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not trap.made.exists()
    pickle.loads(pickle.dumps(trap))
    assert trap.made.exists()  # so the trap would have shown


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "pickle"])
def test_truncated_files_are_refused(path, zipped):
    torch.save({"a": torch.zeros(1000)}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    for length in (3, 40, len(whole) // 2, len(whole) - 20):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="not a readable PyTorch checkpoint") as caught:
            read_checkpoint(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"some text\n" * 100, "neither a zip archive nor a pickle"),
        (b"<!DOCTYPE html><html>Quota exceeded</html>", "a web page, so the download went wrong"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (struct.pack("<Q", 2) + b'{"', "a safetensors file"),
        (b"\x80\x07", "neither a zip archive nor a pickle"),
        (b"\x80\x02", "truncated or damaged"),
        (b"PK\x03\x04 and more", "truncated or damaged"),
    ],
)
def test_what_is_no_checkpoint_is_named(path, content, said):
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=said):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([torch.zeros(1)], "holds no state dictionary but a list"),
        (torch.zeros(1), "holds no state dictionary but a Tensor"),
        ({"epoch": 1}, "no tensor is in it"),
        ({"module.a": torch.zeros(1), "a": torch.zeros(1)}, "two of its tensors are named a"),
    ],
)
def test_contents_that_are_no_state_dictionary_are_refused(path, content, said):
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=said):
        read_checkpoint(path)


def test_missing_files_folders_and_programs_are_refused(path, tmp_path):
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        read_checkpoint(path)
    with pytest.raises(CheckpointError, match="is a folder"):
        read_checkpoint(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.jit.save(torch.jit.trace(torch.nn.Linear(1, 1), torch.zeros(1)), path)
    with pytest.raises(CheckpointError, match="TorchScript program"):
        read_checkpoint(path)
