"""The zoo's names as parameters of a test: each run tries some of them, and ``-m slow`` the others."""

from collections.abc import Collection
from typing import Any

import pytest

from siam_tracker_ros.networks.zoo import MODELS

USUAL = ("afsn_mobile", "afsn_r50", "ocean_online_r50")
"""The leading one in both sizes, and the one that has every part that a network can have."""

LEADING = USUAL[:2]
"""For tests that take half a minute a model."""


def every_model(usual: Collection[str] = USUAL) -> list[Any]:
    """All of them, those that are not ``usual`` marked as slow."""
    return [pytest.param(name, marks=() if name in usual else pytest.mark.slow) for name in sorted(MODELS)]


EVERY_MODEL = every_model()
