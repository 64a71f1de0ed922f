"""`siam-track eval` as a user runs it: tables, files, exit codes, broken input, Ctrl-C and resuming."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np
import published_layouts
import pytest
from bags import write_recording
from typer.testing import CliRunner

from siam_tracker_ros.cli.main import app

REPOSITORY = Path(__file__).resolve().parents[2]


def make_sequence(data: Path, name: str, frames: int = 5) -> Path:
    rng = np.random.default_rng(len(name))
    ground = cv2.GaussianBlur(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8), (0, 0), 2)
    square = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
    (data / name / "img").mkdir(parents=True)
    lines = []
    for index in range(frames):
        x = 20 + index % 80
        frame = ground.copy()
        frame[40:64, x : x + 24] = square
        cv2.imwrite(str(data / name / "img" / f"{index + 1:04d}.png"), frame)
        lines.append(f"{x},40,24,24\n")
    (data / name / "groundtruth.txt").write_text("".join(lines), encoding="utf-8")
    return data / name


def trackers_of(report: dict, protocol: int = 0) -> dict:
    return report["protocols"][protocol]["trackers"]


def run(*arguments: object):
    return CliRunner().invoke(app, ["eval", *(str(argument) for argument in arguments)])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        make_sequence(tmp_path / "data", name)
    return tmp_path / "data"


def test_two_trackers_side_by_side(data, tmp_path):
    result = run(data, "-t", "kcf", "-t", "csrt", "--out", tmp_path / "out", "--threads", 1)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "One pass"
    head = next(index for index, line in enumerate(lines) if line.split() == ["AUC", "of", "sequence", "kcf", "csrt"])
    assert [line.split()[0] for line in lines[head + 2 : head + 5]] == ["a", "b", "c"]
    assert "95 % interval" in result.stdout
    assert "1 threads a tracker; kcf on cpu, csrt on cpu" in result.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert trackers_of(report)["csrt"]["means"]["success_auc"] > 0.5
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "report.html",
        "report.json",
        "results.csv",
        "success.png",
        "precision.png",
        "sequences.png",
        "results",
    }


def test_a_published_layout_by_its_looks_or_by_name(tmp_path):
    folder = published_layouts.otb100(tmp_path / "otb")
    (folder / "Deer" / "img" / "0002.jpg").unlink()
    for layout in ((), ("--layout", "otb100")):
        result = run(folder, "-t", "kcf", "--out", tmp_path / "out", *layout)
        assert result.exit_code == 1, result.output
        assert "left out: Deer: img jumps from image 1 to 3" in result.stderr
        assert list(trackers_of(json.loads((tmp_path / "out" / "report.json").read_text()))["kcf"]["per_sequence"]) == [
            "Boy"
        ]
    result = run(folder, "-t", "kcf", "--out", tmp_path / "out", "--layout", "otb")
    assert (result.exit_code, "there is no layout otb; there are auto" in result.stderr) == (2, True)


def test_only_some_sequences(data, tmp_path):
    result = run(data, "-t", "kcf", "--out", tmp_path, "--sequences", "c, a")
    assert result.exit_code == 0, result.output
    assert list(trackers_of(json.loads((tmp_path / "report.json").read_text()))["kcf"]["per_sequence"]) == ["a", "c"]


def test_the_shipped_model_is_the_default(data, tmp_path):
    result = run(data, "--sequences", "a", "--device", "cpu", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["machine"]["devices"]["afsn_mobile"].startswith("cpu (")
    assert trackers_of(report)["afsn_mobile"]["means"]["success_auc"] > 0.5


def test_online_on_and_off_in_one_run(data, tmp_path):
    trackers = ("afsn_mobile", "afsn_mobile:default+online")
    arguments = [word for name in trackers for word in ("-t", name)]
    arguments += ["--sequences", "a", "--device", "cpu", "--out", tmp_path / "out"]
    result = run(data, *arguments)
    assert result.exit_code == 0, result.output
    assert ["AUC", "of", "sequence", *trackers] in [line.split() for line in result.stdout.splitlines()]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert list(trackers_of(report)) == list(trackers)
    assert all(len(tracker["curves"]["success"]) == 21 for tracker in trackers_of(report).values())
    folders = [tmp_path / "out" / "results" / name for name in ("afsn_mobile", "afsn_mobile_default+online")]
    made_by = [json.loads((folder / "run.json").read_text()) for folder in folders]
    assert [(one["preset"], one["online"]) for one in made_by] == [("", None), ("default", True)]
    assert run(data, *arguments, "--resume").exit_code == 0
    (folders[0] / "run.json").write_text(json.dumps(made_by[0] | {"online": True}))
    again = run(data, *arguments, "--resume")
    assert again.exit_code == 2
    assert "was made with other online" in again.output


def test_weights_are_for_every_setting_of_their_model(data, tmp_path):
    weights = REPOSITORY / "siam_tracker_ros" / "weights" / "afsn_mobile.safetensors"
    arguments = ["-t", "afsn_mobile", "-t", "afsn_mobile+online", "--weights", weights, "--sequences", "a"]
    result = run(data, *arguments, "--device", "cpu", "--out", tmp_path)
    assert result.exit_code == 0, result.output


def test_broken_sequences_are_named_and_counted_and_the_others_finish(data, tmp_path):
    (data / "b" / "groundtruth.txt").write_text("20,40,24,24\n")
    (data / "c" / "img" / "0004.png").write_bytes(b"x")
    result = run(data, "-t", "kcf", "--out", tmp_path)
    assert result.exit_code == 1
    assert "left out: b: groundtruth.txt has 1 lines, but img has 5 frames" in result.output
    assert "2 not measured:" in result.stdout
    assert "kcf on c: 0004.png in c cannot be read" in result.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert list(trackers_of(report)["kcf"]["per_sequence"]) == ["a"]
    assert (len(report["protocols"][0]["failures"]), list(report["broken_sequences"])) == (1, ["b"])


def test_nothing_usable_is_not_a_success(data, tmp_path):
    for name in ("a", "b", "c"):
        (data / name / "groundtruth.txt").write_text("")
    result = run(data, "-t", "kcf", "--out", tmp_path)
    assert result.exit_code == 1
    assert "no sequence is left to measure" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none"], "none: is not a folder"),
        (["data", "--sequences", "a,x"], "no sequence named x; there are a, b, c"),
        (["data", "-t", "nano"], "NanoTrack needs its two ONNX files"),
        (["data", "-t", "nano=x.onnx,y.onnx"], "x.onnx: no such file"),
        (["data", "-t", "kcf", "-t", "kcf"], "same name"),
        (["data", "-t", "kcf", "--weights", "w.safetensors"], "0 were named"),
        (["data", "--weights", "w.safetensors"], "w.safetensors: no such file"),
        (["data", "-t", "afsn_mobile", "-t", "afsn_r50", "--weights", "w.safetensors"], "2 were named"),
        (["data", "-t", "no_such_model"], "no_such_model"),
        (["data", "-t", "siamban_r50:otb"], "siamban_r50 has no preset 'otb'; use one of vot2018, vot2019, otb100"),
        (["data", "-t", "afsn_mobile+onlin"], "after '+' comes online or offline, not 'onlin'"),
        (["data", "-t", "csrt+online"], "csrt is OpenCV's"),
        (["data", "-t", "afsn_mobile", "--device", "cuda:99"], "cuda:99"),
        (["data", "-t", "vit"], "vit=MODEL.onnx"),
        (["data", "-p", "otb"], "there is no protocol 'otb'; there are one-pass, real-time, vot"),
        (["data", "-p", "vot", "-p", "vot"], "a protocol is named twice"),
        (["data", "-p", "real-time", "--rate", "0"], "the rate must be a positive number"),
        (["data", "-p", "one-pass", "-p", "real-time", "--jobs", "2"], "real-time goes with --jobs 1 only"),
        (["data", "-p", "real-time", "-t", "x=data"], "x is a folder of results"),
        (["data", "--year", "2015"], "--year 2015: EAO's lengths are known of 2016, 2017, 2018, 2019"),
        (["data", "--topic", "/camera"], "--topic and --box go with --bag"),
        ([], "name a folder of sequences, or a recording with --bag"),
        (["data", "--bag", "x.mcap"], "FOLDER does not go with --bag"),
        (["--bag", "x.mcap", "-t", "csrt"], "--bag takes one tracker, a model of the zoo"),
        (["--bag", "x.mcap", "-t", "afsn_mobile", "-t", "afsn_mobile+online"], "--bag takes one tracker"),
        (["--bag", "x.mcap", "--box", "1,2,30,40"], "x.mcap"),
    ],
)
def test_wrong_arguments_are_refused_with_the_reason(arguments, said, data, monkeypatch):
    monkeypatch.chdir(data.parent)
    result = run(*arguments)
    assert result.exit_code == 2
    assert "error: " in result.output
    assert said in result.output


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_shows_what_is_finished_and_resume_does_the_rest(tmp_path, jobs):
    names = [f"s{index}" for index in range(6)]
    for name in names:
        make_sequence(tmp_path / "data", name, frames=30)
    command = [sys.executable, "-m", "siam_tracker_ros.cli.main", "eval", str(tmp_path / "data"), "-t", "csrt"]
    command += ["--out", str(tmp_path / "out"), "--threads", "1", "--jobs", str(jobs)]
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    tracks = tmp_path / "out" / "results" / "csrt"
    deadline = time.monotonic() + 120
    # The first of two is in the table when the second is written.
    while len(list(tracks.glob("s?.txt"))) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "of 6 tracks finished; the same command with --resume goes on" in stderr
    assert "Traceback" not in stderr
    assert stdout.startswith("One pass\n")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["protocols"][0]["interrupted"]
    finished = trackers_of(report)["csrt"]["per_sequence"]
    assert 1 <= len(finished) < 6

    again = subprocess.run([*command, "--resume"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert sorted(trackers_of(report)["csrt"]["per_sequence"]) == names
    assert not report["protocols"][0]["interrupted"]
    for name, figures in finished.items():
        assert trackers_of(report)["csrt"]["per_sequence"][name]["success_auc"] == figures["success_auc"]


def test_a_long_video_is_not_held_in_memory(tmp_path):
    """500 frames of 640x480 are 440 MiB; the process may not grow by a quarter of it."""
    folder = tmp_path / "data" / "long"
    folder.mkdir(parents=True)
    writer = cv2.VideoWriter(str(folder / "video.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 30, (640, 480))
    frame = np.zeros((480, 640, 3), np.uint8)
    frame[100:160, 100:160] = np.random.default_rng(0).integers(0, 256, (60, 60, 3))
    for _ in range(500):
        writer.write(frame)
    writer.release()
    (folder / "groundtruth.txt").write_text("100,100,60,60\n" * 500)
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from siam_tracker_ros.datasets import load_sequence\n"
        "from siam_tracker_ros.evaluation.one_pass import track_sequence\n"
        "from siam_tracker_ros.evaluation.peers import peer_tracker\n"
        "sequence, seen, before = load_sequence(Path(sys.argv[1])), 0, 0\n"
        "def peak():\n"
        "    global seen, before\n"
        "    seen += 1\n"
        "    if seen == 20:\n"
        "        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "track_sequence(peer_tracker('kcf'), sequence, peak)\n"
        "print(seen, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    seen, grown = done.stdout.split()
    assert seen == "500"
    assert float(grown) < 110


def test_what_can_be_broken_at_once(data, tmp_path):
    """Everything that the help promises to survive, in one run: each is named, the others finish, the code is 1."""
    make_sequence(data, "long_truth")
    with (data / "long_truth" / "groundtruth.txt").open("a") as file:
        file.write("25,40,24,24\n")
    make_sequence(data, "missing_frame")
    (data / "missing_frame" / "img" / "0003.png").unlink()
    make_sequence(data, "nan_in_part")
    (data / "nan_in_part" / "groundtruth.txt").write_text("20,40,24,24\n21,nan,24,24\n22,40,24,24\n" * 2)
    make_sequence(data, "nan_first")
    (data / "nan_first" / "groundtruth.txt").write_text("nan,nan,nan,nan\n" + "21,40,24,24\n" * 4)
    make_sequence(data, "no_number")
    (data / "no_number" / "groundtruth.txt").write_text("20,40,24,24\n21,forty,24,24\n")
    (data / "no_video").mkdir()
    (data / "no_video" / "video.mp4").write_bytes(b"\x00" * 100)
    (data / "no_video" / "groundtruth.txt").write_text("20,40,24,24\n")
    make_sequence(data, "torn_image")
    image = data / "torn_image" / "img" / "0005.png"
    image.write_bytes(image.read_bytes()[:300])
    theirs = tmp_path / "theirs"  # results of a tool kit that did not do them all, and one wrong
    theirs.mkdir()
    (theirs / "a.txt").write_text((data / "a" / "groundtruth.txt").read_text())
    (theirs / "b.txt").write_text("1,2,3,4\n")
    result = run(data, "-t", "kcf", "-t", f"theirs={theirs}", "--out", tmp_path / "out")
    assert result.exit_code == 1, result.output
    for said in (
        "left out: long_truth: groundtruth.txt has 6 lines, but img has 5 frames",
        "left out: missing_frame: img jumps from image 2 to 4",
        "left out: nan_in_part: line 2 of groundtruth.txt",
        "left out: nan_first: groundtruth.txt has no box in the first frame",
        "left out: no_number: line 2 of groundtruth.txt, '21,forty,24,24', is not four numbers",
        "left out: no_video: video.mp4 cannot be decoded",
    ):
        assert said in result.stderr
    assert "kcf on torn_image: 0005.png in torn_image cannot be read as an image" in result.stdout
    assert "theirs on b: " in result.stdout
    assert "theirs on c: " in result.stdout
    assert "10 not measured:" in result.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert list(trackers_of(report)["kcf"]["per_sequence"]) == ["a", "b", "c"]
    assert trackers_of(report)["theirs"]["means"]["mean_iou"] == 1
    assert "theirs on b" in (tmp_path / "out" / "report.html").read_text()


def test_vot_is_run_under_its_protocol(tmp_path):
    folder = published_layouts.vot(tmp_path / "vot")
    result = run(folder, "-t", "kcf", "--out", tmp_path / "out", "--year", 2019)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("VOT, started anew after each failure\n")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["layout"], report["protocols"][0]["protocol"]) == ("vot", "vot")
    assert report["protocols"][0]["eao_interval"] == [46, 291]
    track = next((tmp_path / "out" / "results_vot" / "kcf" / "baseline").glob("*/*_001.txt"))
    assert track.read_text().splitlines()[0] == "1"


def test_several_protocols_in_one_run(data, tmp_path):
    protocols = [word for name in ("one-pass", "real-time", "vot") for word in ("-p", name)]
    result = run(data, "-t", "kcf", *protocols, "--rate", 25, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [one["protocol"] for one in report["protocols"]] == ["one-pass", "real-time", "vot"]
    assert report["protocols"][1]["rate"] == 25
    assert trackers_of(report, 1)["kcf"]["given"] == 1  # 5 small frames are no work
    assert "frames given" in result.stdout
    assert trackers_of(report, 2)["kcf"]["scores"]["failures"] == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"results", "results_real_time_25", "results_vot"}
    again = run(data, "-t", "kcf", *protocols, "--rate", 25, "--out", tmp_path / "out", "--resume")
    assert again.exit_code == 0, again.output
    assert json.loads((tmp_path / "out" / "report.json").read_text())["protocols"] == report["protocols"]


def test_got10ks_test_set_becomes_the_servers_archive(tmp_path):
    root = tmp_path / "got" / "test"
    for number in (1, 2):
        folder = make_sequence(tmp_path / "made", f"{number}")
        target = root / f"GOT-10k_Test_{number:06d}"
        target.mkdir(parents=True)
        for image in sorted((folder / "img").iterdir()):
            cv2.imwrite(str(target / f"{int(image.stem):08d}.jpg"), cv2.imread(str(image)))
        (target / "groundtruth.txt").write_text("20,40,24,24\n")
    result = run(root.parent, "-t", "kcf", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    archive = tmp_path / "out" / "kcf_submission.zip"
    assert str(archive) in result.stdout
    with zipfile.ZipFile(archive) as file:
        names = file.namelist()
        assert len(file.read("GOT-10k_Test_000002/GOT-10k_Test_000002_001.txt").splitlines()) == 5
    assert names == [
        f"GOT-10k_Test_00000{n}/GOT-10k_Test_00000{n}_{end}.txt" for n in (1, 2) for end in ("001", "time")
    ]


def test_a_recording_is_followed(tmp_path):
    write_recording(tmp_path / "bag")
    result = run("--bag", tmp_path / "bag", "--topic", "/camera/image", "--box", "20,40,24,20", "--out", tmp_path / "o")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "o" / "detections").is_dir()
    assert "frames followed" in result.output
