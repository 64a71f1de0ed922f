"""`siam-track train` as a user runs it: what it prints and writes, its exit codes, and wrong arguments."""

import json

import cv2
import pytest
import yaml
from small_runs import draw_stills, recipe_values
from typer.testing import CliRunner

from siam_tracker_ros.cli.main import app


@pytest.fixture
def data(tmp_path):
    return draw_stills(tmp_path / "data")


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe_values(epochs=1)))
    return path


def run(*arguments: object):
    given = [str(argument) for argument in arguments]
    return CliRunner().invoke(app, ["train", *given, "--accelerator", "cpu", "--workers", "0"])


def test_the_help_names_what_there_is(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    text = CliRunner().invoke(app, ["train", "--help"]).output
    for option in ("data", "out", "start-from", "check", "show-batch", "profile", "devices", "nodes", "strategy"):
        assert f"--{option}" in text
    for option in ("accelerator", "precision", "workers", "threads"):
        assert f"--{option}" in text


def test_a_run_prints_where_its_weights_are(data, recipe, tmp_path):
    result = run(recipe, "--data", data, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    weights = tmp_path / "out" / "afsn_mobile.safetensors"
    assert result.stdout == f"weights: {weights}\n"
    assert "stills.csv: 5 objects, 6 views" in result.stderr
    assert weights.is_file()


def test_a_check_says_what_is_there_and_trains_nothing(data, recipe, tmp_path):
    result = run(recipe, "--data", data, "--out", tmp_path / "out", "--check")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == ["stills.csv: 5 objects, 6 views", "validation: none", "1 steps of 2 pairs"]
    assert not (tmp_path / "out").exists()


def test_the_first_pairs_are_drawn(data, recipe, tmp_path):
    picture = tmp_path / "new" / "pairs.png"
    result = run(recipe, "--data", data, "--out", tmp_path / "out", "--show-batch", picture)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"pairs: {picture}\n"
    assert min(cv2.imread(str(picture)).shape[:2]) > 500


def test_a_profile_has_a_table_a_verdict_and_a_picture(data, recipe, tmp_path):
    result = run(recipe, "--data", data, "--out", tmp_path / "out", "--profile")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "one step of 2 pairs"
    times = {line[:28].strip(): float(line[28:].split()[0]) for line in lines if line.startswith("  ")}
    for part in ("wait for the loader", "forward and loss", "backward", "optimiser and running mean", "decode", "crop"):
        assert times[part] > 0, part
    assert lines[-2].startswith("The loader is")
    assert cv2.imread(str(tmp_path / "out" / "profile.png")) is not None
    assert not (tmp_path / "out" / "last.ckpt").exists()


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        ({"sources": [{"path": "none.csv", "layout": "stills"}]}, [], "none.csv"),
        ({"sources": [{"path": "stills.csv", "layout": "photos"}]}, [], "there is no layout photos; there are coco"),
        ({"model": "afsn"}, [], "unknown model 'afsn'; use one of afsn_mobile"),
        ({"seed": "x"}, [], "seed: "),
        ({"validation": {"path": "stills.csv"}}, [], "is not a folder; name a folder of sequences"),
        ({}, ["--precision", "8"], "schedule.precision: "),
        ({}, ["--start-from", "none.pth"], "none.pth"),
        ({}, ["--devices", "two"], "devices 'two': give their number (2), which of them (0,3), or auto"),
        ({}, ["--devices", "0,3"], "`devices` selected with `CPUAccelerator`"),
        ({}, ["--strategy", "none"], "none"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(data, tmp_path, changes, options, said):
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps(recipe_values(epochs=1) | changes))
    result = run(path, "--data", data, "--out", tmp_path / "out", *options)
    assert result.exit_code == 2, result.output
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith("siam-track train: ")
    assert said in line


def test_a_recipe_that_is_missing(data, tmp_path):
    result = run(tmp_path / "no.yaml", "--data", data)
    assert result.exit_code == 2
    assert "no.yaml: cannot be read" in result.stderr
