"""The zoo's names as parameters of a test: each run tries some of them, and ``-m slow`` the others."""

import pytest

from siam_tracker_ros.networks.zoo import MODELS

USUAL = ("afsn_mobile", "afsn_r50", "ocean_online_r50")
"""The leading one in both sizes, and the one that has every part that a network can have."""

EVERY_MODEL = [pytest.param(name, marks=() if name in USUAL else pytest.mark.slow) for name in sorted(MODELS)]
