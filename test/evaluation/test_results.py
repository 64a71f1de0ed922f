"""Tracks on disk: the tool kits' formats, and nothing stale or torn is taken for a result."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.evaluation.one_pass import Track
from siam_tracker_ros.evaluation.results import ResultsError, ResultsFolder, folder_name, rounded

NAN = float("nan")
TRACK = Track(np.array([[1.25, 2, 3, 4], [NAN, 2.123456789, 3, 4]]), np.array([0.5, 0.0123456]))
FULL = replace(TRACK, confidences=np.array([NAN, 0.87654321]), lost=np.array([False, True]))
SUPERVISED = Track(
    boxes=np.array([[NAN] * 4, [1.25, 2, 3, 4], [NAN] * 4, [NAN] * 4, [NAN] * 4]),
    times=np.array([0.5, 0.01, 0.02, NAN, 0.25]),
    confidences=np.array([NAN, 0.5, 0.25, NAN, NAN]),
    lost=np.array([False, False, True, False, False]),
    starts=(0, 4),
    failures=(2,),
)
FORMS = [("otb100", False), ("got10k", False), ("vot", False), ("vot", True)]


def a_sequence(tmp_path, frames=2, layout="otb100", origin=0.0):
    """What a layout's reader makes of a sequence, without its images."""
    boxes = np.tile([1.0, 2.0, 3.0, 4.0], (frames, 1))
    return Sequence("Biker", tmp_path, boxes, tmp_path, layout=layout, origin=origin)


def same(one: Track, other: Track) -> bool:
    for field in fields(Track):
        first, second = getattr(one, field.name), getattr(other, field.name)
        if (first is None) != (second is None):
            return False
        if first is not None and not np.array_equal(first, second, equal_nan=field.name != "lost"):
            return False
    return True


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_written_as_the_tool_kits_read_it_and_read_back(tmp_path):
    folder = ResultsFolder(tmp_path / "kcf")
    folder.start({"model": "kcf"}, resume=False)
    sequence = a_sequence(tmp_path)
    folder.write(sequence, TRACK)
    assert (tmp_path / "kcf" / "Biker.txt").read_text() == "1.2500,2.0000,3.0000,4.0000\nnan,2.1235,3.0000,4.0000\n"
    assert (tmp_path / "kcf" / "Biker_time.txt").read_text() == "0.500000\n0.012346\n"
    assert files(tmp_path) == ["kcf/Biker.txt", "kcf/Biker_time.txt", "kcf/run.json"]
    back = folder.read(sequence)
    assert same(back, rounded(TRACK))
    assert back.seconds == pytest.approx(0.012346)
    assert (back.confidences, back.lost, back.starts, back.failures) == (None, None, (0,), ())


def test_boxes_are_written_as_the_layout_counts_pixels(tmp_path):
    folder, sequence = ResultsFolder(tmp_path), a_sequence(tmp_path, origin=1.0)
    folder.write(sequence, TRACK)
    assert (tmp_path / "Biker.txt").read_text() == "2.2500,3.0000,3.0000,4.0000\nnan,3.1235,3.0000,4.0000\n"
    assert same(folder.read(sequence), rounded(TRACK))


def test_got10k_has_a_folder_for_each_sequence(tmp_path):
    folder, sequence = ResultsFolder(tmp_path), a_sequence(tmp_path, layout="got10k")
    folder.write(sequence, FULL)
    place = tmp_path / "Biker"
    assert (place / "Biker_001.txt").read_text() == "1.2500,2.0000,3.0000,4.0000\nnan,2.1235,3.0000,4.0000\n"
    assert (place / "Biker_time.txt").read_text() == "0.500000\n0.012346\n"
    assert (place / "Biker_confidence.txt").read_text() == "nan\n0.876543\n"
    assert (place / "Biker_lost.txt").read_text() == "0\n1\n"
    assert len(files(tmp_path)) == 4
    assert same(folder.read(sequence), rounded(FULL))


def test_supervised_tracks_are_written_as_vot_has_them(tmp_path):
    folder, sequence = ResultsFolder(tmp_path, supervised=True), a_sequence(tmp_path, frames=5, layout="vot")
    folder.write(sequence, SUPERVISED)
    place = tmp_path / "baseline" / "Biker"
    assert (place / "Biker_001.txt").read_text() == "1\n1.2500,2.0000,3.0000,4.0000\n2\n0\n1\n"
    assert (place / "Biker_001_time.value").read_text() == "0.500000\n0.010000\n0.020000\n\n0.250000\n"
    assert (place / "Biker_001_confidence.value").read_text() == "\n0.500000\n0.250000\n\n\n"
    assert (place / "Biker_001_lost.value").read_text() == "0\n0\n1\n0\n0\n"
    assert (place / "Biker_time.txt").read_text() == "0.500000\n0.010000\n0.020000\nnan\n0.250000\n"
    assert len(files(tmp_path)) == 5
    back = folder.read(sequence)
    assert same(back, rounded(SUPERVISED))
    assert (back.starts, back.failures) == ((0, 4), (2,))
    assert ResultsFolder(tmp_path).read(sequence) is None


