"""`siam-track export`: files, their check, and what goes wrong."""

import json
from dataclasses import replace

import numpy as np
import pytest
from filled import moving_clip
from typer.testing import CliRunner

from siam_tracker_ros import Box, load_tracker
from siam_tracker_ros.cli.main import app
from siam_tracker_ros.runtime.host import FileRuntime


def invoke(*arguments):
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def test_files_are_written_checked_and_used(clip, tmp_path):
    out = tmp_path / "files"
    result = invoke("--out", out, "--search-size", 223, "--check", clip)
    assert result.exit_code == 0, result.output
    for name in ("onnx", "openvino"):
        assert f"{name}: 7 boxes" in result.output.replace("8 boxes", "7 boxes")
    assert "right" in result.output
    names = {path.name for path in out.iterdir()} - {"openvino"}
    assert names == {
        "template.onnx",
        "kernels.onnx",
        "search_191.onnx",
        "search_223.onnx",
        "search_255.onnx",
        "model.json",
        "afsn_mobile.calibration.json",
    }
    assert json.loads((out / "model.json").read_text())["model"] == "afsn_mobile"
    frames, box = moving_clip(5)
    tracks = []
    for model in (str(out), "afsn_mobile"):
        tracker = load_tracker(model, device="cpu", runtime="onnx")
        tracker.init(frames[0], box)
        tracks.append([tracker.update(frame) for frame in frames[1:]])
    for ours, its in zip(*tracks, strict=True):
        np.testing.assert_allclose(ours.box.as_tuple(), its.box.as_tuple(), atol=0.05)
        assert ours.confidence == pytest.approx(its.confidence, abs=1e-3)  # the calibration went along


def test_files_that_are_wrong_fail_the_check(clip, tmp_path, monkeypatch):
    look = FileRuntime.look

    def shifted(self, question, patch):
        answer = look(self, question, patch)
        box = answer.choice.box
        return replace(answer, choice=replace(answer.choice, box=Box(box.x + 5.0, box.y, box.w, box.h)))

    monkeypatch.setattr(FileRuntime, "look", shifted)
    result = invoke("--out", tmp_path / "files", "--check", clip / "video.mp4")
    assert result.exit_code == 1
    assert "WRONG (more than 0.5 pixels)" in result.output


def test_frames_are_drawn_where_none_are_given(tmp_path):
    pytest.importorskip("skimage")
    result = invoke("--out", tmp_path / "files", "--frames", 3)
    assert result.exit_code == 0, result.output
    assert "openvino: 2 boxes" in result.output


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--model", "nothing"], 2, "unknown model 'nothing'"),
        (["--model", "afsn_r50"], 2, "no trained weights of afsn_r50"),
        (["--weights", "missing.safetensors"], 2, "missing.safetensors"),
        (["--search-size", "100"], 2, "search size 100 is under the template's 127 pixels"),
        (["--check", "missing.mp4"], 1, "the files are written, and were not checked: "),
        (["--box", "1,2,30,40"], 1, "--box is of the frames of a video, and none is named"),
    ],
)
def test_what_goes_wrong_is_said(tmp_path, arguments, code, said):
    result = invoke("--out", tmp_path / "files", *arguments)
    assert result.exit_code == code, result.output
    assert said in result.output
    assert "Traceback" not in result.output


def test_without_a_check_nothing_is_run(tmp_path):
    result = invoke("--out", tmp_path / "files", "--check", "none")
    assert result.exit_code == 0
    assert "boxes" not in result.output
