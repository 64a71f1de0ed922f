"""What is written and printed: the means, what is missing, and files that other programs read."""

import csv
import json
from dataclasses import replace

import cv2
import pytest

from siam_tracker_ros.datasets import load_sequences
from siam_tracker_ros.evaluation.machine import describe_machine, machine_line
from siam_tracker_ros.evaluation.metrics import bootstrap_interval
from siam_tracker_ros.evaluation.report import summarize, text_tables, write_report
from siam_tracker_ros.evaluation.runner import Evaluation, Outcome, RunSettings, evaluate
from siam_tracker_ros.evaluation.trackers import parse_tracker

MACHINE = describe_machine({"kcf": "cpu", "mil": "cpu"}, threads=2, jobs=1)


@pytest.fixture
def measured(make_sequence, tmp_path):
    make_sequence("easy", frames=5, step=1)
    sequences = load_sequences(make_sequence("hard", frames=6, step=9))
    specs = [parse_tracker("kcf"), parse_tracker("mil")]
    return evaluate(specs, sequences, RunSettings(tmp_path / "out")), sequences, tmp_path / "out"


def test_means_are_over_sequences_and_speed_over_frames(measured):
    evaluation, _, _ = measured
    summary = summarize(evaluation, "kcf")
    outcomes = evaluation.scored("kcf")
    auc = [o.scores.success_auc for o in outcomes]
    assert (summary.sequences, summary.failed) == (2, 0)
    assert summary.means["success_auc"] == pytest.approx(sum(auc) / 2)
    assert summary.intervals["success_auc"] == bootstrap_interval(auc)
    assert summary.fps == pytest.approx((4 + 5) / sum(o.seconds for o in outcomes))


def test_the_files(measured):
    evaluation, sequences, out = measured
    evaluation.outcomes[-1] = Outcome("mil", "hard", failure="frame 2: RuntimeError: lost")
    paths = write_report(evaluation, sequences, out, MACHINE, {"cut": "cut: groundtruth.txt is empty"})
    assert [path.name for path in paths] == ["report.json", "results.csv", "success.png", "sequences.png"]
    report = json.loads(paths[0].read_text())
    assert report["trackers"]["mil"]["failed"] == 1
    assert report["failures"] == [{"tracker": "mil", "sequence": "hard", "reason": "frame 2: RuntimeError: lost"}]
    assert report["broken_sequences"] == {"cut": "cut: groundtruth.txt is empty"}
    assert report["machine"]["threads"] == 2
    kcf = report["trackers"]["kcf"]
    assert len(kcf["success_curve"]) == len(report["success_thresholds"]) == 21
    assert sum(kcf["success_curve"]) / 21 == pytest.approx(kcf["means"]["success_auc"])
    assert kcf["per_sequence"]["easy"]["frames"] == 4
    with paths[1].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["tracker"], row["sequence"]) for row in rows] == [
        ("kcf", "easy"),
        ("mil", "easy"),
        ("kcf", "hard"),
        ("mil", "hard"),
    ]
    assert float(rows[0]["success_auc"]) == pytest.approx(kcf["per_sequence"]["easy"]["success_auc"], abs=1e-6)
    assert rows[3]["failure"] == "frame 2: RuntimeError: lost"
    for path in paths[2:]:
        assert cv2.imread(str(path)).std() > 5


def test_the_tables_of_one_and_of_several_trackers(measured):
    evaluation, _, _ = measured
    text = text_tables(evaluation, MACHINE, {})
    assert text.splitlines()[0].split() == ["AUC", "of", "sequence", "kcf", "mil"]
    assert "95 % interval" in text
    assert "not measured" not in text
    assert text.splitlines()[-1] == machine_line(MACHINE)
    alone = replace(evaluation, trackers=["kcf"], outcomes=evaluation.scored("kcf"))
    first = text_tables(alone, MACHINE, {}).splitlines()
    assert first[0].split() == ["sequence", "frames", "AUC", "P20", "SR0.5", "SR0.75", "fps"]
    assert first[2].split()[:2] == ["easy", "4"]


def test_what_is_missing_is_named_and_counted(measured):
    evaluation, _, _ = measured
    evaluation.outcomes[-1] = Outcome("mil", "hard", failure="frame 2: RuntimeError: lost")
    text = text_tables(evaluation, MACHINE, {"cut": "cut: groundtruth.txt is empty"})
    assert "2 not measured:" in text
    assert "  cut: groundtruth.txt is empty" in text
    assert "  mil on hard: frame 2: RuntimeError: lost" in text
    assert "1 (1 failed)" in text


def test_nothing_measured_is_still_a_report(tmp_path):
    evaluation = Evaluation(["kcf"], outcomes=[Outcome("kcf", "a", failure="frame 0: no")])
    assert summarize(evaluation, "kcf") is None
    paths = write_report(evaluation, [], tmp_path, MACHINE, {})
    assert [path.name for path in paths] == ["report.json", "results.csv"]
    assert "1 not measured:" in text_tables(evaluation, MACHINE, {})


def test_the_machine_line_warns_of_shared_cores():
    line = machine_line(MACHINE)
    assert "2 threads a tracker; kcf on cpu, mil on cpu" in line
    assert "numpy" in line
    assert "not comparable" not in line
    assert "3 processes at once (speeds are not comparable)" in machine_line(describe_machine({}, 1, 3))
