"""Results of each tool kit, as small files of its form, read as tracks; and what is wrong with a file is said."""

import importlib.util
import json
import os
import struct
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.evaluation.foreign_results import read_track
from siam_tracker_ros.evaluation.one_pass import Track
from siam_tracker_ros.evaluation.results import FAILED, SKIPPED, STARTED, ResultsError, ResultsFolder, rounded

NAN = float("nan")
NO_BOX = [NAN] * 4
FIRST = [10.0, 20.0, 30.0, 40.0]
BOXES = [FIRST, [11.5, 21.25, 30, 40], [12, 22, 31.125, 41]]


def a_sequence(path, name="Biker", layout="otb100", origin=0.0, first=FIRST, frames=3):
    boxes = np.tile(first, (frames, 1))
    return Sequence(name, path, boxes, path, layout=layout, origin=origin)


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def lines(boxes, separator=",", form="{:.4f}"):
    return "".join(separator.join(form.format(value) for value in box) + "\n" for box in boxes)


def check(track, boxes=BOXES, times=(NAN, NAN, NAN)):
    np.testing.assert_allclose(track.boxes, boxes, atol=1e-6)
    np.testing.assert_array_equal(track.times, times)
    assert track.confidences is None
    assert track.lost is None


def test_got10ks_tool_kit_on_otb(tmp_path):
    put(tmp_path / "Biker.txt", lines(BOXES, form="{:.3f}"))
    put(tmp_path / "times" / "Biker_time.txt", "0.50000000\n0.01000000\n0.02000000\n")
    track = read_track(tmp_path, a_sequence(tmp_path))
    check(track, times=[0.5, 0.01, 0.02])
    assert (track.starts, track.failures) == ((0,), ())
    assert track.fps == pytest.approx(2 / 0.03)


def test_got10ks_tool_kit_on_got10k_with_repetitions(tmp_path):
    sequence = a_sequence(tmp_path, "GOT-10k_Val_000001", "got10k")
    place = tmp_path / sequence.name
    put(place / f"{sequence.name}_002.txt", lines([[0, 0, 1, 1]] * 3))
    put(place / f"{sequence.name}_001.txt", lines(BOXES, form="{:.3f}"))
    put(place / f"{sequence.name}_time.txt", "0.5,1\n0.01,1\n0.02,1\n")
    check(read_track(tmp_path, sequence), times=[0.5, 0.01, 0.02])
    (place / f"{sequence.name}_001.txt").unlink()
    assert read_track(tmp_path, sequence).times.tolist() == [1, 1, 1]


def test_pysot_on_otb_counts_from_0_with_a_first_box_half_a_pixel_off(tmp_path):
    put(tmp_path / "Biker.txt", "10.5,20.5,30,40\n11.5,21.25,30.0,40.0\n12.0,22.0,31.125,4.1e1\n")
    check(read_track(tmp_path, a_sequence(tmp_path, origin=1.0)))


def test_pytracking_cuts_to_whole_pixels_between_tabs(tmp_path):
    put(tmp_path / "Biker.txt", "11\t21\t30\t40\n12\t22\t30\t40\n13\t23\t31\t41\n")
    put(tmp_path / "Biker_time.txt", "0.500000\n0.010000\n0.020000\n\n")
    sequence = a_sequence(tmp_path, origin=1.0, first=[10.7, 20.7, 30.4, 40.9])
    first, *rest = [10.7, 20.7, 30.4, 40.9], [11, 21, 30, 40], [12, 22, 31, 41]
    check(read_track(tmp_path, sequence), [first, *rest], [0.5, 0.01, 0.02])


