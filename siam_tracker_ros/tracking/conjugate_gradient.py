"""Gauss-Newton for a correlation filter, each step's linear system solved by conjugate gradient."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_weight

# Negative scores saturate here: a filter need not answer exactly zero where the target is not (ATOM's response
# activation, an exponential linear unit of this height).
FLOOR = 0.05


def correlate(samples: Tensor, kernel: Tensor, map_size: int) -> Tensor:
    """Samples [N, D, s, s] with a filter [1, D, k, k] to score maps [N, 1, map_size, map_size], about their middle."""
    scores = F.conv2d(samples, kernel, padding=kernel.shape[-1] // 2)
    edge = (scores.shape[-1] - map_size) // 2
    return scores[:, :, edge : edge + map_size, edge : edge + map_size]


def correlate_back(samples: Tensor, maps: Tensor, side: int) -> Tensor:
    """The adjoint of :func:`correlate`: maps [N, 1, m, m] to a filter [1, D, side, side]."""
    full = samples.shape[-1] + 2 * (side // 2) - side + 1
    edge = (full - maps.shape[-1]) // 2
    padded = F.pad(maps, (edge, full - maps.shape[-1] - edge) * 2)
    shape = (1, samples.shape[1], side, side)
    return conv2d_weight(samples, shape, padded, padding=side // 2)


def activation(scores: Tensor) -> Tensor:
    """phi: the score where it is positive, ``FLOOR (exp(score / FLOOR) - 1)`` where it is negative."""
    return torch.where(scores > 0, scores, FLOOR * torch.expm1(scores.clamp(max=0) / FLOOR))


def activation_slope(scores: Tensor) -> Tensor:
    """phi's derivative."""
    return torch.exp(scores.clamp(max=0) / FLOOR)


def gauss_newton_step(
    kernel: Tensor, samples: Tensor, labels: Tensor, weights: Tensor, regularization: float, iterations: int
) -> tuple[Tensor, float]:
    """One step on ``L(f) = sum_j w_j |phi(f * x_j) - y_j|^2 + lambda |f|^2`` (ATOM equations 2 to 5).

    With the residual r and its Jacobian J the step d solves ``(J^T J + lambda) d = -(J^T r + lambda f)``; conjugate
    gradient stops after ``iterations``. Where the residual is far from linear the step is halved until L falls.

    Args:
        kernel: f, [1, D, k, k].
        samples: x_j, [N, D, s, s].
        labels: y_j, [N, 1, m, m].
        weights: w_j, [N].

    Returns:
        The new f, and L of it; the old f if no step lowers L.
    """
    side, size = kernel.shape[-1], labels.shape[-1]
    w = weights.view(-1, 1, 1, 1)

    def loss(f: Tensor, scores: Tensor) -> Tensor:
        return (w * (activation(scores) - labels).square()).sum() + regularization * f.square().sum()

    scores = correlate(samples, kernel, size)
    slope = activation_slope(scores)
    residual = activation(scores) - labels
    right = -(correlate_back(samples, w * slope * residual, side) + regularization * kernel)
    bend = w * slope.square()

    def curvature(p: Tensor) -> Tensor:
        return correlate_back(samples, bend * correlate(samples, p, size), side) + regularization * p

    step = conjugate_gradient(curvature, right, iterations)
    before, change = loss(kernel, scores), correlate(samples, step, size)
    for halvings in range(6):
        share = 0.5**halvings
        after = loss(kernel + share * step, scores + share * change)
        if after < before:
            return kernel + share * step, float(after)
    return kernel, float(before)


def conjugate_gradient(matrix: Callable[[Tensor], Tensor], right: Tensor, iterations: int) -> Tensor:
    """Solve ``A d = b`` for a symmetric positive definite A, from d = 0 (Hestenes and Stiefel 1952).

    Args:
        matrix: gives A p.
        right: b.
        iterations: at most; it ends sooner where the residual has vanished.
    """
    d, r = torch.zeros_like(right), right.clone()
    p, energy = r.clone(), r.square().sum()
    for _ in range(iterations):
        if energy <= 1e-20:
            break
        image = matrix(p)
        length = energy / (p * image).sum()
        d, r = d + length * p, r - length * image
        last, energy = energy, r.square().sum()
        p = r + (energy / last) * p
    return d
