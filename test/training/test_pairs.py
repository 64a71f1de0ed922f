"""Pairs: made from their number alone, whatever process makes them, and their boxes are where the objects are."""

import cv2
import numpy as np
import pytest
from drawn_tracks import draw_blocks, place_of_block, track, track_set
from torch.utils.data import DataLoader

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.track_layouts import read_tracks
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.training.pairs import Pair, PairDataset, PairSource
from siam_tracker_ros.training.recipe_pairs import AugmentRecipe, PairRecipe

ONLY_POSITIVE = PairRecipe(negative=0, look_alike=0, distractor=0)
EVERYTHING = PairRecipe(negative=0.3, look_alike=0.4, distractor=0.5, far=0.5)
PLAIN = AugmentRecipe(
    template={"shift": 4, "scale": 0.05, "colour": 0}, search={"shift": 64, "scale": 0.18, "colour": 0}, flip=0, grey=0
)


@pytest.fixture
def stills(stills_folder):
    """Six drawn pictures, two of them with one object."""
    return PairSource(read_tracks(stills_folder / "stills.csv", "stills"))


@pytest.fixture
def blocks(tmp_path):
    """A video of five frames with one bright block; odd places, so that nothing is symmetric."""
    boxes = [(61 + 3 * i, 47, 31, 23) for i in range(5)]
    images = [draw_blocks(tmp_path / f"{i}.png", [box]) for i, box in enumerate(boxes)]
    return PairSource(track_set(track("block", boxes, images=images)))


def corners(box):
    return (box.x, box.y, box.right, box.bottom)


def same(a: Pair, b: Pair) -> bool:
    patches = np.array_equal(a.search, b.search) and np.array_equal(a.template, b.template)
    return patches and (a.box, a.template_box, a.positive, a.others) == (b.box, b.template_box, b.positive, b.others)


def test_the_same_number_gives_the_same_pair(stills):
    first, second = (PairDataset([stills], EVERYTHING, AugmentRecipe(), 50, seed=3) for _ in range(2))
    assert all(same(first.pair(i), second.pair(i)) for i in range(12))
    # What was asked for before does not matter.
    assert same(first.pair(3), second.pair(3))
    other = PairDataset([stills], EVERYTHING, AugmentRecipe(), 50, seed=4)
    assert not any(same(first.pair(i), other.pair(i)) for i in range(5))


class Threads(PairDataset):
    """Tells with how many threads OpenCV works in the process that makes the pair."""

    def __getitem__(self, index):
        return {**super().__getitem__(index), "threads": np.array(cv2.getNumThreads())}


def test_workers_make_the_same_batches_with_one_thread_each(stills):
    dataset = Threads([stills], EVERYTHING, AugmentRecipe(), 12, seed=3)
    # As PairLoader: a fork of a process in which OpenCV has a pool of threads would wait for threads that it has not.
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    alone, shared = (list(DataLoader(dataset, batch_size=4, num_workers=n)) for n in (0, 2))
    cv2.setNumThreads(before)
    assert len(alone) == len(shared) == 3
    for a, b in zip(alone, shared, strict=True):
        assert all((a[name] == b[name]).all() for name in a if name != "threads")
        assert (b["threads"] == 1).all()
    shapes = {name: (tuple(value.shape), str(value.dtype)) for name, value in alone[0].items() if name != "threads"}
    assert shapes == {
        "template": ((4, 127, 127, 3), "torch.uint8"),
        "search": ((4, 255, 255, 3), "torch.uint8"),
        "box": ((4, 4), "torch.float32"),
        "positive": ((4, 1), "torch.float32"),
        "template_box": ((4, 4), "torch.float32"),
        "index": ((4,), "torch.int64"),
    }
    assert alone[1]["index"].tolist() == [4, 5, 6, 7]


def test_a_batch_has_the_pairs_boxes(blocks):
    dataset = PairDataset([blocks], ONLY_POSITIVE, PLAIN, 10, seed=0, search_size=287)
    pair, item = dataset.pair(4), dataset[4]
    assert item["box"].tolist() == pytest.approx(corners(pair.box))
    assert item["template_box"].tolist() == pytest.approx(corners(pair.template_box))
    assert item["positive"].tolist() == [1]
    assert item["search"].shape == (287, 287, 3)


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_boxes_are_exactly_on_the_object(blocks, flip):
    augment = PLAIN.model_copy(update={"flip": flip})
    dataset = PairDataset([blocks], ONLY_POSITIVE, augment, 20, seed=0)
    for i in range(20):
        pair = dataset.pair(i)
        # The block's edges are as wide as a picture's pixel in the patch, which is about two.
        assert corners(pair.template_box) == pytest.approx(place_of_block(pair.template), abs=0.25)
        assert corners(pair.box) == pytest.approx(place_of_block(pair.search), abs=0.25)