@pytest.mark.parametrize(
    ("name", "layout", "file"),
    [
        ("bike1", "uav123", "uav_bike1"),
        ("Gymnastics", "nfs", "nfs_Gymnastics"),
        ("Jogging-1", "otb100", "Jogging.1"),
        ("Jogging-1", "otb100", "Jogging_1"),
        ("Jogging-1", "otb100", "jogging_1"),
        ("Human4-2", "otb100", "Human4"),
        ("FaceOcc1", "otb100", "faceocc1"),
        ("BlurBody", "otb100", "blurBody"),
    ],
)
def test_tool_kits_call_sequences_by_other_names(tmp_path, name, layout, file):
    put(tmp_path / f"{file}.txt", lines(BOXES))
    check(read_track(tmp_path, a_sequence(tmp_path, name, layout)))
    with pytest.raises(ResultsError, match="has no results"):
        read_track(tmp_path, a_sequence(tmp_path, name, "lasot"))


@pytest.mark.parametrize("separator", [",", "\t", " ", ";", ", ", "   ", ",\t"])
@pytest.mark.parametrize("form", ["{:.3f}", "{:e}", "{:8.3f}"])
def test_any_separator_and_number(tmp_path, separator, form):
    text = lines(BOXES, separator, form)
    for variant in (
        text,
        text.rstrip("\n"),
        text + "\n\n",
        text.replace("\n", "\r\n"),
        text.replace("\n", separator + "\n"),
    ):
        put(tmp_path / "Biker.txt", variant)
        check(read_track(tmp_path, a_sequence(tmp_path, layout="lasot")))


def test_rows_without_a_box(tmp_path):
    put(tmp_path / "Biker.txt", "10,20,30,40\nNaN,NaN,NaN,NaN\nnan,22,31,41\n")
    check(read_track(tmp_path, a_sequence(tmp_path)), [FIRST, NO_BOX, NO_BOX])


@pytest.mark.parametrize("experiment", ["", "baseline"])
def test_vot_under_supervision(tmp_path, experiment):
    """VOT's tool kits in MATLAB and Python, PySOT and SiamBAN."""
    sequence, place = a_sequence(tmp_path, "ants1", "vot", frames=6), tmp_path / experiment / "ants1"
    boxes = [NO_BOX, [622.8258, 666.7774, 60.1068, 26.2196], NO_BOX, NO_BOX, NO_BOX, [10, 20, 20, 20]]
    put(place / "ants1_001.txt", "1\n622.8258,666.7774,60.1068,26.2196\n2\n0\n1\n10,20,30,20,30,40,10,40\n")
    put(place / "ants1_002.txt", "1\n" + lines(BOXES + BOXES[:2]))
    track = read_track(tmp_path, sequence, supervised=True)
    check(track, boxes, [NAN] * 6)
    assert (track.starts, track.failures) == ((0, 4), (2,))
    put(place / "ants1_time.txt", "0.5,0\n0.1,0\n0.2,0\nNaN,0\n0.5,0\n0.1,0\n")
    check(read_track(tmp_path, sequence, supervised=True), boxes, [0.5, 0.1, 0.2, NAN, 0.5, 0.1])
    put(place / "ants1_001_time.value", "0.25\n0.01\n0.02\n\n0.5\n0.01\n")
    track = read_track(tmp_path, sequence, supervised=True)
    check(track, boxes, [0.25, 0.01, 0.02, NAN, 0.5, 0.01])
    assert track.updates == 3


def test_seconds_of_frames_without_the_tracker_do_not_count(tmp_path):
    put(tmp_path / "baseline" / "ants1" / "ants1_001.txt", "1\n2\n0\n")
    put(tmp_path / "baseline" / "ants1" / "ants1_time.txt", "0.5\n0.1\n0\n")
    track = read_track(tmp_path, a_sequence(tmp_path, "ants1", "vot"), supervised=True)
    np.testing.assert_array_equal(track.times, [0.5, 0.1, NAN])