@st.composite
def tracks(draw, supervised):
    frames = draw(st.integers(1, 6))
    number = st.floats(-1e6, 1e6) | st.floats(-1, 1)

    def column(values):
        return np.array(draw(st.lists(values, min_size=frames, max_size=frames)))

    boxes = column(st.tuples(number, number, number, number)).reshape(frames, 4)
    starts, failures, running = [0], [], True
    if supervised:
        for index in range(1, frames):
            if draw(st.booleans()):
                (failures if running else starts).append(index)
                running = not running
            elif not running:
                boxes[index] = NAN
        boxes[starts + failures] = NAN
    return Track(
        boxes,
        column(st.floats(0, 10) | st.just(NAN)),
        draw(st.none() | st.just(column(st.floats(0, 1) | st.just(NAN)))),
        draw(st.none() | st.just(column(st.booleans()).astype(bool))),
        tuple(starts),
        tuple(failures),
    )


@pytest.mark.parametrize("origin", [0.0, 1.0])
@pytest.mark.parametrize(("layout", "supervised"), FORMS)
@given(data=st.data())
def test_what_is_read_back_is_the_rounded_track(tmp_path_factory, layout, supervised, origin, data):
    track = data.draw(tracks(supervised))
    path = tmp_path_factory.mktemp("results")
    sequence = a_sequence(path, len(track.boxes), layout, origin)
    folder = ResultsFolder(path, supervised=supervised)
    folder.write(sequence, track)
    assert same(folder.read(sequence), rounded(track))
    assert same(rounded(rounded(track)), rounded(track))


def test_halves_are_written_as_they_are_rounded(tmp_path):
    """0.00005 lies a little above the middle, and `round` does not see it."""
    half = Track(np.array([[0.00005, 0.00015, 0.00025, 0.00035]]), np.array([0.0000005]), np.array([0.0000015]))
    sequence = a_sequence(tmp_path, frames=1)
    ResultsFolder(tmp_path).write(sequence, half)
    assert same(ResultsFolder(tmp_path).read(sequence), rounded(half))


def test_what_is_torn_or_of_another_length_is_not_taken(tmp_path):
    folder, sequence = ResultsFolder(tmp_path), a_sequence(tmp_path)
    folder.start({}, resume=False)
    assert folder.read(sequence) is None
    folder.write(sequence, TRACK)
    assert folder.read(a_sequence(tmp_path, frames=3)) is None
    for text in ("1,2,3\n1,2,3\n", "1,2,3,4\n1,2\n", "1,2,3,4\n1,2,3,4", "1,2,3,4\n\n", "1,2,3,4\n0\n", ""):
        (tmp_path / "Biker.txt").write_text(text)
        assert folder.read(sequence) is None
    (tmp_path / "Biker.txt").write_bytes(b"\xff\n1,2,3,4\n")
    assert folder.read(sequence) is None


@pytest.mark.parametrize(("layout", "supervised"), FORMS)
@pytest.mark.parametrize("values", ["time", "confidence", "lost"])
def test_a_track_with_a_torn_file_beside_it_is_not_taken(tmp_path, layout, supervised, values):
    sequence = a_sequence(tmp_path, 5 if supervised else 2, layout)
    folder = ResultsFolder(tmp_path, supervised=supervised)
    folder.write(sequence, SUPERVISED if supervised else FULL)
    (path,) = tmp_path.rglob(f"Biker*_{values}.{'value' if supervised else 'txt'}")
    whole = path.read_text()
    for torn in (whole[:-1], whole + "1", whole + "1\n", "x\n" + whole[2:], ""):
        path.write_text(torn)
        assert folder.read(sequence) is None
    path.write_text(whole)
    assert folder.read(sequence) is not None


@pytest.mark.parametrize(("layout", "supervised"), FORMS)
def test_a_track_that_was_cut_off_while_writing_is_not_taken(tmp_path, monkeypatch, layout, supervised):
    """Whatever file was being written, and though a whole track was there before."""
    sequence = a_sequence(tmp_path, 5 if supervised else 2, layout)
    folder = ResultsFolder(tmp_path, supervised=supervised)
    track = SUPERVISED if supervised else FULL
    write_text = type(tmp_path).write_text
    allowed = 0

    def write_some(path, text, **kwargs):
        nonlocal allowed
        if allowed == 0:
            write_text(path, text[:3], **kwargs)
            raise OSError("no space left")
        allowed -= 1
        return write_text(path, text, **kwargs)

    for count in range(5 if supervised else 4):
        folder.write(sequence, replace(track, confidences=None, lost=None))
        assert folder.read(sequence) is not None
        allowed = count
        with monkeypatch.context() as patch:
            patch.setattr(type(tmp_path), "write_text", write_some)
            with pytest.raises(OSError, match="no space"):
                folder.write(sequence, track)
        assert folder.read(sequence) is None


