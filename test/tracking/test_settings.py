"""Settings are checked when they are made."""

import dataclasses
import math

import pytest

from siam_tracker_ros.tracking.settings import TrackerSettings


def test_defaults_are_within_their_ranges_and_described():
    for field in dataclasses.fields(TrackerSettings):
        assert field.metadata["min"] <= field.default <= field.metadata["max"]
        assert field.metadata["help"].endswith(".")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"penalty_k": -0.1}, "penalty_k is -0.1; it must be from 0 to 2"),
        ({"size_lr": math.nan}, "size_lr is nan"),
        ({"template_interval": 2.5}, "template_interval is 2.5; it must be a int"),
        ({"template_update": 1}, "template_update is 1; it must be a bool"),
        ({"penalty_k": True}, "penalty_k is True"),
        ({"penalty_k": "much"}, "penalty_k is 'much'"),
        ({"confidence_lost": 0.6, "confidence_uncertain": 0.5}, "above confidence_uncertain"),
    ],
)
def test_bad_values_are_refused_by_name(values, said):
    with pytest.raises(ValueError, match=said):
        TrackerSettings(**values)