def test_vot_in_one_pass(tmp_path):
    sequence = a_sequence(tmp_path, "ants1", "vot")
    put(tmp_path / "unsupervised" / "ants1" / "ants1_001.txt", "1\n0\n10,20,30,20,30,40,10,40\n")
    put(tmp_path / "unsupervised" / "ants1" / "ants1_001_time.value", "0\n0.01\n\n")
    check(read_track(tmp_path, sequence), [FIRST, NO_BOX, [10, 20, 20, 20]], [0, 0.01, NAN])


def packed(*rows):
    """As VOT's tool kit packs them."""
    data = struct.pack("<hI", 1, len(rows))
    for row in rows:
        if len(row) == 1:
            data += struct.pack("<BI", 0, *row)
        elif len(row) == 4:
            data += struct.pack("<B4f", 1, *row)
        else:
            data += struct.pack(f"<BH{len(row)}f", 2, len(row) // 2, *row)
    return data


def test_vots_tool_kit_packs_its_tracks(tmp_path):
    file = put(tmp_path / "baseline" / "ants1" / "ants1_001.bin", "")
    sequence = a_sequence(tmp_path, "ants1", "vot", frames=5)
    data = packed([1], [1.5, 2, 3, 4], [10, 20, 30, 20, 30, 40, 10, 40], [2], [0])
    file.write_bytes(data)
    track = read_track(tmp_path, sequence, supervised=True)
    check(track, [NO_BOX, [1.5, 2, 3, 4], [10, 20, 20, 20], NO_BOX, NO_BOX], [NAN] * 5)
    for cut in range(len(data)):
        file.write_bytes(data[:cut])
        with pytest.raises(ResultsError, match="ends too early"):
            read_track(tmp_path, sequence, supervised=True)
    file.write_bytes(struct.pack("<hI", 2, 5))
    with pytest.raises(ResultsError, match="have it write text"):
        read_track(tmp_path, sequence, supervised=True)
    file.write_bytes(struct.pack("<hIB", 1, 5, 3))
    with pytest.raises(ResultsError, match="line 1: is no box or polygon"):
        read_track(tmp_path, sequence, supervised=True)
    put(file.with_suffix(".txt"), "1\n" + lines(BOXES) + "2\n")
    assert read_track(tmp_path, sequence, supervised=True).failures == (4,)


@pytest.mark.parametrize(
    ("first", "taken_off", "recognised"),
    [
        ([11, 21, 30, 40], 1, True),  # counts from 1, as the layout
        ([11.004, 20.995, 30, 40], 1, True),
        ([10, 20, 30, 40], 0, True),  # counts from 0
        ([10.5, 20.5, 30, 40], 0, True),  # PySOT's
        ([11.5, 21.5, 30, 40], 1, True),  # PySOT's on boxes that count from 1
        ([10.2, 19.8, 30, 40], 0, True),  # rounded
        ([10.7, 21.3, 31, 39], 1, True),
        ([12, 20, 30, 40], 1, False),  # neither
        ([50, 50, 30, 40], 1, False),
        ([NAN, NAN, NAN, NAN], 1, False),
    ],
)
def test_the_first_row_tells_the_origin(tmp_path, first, taken_off, recognised):
    put(tmp_path / "Biker.txt", lines([first, [101, 102, 30, 40], [1, 2, 3, 4]]))
    track = read_track(tmp_path, a_sequence(tmp_path, origin=1.0))
    assert track.boxes[1].tolist() == [101 - taken_off, 102 - taken_off, 30, 40]
    given = FIRST if recognised else [first[0] - taken_off, first[1] - taken_off, *first[2:]]
    np.testing.assert_allclose(track.boxes[0], given)


def test_boxes_cut_to_whole_pixels_still_tell_the_origin(tmp_path):
    """11.7 becomes 11, which is nearer to 10.7; that no box has 10.7 cut to 11 tells."""
    sequence = a_sequence(tmp_path, origin=1.0, first=[10.7, 20.9, 30.5, 40.5])
    for first, taken_off in (("11 21 30 40", 1), ("10 20 30 40", 0)):
        put(tmp_path / "Biker.txt", f"{first}\n50 50 30 40\n50 50 30 40\n")
        assert read_track(tmp_path, sequence).boxes[1].tolist() == [50 - taken_off, 50 - taken_off, 30, 40]


def test_a_layout_that_counts_from_0_is_taken_as_it_is(tmp_path):
    put(tmp_path / "Biker.txt", "11,21,30,40\n50,50,30,40\n50,50,30,40\n")
    check(read_track(tmp_path, a_sequence(tmp_path)), [[11, 21, 30, 40], [50, 50, 30, 40], [50, 50, 30, 40]])


@pytest.mark.parametrize(
    "text", ["0.5\n0.1\n", "0.5\n0.1\n0.1\n0.1\n", "0.5\nx\n0.1\n", "0.5\n-1\n0.1\n", "0.5\ninf\n1\n", ""]
)
def test_times_that_are_not_whole_are_unknown(tmp_path, text):
    put(tmp_path / "Biker.txt", lines(BOXES))
    put(tmp_path / "Biker_time.txt", text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        track = read_track(tmp_path, a_sequence(tmp_path))
        check(track)
        assert (track.fps, track.seconds, track.updates) == (0, 0, 0)
        assert np.isnan(track.init_seconds)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lines(BOXES * 2), "Biker.txt: has 6 rows, but Biker has 3 frames; .* or restore the file"),
        (lines(BOXES[:2]), "Biker.txt: has 2 rows, but Biker has 3 frames"),
        ("", "Biker.txt: has 0 rows, but Biker has 3 frames"),
        ("1,2,3,4\n1,2,3\n1,2,3,4\n", "Biker.txt, line 2: has 3 numbers instead of x,y,w,h; restore the file"),
        ("1,2,3,4\n1,2,3,4\n2\n", "Biker.txt, line 3: has 1 number instead of x,y,w,h"),
        ("1\n1,2,3,4\n1,2,3,4\n", "Biker.txt, line 1: has 1 number instead of x,y,w,h"),
        ("1,2,3,4,5,6,7,8\n" * 3, "Biker.txt, line 1: has 8 numbers instead of x,y,w,h"),
        ("1,2,3,4\n1,2,x,4\n1,2,3,4\n", "Biker.txt, line 2 '1,2,x,4': is not made of numbers; restore the file"),
        ("1,2,3,4\n\n1,2,3,4\n", "Biker.txt, line 2: is not made of numbers"),
        ("m1,2,3,4,5,6\n" * 3, "Biker.txt, line 1: is a mask; only results with boxes"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, message):
    put(tmp_path / "Biker.txt", text)
    with pytest.raises(ResultsError, match=message):
        read_track(tmp_path, a_sequence(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            lines(BOXES),
            "ants1_001.txt, line 1: must be 1, the tracker's start; name results of the supervised protocol",
        ),
        ("0\n1\n1,2,3,4\n", "ants1_001.txt, line 1: must be 1"),
        ("1\n1,2,3,4\n1\n", "ants1_001.txt, line 3: 1 cannot come while the tracker runs; restore the file"),
        ("1\n0\n1,2,3,4\n", "ants1_001.txt, line 2: 0 cannot come while the tracker runs"),
        ("1\n2\n1,2,3,4\n", "ants1_001.txt, line 3: 1,2,3,4 cannot come before the tracker is started"),
        ("1\n2\n2\n", "ants1_001.txt, line 3: 2 cannot come before"),
        ("1\n7\n1,2,3,4\n", "ants1_001.txt, line 2: has 1 number instead of x,y,w,h"),
        ("1\n1,2\n1,2,3,4\n", "ants1_001.txt, line 2: has 2 numbers instead of x,y,w,h"),
        ("1\n1,2,3,4,5\n1,2,3,4\n", "ants1_001.txt, line 2: has 5 numbers"),
    ],
)
def test_what_is_wrong_with_a_supervised_file_is_said(tmp_path, text, message):
    put(tmp_path / "baseline" / "ants1" / "ants1_001.txt", text)
    with pytest.raises(ResultsError, match=message):
        read_track(tmp_path, a_sequence(tmp_path, "ants1", "vot"), supervised=True)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(ResultsError, match="absent: is not a folder; name the folder with one tracker's results"):
        read_track(tmp_path / "absent", a_sequence(tmp_path))
    with pytest.raises(ResultsError, match=r"no results of Biker, neither Biker.txt or Biker/Biker_001.txt; name"):
        read_track(tmp_path, a_sequence(tmp_path))
    put(tmp_path / "Biker.txt", lines(BOXES))
    with pytest.raises(ResultsError, match=r"no results of Biker, neither baseline/Biker/Biker_001.txt; name"):
        read_track(tmp_path, a_sequence(tmp_path), supervised=True)


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / "Biker.txt").write_bytes(b"1,2,3,4\n\xff\n")
    with pytest.raises(ResultsError, match=rf"{tmp_path}: Biker.txt is not UTF-8 text \(invalid start byte\)"):
        read_track(tmp_path, a_sequence(tmp_path))


