"""Two processes on one machine, by Lightning's own launcher and gloo: the real command, interrupted and resumed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from small_runs import recipe_values

SCRIPT = Path(__file__).with_name("tapped_train.py")


@pytest.fixture
def two_processes(stills_folder, tmp_path):
    """Runs the command; returns its result and what each process wrote, since the last time."""
    recipe = tmp_path / "recipe.yaml"
    # The backbone is frozen for three steps, which sharing gradients has to know; four pairs a step, two each.
    values = recipe_values(epochs=4, pairs_per_epoch=4, batch=4, backbone_frozen_epochs=3)
    recipe.write_text(yaml.safe_dump(values))
    command = [sys.executable, str(SCRIPT), "train", str(recipe), "--data", str(stills_folder)]
    command += [
        "--out",
        str(tmp_path / "run"),
        "--accelerator",
        "cpu",
        "--devices",
        "2",
        "--workers",
        "0",
        "--threads",
        "1",
    ]

    def run(stop_in=""):
        environment = os.environ | {"TAP": str(tmp_path), "STOP_IN": stop_in, "OMP_NUM_THREADS": "1"}
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        logs = [tmp_path / f"process{rank}.jsonl" for rank in (0, 1)]
        told = [[json.loads(line) for line in log.read_text().splitlines()] for log in logs]
        for log in logs:
            log.unlink()
        return result, told

    return run


def pairs(told):
    return [(row["step"], row["pairs"]) for row in told if "pairs" in row]


def weights(told):
    return [row[name] for row in told for name in ("network", "averaged") if name in row]


def test_two_processes_share_the_pairs_agree_on_the_weights_and_go_on(two_processes, tmp_path):
    result, (first, second) = two_processes(stop_in="1")
    assert result.returncode == 130, result.stderr[-2000:]
    assert "stopped; the same command goes on from" in result.stderr
    assert pairs(first) == [(0, [0, 1]), (1, [4, 5])]
    assert pairs(second) == [(0, [2, 3]), (1, [6, 7])]
    assert len(weights(first)) == 2
    assert weights(first) == weights(second)

    before = weights(first)
    result, (first, second) = two_processes()
    assert result.returncode == 0, result.stderr[-2000:]
    assert "going on at step 2 of 4" in result.stderr
    assert pairs(first) == [(2, [8, 9]), (3, [12, 13])]
    assert pairs(second) == [(2, [10, 11]), (3, [14, 15])]
    assert weights(first) == weights(second)
    assert not set(weights(first)) & set(before)
    assert result.stdout == f"weights: {tmp_path / 'run' / 'afsn_mobile.safetensors'}\n"
    assert (tmp_path / "run" / "afsn_mobile.md").is_file()
