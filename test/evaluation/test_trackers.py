"""Trackers as the command line names them: model, preset, online branch."""

import os
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

import siam_tracker_ros
from siam_tracker_ros.evaluation.peers import PeerError
from siam_tracker_ros.evaluation.trackers import parse_tracker
from siam_tracker_ros.networks.weights import save_weights
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.tracking import presets


@pytest.mark.parametrize(
    ("text", "model", "preset", "online"),
    [
        ("afsn_mobile", "afsn_mobile", "", None),
        ("siamban_r50:otb100", "siamban_r50", "otb100", None),
        ("afsn_mobile+online", "afsn_mobile", "", True),
        ("ocean_online_r50:vot2019+offline", "ocean_online_r50", "vot2019", False),
        ("runs/first.safetensors", "runs/first.safetensors", "", None),
        ("runs/first.safetensors+online", "runs/first.safetensors", "", True),
        ("a+b.safetensors+offline", "a+b.safetensors", "", False),
        ("vitamins/first.safetensors+online", "vitamins/first.safetensors", "", True),
        ("runs/c++/at_12:30/first.safetensors", "runs/c++/at_12:30/first.safetensors", "", None),
    ],
)
def test_model_preset_and_online_branch(text, model, preset, online):
    spec = parse_tracker(text, device="cpu")
    assert (spec.name, spec.model, spec.preset, spec.online) == (text, model, preset, online)
    assert not spec.is_peer


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("siamban_r50:otb", "'siamban_r50:otb': siamban_r50 has no preset 'otb'; use one of vot2018, vot2019, otb100"),
        ("siamban_r50:", "no preset after ':'; use one of vot2018, vot2019, otb100"),
        ("afsn_mobile+onlin", r"'afsn_mobile\+onlin': after '\+' comes online or offline, not 'onlin'"),
        ("afsn_mobile+", "comes online or offline, not ''"),
        ("siamfc:otb100", "'siamfc' is neither a model of the zoo nor weights that name theirs"),
        ("no/such.safetensors:otb100", "'no/such.safetensors' is neither a model of the zoo nor weights"),
    ],
)
def test_what_cannot_be_meant_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        parse_tracker(text)


@pytest.fixture
def weights(tmp_path) -> Path:
    (tmp_path / "c+online").mkdir()
    path = tmp_path / "c+online" / "first:try.safetensors"
    save_weights(MODELS["afsn_mobile"].build(), path, {"model": "afsn_mobile"})
    return path


def test_a_file_is_a_file_whatever_it_is_called(weights):
    bare, with_preset = parse_tracker(str(weights)), parse_tracker(f"{weights}:default+online")
    assert (bare.model, bare.preset, bare.online) == (str(weights), "", None)
    assert (with_preset.model, with_preset.preset, with_preset.online) == (str(weights), "default", True)
    with pytest.raises(ValueError, match="afsn_mobile has no preset 'paper'; use one of default"):
        parse_tracker(f"{weights}:paper")
    odd = weights.with_name("nano=odd+online")
    weights.rename(odd)
    assert (parse_tracker(str(odd)).model, parse_tracker(str(odd)).online) == (str(odd), None)


def test_preset_and_online_branch_reach_the_tracker(monkeypatch):
    asked = []

    def load_tracker(model, **options):
        asked.append((model, options["preset"], options["online"]))
        return SimpleNamespace()

    monkeypatch.setattr(siam_tracker_ros, "load_tracker", load_tracker)
    for text in ("siamban_r50:otb100+online", "ocean_online_r50+offline", "afsn_mobile"):
        parse_tracker(text).build()
    assert asked == [
        ("siamban_r50", "otb100", True),
        ("ocean_online_r50", "", False),
        ("afsn_mobile", "", None),
    ]
    monkeypatch.undo()
    built = [parse_tracker(text, device="cpu").build() for text in ("afsn_mobile", "afsn_mobile:default+online")]
    assert [tracker.settings.online for tracker in built] == [False, True]


def test_tracks_of_other_settings_are_told_apart(monkeypatch, weights):
    texts = ["siamban_r50", "siamban_r50:otb100", "siamban_r50+online", "siamban_r50:otb100+online"]
    made_by = [parse_tracker(text).fingerprint() for text in texts]
    assert all(a != b for i, a in enumerate(made_by) for b in made_by[:i])
    assert (made_by[3]["preset"], made_by[3]["online"]) == ("otb100", True)
    # The numbers count, not only the preset's name; a file's are those of its model.
    before, file_before = parse_tracker("afsn_mobile").fingerprint(), parse_tracker(str(weights)).fingerprint()
    assert before["settings"] == file_before["settings"]
    monkeypatch.setitem(presets.PRESETS, "afsn_mobile", presets.PRESETS["afsn_r50"])
    assert parse_tracker("afsn_mobile").fingerprint() != before
    assert parse_tracker(str(weights)).fingerprint() != file_before


def test_a_folder_of_results_is_a_tracker_that_cannot_run(tmp_path):
    folder = tmp_path / "SiamRPN" / "baseline"
    folder.mkdir(parents=True)
    spec = parse_tracker(f"SiamRPN++={folder}", weights=Path("w.safetensors"), device="cuda")
    assert (spec.name, spec.model, spec.results, spec.weights) == ("SiamRPN++", "results", folder, None)
    assert (spec.is_results, spec.is_peer, parse_tracker("csrt").is_results) == (True, False, False)
    assert parse_tracker(f"nano={folder}").is_results  # a folder is a folder, whatever the name
    with pytest.raises(ValueError, match=r"SiamRPN\+\+ is a folder of results, .*baseline; it has no tracker to run"):
        spec.build()
    with pytest.raises(PeerError, match="'nowhere' is no folder"):
        parse_tracker("SiamRPN++=nowhere")
    with pytest.raises(PeerError, match="after '=' come the ONNX files of nano or vit, or a folder of results"):
        parse_tracker(f"={folder}")
    threads = cv2.getNumThreads()
    spec.set_threads(1)
    assert cv2.getNumThreads() == 1
    cv2.setNumThreads(threads)


def test_results_are_told_apart_by_their_files(tmp_path):
    (tmp_path / "run" / "ball").mkdir(parents=True)
    file = tmp_path / "run" / "ball" / "ball_001.txt"
    file.write_text("1,2,3,4\n")
    spec = parse_tracker(f"other={tmp_path / 'run'}")
    made_by = [spec.fingerprint()]
    assert spec.fingerprint() == made_by[0]
    (tmp_path / "run" / "notes.md").write_text("of no use")
    assert spec.fingerprint() == made_by[0]
    file.write_text("1,2,3,4\n1,2,3,4\n")
    made_by.append(spec.fingerprint())
    os.utime(file, ns=(0, 0))
    made_by.append(spec.fingerprint())
    (tmp_path / "run" / "ball" / "ball_001_time.value").write_text("0.1\n")
    made_by.append(spec.fingerprint())
    file.rename(file.with_name("ball_002.txt"))
    made_by.append(spec.fingerprint())
    assert len({one["files"] for one in made_by}) == 5
    assert {one["folder"] for one in made_by} == {str(tmp_path / "run")}
