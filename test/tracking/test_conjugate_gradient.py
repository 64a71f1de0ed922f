"""Gauss-Newton and conjugate gradient for a correlation filter."""

import pytest
import torch

from siam_tracker_ros.tracking.conjugate_gradient import (
    FLOOR,
    activation,
    activation_slope,
    conjugate_gradient,
    correlate,
    correlate_back,
    gauss_newton_step,
)


@pytest.mark.parametrize(("side", "map_size"), [(5, 15), (5, 11), (4, 15)])
def test_correlate_back_is_the_adjoint(side, map_size):
    torch.manual_seed(0)
    size = 15 if side == 5 else 16
    samples = torch.randn(3, 2, size, size, dtype=torch.float64)
    kernel = torch.randn(1, 2, side, side, dtype=torch.float64)
    maps = torch.randn(3, 1, map_size, map_size, dtype=torch.float64)
    forward = (correlate(samples, kernel, map_size) * maps).sum()
    back = (kernel * correlate_back(samples, maps, side)).sum()
    assert forward.item() == pytest.approx(back.item(), rel=1e-10)


@pytest.mark.parametrize(("side", "size"), [(5, 15), (4, 16)])
def test_scores_lie_on_the_points_about_the_middle(side, size):
    """A lone feature in the middle answers in the middle of the map, under a kernel that is symmetric."""
    samples = torch.zeros(1, 1, size, size)
    samples[..., (size - 1) // 2 : size // 2 + 1, (size - 1) // 2 : size // 2 + 1] = 1
    scores = correlate(samples, torch.ones(1, 1, side, side), 11 if side == 5 else 15)[0, 0]
    assert scores.shape[-1] % 2 == 1
    torch.testing.assert_close(scores, scores.flip(0))
    torch.testing.assert_close(scores, scores.flip(1))
    assert scores.max() == scores[scores.shape[0] // 2, scores.shape[0] // 2]


def test_conjugate_gradient_solves_in_as_many_steps_as_there_are_numbers():
    torch.manual_seed(0)
    a = torch.randn(6, 6, dtype=torch.float64)
    a = a @ a.T + torch.eye(6)
    b = torch.randn(6, dtype=torch.float64)
    exact = torch.linalg.solve(a, b)
    torch.testing.assert_close(conjugate_gradient(lambda p: a @ p, b, 6), exact)
    energy = [
        float((d - exact) @ a @ (d - exact)) for d in (conjugate_gradient(lambda p: a @ p, b, n) for n in range(6))
    ]
    assert energy == sorted(energy, reverse=True)


def test_it_stops_where_nothing_is_left_to_do():
    calls = []
    zero = torch.zeros(4)
    assert torch.equal(conjugate_gradient(lambda p: calls.append(1) or p, zero, 10), zero)
    assert not calls


def test_the_activation_saturates_below_zero_and_its_slope_is_its_derivative():
    x = torch.linspace(-1, 1, 41, dtype=torch.float64, requires_grad=True)
    y = activation(x)
    assert y.min() > -FLOOR - 1e-9
    assert torch.equal(y[x > 0], x[x > 0])
    y.sum().backward()
    torch.testing.assert_close(activation_slope(x.detach()), x.grad)


def test_one_step_on_a_linear_problem_is_ridge_regression():
    torch.manual_seed(0)
    samples = torch.rand(4, 2, 9, 9, dtype=torch.float64) + 0.5
    labels = torch.rand(4, 1, 9, 9, dtype=torch.float64) * 0.1 + 5
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    # All scores stay positive, where the activation is linear.
    start = torch.full((1, 2, 5, 5), 0.1, dtype=torch.float64)
    kernel, loss = gauss_newton_step(start, samples, labels, weights, 1.0, 300)
    columns = []
    for i in range(50):
        unit = torch.zeros(50, dtype=torch.float64)
        unit[i] = 1
        columns.append(correlate(samples, unit.view(1, 2, 5, 5), 9).flatten())
    matrix = torch.stack(columns, dim=1)
    w = weights.repeat_interleave(81)
    exact = torch.linalg.solve(matrix.T @ (w[:, None] * matrix) + torch.eye(50), matrix.T @ (w * labels.flatten()))
    torch.testing.assert_close(kernel.flatten(), exact, rtol=1e-6, atol=1e-8)
    assert loss == pytest.approx(float((w * (matrix @ exact - labels.flatten()) ** 2).sum() + exact @ exact))


def test_no_step_ever_raises_the_objective():
    torch.manual_seed(0)
    samples, labels = torch.randn(5, 3, 13, 13) * 4, torch.rand(5, 1, 13, 13)
    weights, kernel = torch.full((5,), 0.2), torch.randn(1, 3, 5, 5) * 3  # far off, and far from linear
    last = float("inf")
    for _ in range(8):
        kernel, loss = gauss_newton_step(kernel, samples, labels, weights, 0.1, 5)
        assert loss <= last * (1 + 1e-6)
        last = loss