def test_what_an_earlier_track_had_is_not_taken_for_a_later_ones(tmp_path):
    folder, sequence = ResultsFolder(tmp_path), a_sequence(tmp_path)
    folder.write(sequence, FULL)
    folder.write(sequence, TRACK)
    assert same(folder.read(sequence), rounded(TRACK))
    assert files(tmp_path) == ["Biker.txt", "Biker_time.txt"]


@pytest.mark.parametrize(("layout", "supervised"), FORMS)
def test_a_new_run_removes_old_tracks_and_a_resumed_one_keeps_them(tmp_path, layout, supervised):
    sequence = a_sequence(tmp_path, 5 if supervised else 2, layout)
    folder = ResultsFolder(tmp_path, supervised=supervised)
    folder.start({"model": "kcf"}, resume=False)
    folder.write(sequence, SUPERVISED if supervised else FULL)
    folder.start({"model": "kcf"}, resume=True)
    assert folder.read(sequence) is not None
    folder.start({"model": "kcf"}, resume=False)
    assert folder.read(sequence) is None
    assert list(tmp_path.iterdir()) == [tmp_path / "run.json"]


def test_files_of_somebody_else_are_left_alone(tmp_path):
    theirs = ["notes.txt", "Biker_002.txt", "Biker/Biker_002.txt", "Biker/notes.txt", "baseline/Biker/Biker_002.txt"]
    theirs += ["Car/Car_001.txt", "Car/notes_time.txt", "baseline/Car/Car_001.txt", "baseline/Car/a_001_time.value"]
    for name in theirs:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    for layout, supervised in FORMS:
        folder, sequence = ResultsFolder(tmp_path, supervised=supervised), a_sequence(tmp_path, layout=layout)
        folder.start({}, resume=False)
        folder.write(sequence, FULL)
    folder.start({}, resume=False)
    assert files(tmp_path) == sorted([*theirs, "run.json"])


def test_without_a_record_nothing_is_ours(tmp_path):
    ResultsFolder(tmp_path).write(a_sequence(tmp_path), TRACK)
    ResultsFolder(tmp_path).start({}, resume=False)
    assert files(tmp_path) == ["Biker.txt", "Biker_time.txt", "run.json"]


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


def test_got10ks_tool_kit_reads_a_one_pass_track(tmp_path):
    """As it comes from disk to disk: DTB70's reader of sequences, and the report that all one-pass layouts share."""
    experiments = pytest.importorskip("got10k.experiments")
    sequence = a_sequence(tmp_path, frames=4, layout="dtb70")
    (tmp_path / "data" / "Biker" / "img").mkdir(parents=True)
    for number in range(4):
        (tmp_path / "data" / "Biker" / "img" / f"{number:05d}.jpg").touch()
    (tmp_path / "data" / "Biker" / "groundtruth_rect.txt").write_text("1,2,3,4\n" * 4)
    boxes = sequence.boxes.copy()
    boxes[3, 0] += 100
    ResultsFolder(tmp_path / "results" / "DTB70" / "kcf").write(sequence, Track(boxes, np.full(4, 0.1)))
    experiment = experiments.ExperimentDTB70(
        str(tmp_path / "data"), result_dir=str(tmp_path / "results"), report_dir=str(tmp_path / "reports")
    )
    experiment.plot_curves = lambda names: None
    figures = experiment.report(["kcf"])["kcf"]["overall"]
    assert figures["success_score"] == pytest.approx(0.75 * 20 / 21)
    assert figures["precision_score"] == 0.75


def test_got10ks_tool_kit_reads_a_got10k_track(tmp_path):
    experiments = pytest.importorskip("got10k.experiments")
    sequence = a_sequence(tmp_path, frames=4, layout="got10k")
    place = tmp_path / "data" / "val" / "Biker"
    place.mkdir(parents=True)
    (place.parent / "list.txt").write_text("Biker")
    (place / "groundtruth.txt").write_text("1,2,3,4\n" * 4)
    (place / "meta_info.ini").write_text("[METAINFO]\nresolution: (200, 100)")
    for label in ("cover", "absence", "cut_by_image"):
        (place / f"{label}.label").write_text("8\n" * 4)
    for number in range(1, 5):
        (place / f"{number:08d}.jpg").touch()
    boxes = sequence.boxes.copy()
    boxes[3, 0] += 100
    track = Track(boxes, np.array([1.0, 0.1, NAN, 0.1]), np.array([NAN, 1, 1, 0]), np.zeros(4, dtype=bool))
    ResultsFolder(tmp_path / "results" / "GOT-10k" / "kcf").write(sequence, track)
    experiment = experiments.ExperimentGOT10k(
        str(tmp_path / "data"), "val", result_dir=str(tmp_path / "results"), report_dir=str(tmp_path / "reports")
    )
    experiment.plot_curves = lambda reports, names: None
    figures = experiment.report(["kcf"])["kcf"]["overall"]
    assert (figures["ao"], figures["sr"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert figures["speed_fps"] == pytest.approx((1 + 10 + 10) / 3)


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
