"""The learning rate of each step, and whether the backbone is trained in it."""

from __future__ import annotations

import math

from siam_tracker_ros.training.recipe_schedule import ScheduleRecipe


def rate_at(schedule: ScheduleRecipe, step: int) -> float:
    """The learning rate of optimiser step ``step`` (from 0), of layers that begin at random.

    The warm-up begins at ``warmup_from`` and would reach ``warmup_to`` in the step that follows it; from then on the
    rate goes from ``rate`` to ``final_rate``, which the last step has. With ``change: epoch`` each step of an epoch
    has the rate of the same rule over whole epochs.
    """
    s = schedule
    if s.change == "epoch":
        now, warm, end = step // s.epoch_steps, math.ceil(s.warmup_epochs), s.epochs
    else:
        now, warm, end = step, round(s.warmup_epochs * s.epoch_steps), s.steps
    if now < warm:
        target = s.rate if s.warmup_to is None else s.warmup_to
        return _between(s.warmup, s.warmup_from, target, now / warm)
    done = min((now - warm) / max(end - warm - 1, 1), 1.0)
    return s.rate if s.decay == "constant" else _between(s.decay, s.rate, s.final_rate, done)


def backbone_trains(schedule: ScheduleRecipe, step: int) -> bool:
    """Whether the backbone's layers are trained in optimiser step ``step``."""
    return step >= round(schedule.backbone_frozen_epochs * schedule.epoch_steps)


def _between(form: str, first: float, last: float, done: float) -> float:
    if form == "linear":
        return first + (last - first) * done
    if form == "cosine":
        return last + (first - last) * 0.5 * (1 + math.cos(math.pi * done))
    return float(first * (last / first) ** done)
