"""Which regions HNE's loss compares, and what it does to the vectors."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.ops import box_iou

from siam_tracker_ros.networks.embedding import RegionEmbedding
from siam_tracker_ros.training.contrastive import distances_to_exemplars, find_regions, shifted_boxes
from siam_tracker_ros.training.losses import contrastive_loss
from siam_tracker_ros.training.recipe_loss import EmphasisRecipe

TRUTH = [100.0, 100, 140, 140]
NEAR = [101.0, 100, 141, 140]  # IoU 39 / 41 with the truth
NEARER = [100.0, 100, 140, 139.5]
HALF = [120.0, 100, 160, 140]  # IoU 1 / 3: neither
FAR = [200.0, 200, 240, 240]
FAR_TOO = [201.0, 200, 241, 240]  # gone with FAR by the suppression, if it scores less
THIRD = [20.0, 20, 60, 60]


def regions(boxes, scores, recipe=None, shown=True, index=5):
    return find_regions(
        recipe or EmphasisRecipe(regions=5),
        torch.tensor([boxes]),
        torch.tensor([scores]),
        torch.tensor([TRUTH]),
        torch.tensor([shown]),
        torch.tensor([index]),
    )


def test_regions_are_chosen_by_score_after_suppression():
    # With 5 regions: two positive, two hard negative, the truth.
    found = regions([FAR_TOO, HALF, NEAR, FAR, THIRD, [60.0, 200, 90, 240]], [0.5, 0.9, 0.8, 0.6, 0.4, 0.3])
    rows = found.boxes[:, 1:].tolist()
    assert rows[:2] == [FAR, THIRD]  # FAR_TOO is suppressed, the last comes after two
    assert rows[2] == NEAR
    assert rows[4] == TRUTH
    assert float(box_iou(found.boxes[3:4, 1:], torch.tensor([TRUTH]))) > 0.8  # a shifted truth stands in
    assert found.same.tolist() == [False, False, True, True, True]
    assert found.boxes[:, 0].tolist() == [0] * 5


def test_of_two_boxes_on_the_target_the_better_score_stays():
    found = regions([NEAR, NEARER], [0.2, 0.3])
    assert found.boxes[0, 1:].tolist() == NEARER
    assert NEAR not in found.boxes[:, 1:].tolist()
    assert found.same.all()  # nothing was hard: two positive ones, one of them shifted, and the truth
    assert len(found.same) == 3


def test_a_pair_without_the_target_has_hard_negatives_only():
    found = regions([NEAR, HALF, FAR], [0.3, 0.2, 0.1], shown=False)
    assert found.boxes[:, 1:].tolist() == [NEAR, HALF]
    assert not found.same.any()


def test_thresholds_are_the_recipes():
    found = regions([HALF, NEAR], [0.3, 0.2], EmphasisRecipe(regions=3, negative=0.4, positive=0.96))
    assert found.boxes[0, 1:].tolist() == HALF
    assert NEAR not in found.boxes[:, 1:].tolist()
    assert found.same.tolist() == [False, True, True]


def test_pairs_keep_to_themselves():
    boxes = torch.tensor([[NEAR, FAR], [THIRD, FAR]])
    truth, shown = torch.tensor([TRUTH, FAR]), torch.tensor([True, True])
    found = find_regions(EmphasisRecipe(regions=3), boxes, torch.rand(2, 2), truth, shown, torch.tensor([1, 2]))
    assert found.pairs.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.boxes[found.pairs == 1, 1:].tolist() == [THIRD, FAR, FAR]
    assert found.same.tolist() == [False, True, True] * 2


def test_the_papers_eleven_regions():
    ground = [[20.0 + 30 * i, 20, 40 + 30 * i, 40] for i in range(7)]
    found = regions([*ground, NEAR], [0.1 * i for i in range(8)], EmphasisRecipe())
    assert len(found.same) == 11
    assert int(found.same.sum()) == 6


@given(
    overlap=st.floats(0.05, 0.99),
    index=st.integers(0, 2**31),
    size=st.tuples(st.floats(4, 300), st.floats(4, 300)),
)
def test_shifted_boxes_stay_positive(overlap, index, size):
    box = torch.tensor([10.0, -20.0, 10 + size[0], -20 + size[1]])
    shifted = shifted_boxes(box, overlap, torch.tensor([index]), 5)
    assert shifted.shape == (5, 4)
    assert float(box_iou(shifted, box[None]).min()) > overlap - 1e-3
    torch.testing.assert_close(shifted[:, 2:] - shifted[:, :2], (box[2:] - box[:2]).expand(5, 2), rtol=1e-3, atol=1e-3)
    assert torch.equal(shifted, shifted_boxes(box, overlap, torch.tensor([index]), 5))


def test_distances_are_to_the_own_exemplar():
    exemplars, vectors = torch.tensor([[0.0, 0], [10, 0]]), torch.tensor([[3.0, 4], [10, 2], [0, 0]])
    assert distances_to_exemplars(exemplars, vectors, torch.tensor([0, 1, 1])).tolist() == [5.0, 2.0, 10.0]


def test_vectors_that_are_equal_have_a_gradient_that_is_a_number():
    exemplars, vectors = torch.ones(1, 3), torch.ones(2, 3, requires_grad=True)
    distances = distances_to_exemplars(exemplars, vectors, torch.tensor([0, 0]))
    contrastive_loss(distances, torch.tensor([True, False])).backward()
    assert vectors.grad.isfinite().all()


def test_the_look_alikes_vector_is_pushed_from_the_targets():
    """Two things on a map: steps on the loss alone bring the target's regions together and the look-alike's away."""
    torch.manual_seed(0)
    embedding = RegionEmbedding(4, stride=8, width=8)
    template, search = torch.randn(1, 4, 15, 15), torch.randn(1, 4, 31, 31)
    thing = template[:, :, 4:11, 4:11]  # one point more on each side, which the sampling sees
    search[:, :, 9:16, 9:16] = thing
    search[:, :, 19:26, 19:26] = thing + 0.3 * torch.randn(1, 4, 7, 7)
    own = torch.tensor([[0, 43.5, 43.5, 83.5, 83.5]])
    truth = torch.tensor([[83.5, 83.5, 123.5, 123.5]])
    other = torch.tensor([[163.5, 163.5, 203.5, 203.5]])
    found = find_regions(
        EmphasisRecipe(regions=3),
        torch.stack((truth, other), dim=1),
        torch.tensor([[0.9, 0.8]]),
        truth,
        torch.tensor([True]),
        torch.tensor([0]),
    )
    optimizer = torch.optim.Adam(embedding.parameters(), 1e-2)

    def distances():
        return distances_to_exemplars(
            embedding((template,), own, 127), embedding((search,), found.boxes, 255), found.pairs
        )

    with torch.no_grad():
        before = distances()
    assert before[1:].max() == pytest.approx(0, abs=1e-4)  # the same features give the same vector
    for _ in range(60):
        optimizer.zero_grad()
        contrastive_loss(distances(), found.same).backward()
        optimizer.step()
    after = distances().detach()
    assert after[0] > 1.9 > before[0]
    assert after[1:].max() < 0.3
