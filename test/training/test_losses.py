"""Loss terms against hand-computed values."""

import math

import pytest
import torch

from siam_tracker_ros.training.losses import (
    balanced_cross_entropy,
    centerness_loss,
    contrastive_loss,
    focal_loss,
    iou_loss,
    object_aware_loss,
)

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


def test_iou_loss_is_the_mean_over_positive_points():
    predicted = torch.tensor([[10.0, 10, 10, 10], [10, 10, 10, 10], [1, 1, 1, 1]]).T[None, :, None]
    target = torch.tensor([[10.0, 10, 10, 10], [5, 10, 5, 10], [90, 90, 90, 90]]).T[None, :, None]
    positive = torch.tensor([[[True, True, False]]])
    assert float(iou_loss(predicted, target, positive)) == pytest.approx(0.25)
    assert float(iou_loss(predicted, target, positive, "log")) == pytest.approx(math.log(2) / 2)
    assert float(iou_loss(predicted, target, torch.zeros_like(positive))) == 0


def test_centerness_loss_is_binary_cross_entropy_on_positive_points():
    logits, target = torch.tensor([[[[LOG3, 5.0]]]]), torch.tensor([[[[0.5, 0.0]]]])
    expected = -0.5 * math.log(0.75) - 0.5 * math.log(0.25)
    assert float(centerness_loss(logits, target, torch.tensor([[[True, False]]]))) == pytest.approx(expected)


def test_two_channels_cross_entropy_is_the_binary_one_of_their_difference():
    logits, labels = torch.randn(1, 2, 3, 3), torch.tensor([[[1, 0, 0], [1, 1, 0], [0, 0, 1]]])
    binary = torch.nn.functional.binary_cross_entropy_with_logits
    difference = logits[:, 1] - logits[:, 0]
    expected = sum(binary(difference[labels == v], labels[labels == v].float()) for v in (0, 1)) / 2
    assert float(balanced_cross_entropy(logits, labels)) == pytest.approx(float(expected))


def test_focal_loss_counts_what_is_right_already_less():
    # Foreground probability 3/4: a positive costs alpha (1/4)^2 ln(4/3), a negative (1 - alpha) (3/4)^2 ln 4.
    positive = 0.25 * 0.25**2 * math.log(4 / 3)
    negative = 0.75 * 0.75**2 * math.log(4)
    loss = focal_loss(scores(LOG3, LOG3, LOG3, LOG3, LOG3), torch.tensor([[[1, 1, 0, 0, -1]]]))
    assert float(loss) == pytest.approx((2 * positive + 2 * negative) / 2, rel=1e-5)
    # Where there is no positive, each pair counts as one.
    assert float(focal_loss(scores(LOG3, LOG3), torch.zeros(1, 1, 2).long())) == pytest.approx(2 * negative, rel=1e-5)


def test_focal_loss_takes_its_own_numbers():
    loss = focal_loss(scores(LOG3), torch.tensor([[[1]]]), alpha=0.5, gamma=1.0)
    assert float(loss) == pytest.approx(0.5 * 0.25 * math.log(4 / 3), rel=1e-5)


def test_centerness_may_be_trained_outside_of_the_box_too():
    # Equation 11: outside points have the target 0 and add to the sum, not to the number that divides it.
    logits, target = torch.tensor([[[[LOG3, LOG3, LOG3]]]]), torch.tensor([[[[1.0, 0.0, 0.0]]]])
    inside, outside = torch.tensor([[[True, False, False]]]), torch.tensor([[[False, True, False]]])
    loss = centerness_loss(logits, target, inside, outside)
    assert float(loss) == pytest.approx(math.log(4 / 3) + math.log(4), rel=1e-5)


def test_object_aware_loss_is_binary_cross_entropy_with_the_overlap():
    logits, target = torch.tensor([[[[LOG3, LOG3, 0.0]]]]), torch.tensor([[[0.5, 0.0, 0.0]]])
    met = -0.5 * math.log(0.75) - 0.5 * math.log(0.25)
    missed = (math.log(4) + math.log(2)) / 2
    assert float(object_aware_loss(logits, target)) == pytest.approx((met + missed) / 2, rel=1e-5)


def test_contrastive_loss_is_equation_6():
    distances = torch.tensor([3.0, 0.5, 2.5])
    # 3^2 for the same object; (2 - 0.5)^2 for a near look-alike, nothing for one beyond the margin.
    loss = contrastive_loss(distances, torch.tensor([True, False, False]))
    assert float(loss) == pytest.approx((9 + 2.25) / 3)
    assert float(contrastive_loss(distances, torch.tensor([False] * 3), margin=3.0)) == pytest.approx((6.25 + 0.25) / 3)


@pytest.mark.parametrize("form", ["linear", "log"])
def test_a_box_that_overflowed_spoils_only_itself(form):
    predicted = torch.tensor([[10.0, 10, 10, 10], [math.inf] * 4]).T[None, :, None].requires_grad_()
    target = torch.tensor([[5.0, 10, 5, 10], [-5.0, 10, 30, 10]]).T[None, :, None]
    loss = iou_loss(predicted, target, torch.tensor([[[True, False]]]), form)
    loss.backward()
    assert loss.isfinite()
    assert predicted.grad.isfinite().all()
    assert predicted.grad[..., 0].abs().sum() > 0
    assert not predicted.grad[..., 1].any()


def test_without_a_point_that_counts_a_term_is_zero_and_keeps_its_gradient():
    nothing = torch.zeros(1, 1, 2, dtype=torch.bool)
    logits = torch.ones(1, 1, 1, 2, requires_grad=True)
    distances = torch.ones(1, 4, 1, 2, requires_grad=True)
    terms = [
        centerness_loss(logits, torch.zeros(1, 1, 1, 2), nothing),
        iou_loss(distances, -torch.ones(1, 4, 1, 2), nothing),
        iou_loss(distances, -torch.ones(1, 4, 1, 2), nothing, "log"),
        contrastive_loss(logits.flatten()[:0], nothing.flatten()[:0]),
    ]
    assert [float(t.detach()) for t in terms] == [0.0] * 4
    torch.stack(terms).sum().backward()
    assert not logits.grad.any()
    assert not distances.grad.any()
