"""The online branch: a filter that learns, while tracking, to tell the target from what else is around it.

Source: Ocean (Zhang et al. 2020), section 4.2, which takes it from ATOM (Danelljan et al. 2019, sections 3.2 and 3.3):
samples with weights, a Gaussian label, Gauss-Newton steps whose linear systems are solved by a few iterations of
conjugate gradient, and more of them when a look-alike answers. The features are the network's own, so that a frame
costs no second pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.networks.response import Geometry, point_grid
from siam_tracker_ros.tracking.conjugate_gradient import activation, correlate, gauss_newton_step


@dataclass(frozen=True)
class OnlineSettings:
    """The online branch's numbers; where not said otherwise ATOM's (section 4, and its authors' default settings).

    Attributes:
        dimensions: channels that the features are projected to, on their principal components in the first frame.
        label_sigma: standard deviation of the Gaussian label, as a share of the target's size ``sqrt(w h)``.
        regularization: lambda of the objective.
        memory: samples kept; ATOM has 250, here as many as two CPU cores can learn from.
        first_share: weight that the first frame's samples keep together, 0..1.
        rate: weight of a new sample, 0..1.
        hard_negative_rate: the same for a frame with a look-alike.
        interval: frames between two regular updates.
        first_iterations: conjugate gradient iterations of each Gauss-Newton step in the first frame.
        iterations: the same for a regular update, one step.
        hard_negative_iterations: the same at once for a frame with a look-alike, one step.
        not_found: score under which a frame teaches nothing, 0..1.
        hard_negative: share of the highest score from which a second peak is a look-alike, 0..1.
        neighborhood: side of what belongs to the first peak, in targets.
    """

    dimensions: int = 64
    label_sigma: float = 0.25
    regularization: float = 0.1
    memory: int = 50
    first_share: float = 0.25
    rate: float = 0.01
    hard_negative_rate: float = 0.02
    interval: int = 10
    first_iterations: tuple[int, ...] = (10,) * 6
    iterations: int = 5
    hard_negative_iterations: int = 5
    not_found: float = 0.25
    hard_negative: float = 0.5
    neighborhood: float = 2.2


def normalized(features: Tensor) -> Tensor:
    """Each sample [N, C, h, w] scaled to a mean square of 1, float32: the regularisation then weighs the same."""
    features = features.float()
    energy = features.square().mean((1, 2, 3), keepdim=True)
    return features * torch.rsqrt(energy.clamp(min=1e-12))


def principal_components(features: Tensor, dimensions: int) -> Tensor:
    """The projection [D, C, 1, 1] of features [N, C, h, w] on their D strongest directions, at most C."""
    channels = features.shape[1]
    if channels <= dimensions:
        return torch.eye(channels, device=features.device)[:, :, None, None]
    flat = features.permute(1, 0, 2, 3).flatten(1)
    _, vectors = torch.linalg.eigh(flat @ flat.T)  # ascending
    return vectors[:, -dimensions:].T.flip(0)[:, :, None, None].contiguous()


class OnlineBranch:
    """Learns on a target's first frame, scores every search patch, learns on.

    The score map has the points of the network's response map, so that the two can be blended point by point.

    Args:
        geometry: the network's, for the search size in use.
        samples: features of the first frame's patches, [N, C, s, s]; N is under ``settings.memory``.
        boxes: the target in each of them, patch pixels.
    """

    def __init__(
        self, geometry: Geometry, samples: Tensor, boxes: list[Box], settings: OnlineSettings | None = None
    ) -> None:
        self.settings = s = settings or OnlineSettings()
        self._points = point_grid(geometry, samples.device)
        self._map_size = geometry.map_size
        features = normalized(samples)
        self._projection = principal_components(features, s.dimensions)  # [D, C, 1, 1]
        samples = self._projected(features)
        # The filter's side is odd or even as the map's side asks, so that its scores lie on the response points.
        side = 5 if (samples.shape[-1] - self._map_size) % 2 == 0 else 4
        self._filter = samples.new_zeros(1, samples.shape[1], side, side)
        n = len(samples)
        self._samples = samples.new_zeros(s.memory, *samples.shape[1:])
        self._labels = samples.new_zeros(s.memory, 1, self._map_size, self._map_size)
        self._weights = samples.new_zeros(s.memory)
        self._samples[:n], self._weights[:n] = samples, 1 / n
        self._labels[:n] = torch.stack([self._label(box) for box in boxes])
        self._first = self._count = n
        self._frames = 0
        self.losses = [self.objective()]
        for iterations in s.first_iterations:
            self._learn(iterations)

    @torch.inference_mode()
    def score(self, features: Tensor) -> tuple[Tensor, NDArray[np.float32]]:
        """A search patch's features [1, C, s, s] to its sample, for :meth:`learn`, and its scores, about 0..1, [N]."""
        sample = self._projected(normalized(features))
        return sample, correlate(sample, self._filter, self._map_size).flatten().cpu().numpy()

    @torch.inference_mode()
    def learn(self, sample: Tensor, scores: NDArray[np.float32], box: Box) -> bool:
        """Take a frame's sample into the memory, and improve the filter if it is time to, or if a look-alike answers.

        Args:
            sample, scores: from :meth:`score`.
            box: where the target was found, patch pixels.

        Returns:
            Whether a look-alike was seen.
        """
        s = self.settings
        self._frames += 1
        if float(scores.max()) < s.not_found:
            return False
        look_alike = self._has_second_peak(scores, box)
        self._remember(sample, self._label(box), s.hard_negative_rate if look_alike else s.rate)
        if look_alike:
            self._learn(s.hard_negative_iterations)
        elif self._frames % s.interval == 0:
            self._learn(s.iterations)
        return look_alike

    def objective(self) -> float:
        """``sum_j w_j |phi(f * x_j) - y_j|^2 + lambda |f|^2`` (ATOM equation 2)."""
        n = self._count
        error = activation(correlate(self._samples[:n], self._filter, self._map_size)) - self._labels[:n]
        data = (self._weights[:n] * error.square().sum((1, 2, 3))).sum()
        return float(data + self.settings.regularization * self._filter.square().sum())

    def _learn(self, iterations: int) -> None:
        n = self._count
        self._filter, loss = gauss_newton_step(
            self._filter,
            self._samples[:n],
            self._labels[:n],
            self._weights[:n],
            self.settings.regularization,
            iterations,
        )
        self.losses.append(loss)

    def _projected(self, features: Tensor) -> Tensor:
        return F.conv2d(features, self._projection)

    def _label(self, box: Box) -> Tensor:
        """A Gaussian at the box's centre, [1, H, W]."""
        sigma = self.settings.label_sigma * math.sqrt(max(box.area, 1.0))
        x, y = self._points
        return torch.exp(-((x - box.cx) ** 2 + (y - box.cy) ** 2) / (2 * sigma**2))[None]

    def _remember(self, sample: Tensor, label: Tensor, rate: float) -> None:
        """ATOM's memory: the newest sample weighs ``rate``, older ones fade, the first frame's keep their share."""
        w, share = self._weights, self.settings.first_share
        if self._count < len(w):
            place = self._count
            self._count += 1
        else:
            place = self._first + int(w[self._first :].argmin())
        w[place] = 0.0
        w *= (1 - rate) / w.sum()
        w[place] = rate
        first, later = w[: self._first].sum(), w[self._first :].sum()
        if first < share:
            w[: self._first] *= share / first
            w[self._first :] *= (1 - share) / later
        self._samples[place], self._labels[place] = sample[0], label

    def _has_second_peak(self, scores: NDArray[np.float32], box: Box) -> bool:
        """Whether the score outside the first peak's neighbourhood comes near the first peak (ATOM's hard negative)."""
        s = self.settings
        best = int(scores.argmax())
        x, y = (axis.flatten().cpu().numpy() for axis in self._points)
        reach = s.neighborhood / 2
        outside = (np.abs(x - x[best]) > reach * box.w) | (np.abs(y - y[best]) > reach * box.h)
        return bool(outside.any()) and float(scores[outside].max()) > s.hard_negative * float(scores[best])
