"""`siam-track bench`: what it measures, writes and refuses."""

import json

import pytest
from typer.testing import CliRunner

from siam_tracker_ros.cli.main import app


def invoke(*arguments):
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


@pytest.fixture(scope="module")
def done(clip, tmp_path_factory):
    """A small run of everything but the starts."""
    out = tmp_path_factory.mktemp("bench")
    result = invoke(
        *("--runtime", "eager", "--runtime", "onnx", "--targets", 1, "--targets", 2, "--peer", "kcf"),
        *("--reference", "siamban_r50", "--source", clip, "--size", "320x240", "--clip", 4, "--frames", 6),
        *("--seconds", 1.5, "--threads", 1, "--no-starts", "--long", 50, "--out", out),
    )
    assert result.exit_code == 0, result.output
    return out, result.output


def test_every_stage_of_every_tracker_is_in_the_report(done):
    out, _ = done
    report = json.loads((out / "bench.json").read_text())
    trackers = report["trackers"]
    ours = [f"afsn_mobile {runtime}{more}" for more in ("", " 2 targets") for runtime in ("eager", "onnx")]
    assert set(trackers) == {*ours, "siamban_r50 as written", "kcf"}
    assert (report["clip"]["width"], report["clip"]["height"], report["clip"]["frames"]) == (320, 240, 4)
    for name in ours:
        one = trackers[name]
        assert one["frames"] >= 6
        assert list(one["stages_ms"]) == ["crop", "network", "scoring", "template", "other"]
        for stage in (one["total_ms"], *one["stages_ms"].values()):
            assert 0 <= stage["p50"] <= stage["p95"] <= stage["p99"]
        assert 0 < one["overhead"] < 1
        assert 0 < one["share"]["matrix"] < 1
    # About twice: which of them is searched in the smaller patch is not the same.
    one, two = (trackers[f"afsn_mobile onnx{more}"]["cost"]["flop"] for more in ("", " 2 targets"))
    assert 1.2 < two / one < 4
    assert trackers["siamban_r50 as written"]["untrained"]
    assert "stages_ms" not in trackers["kcf"]


def test_ratios_are_to_peers_and_references(done):
    report = json.loads((done[0] / "bench.json").read_text())
    row = report["ratios"]["afsn_mobile onnx"]
    assert set(row) == {"kcf", "siamban_r50 as written"}
    assert row["siamban_r50 as written"]["median"] > 2
    assert row["kcf"]["low"] <= row["kcf"]["median"] <= row["kcf"]["high"]


def test_tables_plots_and_the_command_are_written(done):
    out, output = done
    for name in ("bench.png", "long_run.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    page = (out / "bench.md").read_text()
    for caption in ("Stages", "Ratios", "Shares of the machine", "Long run"):
        assert f"## {caption}" in page
        assert f"\n{caption}\n" in output
    assert "GFLOP/s in a matrix product" in page
    assert "siam-track" in page
    assert "<html" in (out / "bench.html").read_text()
    ((name, long),) = json.loads((out / "bench.json").read_text())["long"].items()
    assert name in ("afsn_mobile eager", "afsn_mobile onnx")
    assert min(long["tail"], long["whole_tail"], long["machine_tail"]) >= 1
    assert 0 < long["total_ms"]["p50"] <= long["whole_ms"]["p50"]
    assert long["again_ms"]["p50"] > 0


def test_what_fails_is_named_and_the_rest_is_measured(clip, tmp_path):
    result = invoke(
        *("--runtime", "eager", "--runtime", "tensorrt", "--peer", "none", "--source", clip, "--frames", 4),
        *("--threads", 1, "--no-starts", "--out", tmp_path),
    )
    assert result.exit_code == 1
    assert "not measured: afsn_mobile tensorrt: runtime 'tensorrt' cannot be used" in result.output
    assert list(json.loads((tmp_path / "bench.json").read_text())["trackers"]) == ["afsn_mobile eager"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "nothing"), "unknown model 'nothing'"),
        (("--runtime", "fastest"), "unknown runtime 'fastest'"),
        (("--reference", "nothing"), "unknown reference 'nothing'"),
        (("--targets", 0), "one target at least"),
        (("--peer", "afsn_mobile"), "is not one of OpenCV's"),
        (("--peer", "nano=here.onnx"), "NanoTrack needs its two ONNX files"),
        (("--device", "cuda:77"), "device 'cuda:77' is not there"),
        (("--precision", "float8"), "unknown precision 'float8'"),
        (("--box", "1,2,3,4"), "--box is of the frames of a video"),
        (("--source", "missing.mp4"), "missing.mp4"),
        (("--size", "large"), "'large' is not WIDTHxHEIGHT"),
        (("--size", "8x8"), "16 pixels at least"),
    ],
)
def test_bad_arguments_are_refused_with_a_sentence(arguments, message):
    result = invoke(*arguments, "--clip", 2)
    assert result.exit_code == 2, result.output
    assert message in result.output