@given(
    boxes=st.lists(st.tuples(*[st.floats(-1e4, 1e4)] * 4), min_size=3, max_size=3),
    origin=st.sampled_from([0.0, 1.0]),
    layout=st.sampled_from(["otb100", "got10k", "vot"]),
    supervised=st.booleans(),
)
def test_our_own_tracks_are_read_too(tmp_path_factory, boxes, origin, layout, supervised):
    path = tmp_path_factory.mktemp("results")
    track = Track(np.array([FIRST, *boxes]), np.array([0.5, NAN, 0.1, 0.2]))
    if supervised:
        track = replace(track, failures=(3,))
        track.boxes[[0, 3]] = NAN
    sequence = a_sequence(path, layout=layout, origin=origin, frames=4)
    ResultsFolder(path, supervised=supervised).write(sequence, track)
    back = read_track(path, sequence, supervised)
    np.testing.assert_allclose(back.boxes, rounded(track).boxes, atol=1e-9)
    np.testing.assert_array_equal(back.times, track.times)
    assert (back.starts, back.failures) == (track.starts, track.failures)


def test_got10ks_tool_kit_writes_what_is_read(tmp_path):
    """What its experiments record, with their own function."""
    experiments = pytest.importorskip("got10k.experiments")
    times = np.array([0.5, 0.01, 0.02])
    otb, got10k = (object.__new__(getattr(experiments, f"Experiment{name}")) for name in ("OTB", "GOT10k"))
    otb._record(str(tmp_path / "Biker.txt"), np.array(BOXES), times)
    check(read_track(tmp_path, a_sequence(tmp_path)), times=times)
    for number in (1, 2):
        got10k._record(str(tmp_path / "Car" / f"Car_{number:03d}.txt"), np.array(BOXES), times * number)
    check(read_track(tmp_path, a_sequence(tmp_path, "Car", "got10k")), times=times)