def test_a_mirrored_pair_is_the_mirror_of_the_other(blocks):
    plain = PairDataset([blocks], ONLY_POSITIVE, PLAIN, 10, seed=0)
    flipped = PairDataset([blocks], ONLY_POSITIVE, PLAIN.model_copy(update={"flip": 1.0}), 10, seed=0)
    for i in range(10):
        a, b = plain.pair(i), flipped.pair(i)
        assert np.array_equal(a.search[:, ::-1], b.search)
        assert np.array_equal(a.template[:, ::-1], b.template)
        # The pixel in column i reaches from i to i + 1, so x goes to 255 - x, not to 254 - x.
        assert corners(b.box) == pytest.approx((255 - a.box.right, a.box.y, 255 - a.box.x, a.box.bottom))
        assert b.template_box.x == pytest.approx(127 - a.template_box.right)


def test_mirroring_takes_every_box_along():
    patch = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    pair = Pair(patch, patch, Box(0, 0, 1, 2), Box(2, 1, 1, 1), True, (Box(0.5, 0, 1, 1),))
    turned = pair.mirrored()
    assert np.array_equal(turned.search[0, 0], patch[0, 2])
    assert (turned.template_box, turned.box, turned.others) == (Box(2, 0, 1, 2), Box(0, 1, 1, 1), (Box(1.5, 0, 1, 1),))
    assert same(turned.mirrored(), pair)


def test_variations_do_not_move_the_boxes(blocks):
    heavy = {"colour": 0.3, "blur": 1, "defocus": 1, "cut_out": 1, "occlude": 1}
    varied = PLAIN.model_copy(
        update={name: getattr(PLAIN, name).model_copy(update=heavy) for name in ("template", "search")} | {"grey": 1}
    )
    a, b = (PairDataset([blocks], ONLY_POSITIVE, augment, 10, seed=0).pair(3) for augment in (PLAIN, varied))
    assert (a.box, a.template_box) == (b.box, b.template_box)
    assert (a.search != b.search).any()
    assert (a.template != b.template).any()
    assert np.ptp(b.search, axis=2).max() == 0


def test_flip_and_grey_are_shares_of_pairs_both_patches_alike(stills):
    augment = PLAIN.model_copy(update={"flip": 0.5, "grey": 0.5})
    plain, varied = (PairDataset([stills], ONLY_POSITIVE, a, 60, seed=0) for a in (PLAIN, augment))
    greys, flips = [], []
    for i in range(60):
        a, b = plain.pair(i), varied.pair(i)
        greys.append([np.ptp(patch, axis=2).max() == 0 for patch in (b.template, b.search)])
        flips.append(corners(b.box) != corners(a.box))
        assert flips[-1] == (corners(b.template_box) != corners(a.template_box))
    assert all(both[0] == both[1] for both in greys)
    assert 18 <= sum(both[0] for both in greys) <= 42
    assert 18 <= sum(flips) <= 42


def test_a_negative_pair_shows_another_object(tmp_path):
    """Two objects of two greys, in pictures of their own."""
    values, tracks = (120, 220), []
    for value in values:
        image = draw_blocks(tmp_path / f"{value}.png", [(60, 50, 40, 30)], values=[value])
        tracks.append(track(str(value), [(60, 50, 40, 30)], category="block", images=[image]))
    dataset = PairDataset([PairSource(track_set(*tracks))], PairRecipe(negative=1), PLAIN, 10, seed=0)
    for i in range(10):
        pair = dataset.pair(i)
        assert not pair.positive
        assert {int(pair.template.max()), int(pair.search.max())} == set(values)
        assert corners(pair.box) == pytest.approx(place_of_block(pair.search, value=int(pair.search.max())), abs=0.25)
        assert dataset[i]["positive"].tolist() == [0]


def test_a_natural_look_alike_is_in_the_patch_where_its_box_says(tmp_path):
    boxes = [(60, 50, 30, 30), (120, 60, 30, 30)]
    image = draw_blocks(tmp_path / "both.png", boxes, values=[220, 120])
    tracks = [
        track(str(x), [box], scene="s", category="block", images=[image]) for x, box in zip("ab", boxes, strict=True)
    ]
    source = PairSource(track_set(*tracks))
    dataset = PairDataset([source], PairRecipe(negative=0, look_alike=1), PLAIN.model_copy(update={"flip": 0.5}), 20, 0)
    for i in range(20):
        pair = dataset.pair(i)
        (other,) = pair.others
        value, target = (120, 220) if pair.name == "a" else (220, 120)
        assert pair.positive
        assert pair.search[int(pair.box.cy), int(pair.box.cx), 0] == target
        assert pair.search[int(other.cy), int(other.cx), 0] == value


