"""Loss terms against hand-computed values."""

import math

import pytest
import torch

from siam_tracker_ros.training.losses import balanced_cross_entropy, centerness_loss, iou_loss, iou_of_distances

LOG3 = math.log(3.0)


def scores(*foreground):
    """Logits [1, 2, 1, N] with background 0."""
    values = torch.tensor(foreground)
    return torch.stack((torch.zeros_like(values), values))[None, :, None]


def test_cross_entropy_weighs_positives_and_negatives_alike():
    # Foreground probability 3/4 at each point: -log(3/4) for the positive, -log(1/4) for both negatives.
    loss = balanced_cross_entropy(scores(LOG3, LOG3, LOG3, LOG3), torch.tensor([[[1, 0, 0, -1]]]))
    assert float(loss) == pytest.approx((-math.log(0.75) - math.log(0.25)) / 2)


def test_only_the_hardest_negatives_count():
    labels = torch.tensor([[[0, 0, 0, 1]]])
    loss = balanced_cross_entropy(scores(LOG3, -50.0, -50.0, 50.0), labels, hardest=1)
    assert float(loss) == pytest.approx(-math.log(0.25) / 2, abs=1e-6)
    everything = balanced_cross_entropy(scores(LOG3, -50.0, -50.0, 50.0), labels, hardest=100)
    assert float(everything) == pytest.approx(-math.log(0.25) / 6, abs=1e-6)


def test_nothing_labelled_is_no_loss():
    logits = scores(1.0, 2.0).requires_grad_()
    loss = balanced_cross_entropy(logits, torch.full((1, 1, 2), -1))
    loss.backward()
    assert float(loss.detach()) == 0
    assert not logits.grad.any()


@pytest.mark.parametrize(
    ("predicted", "target", "iou"),
    [
        ([10, 10, 10, 10], [10, 10, 10, 10], 1.0),
        ([10, 10, 10, 10], [5, 10, 5, 10], 0.5),
        ([0, 0, 20, 20], [10, 10, 10, 10], 100 / 700),
    ],
)
def test_iou_from_distances(predicted, target, iou):
    out = iou_of_distances(torch.tensor(predicted, dtype=torch.float), torch.tensor(target, dtype=torch.float))
    assert float(out) == pytest.approx(iou)


def test_iou_loss_is_the_mean_over_positive_points():
    predicted = torch.tensor([[10.0, 10, 10, 10], [10, 10, 10, 10], [1, 1, 1, 1]]).T[None, :, None]
    target = torch.tensor([[10.0, 10, 10, 10], [5, 10, 5, 10], [90, 90, 90, 90]]).T[None, :, None]
    positive = torch.tensor([[[True, True, False]]])
    assert float(iou_loss(predicted, target, positive)) == pytest.approx(0.25)
    assert float(iou_loss(predicted, target, torch.zeros_like(positive))) == 0


def test_centerness_loss_is_binary_cross_entropy_on_positive_points():
    logits, target = torch.tensor([[[[LOG3, 5.0]]]]), torch.tensor([[[[0.5, 0.0]]]])
    expected = -0.5 * math.log(0.75) - 0.5 * math.log(0.25)
    assert float(centerness_loss(logits, target, torch.tensor([[[True, False]]]))) == pytest.approx(expected)