def test_got10ks_tool_kit_writes_supervised_tracks_that_are_read(tmp_path):
    experiments = pytest.importorskip("got10k.experiments")
    vot = object.__new__(experiments.ExperimentVOT)
    for number in (1, 2):
        vot._record(
            str(tmp_path / "baseline" / "ants1" / f"ants1_{number:03d}.txt"),
            [[1], FIRST, [2], [0]],
            [0.5, 0.1, 0.2, NAN],
        )
    track = read_track(tmp_path, a_sequence(tmp_path, "ants1", "vot", frames=4), supervised=True)
    check(track, [NO_BOX, FIRST, NO_BOX, NO_BOX], [0.5, 0.1, 0.2, NAN])


@pytest.fixture(scope="module")
def vots_tool_kit():
    """Runs a script where vot-toolkit is: in this interpreter's environment, or that of SIAM_TRACKER_VOT_PYTHON.

    See ros_env/requirements/golden.txt for why it needs one of its own.
    """
    python = os.environ.get("SIAM_TRACKER_VOT_PYTHON") or (sys.executable if importlib.util.find_spec("vot") else None)
    if python is None:
        pytest.skip("no interpreter has vot-toolkit (SIAM_TRACKER_VOT_PYTHON names one)")

    def run(script, *arguments):
        command = [python, "-c", script, *(str(argument) for argument in arguments)]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    return run