def test_a_pasted_object_is_in_the_patch_where_its_box_says(tmp_path):
    tracks = []
    for value in (120, 220):
        image = draw_blocks(tmp_path / f"{value}.png", [(60, 50, 40, 30)], values=[value])
        tracks.append(track(str(value), [(60, 50, 40, 30)], category="block", images=[image]))
    dataset = PairDataset([PairSource(track_set(*tracks))], PairRecipe(negative=0, distractor=1), PLAIN, 20, seed=0)
    pasted = 0
    for i in range(20):
        pair = dataset.pair(i)
        for other in pair.others:
            pasted += 1
            assert other.iou(pair.box) == 0
            value = 120 if pair.name == "220" else 220
            assert abs(int(pair.search[int(other.cy), int(other.cx), 0]) - value) <= 1
            assert 0 < other.area / pair.box.area < 2
    assert pasted >= 15


@pytest.fixture
def with_broken(tmp_path):
    """Eight pictures of one object each; those with an odd number are cut off in the middle, or no pictures at all."""
    tracks = []
    for i in range(8):
        box = (60 + i, 50, 40, 30)
        image = draw_blocks(tmp_path / f"{i}.png", [box])
        if i % 2:
            image.write_bytes(image.read_bytes()[:40] if i % 4 == 1 else b"")
        tracks.append(track(str(i), [box], category="block", images=[image]))
    return PairSource(track_set(*tracks, name="half"))


def test_a_broken_picture_gives_way_to_another_one(with_broken, caplog):
    dataset = PairDataset([with_broken], EVERYTHING, AugmentRecipe(), 60, seed=0)
    pairs = [dataset.pair(i) for i in range(60)]
    assert all(int(pair.name) % 2 == 0 for pair in pairs)
    assert all(np.ptp(pair.search) > 30 for pair in pairs)
    # Told once a file, counted each time.
    assert sorted(record.getMessage().split(".png")[0][-1] for record in caplog.records) == ["1", "3", "5", "7"]
    (faults,) = dataset.faults
    assert faults.failed > 40
    # And the same again in a run that goes on in the middle.
    later = PairDataset([with_broken], EVERYTHING, AugmentRecipe(), 60, seed=0)
    assert all(same(later.pair(i), pairs[i]) for i in (59, 17))


def test_an_annotation_that_cannot_be_read_gives_way_too(blocks, tmp_path):
    whole = blocks.tracks[0]
    tracks = track_set(*(track(str(i), whole.boxes, images=whole.images) for i in range(4)))

    class Torn:
        name, survey, scenes, categories = tracks.name, tracks.survey, tracks.scenes, tracks.categories

        def __len__(self):
            return 4

        def __getitem__(self, index):
            if index == 2:
                raise DatasetError("2.xml: cut off")
            return tracks[index]

    dataset = PairDataset([PairSource(Torn())], ONLY_POSITIVE, PLAIN, 30, seed=0)
    assert {dataset.pair(i).name for i in range(30)} == {"0", "1", "3"}
    assert dataset.faults[0].files == {"2.xml: cut off"}


def test_a_source_of_which_nothing_can_be_read_ends_the_run(tmp_path):
    tracks = [track(str(i), [(1, 2, 30, 40)], images=[tmp_path / f"{i}.jpg"]) for i in range(5)]
    dataset = PairDataset([PairSource(track_set(*tracks, name="gone"))], ONLY_POSITIVE, PLAIN, 9, seed=0)
    with pytest.raises(DatasetError, match=r"gone: pair 0 failed 20 times in a row, the last: .*\.jpg: cannot be read"):
        dataset.pair(0)


def test_a_pairs_time_is_split(blocks):
    dataset = PairDataset([blocks], ONLY_POSITIVE, AugmentRecipe(), 10, seed=0)
    pair, seconds = dataset.timed_pair(2)
    assert same(pair, dataset.pair(2))
    assert seconds.keys() == {"draw", "decode", "crop", "augment"}
    assert all(value > 0 for value in seconds.values())


def test_two_patches_of_one_still_take_one_decoding(stills, monkeypatch):
    counted, imread = [], cv2.imread
    monkeypatch.setattr(cv2, "imread", lambda *args: counted.append(args[0]) or imread(*args))
    dataset = PairDataset([stills], ONLY_POSITIVE, PLAIN, 10, seed=0)
    for i in range(10):
        counted.clear()
        pair = dataset.pair(i)
        assert len(counted) == (1 if pair.kind == "one picture" else 2)
