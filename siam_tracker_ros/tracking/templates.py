"""The multi-template memory: the first frame's template and a running one, blended at every level."""

from __future__ import annotations

import torch
from torch import Tensor

from siam_tracker_ros.tracking.settings import TrackerSettings

Features = tuple[Tensor, ...]


class TemplateMemory:
    """AFSN equation 7, ``R_T = eta R_T + (1 - eta) R_X``, at all levels; the first template is never forgotten.

    What is searched for is ``f R_first + (1 - f) R_T`` with ``f = template_first_share``: the paper keeps only R_T,
    which after many updates holds nothing of the one template that a person has confirmed.
    """

    def __init__(self, first: Features, settings: TrackerSettings) -> None:
        self.settings = settings
        self.updates = 0
        self._first = self._running = first
        self.frames_since = 0
        """Frames since the last one that was accepted."""

    @torch.inference_mode()
    def blended(self) -> Features:
        """The features to search for."""
        f = self.settings.template_first_share
        return tuple(torch.lerp(b, a, f) for a, b in zip(self._first, self._running, strict=True))

    def accepts(self, confidence: float, apce: float, apce_ratio: float, may: bool = True) -> bool:
        """The gate: whether a frame is to update the template, by :meth:`learn`.

        Args:
            confidence: the frame's confidence, 0..1.
            apce: its APCE, summed over the levels (equation 6).
            apce_ratio: that over its running mean.
            may: whether there is time for it; the frame counts all the same.
        """
        s = self.settings
        self.frames_since += 1
        accepted = (
            may
            and s.template_update
            and self.frames_since >= s.template_interval
            and confidence >= s.template_confidence
            and apce >= s.apce_threshold
            and apce_ratio >= s.apce_relative
        )
        if accepted:
            self.frames_since = 0
        return accepted

    @torch.inference_mode()
    def learn(self, fresh: Features) -> bool:
        """Blend in the features R_X of an accepted frame's result. False, and no update, where they are not finite."""
        sums = torch.stack([level.sum() for level in fresh])  # one question to the device
        if not bool(sums.isfinite().all()):
            return False
        eta = self.settings.template_eta
        self._running = tuple(torch.lerp(b, a, eta) for a, b in zip(self._running, fresh, strict=True))
        self.updates += 1
        return True