READS = """
import json, sys
from vot.tracker.results import Results, Trajectory
from vot.workspace.storage import LocalStorage

trajectory = Trajectory.read(Results(LocalStorage(sys.argv[1])), sys.argv[2])
regions = [[type(region).__name__, str(region)] for region in trajectory]
codes = [Trajectory.UNKNOWN, Trajectory.INITIALIZATION, Trajectory.FAILURE]
print(json.dumps([regions, [trajectory.properties(index) for index in range(len(trajectory))], codes]))
"""


def test_vots_tool_kit_reads_ours(tmp_path, vots_tool_kit):
    track = Track(
        boxes=np.array([NO_BOX, [1.25, 2, 3, 4], NO_BOX, NO_BOX, NO_BOX]),
        times=np.array([0.5, 0.01, 0.02, NAN, 0.25]),
        confidences=np.array([NAN, 0.5, 0.25, NAN, NAN]),
        lost=np.array([False, False, True, False, False]),
        starts=(0, 4),
        failures=(2,),
    )
    ResultsFolder(tmp_path, supervised=True).write(a_sequence(tmp_path, "ants1", "vot", frames=5), track)
    regions, properties, codes = vots_tool_kit(READS, tmp_path / "baseline" / "ants1", "ants1_001")
    assert codes == [SKIPPED, STARTED, FAILED]
    box = ["Rectangle", "1.25,2.0,3.0,4.0"]
    assert regions == [["Special", "1"], box, ["Special", "2"], ["Special", "0"], ["Special", "1"]]
    assert properties == [
        {"time": 0.5, "lost": 0},
        {"time": 0.01, "confidence": 0.5, "lost": 0},
        {"time": 0.02, "confidence": 0.25, "lost": 1},
        {"lost": 0},
        {"time": 0.25, "lost": 0},
    ]


WRITES = """
import sys
import vot
from vot.region import Special
from vot.region.shapes import Polygon, Rectangle
from vot.tracker.results import Results, Trajectory
from vot.workspace.storage import LocalStorage

trajectory = Trajectory(5)
trajectory.set(0, Special(Trajectory.INITIALIZATION), {"time": 0.5})
trajectory.set(1, Rectangle(10, 20, 30, 40), {"time": 0.125, "confidence": 3.5})
trajectory.set(2, Polygon([(10, 20), (30, 20), (30, 40), (10, 40)]), {"time": 0.125})
trajectory.set(3, Special(Trajectory.FAILURE), {"time": 0.125})
vot.config.results_binary = sys.argv[2] == "bin"
trajectory.write(Results(LocalStorage(sys.argv[1])), "ants1_001")
print("null")
"""


@pytest.mark.parametrize("suffix", ["bin", "txt"])
def test_vots_tool_kit_writes_what_is_read(tmp_path, vots_tool_kit, suffix):
    place = tmp_path / "baseline" / "ants1"
    place.mkdir(parents=True)
    vots_tool_kit(WRITES, place, suffix)
    assert [path.suffix for path in place.glob("ants1_001.*")] == [f".{suffix}"]
    track = read_track(tmp_path, a_sequence(tmp_path, "ants1", "vot", frames=5), supervised=True)
    check(track, [NO_BOX, FIRST, [10, 20, 20, 20], NO_BOX, NO_BOX], [0.5, 0.125, 0.125, 0.125, NAN])
    assert (track.starts, track.failures) == ((0,), (3,))
