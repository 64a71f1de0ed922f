"""`siam-track convert` as a user runs it: what it prints, its exit codes, and wrong arguments."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torchvision
from typer.testing import CliRunner

from siam_tracker_ros.cli.main import app
from siam_tracker_ros.networks.zoo import MODELS


def run(*arguments: object):
    return CliRunner().invoke(app, ["convert", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("checkpoint") / "resnet50.pth"
    torch.save({"epoch": 90, "state_dict": torchvision.models.resnet50(weights=None).state_dict()}, path)
    yield path
    path.unlink()


def one_error(result) -> str:
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.output
    assert lines[0].startswith("error: ")
    assert result.stdout == ""
    return lines[0]


def test_a_conversion_says_what_it_did(checkpoint, tmp_path):
    out = tmp_path / "backbone.safetensors"
    result = run("resnet50", checkpoint, out)
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert "mapped 318 tensors; 23.56 million numbers" in said
    assert "left out 2 tensors, fc.weight and so on: the 1000 classes of ImageNet" in said
    assert "besides epoch: no weights" in said
    assert f"written: {out}, the backbone only; use: siam-track train --start-from {out}" in said
    assert out.stat().st_mode & 0o777 == 0o666 & ~umask()

    before = out.read_bytes()
    result = run("resnet50", checkpoint, out)
    assert result.exit_code == 2
    assert "is there already; give another name, or --force" in one_error(result)
    assert out.read_bytes() == before
    out.write_text("something else")
    assert run("resnet50", checkpoint, out, "--force").exit_code == 0
    assert out.stat().st_size == len(before)
    out.unlink()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("resnet51", "{checkpoint}", "{out}"), "unknown layout 'resnet51'; use one of siamban, ocean, "),
        (("resnet50", "{folder}/none.pth", "{out}"), "none.pth: no such checkpoint"),
        (("resnet50", "{folder}", "{out}"), "is a folder; give the checkpoint file in it"),
        (("resnet50", "{checkpoint}", "{folder}/w.pth"), "OUT must end in .safetensors"),
        (("resnet50", "{checkpoint}", "{folder}/none/w.safetensors"), "no such folder; make it first"),
        (("resnet50", "{checkpoint}", "{folder}/d.safetensors"), "is a folder; give the name of a file"),
        (("resnet50", "{checkpoint}", "{out}", "--head"), "--head is for nanotrack only"),
    ],
)
def test_wrong_arguments_are_one_sentence_each(checkpoint, tmp_path, arguments, said):
    (tmp_path / "d.safetensors").mkdir()
    out = tmp_path / "w.safetensors"
    result = run(*(text.format(checkpoint=checkpoint, out=out, folder=tmp_path) for text in arguments))
    assert result.exit_code == 2
    assert said in one_error(result)
    assert [path.name for path in tmp_path.iterdir()] == ["d.safetensors"]


def test_a_folder_without_permission_is_said(checkpoint, tmp_path, monkeypatch):
    # The tests may run as root, who may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    result = run("resnet50", checkpoint, tmp_path / "w.safetensors")
    assert result.exit_code == 2
    assert "no permission to write in this folder" in one_error(result)


def test_the_checkpoint_itself_is_not_overwritten(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_text("weights")
    result = run("resnet50", path, path, "--force")
    assert result.exit_code == 2
    assert "is the checkpoint itself" in one_error(result)
    assert path.read_text() == "weights"


def test_a_refused_checkpoint_is_one_sentence_and_on_request_a_list(checkpoint, tmp_path):
    out = tmp_path / "w.safetensors"
    result = run("siamban", checkpoint, out)
    assert result.exit_code == 1
    error = one_error(result)
    assert "it looks like resnet50: use `siam-track convert resnet50`" in error
    count = int(error.split("--all-faults prints all ")[1].rstrip(")"))
    result = run("siamban", checkpoint, out, "--all-faults")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == count + 1
    assert lines[0] == "left over: conv1.weight"
    assert lines[-2] == "missing: head.loc_scale"
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"hello\n", "neither a zip archive nor a pickle"),
        (b"PK\x03\x04", "truncated or damaged"),
    ],
)
def test_broken_files_are_one_sentence_each(tmp_path, content, said):
    path = tmp_path / "c.pth"
    path.write_bytes(content)
    result = run("resnet50", path, tmp_path / "w.safetensors")
    assert result.exit_code == 1
    assert said in one_error(result)
    assert [file.name for file in tmp_path.iterdir()] == ["c.pth"]


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    torch.save({"state_dict": Trap()}, tmp_path / "c.pth")
    result = run("resnet50", tmp_path / "c.pth", tmp_path / "w.safetensors")
    assert result.exit_code == 1
    assert "mkdir, which weights do not need and which could run code" in one_error(result)
    assert [file.name for file in tmp_path.iterdir()] == ["c.pth"]


def test_a_full_disk_is_said(checkpoint, tmp_path, monkeypatch):
    def full(self: Path, content: bytes) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    result = run("resnet50", checkpoint, tmp_path / "w.safetensors")
    assert result.exit_code == 1
    assert "cannot be written (No space left on device)" in one_error(result)
    assert not list(tmp_path.iterdir())


def test_every_layout_has_its_model():
    from siam_tracker_ros.networks.layouts import LAYOUTS

    assert list(LAYOUTS) == ["siamban", "ocean", "ocean_online", "resnet50", "nanotrack"]
    assert {layout.model for layout in LAYOUTS.values()} <= set(MODELS)
    result = run("--help")
    assert all(name in result.stdout for name in LAYOUTS)
