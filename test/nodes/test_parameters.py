import dataclasses
import re
from pathlib import Path

import pytest
import yaml
from rclpy.parameter import Parameter

from siam_tracker_ros.nodes import loading
from siam_tracker_ros.nodes.parameters import (
    ENTRIES,
    NODE_ENTRIES,
    ParameterError,
    changed,
    check,
    tracker_entries,
    unknown_names,
)
from siam_tracker_ros.tracking.presets import PRESETS
from siam_tracker_ros.tracking.settings import TrackerSettings

DEFAULTS = {entry.name: entry.default for entry in ENTRIES}


def flat(tree: dict, prefix: str = "") -> dict:
    """Nested parameters under dotted names."""
    found = {}
    for key, value in tree.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def test_the_parameter_file_holds_every_parameter_with_its_default(repository: Path):
    text = (repository / "config" / "tracker.yaml").read_text()
    # Settings of the tracker have the model's own defaults, so in the file they are comments, "#name: value".
    plain = flat(yaml.safe_load(text)["/**"]["ros__parameters"])
    assert plain == {entry.name: entry.default for entry in NODE_ENTRIES}
    given = flat(yaml.safe_load(re.sub(r"(?m)^( *)#(?=[a-z_]+:)", r"\1", text))["/**"]["ros__parameters"])
    assert given == DEFAULTS
    assert {name: type(value) for name, value in given.items()} == {n: type(v) for n, v in DEFAULTS.items()}


def test_every_threshold_of_the_tracker_is_a_parameter_with_its_range():
    entries = {entry.name: entry for entry in tracker_entries()}
    for field in dataclasses.fields(TrackerSettings):
        entry = entries[f"tracker.{field.name}"]
        assert (entry.default, entry.low, entry.high) == (
            field.default,
            field.metadata["min"],
            field.metadata["max"],
        )
        assert entry.text


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_parameter_describes_itself(entry):
    descriptor = entry.descriptor()
    assert descriptor.description
    assert descriptor.read_only == entry.fixed
    assert not descriptor.dynamic_typing
    kind = Parameter.Type(descriptor.type)
    assert kind == Parameter.Type.from_parameter_value(entry.default)
    if kind is Parameter.Type.DOUBLE:
        span = descriptor.floating_point_range[0]
        assert span.from_value <= entry.default <= span.to_value
    elif kind is Parameter.Type.INTEGER:
        span = descriptor.integer_range[0]
        assert span.from_value <= entry.default <= span.to_value
    else:
        assert not descriptor.floating_point_range
        assert not descriptor.integer_range


def test_the_trackers_defaults_are_those_of_the_models_preset():
    for name, settings in PRESETS["siamban_r50"].items():
        values = {entry.name: entry.default for entry in (*NODE_ENTRIES, *tracker_entries(settings))}
        assert check(values) == settings, name


def test_the_defaults_are_the_trackers_defaults():
    assert check(DEFAULTS) == TrackerSettings()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"device": "cuda:"}, "'device' is 'cuda:'; it must be auto, cpu, cuda or cuda:N"),
        ({"device": "CPU"}, "'device' is 'CPU'"),
        ({"precision": "half"}, "'precision' is 'half'; it must be one of float32, float16"),
        ({"image_qos.reliability": "maybe"}, 'must be one of best_effort, reliable, ""'),
        ({"image_transport": "theora"}, "must be one of raw, compressed"),
        ({"diagnostics.latency_warn": 2.0}, "is 2, above diagnostics.latency_error, which is 1"),
        ({"weights": "/no/such/file"}, "'weights' is '/no/such/file', and there is no such file"),
        ({"tracker.confidence_lost": 0.9}, "confidence_lost is 0.9, above confidence_uncertain"),
    ],
)
def test_what_a_descriptor_cannot_say_is_checked(change, sentence):
    with pytest.raises(ParameterError, match=sentence):
        check(DEFAULTS | change)


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:0", "cuda:12"])
def test_devices_are_taken_by_name(device):
    check(DEFAULTS | {"device": device})


def test_a_change_at_run_time_gives_the_new_values_or_the_reason():
    result, values = changed(DEFAULTS, [Parameter("tracker.size_lr", value=0.7)])
    assert result.successful
    assert values == DEFAULTS | {"tracker.size_lr": 0.7}
    result, values = changed(DEFAULTS, [Parameter("tracker.confidence_lost", value=0.9)])
    assert not result.successful
    assert "confidence_uncertain" in result.reason
    assert values == DEFAULTS


def test_both_thresholds_can_change_together():
    proposed = [
        Parameter("tracker.confidence_lost", value=0.9),
        Parameter("tracker.confidence_uncertain", value=0.95),
    ]
    assert changed(DEFAULTS, proposed)[0].successful


def test_unknown_names_are_told_and_those_of_ros_are_not():
    given = ["model", "use_sim_time", "qos_overrides./image.subscription.depth", "tracker.size_lrs", "zzz"]
    assert unknown_names(given) == [
        "parameter 'tracker.size_lrs' is unknown and has no effect; did you mean 'tracker.size_lr'?",
        "parameter 'zzz' is unknown and has no effect",
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": "yolo"}, "unknown model 'yolo'"),
        ({"device": "cuda:99"}, "cuda:99"),
        ({"precision": "float16", "device": "cpu"}, "float16 needs a CUDA device"),
    ],
)
def test_a_tracker_that_cannot_be_loaded_is_a_bad_parameter(change, sentence):
    with pytest.raises(ParameterError, match=sentence):
        loading.load(DEFAULTS | change, TrackerSettings())
