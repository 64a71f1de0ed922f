"""Which runtime a network gets, and what is said where it cannot have the one asked for."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from calibrated import calibrated

from siam_tracker_ros import load_tracker
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.runtime import selection
from siam_tracker_ros.runtime.agreement import disagreement, drawn_picture, median_ms
from siam_tracker_ros.runtime.cuda_graph import CudaGraphRuntime
from siam_tracker_ros.runtime.eager import EagerRuntime
from siam_tracker_ros.runtime.selection import Candidates, RuntimeChoiceError, fastest, make_runtime, run_exported

CPU = torch.device("cpu")


class Altered:
    """A runtime with other maps, and as slow as told."""

    def __init__(self, inner, change=lambda maps: maps, name="altered"):
        self.inner, self.change, self.name = inner, change, name
        self.geometry, self.device = inner.geometry, inner.device

    def template(self, patch):
        return self.inner.template(patch)

    def kernels(self, features):
        return self.inner.kernels(features)

    def search(self, kernels, patch):
        return self.change(self.inner.search(kernels, patch))

    def search_many(self, kernels, patches):
        return [self.change(maps) for maps in self.inner.search_many(kernels, patches)]


@pytest.fixture(scope="module")
def eager():
    return EagerRuntime(calibrated("afsn_mobile"), CPU)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda maps: maps, ""),
        (lambda maps: replace(maps, foreground=maps.foreground + 0.02), "scores differ by 0.02"),
        (lambda maps: replace(maps, boxes=maps.boxes + 0.75), "boxes differ by 0.75 pixels"),
        (lambda maps: replace(maps, levels=maps.levels * np.nan), "levels are not finite"),
    ],
)
def test_what_differs_is_said(eager, change, said):
    assert disagreement(eager, Altered(eager, change)) == said


def test_a_runtime_that_chooses_by_itself_is_held_to_its_choice():
    same = CudaGraphRuntime(calibrated("afsn_mobile"), CPU, capture=False)
    eager = EagerRuntime(calibrated("afsn_mobile"), CPU)
    assert disagreement(eager, same) == ""
    look = same.look
    moved = Box(0.0, 0.0, 9.0, 9.0)
    same.look = lambda questions: [replace(a, choice=replace(a.choice, box=moved)) for a in look(questions)]
    assert "chosen boxes differ by" in disagreement(eager, same)


def test_the_picture_is_the_same_everywhere_and_has_detail():
    picture = drawn_picture(127)
    assert picture.shape == (127, 127, 3)
    assert np.array_equal(picture, drawn_picture(127))
    assert picture.std() > 20


def test_a_search_is_timed(eager):
    assert 0 < median_ms(eager, seconds=0.01) < 60_000


@pytest.fixture
def candidates(monkeypatch, tmp_path, eager):
    monkeypatch.setenv("SIAM_TRACKER_CACHE", str(tmp_path))
    made = Candidates(calibrated("afsn_mobile"), "afsn_mobile", CPU, torch.float32, 1)
    speeds = {"eager": 3.0, "onnx": 1.0, "openvino": 2.0}
    monkeypatch.setattr(selection, "median_ms", lambda runtime: speeds[runtime.name])
    runtimes = {name: lambda name=name: Altered(eager, name=name) for name in speeds}
    made.makers = lambda: runtimes
    return made, runtimes, speeds


def test_the_fastest_is_taken_and_remembered(candidates, monkeypatch):
    made, _, speeds = candidates
    assert fastest(made).name == "onnx"
    (entry,) = json.loads((made.exported.folder / "fastest.json").read_text())
    assert entry["search_ms"] == speeds
    monkeypatch.setattr(selection, "median_ms", lambda runtime: pytest.fail("measured again"))
    assert fastest(made).name == "onnx"


def test_other_circumstances_are_measured_anew(candidates):
    made, _, speeds = candidates
    fastest(made)
    made.threads, speeds["openvino"] = 2, 0.5
    assert fastest(made).name == "openvino"
    made.threads = 1
    assert fastest(made).name == "onnx"


@pytest.mark.parametrize("content", ["", "[", "[1]", '{"a": 1}', '[{"fastest": 3}]'])
def test_a_note_that_cannot_be_read_is_written_anew(candidates, content):
    made, _, _ = candidates
    note = made.exported.folder / "fastest.json"
    note.write_text(content)
    assert fastest(made).name == "onnx"
    assert json.loads(note.read_text())[-1]["fastest"] == "onnx"


def test_a_runtime_that_is_wrong_or_fails_is_left_out_and_named(candidates, caplog, eager):
    made, runtimes, _ = candidates

    def broken():
        raise RuntimeError("no such library")

    wrong = Altered(eager, lambda maps: replace(maps, boxes=maps.boxes + 3), "onnx")
    runtimes |= {"onnx": lambda: wrong, "openvino": broken}
    with caplog.at_level(logging.WARNING):
        assert fastest(made).name == "eager"
    assert "runtime onnx is left out for afsn_mobile: boxes differ by 3 pixels" in caplog.text
    assert "runtime openvino is left out for afsn_mobile: no such library" in caplog.text


def test_a_remembered_runtime_that_is_gone_is_measured_anew(candidates, caplog):
    made, runtimes, _ = candidates
    fastest(made)
    working = runtimes["onnx"]
    calls = []

    def once_broken():
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("library gone")
        return working()

    runtimes["onnx"] = once_broken
    assert fastest(made).name == "onnx"
    assert "cannot be used any more: library gone" in caplog.text


def test_each_is_had_by_name(monkeypatch, tmp_path):
    monkeypatch.setenv("SIAM_TRACKER_CACHE", str(tmp_path))
    network = calibrated("afsn_mobile")
    for name in ("eager", "onnx", "openvino"):
        assert make_runtime(network, "afsn_mobile", CPU, runtime=name, threads=1).name == name


@pytest.mark.parametrize(
    ("runtime", "dtype", "said"),
    [
        ("fast", torch.float32, "unknown runtime 'fast'; use one of auto, eager"),
        ("tensorrt", torch.float32, "'tensorrt' cannot be used: it does not run on cpu in float32 here"),
        ("onnx", torch.bfloat16, "'onnx' cannot be used: it does not run on cpu in bfloat16 here"),
    ],
)
def test_what_cannot_be_had_is_said(runtime, dtype, said):
    with pytest.raises(RuntimeChoiceError, match=said):
        make_runtime(calibrated("afsn_mobile"), "afsn_mobile", CPU, dtype, runtime)


def test_what_is_not_installed_is_said(monkeypatch):
    monkeypatch.setattr(selection, "available_kinds", set)
    monkeypatch.setattr(selection.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        RuntimeChoiceError, match=r"it is not installed \(pip install onnxruntime\); use one of auto, eager"
    ):
        make_runtime(calibrated("afsn_mobile"), "afsn_mobile", CPU, runtime="onnx")


def test_with_pytorch_alone_auto_is_eager_and_writes_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("SIAM_TRACKER_CACHE", str(tmp_path))
    monkeypatch.setattr(selection, "available_kinds", set)
    monkeypatch.setattr(selection, "has_openvino", lambda: False)
    assert make_runtime(calibrated("afsn_mobile"), "afsn_mobile", CPU).name == "eager"
    assert list(tmp_path.iterdir()) == []


def test_files_are_not_run_by_pytorch(tmp_path, monkeypatch):
    monkeypatch.setenv("SIAM_TRACKER_CACHE", str(tmp_path))
    exported = Candidates(calibrated("afsn_mobile"), "afsn_mobile", CPU, torch.float32, 1).exported
    exported.write_all([255, 191])
    with pytest.raises(
        RuntimeChoiceError, match=r"runtime 'eager' cannot run the ONNX files of .*; use one of openvino, onnx"
    ):
        run_exported(exported, CPU, "eager")
    tracker = load_tracker(str(exported.folder), device="cpu", runtime="onnx")
    assert (tracker.runtime, tracker.model_name) == ("onnx", "afsn_mobile")
    # A file that is no network: the runtime's own words, and no traceback.
    exported.search(255).write_bytes(b"nothing")
    with pytest.raises(RuntimeChoiceError, match="runtime onnx cannot run"):
        run_exported(exported, CPU, "onnx")
