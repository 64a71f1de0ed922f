"""Tracks on disk: the tool kits' format, and nothing stale or torn is taken for a result."""

import json

import numpy as np
import pytest

from siam_tracker_ros.evaluation.one_pass import Track
from siam_tracker_ros.evaluation.results import ResultsError, ResultsFolder, folder_name, rounded

TRACK = Track(np.array([[1.25, 2, 3, 4], [np.nan, 2.123456789, 3, 4]]), np.array([0.5, 0.0123456]))


def test_written_as_the_tool_kits_read_it_and_read_back(tmp_path):
    folder = ResultsFolder(tmp_path / "kcf")
    folder.start({"model": "kcf"}, resume=False)
    folder.write("Biker", TRACK)
    lines = (tmp_path / "kcf" / "Biker.txt").read_text().splitlines()
    assert lines == ["1.2500,2.0000,3.0000,4.0000", "nan,2.1235,3.0000,4.0000"]
    assert (tmp_path / "kcf" / "Biker_time.txt").read_text().splitlines() == ["0.500000", "0.012346"]
    back = folder.read("Biker", frames=2)
    np.testing.assert_array_equal(back.boxes, rounded(TRACK).boxes)
    assert back.seconds == pytest.approx(0.012346)


def test_what_is_torn_or_of_another_length_is_not_taken(tmp_path):
    folder = ResultsFolder(tmp_path)
    folder.start({}, resume=False)
    assert folder.read("Biker", 2) is None
    folder.write("Biker", TRACK)
    assert folder.read("Biker", 3) is None
    (tmp_path / "Biker.txt").write_text("1,2,3\n1,2,3\n")
    assert folder.read("Biker", 2) is None
    (tmp_path / "Biker.txt").write_text("1,2,3,4\n1,2\n")
    assert folder.read("Biker", 2) is None
    folder.write("Biker", TRACK)
    (tmp_path / "Biker_time.txt").unlink()
    assert folder.read("Biker", 2) is None


def test_a_new_run_removes_old_tracks_and_a_resumed_one_keeps_them(tmp_path):
    folder = ResultsFolder(tmp_path)
    folder.start({"model": "kcf"}, resume=False)
    folder.write("Biker", TRACK)
    folder.start({"model": "kcf"}, resume=True)
    assert folder.read("Biker", 2) is not None
    folder.start({"model": "kcf"}, resume=False)
    assert folder.read("Biker", 2) is None


def test_files_of_somebody_else_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    ResultsFolder(tmp_path).start({}, resume=False)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_tracks_of_other_weights_are_not_resumed(tmp_path):
    folder = ResultsFolder(tmp_path)
    folder.start({"model": "a", "weights": "1"}, resume=False)
    with pytest.raises(ResultsError, match="was made with other weights; run without --resume"):
        folder.start({"model": "a", "weights": "2"}, resume=True)
    (tmp_path / "run.json").write_text("not json")
    with pytest.raises(ResultsError, match="other model, weights"):
        folder.start({"model": "a", "weights": "2"}, resume=True)
    folder.start({"model": "a", "weights": "2"}, resume=False)
    assert json.loads((tmp_path / "run.json").read_text()) == {"model": "a", "weights": "2"}


@pytest.mark.parametrize(
    ("tracker", "folder"),
    [
        ("csrt", "csrt"),
        ("afsn_mobile+online", "afsn_mobile+online"),
        ("siamban_r50:otb100", "siamban_r50_otb100"),
        ("/tmp/my runs/first.safetensors:default", "tmp_my_runs_first.safetensors_default"),
        ("../w.safetensors", "w.safetensors"),
        ("..", "tracker"),
    ],
)
def test_any_name_of_a_tracker_makes_a_folder(tracker, folder):
    assert folder_name(tracker) == folder


def test_a_long_path_still_makes_a_folder(tmp_path):
    name = folder_name("/a_long_folder" * 40 + "/w.safetensors+online")
    assert name.endswith("w.safetensors+online")
    (tmp_path / name).mkdir()
