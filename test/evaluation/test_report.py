"""The tables that are printed: what was measured, what is missing, and on what machine."""

from dataclasses import replace

import pytest

from siam_tracker_ros.datasets import load_sequences
from siam_tracker_ros.evaluation.machine import describe_machine, machine_line
from siam_tracker_ros.evaluation.report import Report, tables_of, text_report
from siam_tracker_ros.evaluation.runner import Evaluation, Outcome, RunSettings, evaluate
from siam_tracker_ros.evaluation.trackers import parse_tracker

MACHINE = describe_machine({"kcf": "cpu", "mil": "cpu"}, threads=2, jobs=1)


@pytest.fixture
def report(make_sequence, tmp_path) -> Report:
    make_sequence("easy", frames=5, step=1)
    sequences = load_sequences(make_sequence("hard", frames=6, step=9))
    specs = [parse_tracker("kcf"), parse_tracker("mil")]
    return Report([evaluate(specs, sequences, RunSettings(tmp_path / "out"))], sequences, {}, MACHINE)


def test_the_means_stand_at_the_end(report):
    text = text_report(report)
    lines = text.splitlines()
    assert lines[0] == "One pass"
    assert text.index("AUC of sequence") < text.index("P20")
    assert "95 % interval" in text
    assert "not measured" not in text
    assert lines[-1] == machine_line(MACHINE)
    assert [table.header[0] for table in tables_of(report, report.evaluations[0])] == [
        *["tracker"] * 5,
        "AUC of sequence",
    ]


def test_one_tracker_alone_has_all_its_figures_by_sequence(report):
    alone = replace(report.evaluations[0], trackers=["kcf"], outcomes=report.evaluations[0].scored("kcf"))
    report.evaluations = [alone]
    rows = tables_of(report, alone)[-1].rows
    assert [row[:2] for row in rows] == [["easy", "4"], ["hard", "5"]]


def test_what_is_missing_is_named_and_counted(report):
    report.evaluations[0].outcomes[-1] = Outcome("mil", "hard", failure="frame 2: RuntimeError: lost")
    report.broken["cut"] = "cut: groundtruth.txt is empty"
    text = text_report(report)
    assert "2 not measured:\n  cut: groundtruth.txt is empty\n  mil on hard: frame 2: RuntimeError: lost" in text
    assert "1 (1 failed)" in text


def test_nothing_measured_is_still_a_report():
    evaluation = Evaluation(["kcf"], outcomes=[Outcome("kcf", "a", failure="frame 0: no")])
    assert "1 not measured:" in text_report(Report([evaluation], [], {}, MACHINE))


def test_lengths_of_eao_are_the_years():
    assert Report([], [], {}, MACHINE).eao_interval == Report([], [], {}, MACHINE, year=2018).eao_interval == (100, 356)
    assert Report([], [], {}, MACHINE, year=2019).eao_interval == (46, 291)


def test_the_machine_line_warns_of_shared_cores():
    line = machine_line(MACHINE)
    assert "2 threads a tracker; kcf on cpu, mil on cpu" in line
    assert "numpy" in line
    assert "not comparable" not in line
    assert "3 processes at once (speeds are not comparable)" in machine_line(describe_machine({}, 1, 3))
