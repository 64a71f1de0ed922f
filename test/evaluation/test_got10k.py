"""Hand-computed values, golden numbers of the GOT-10k tool kit, and the archive read back."""

import io
import zipfile

import numpy as np
import pytest

from siam_tracker_ros.evaluation import got10k

try:
    from got10k.experiments import ExperimentGOT10k
    from got10k.utils import metrics as tool_kit
except ImportError:
    tool_kit = None

with_tool_kit = pytest.mark.skipif(tool_kit is None, reason="the package got10k is not installed")

SIZE = (240, 200)


def example_track(seed: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes that reach over every edge of the image."""
    rng = np.random.default_rng(seed)
    truth = np.column_stack([rng.uniform(-20, 200, (60, 2)), rng.uniform(10, 80, (60, 2))])
    pred = truth + rng.normal(0, 6, (60, 4))
    pred[:, 2:] = np.maximum(pred[:, 2:], 1)
    return pred[:frames], truth[:frames]


def test_golden_numbers_of_the_got10k_tool_kit():
    """Computed with got10k 0.1.3 (`rect_iou` with its bound, mean and shares as in `ExperimentGOT10k`)."""
    parts = [got10k.overlaps(*example_track(seed, frames), SIZE) for seed, frames in ((4, 60), (5, 20))]
    assert [part.mean() for part in parts] == pytest.approx([0.5940238966356903, 0.5857585040670233], abs=1e-12)
    scores = got10k.score(parts)
    assert scores.frames == 78
    assert scores.ao == pytest.approx(0.5920105317792201, abs=1e-12)
    assert scores.sr_50 == pytest.approx(0.7051282051282052, abs=1e-12)
    assert scores.sr_75 == pytest.approx(0.24358974358974358, abs=1e-12)


@with_tool_kit
@pytest.mark.parametrize("seed", range(5))
def test_the_got10k_tool_kit_says_the_same(seed):
    pred, truth = example_track(seed, 60)
    expected = tool_kit.rect_iou(pred[1:].copy(), truth[1:].copy(), bound=SIZE)
    np.testing.assert_allclose(got10k.overlaps(pred, truth, SIZE), expected, atol=1e-12)


@with_tool_kit
def test_the_got10k_tool_kit_pools_the_same():
    """AO and SR of `ExperimentGOT10k`, which leaves out the frames whose cover is 0."""
    examples = [example_track(seed, frames) for seed, frames in ((4, 60), (5, 20), (6, 33))]
    covers = [np.random.default_rng(seed).integers(0, 9, len(pred)) for seed, (pred, _) in enumerate(examples)]
    expected, ours = [], []
    for (pred, truth), cover in zip(examples, covers, strict=True):
        ious = tool_kit.rect_iou(pred[1:].copy(), truth[1:].copy(), bound=SIZE)
        expected.append(ious[cover[1:] > 0])
        ours.append(got10k.overlaps(pred, truth, SIZE, cover))
    ao, sr_50, *_, curve = ExperimentGOT10k._evaluate(None, np.concatenate(expected), np.ones(1))
    scores = got10k.score(ours)
    assert scores.frames == sum(map(len, expected)) < 110
    assert scores.ao == pytest.approx(ao, abs=1e-12)
    assert scores.sr_50 == pytest.approx(sr_50, abs=1e-12)
    assert scores.sr_75 == pytest.approx(curve[75], abs=1e-12)


def test_boxes_are_clipped_to_the_image():
    boxes = got10k.clipped([[-5, 10, 20, 20], [90, 45, 20, 20], [120, 10, 5, 5]], (100, 50))
    assert boxes.tolist() == [[0, 10, 20, 20], [90, 45, 10, 5], [100, 10, 0, 5]]
    # Beyond the edge the boxes differ, within the image they do not.
    assert got10k.overlaps([[0, 0, 1, 1], [90, 0, 30, 10]], [[0, 0, 1, 1], [90, 0, 80, 10]], (100, 50)) == [1.0]


def test_frames_are_pooled_and_the_first_is_dropped():
    truth = np.tile([0.0, 0.0, 10.0, 10.0], (4, 1))
    pred = truth.copy()
    pred[0] = [50, 50, 1, 1]  # it would count as a miss
    pred[3] = [5, 0, 10, 10]
    long, short = got10k.overlaps(pred, truth, (100, 100)), got10k.overlaps(pred[2:], truth[2:], (100, 100))
    np.testing.assert_allclose(long, [1, 1, 1 / 3])
    np.testing.assert_allclose(short, [1 / 3])
    scores = got10k.score([long, short])
    assert (scores.frames, scores.sr_50, scores.sr_75) == (4, 0.5, 0.5)
    assert scores.ao == pytest.approx((2 + 2 / 3) / 4)
    low, high = scores.ao_interval
    assert 1 / 3 - 1e-9 <= low <= high <= 7 / 9 + 1e-9


def test_frames_without_a_target_are_left_out():
    truth = np.tile([0.0, 0.0, 10.0, 10.0], (4, 1))
    absent = truth.copy()
    absent[2] = np.nan
    assert len(got10k.overlaps(truth, absent, (100, 100))) == 2
    assert len(got10k.overlaps(truth, truth, (100, 100), cover=[8, 0, 0, 3])) == 1
    with pytest.raises(ValueError, match="cover"):
        got10k.overlaps(truth, truth, (100, 100), cover=[8, 8])
    with pytest.raises(ValueError, match="no frame to score"):
        got10k.score([[]])
    with pytest.raises(ValueError, match=r"\[3, 4\] and \[4, 4\]"):
        got10k.overlaps(truth[1:], truth, (100, 100))


def test_the_archive_has_a_folder_for_each_sequence(tmp_path):
    names = ["GOT-10k_Test_000002", "GOT-10k_Test_000001"]
    boxes, times = np.array([[1, 2, 3, 4], [1.23456, -2, 3, 4]]), np.array([0.5, 0.0123456789])
    file = tmp_path / "tracker.zip"
    got10k.write_submission(file, dict.fromkeys(names, (boxes, times)))
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == [
            "GOT-10k_Test_000001/GOT-10k_Test_000001_001.txt",
            "GOT-10k_Test_000001/GOT-10k_Test_000001_time.txt",
            "GOT-10k_Test_000002/GOT-10k_Test_000002_001.txt",
            "GOT-10k_Test_000002/GOT-10k_Test_000002_time.txt",
        ]
        text = archive.read("GOT-10k_Test_000001/GOT-10k_Test_000001_001.txt").decode()
        assert text == "1.000,2.000,3.000,4.000\n1.235,-2.000,3.000,4.000\n"
        read = np.loadtxt(io.BytesIO(archive.read("GOT-10k_Test_000002/GOT-10k_Test_000002_time.txt")))
        np.testing.assert_allclose(read, times, atol=1e-8)
    again = tmp_path / "again.zip"
    got10k.write_submission(again, dict.fromkeys(reversed(names), (boxes, times)))
    assert again.read_bytes() == file.read_bytes()


@with_tool_kit
def test_the_got10k_tool_kit_writes_the_same(tmp_path):
    name = "GOT-10k_Test_000001"
    boxes, times = np.array([[1, 2, 3, 4], [1.23456, -2, 3, 4]]), np.array([0.5, 0.0123456789])
    ExperimentGOT10k._record(None, str(tmp_path / name / f"{name}_001.txt"), boxes, times)
    got10k.write_submission(tmp_path / "tracker.zip", {name: (boxes, times)})
    with zipfile.ZipFile(tmp_path / "tracker.zip") as archive:
        for inside in archive.namelist():
            assert archive.read(inside) == (tmp_path / inside).read_bytes()


@pytest.mark.parametrize(
    ("tracks", "sentence"),
    [
        ({}, "no track"),
        ({"GOT-10k_Val_000001": (np.ones((2, 4)), np.ones(2))}, "not a sequence of the test set"),
        ({"GOT-10k_Test_000001": (np.ones((2, 4)), np.ones(3))}, r"\[2, 4\] and \[3\]"),
        ({"GOT-10k_Test_000001": (np.full((2, 4), np.nan), np.ones(2))}, "finite"),
    ],
)
def test_what_the_server_would_refuse_is_not_written(tmp_path, tracks, sentence):
    with pytest.raises(got10k.SubmissionError, match=sentence):
        got10k.write_submission(tmp_path / "tracker.zip", tracks)
    assert list(tmp_path.iterdir()) == []
