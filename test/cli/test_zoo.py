"""Every model of the zoo through the command line, by the path of its weights."""

import csv

import cv2
import pytest
from calibrated import calibrated
from every_model import LEADING, every_model
from filled import moving_clip
from typer.testing import CliRunner

from siam_tracker_ros.cli.main import app
from siam_tracker_ros.networks.weights import save_weights

COUNT = 5


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for i, frame in enumerate(moving_clip(COUNT)[0]):
        cv2.imwrite(str(folder / f"{i:04d}.png"), frame)
    return folder


@pytest.mark.parametrize("name", every_model(LEADING))
def test_run_follows_with_it(name, pictures, tmp_path):
    weights = tmp_path / "weights.safetensors"
    save_weights(calibrated(name), weights, {"model": name})
    out = tmp_path / "out"
    arguments = ["run", str(pictures), "--box", "120,90,44,36", "--model", str(weights), "--out", str(out)]
    # Not auto, which would write and try the large networks' ONNX files for five frames.
    result = CliRunner().invoke(app, [*arguments, "--no-video", "--device", "cpu", "--runtime", "eager"])
    weights.unlink()
    assert result.exit_code == 0, result.output
    with (out / "track.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == COUNT
    assert all(float(row["w"]) > 0 and 0 <= float(row["confidence"]) <= 1 for row in rows[1:])
    if name != "afsn_mobile":  # no lost logic in the published trackers
        assert {row["state"] for row in rows[1:]} == {"TRACKING"}
