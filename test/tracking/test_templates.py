"""The multi-template memory against equation 7 written out, and its gate."""

import pytest
import torch

from siam_tracker_ros.tracking.settings import TrackerSettings
from siam_tracker_ros.tracking.templates import TemplateMemory


def levels(value):
    return tuple(torch.full((1, c, 2, 2), float(value)) for c in (3, 2, 1))


def memory(**values):
    settings = {
        "template_eta": 0.8,
        "template_first_share": 0.25,
        "template_interval": 1,
        "template_confidence": 0.7,
        "apce_relative": 0.9,
        "apce_threshold": 20.0,
    }
    return TemplateMemory(levels(10), TrackerSettings(**(settings | values)))


def test_update_is_equation_7_at_all_levels_and_the_first_template_stays():
    m = memory()
    assert m.accepts(0.9, 50.0, 1.0)
    assert m.learn(levels(20))
    running = 0.8 * 10 + 0.2 * 20
    assert m.accepts(0.9, 50.0, 1.0)
    assert m.learn(levels(30))
    running = 0.8 * running + 0.2 * 30
    for level in m.blended():
        torch.testing.assert_close(level, torch.full_like(level, 0.25 * 10 + 0.75 * running))
    assert m.updates == 2


@pytest.mark.parametrize(
    ("confidence", "apce", "ratio"),
    [(0.69, 50, 1.0), (0.9, 19, 1.0), (0.9, 50, 0.89)],
    ids=["confidence", "absolute", "relative"],
)
def test_each_gate_alone_refuses(confidence, apce, ratio):
    m = memory()
    assert not m.accepts(confidence, apce, ratio)
    assert m.updates == 0


def test_interval_switch_and_time():
    m = memory(template_interval=3)
    assert [m.accepts(0.9, 50, 1) for _ in range(6)] == [False, False, True] * 2
    assert [m.accepts(0.9, 50, 1, may=False) for _ in range(4)] == [False] * 4
    assert m.accepts(0.9, 50, 1)  # frames without time for it have counted
    assert not memory(template_update=False).accepts(0.9, 50, 1)


def test_features_that_are_not_finite_are_refused_and_do_not_count():
    m = memory()
    assert m.accepts(0.9, 50, 1)
    assert not m.learn(levels(float("nan")))
    assert m.updates == 0
    for level in m.blended():
        torch.testing.assert_close(level, torch.full_like(level, 10.0))


def test_whole_share_of_the_first_template_never_changes():
    m = memory(template_first_share=1.0)
    m.learn(levels(99))
    for level in m.blended():
        torch.testing.assert_close(level, torch.full_like(level, 10.0))
