"""Pairs: made from their number alone, and their box is where the object is."""

import numpy as np
import pytest

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.training.augment import cover, motion_blur, paste, remove_colour, vary_colour
from siam_tracker_ros.training.pairs import PairDataset
from siam_tracker_ros.training.recipe import AugmentRecipe
from siam_tracker_ros.training.views import instances_of_sequences, instances_of_stills

PLAIN = AugmentRecipe(flip=0, grey=0, colour=0, blur=0, occlude=0, negative=0, distractor=0)


@pytest.fixture
def instances(stills_folder):
    return instances_of_stills(stills_folder / "stills.csv")


def test_boxes_with_one_track_are_views_of_one_object(instances):
    assert sorted(len(i.views) for i in instances) == [1, 1, 1, 1, 2]


def test_the_same_number_gives_the_same_pair(instances):
    first, second = (PairDataset([(instances, 1.0)], AugmentRecipe(), 50, seed=3) for _ in range(2))
    for i in range(20):
        a, b = first.pair(i), second.pair(i)
        assert np.array_equal(a.search, b.search)
        assert np.array_equal(a.template, b.template)
        assert (a.box, a.positive) == (b.box, b.positive)
    other = PairDataset([(instances, 1.0)], AugmentRecipe(), 50, seed=4)
    assert any(other.pair(i).box != first.pair(i).box for i in range(20))


def test_the_box_is_on_the_object(instances):
    dataset = PairDataset([(instances, 1.0)], PLAIN, 40, seed=0)
    for i in range(40):
        pair = dataset.pair(i)
        assert pair.template.shape == (127, 127, 3)
        assert pair.search.shape == (255, 255, 3)
        box = pair.box.clipped(255, 255)
        x0, y0, x1, y1 = (round(v) for v in (box.x, box.y, box.right, box.bottom))
        inside = pair.search[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2]
        assert np.median(inside) >= 125  # the object is bright, the ground is not
        assert np.median(pair.template[54:73, 54:73]) >= 125
        assert abs(pair.box.cx - 127.5) <= 64 * np.exp(0.18) + 1


def test_mirrored_pairs_keep_the_box_on_the_object(instances):
    plain = PairDataset([(instances, 1.0)], PLAIN, 10, seed=0)
    flipped = PairDataset([(instances, 1.0)], PLAIN.model_copy(update={"flip": 1.0}), 10, seed=0)
    for i in range(10):
        a, b = plain.pair(i), flipped.pair(i)
        assert np.array_equal(a.search[:, ::-1], b.search)
        assert b.box.x == pytest.approx(255 - a.box.right)


def test_negative_pairs_show_another_object(instances):
    dataset = PairDataset([(instances, 1.0)], PLAIN.model_copy(update={"negative": 1.0}), 60, seed=0)
    positive = [dataset.pair(i).positive for i in range(60)]
    # Where the draw falls on the same picture again the pair stays positive.
    assert 0 < sum(positive) < 30


def test_a_pasted_look_alike_does_not_touch_the_target():
    rng = np.random.default_rng(0)
    patch, other = np.zeros((255, 255, 3), np.uint8), np.full((40, 30, 3), 200, np.uint8)
    box = Box(100, 100, 40, 40)
    changed = 0
    for _ in range(20):
        out = paste(patch, box, other, rng)
        assert not out[100:140, 100:140].any()
        changed += bool(out.any())
    assert changed >= 18


def test_variations_keep_shape_and_type():
    rng = np.random.default_rng(0)
    patch = rng.integers(0, 256, (255, 255, 3), dtype=np.uint8)
    grey = remove_colour(patch)
    assert np.array_equal(grey[..., 0], grey[..., 2])
    covered = cover(patch, Box(50, 50, 80, 60), rng)
    assert (covered != patch).any()
    outside = np.ones((255, 255), bool)
    outside[50:110, 50:130] = False
    assert np.array_equal(covered[outside], patch[outside])
    for out in (vary_colour(patch, 0.3, rng), motion_blur(patch, rng), grey, covered):
        assert out.shape == patch.shape
        assert out.dtype == np.uint8


def test_views_of_videos_are_stored_once(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "videos" / "clip" / "img"
    folder.mkdir(parents=True)
    import cv2

    for i in range(4):
        frame = rng.integers(0, 80, (120, 160, 3), dtype=np.uint8)
        frame[40:70, 50 + i : 90 + i] = 220
        cv2.imwrite(str(folder / f"{i:04d}.png"), frame)
    (folder.parent / "groundtruth.txt").write_text("50,40,40,30\n51,40,40,30\nnan,nan,nan,nan\n53,40,40,30\n")
    said: list[str] = []
    for _ in range(2):
        (instance,) = instances_of_sequences(tmp_path / "videos", tmp_path / "cache", said.append)
        assert len(instance.views) == 3  # the frame without the target is no view
    assert len(said) == 1
    view = instance.views[-1]
    b = view.box
    image = view.read()
    assert image[round(b.y) + 3 : round(b.bottom) - 3, round(b.x) + 3 : round(b.right) - 3].min() > 180
