"""The files of a report, as other programs and people read them."""

import csv
import json
import zipfile

import cv2
import numpy as np
import pytest
from slides import slides

from siam_tracker_ros.datasets import load_sequences
from siam_tracker_ros.evaluation.machine import describe_machine
from siam_tracker_ros.evaluation.one_pass import Track
from siam_tracker_ros.evaluation.protocols import OnePass, Supervised
from siam_tracker_ros.evaluation.report import Report
from siam_tracker_ros.evaluation.report_files import write_report
from siam_tracker_ros.evaluation.runner import Evaluation, Outcome, RunSettings, evaluate, score_track
from siam_tracker_ros.evaluation.trackers import parse_tracker

MACHINE = describe_machine({"kcf": "cpu", "mil": "cpu"}, threads=2, jobs=1)
BOX = [10.0, 10.0, 40.0, 40.0]


@pytest.fixture
def report(make_sequence, tmp_path) -> Report:
    make_sequence("easy", frames=5, step=1)
    sequences = load_sequences(make_sequence("hard", frames=6, step=9))
    specs = [parse_tracker("kcf"), parse_tracker("mil")]
    return Report([evaluate(specs, sequences, RunSettings(tmp_path / "out"))], sequences, {}, MACHINE, "siam-track x")


def test_figures_for_programs(report, tmp_path):
    report.evaluations[0].outcomes[-1] = Outcome("mil", "hard", failure="frame 2: RuntimeError: lost")
    report.broken["cut"] = "cut: groundtruth.txt is empty"
    paths, _ = write_report(report, tmp_path / "out")
    assert all(path.is_file() for path in paths)
    assert [path.name for path in paths[:4]] == ["report.html", "report.md", "report.json", "results.csv"]
    found = json.loads(paths[2].read_text())
    assert (found["command"], found["layout"], found["machine"]["threads"]) == ("siam-track x", "folders", 2)
    one = found["protocols"][0]
    assert one["trackers"]["mil"]["failed"] == 1
    assert one["failures"] == [{"tracker": "mil", "sequence": "hard", "reason": "frame 2: RuntimeError: lost"}]
    assert found["broken_sequences"] == {"cut": "cut: groundtruth.txt is empty"}
    kcf = one["trackers"]["kcf"]
    assert len(kcf["curves"]["success"]) == len(found["success_thresholds"]) == 21
    assert len(kcf["curves"]["precision"]) == len(found["precision_thresholds"]) == 51
    assert sum(kcf["curves"]["success"]) / 21 == pytest.approx(kcf["means"]["success_auc"])
    assert kcf["per_sequence"]["easy"]["frames"] == 4
    assert "lost_precision" in kcf
    with paths[3].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["protocol"], row["tracker"], row["sequence"]) for row in rows] == [
        ("one-pass", "kcf", "easy"),
        ("one-pass", "mil", "easy"),
        ("one-pass", "kcf", "hard"),
        ("one-pass", "mil", "hard"),
    ]
    assert float(rows[0]["success_auc"]) == pytest.approx(kcf["per_sequence"]["easy"]["success_auc"], abs=1e-6)
    assert rows[3]["failure"] == "frame 2: RuntimeError: lost"


def test_pictures_and_the_page(report, tmp_path):
    paths, _ = write_report(report, tmp_path / "out")
    names = {str(path.relative_to(tmp_path / "out")) for path in paths}
    assert names >= {"success.png", "precision.png", "normalized_precision.png", "sequences.png", "speed.png"}
    strips = sorted(name for name in names if name.startswith("worst/"))
    assert {name.split("_")[0] for name in strips} == {"worst/easy", "worst/hard"}
    for path in paths:
        if path.suffix in (".png", ".jpg"):
            assert cv2.imread(str(path)).std() > 5
    page = paths[0].read_text()
    assert page.count("data:image/png;base64,") == 5
    assert page.count("data:image/jpeg;base64,") == len(strips)
    assert "These sequences are no published benchmark" in page
    assert "siam-track x" in page
    assert "published" in page  # the speeds of the papers


def test_a_picture_that_cannot_be_made_is_a_problem_of_the_page_only(report, tmp_path):
    for image in (report.sequences[1].source).iterdir():
        image.unlink()
    page = write_report(report, tmp_path / "out")[0][0].read_text()
    assert "no pictures of hard: " in page


def test_vot_beside_its_papers(tmp_path):
    sequence = slides([BOX] * 120, "still", layout="vot")
    boxes = np.tile(BOX, (120, 1))
    boxes[0] = np.nan
    outcome = score_track("it", sequence, Track(boxes, np.full(120, 0.5)), Supervised())
    report = Report([Evaluation(["it"], Supervised(), outcomes=[outcome])], [sequence], {}, MACHINE, year=2018)
    paths, _ = write_report(report, tmp_path)
    assert {path.name for path in paths} >= {"vot_eao.png", "vot_accuracy_robustness.png"}
    page = paths[0].read_text()
    assert "0.452" in page  # SiamBAN's EAO on VOT2018, table 1
    one = json.loads((tmp_path / "report.json").read_text())["protocols"][0]
    assert one["eao_interval"] == [100, 356]
    assert one["trackers"]["it"]["scores"]["eao"] == 1
    assert one["trackers"]["it"]["per_sequence"]["still"]["failures"] == []


def test_got10ks_archives_and_why_there_is_none(tmp_path):
    hidden = [slides([BOX] + [[np.nan] * 4] * 2, f"GOT-10k_Test_00000{n}", first_box_only=True) for n in (1, 2)]
    track = Track(np.tile(BOX, (3, 1)), np.full(3, 0.5))
    broken = Track(np.array([BOX, BOX, [np.nan] * 4]), np.full(3, 0.5))
    evaluation = Evaluation(["it", "torn"])
    evaluation.outcomes = [
        score_track(tracker, sequence, given, OnePass())
        for sequence in hidden
        for tracker, given in (("it", track), ("torn", broken))
    ]
    evaluation.trackers.append("tired")
    evaluation.outcomes.append(score_track("tired", hidden[1], track, OnePass()))
    paths, refused = write_report(Report([evaluation], hidden, {}, MACHINE), tmp_path)
    assert refused[1] == "no archive for tired: it did not do 1 sequences, as GOT-10k_Test_000001"
    assert len(refused) == 2
    archives = [path for path in paths if path.suffix == ".zip"]
    assert [path.name for path in archives] == ["it_submission.zip"]
    with zipfile.ZipFile(archives[0]) as file:
        assert len(file.namelist()) == 4
    assert "no archive for torn: GOT-10k_Test_000001: has a box" in paths[0].read_text()


def test_nothing_measured_is_still_a_report(tmp_path):
    evaluation = Evaluation(["kcf"], outcomes=[Outcome("kcf", "a", failure="frame 0: no")])
    paths, _ = write_report(Report([evaluation], [], {}, MACHINE), tmp_path)
    assert [path.name for path in paths] == ["report.html", "report.md", "report.json", "results.csv"]


def test_without_strips_nothing_of_the_data_is_shown(report, tmp_path):
    paths, _ = write_report(report, tmp_path / "out", strips=False)
    assert {path.suffix for path in paths} == {".html", ".md", ".json", ".csv", ".png"}
    assert not (tmp_path / "out" / "worst").exists()
    assert "image/jpeg" not in paths[0].read_text()
