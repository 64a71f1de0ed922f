"""The node's parameters: one table, from which they are declared, described, checked and read."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter

from siam_tracker_ros.tracking.presets import model_name, preset
from siam_tracker_ros.tracking.settings import TrackerSettings

TRACKER_PREFIX = "tracker."
# Parameters that rclpy declares itself.
RCLPY_OWN = re.compile(r"use_sim_time|start_type_description_service|qos_overrides\..*")


class ParameterError(ValueError):
    """A parameter that the node cannot start with; the message is one sentence for the user."""


@dataclass(frozen=True)
class Entry:
    """One parameter. ``fixed``: it cannot change while the node runs."""

    name: str
    default: Any
    text: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    fixed: bool = False

    def descriptor(self) -> ParameterDescriptor:
        """The entry as rclpy declares it."""
        kind = Parameter.Type.from_parameter_value(self.default)
        descriptor = ParameterDescriptor(
            name=self.name, type=kind.value, description=self.text, read_only=self.fixed, dynamic_typing=False
        )
        if self.choices:
            descriptor.additional_constraints = f"one of: {_words(self.choices)}"
        if self.low is not None and self.high is not None:
            if kind is Parameter.Type.INTEGER:
                descriptor.integer_range = [IntegerRange(from_value=int(self.low), to_value=int(self.high), step=1)]
            elif kind is Parameter.Type.DOUBLE:
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=float(self.low), to_value=float(self.high), step=0.0)
                ]
        return descriptor


NODE_ENTRIES = (
    Entry("model", "afsn_mobile", "Model name of the zoo, or a path to safetensors weights.", fixed=True),
    Entry("weights", "", "Path to safetensors weights; empty: those that come with the model.", fixed=True),
    Entry(
        "preset",
        "",
        "The model's settings by name, the defaults of all under tracker.; empty: the model's usual ones.",
        fixed=True,
    ),
    Entry("device", "auto", "auto (CUDA where there is one, else cpu), cpu, cuda or cuda:N.", fixed=True),
    Entry(
        "precision",
        "float32",
        "Number format of the network: float16 on CUDA; bfloat16 also on CPUs that compute in it.",
        choices=("float32", "float16", "bfloat16"),
        fixed=True,
    ),
    Entry(
        "runtime",
        "auto",
        "What computes the network: eager (PyTorch), cuda_graph, onnx (ONNX Runtime), tensorrt, openvino; auto: the "
        "fastest that is installed and gives PyTorch's numbers, measured at the first start and remembered.",
        choices=("auto", "eager", "cuda_graph", "onnx", "tensorrt", "openvino"),
        fixed=True,
    ),
    Entry(
        "prepare_only",
        False,
        "Make all that the runtime needs for this model on this machine (exports, engines, measurements) and exit, so "
        "that the next start, before a flight, finds it.",
        fixed=True,
    ),
    Entry(
        "image_transport",
        "raw",
        "raw subscribes to image, compressed to image/compressed (JPEG or PNG).",
        choices=("raw", "compressed"),
        fixed=True,
    ),
    Entry(
        "image_qos.profile",
        "sensor_data",
        "Quality of service asked of the image's publisher: sensor_data (best effort, matches every publisher), "
        "reliable, default (ROS's: reliable) or system_default (the DDS vendor's); all volatile.",
        choices=("sensor_data", "reliable", "default", "system_default"),
        fixed=True,
    ),
    Entry(
        "image_qos.reliability",
        "",
        "Reliability in place of the profile's; empty: as the profile says.",
        choices=("best_effort", "reliable", ""),
        fixed=True,
    ),
    Entry(
        "image_qos.durability",
        "",
        "Durability in place of the profile's; transient_local also gets the last images from before it subscribed; "
        "empty: as the profile says.",
        choices=("volatile", "transient_local", ""),
        fixed=True,
    ),
    Entry("image_qos.depth", 5, "Images that DDS keeps until the node takes them.", 1, 1000, fixed=True),
    Entry(
        "autostart",
        True,
        "Whether the node configures and activates itself when it starts; false: it waits for a lifecycle manager.",
        fixed=True,
    ),
    Entry(
        "max_targets",
        1,
        "Targets followed at once, at most; with 1, a new target replaces the one before it.",
        1,
        100,
        fixed=True,
    ),
    Entry("image_timeout", 0.5, "Seconds without an image after which the state is STALE.", 0.02, 60.0),
    Entry(
        "history_frames",
        60,
        "Images kept, at most, so that init_target can start on a past one.",
        1,
        10000,
        fixed=True,
    ),
    Entry("history_megabytes", 256, "Memory for these images, at most (10^6 bytes).", 1, 100000, fixed=True),
    Entry(
        "stamp_slop",
        0.015,
        "Seconds by which the stamp given to init_target may differ from an image's stamp.",
        0.0,
        1.0,
        fixed=True,
    ),
    Entry(
        "clock_jump",
        1.0,
        "Seconds that a stamp must lie behind the newest one to mean that the clock was set back (a bag that "
        "starts again); an image less late than that is refused.",
        0.0,
        3600.0,
        fixed=True,
    ),
    Entry("debug_image.max_rate", 15.0, "Debug images a second, at most.", 0.1, 1000.0),
    Entry("debug_image.max_width", 960, "Width of the debug image in pixels, at most.", 32, 16384),
    Entry(
        "bearing.rectified",
        False,
        "The images are rectified already (image_rect): bearings come from camera_info's P, without distortion.",
        fixed=True,
    ),
    Entry(
        "diagnostics.latency_warn",
        0.2,
        "Seconds from an image's stamp to its result from which the diagnostics warn (95th percentile).",
        0.001,
        3600.0,
    ),
    Entry(
        "diagnostics.latency_error",
        1.0,
        "Seconds from an image's stamp to its result from which the diagnostics are an error; at least latency_warn.",
        0.001,
        3600.0,
    ),
)


def tracker_entries(defaults: TrackerSettings | None = None) -> tuple[Entry, ...]:
    """One entry for each field of TrackerSettings, with its range."""
    defaults = defaults or TrackerSettings()
    return tuple(
        Entry(
            TRACKER_PREFIX + field.name,
            getattr(defaults, field.name),
            field.metadata["help"],
            field.metadata["min"],
            field.metadata["max"],
        )
        for field in dataclasses.fields(TrackerSettings)
    )


ENTRIES = (*NODE_ENTRIES, *tracker_entries())


def declare(node: Node) -> dict[str, Any]:
    """Declare every parameter that is not yet; the values come from the command line, the parameter file, the defaults.

    The defaults of the tracker's settings are those of the model's preset.

    Raises:
        ParameterError: a value of the wrong type, out of its range, or otherwise unusable.
    """
    values: dict[str, Any] = {}

    def take(entries: Iterable[Entry]) -> None:
        for entry in entries:
            values[entry.name] = _declare(node, entry)

    take(NODE_ENTRIES)
    try:
        defaults = preset(model_name(values["model"]), values["preset"])
    except ValueError as error:
        raise ParameterError(f"parameter 'preset': {error}") from error
    take(tracker_entries(defaults))
    check(values)
    return values


def declare_prepare_only(node: Node) -> bool:
    """The value of ``prepare_only``, which counts before the node is configured."""
    return bool(_declare(node, next(entry for entry in NODE_ENTRIES if entry.name == "prepare_only")))


def declare_autostart(node: Node) -> bool:
    """Declare the one parameter that is needed before all others. Raises ParameterError: it is no truth value."""
    return bool(_declare(node, next(entry for entry in NODE_ENTRIES if entry.name == "autostart")))


def _declare(node: Node, entry: Entry) -> Any:
    """The parameter's value; it is declared if it is not yet."""
    if node.has_parameter(entry.name):
        return node.get_parameter(entry.name).value
    try:
        return node.declare_parameter(entry.name, entry.default, entry.descriptor()).value
    except ParameterException as error:
        raise ParameterError(_one_sentence(error, entry)) from error


def check(values: Mapping[str, Any]) -> TrackerSettings:
    """The rules that a descriptor cannot state. Returns the tracker's part of the values.

    Raises:
        ParameterError: a value is not one of the choices, the device's name is malformed, the weights file is
        missing,
            or the tracker's thresholds contradict each other.
    """
    for entry in ENTRIES:
        if entry.choices and values[entry.name] not in entry.choices:
            raise ParameterError(
                f"parameter '{entry.name}' is '{values[entry.name]}'; it must be one of {_words(entry.choices)}"
            )
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", values["device"]):
        raise ParameterError(f"parameter 'device' is '{values['device']}'; it must be auto, cpu, cuda or cuda:N")
    if values["diagnostics.latency_warn"] > values["diagnostics.latency_error"]:
        raise ParameterError(
            f"parameter 'diagnostics.latency_warn' is {values['diagnostics.latency_warn']:g}, above "
            f"diagnostics.latency_error, which is {values['diagnostics.latency_error']:g}"
        )
    weights = values["weights"]
    if weights and not Path(weights).is_file():
        raise ParameterError(f"parameter 'weights' is '{weights}', and there is no such file")
    fields = dataclasses.fields(TrackerSettings)
    try:
        return TrackerSettings(**{field.name: values[TRACKER_PREFIX + field.name] for field in fields})
    except ValueError as error:
        raise ParameterError(f"parameters '{TRACKER_PREFIX}*': {error}") from error


def changed(values: Mapping[str, Any], proposed: Iterable[Parameter]) -> tuple[SetParametersResult, dict[str, Any]]:
    """What a request to set parameters at run time gives: whether it is allowed, and the values then.

    Types, ranges and read-only parameters are rclpy's to check, before this.
    """
    new = {
        **values,
        **{parameter.name: parameter.value for parameter in proposed if parameter.name in values},
    }
    try:
        check(new)
    except ParameterError as error:
        return SetParametersResult(successful=False, reason=str(error)), dict(values)
    return SetParametersResult(successful=True), new


def unknown_names(given: Iterable[str]) -> list[str]:
    """A sentence for each name that is no parameter of this node; ROS itself passes over them in silence."""
    known = [entry.name for entry in ENTRIES]
    sentences = []
    for name in sorted(set(given) - set(known)):
        if RCLPY_OWN.fullmatch(name):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        sentences.append(f"parameter '{name}' is unknown and has no effect{hint}")
    return sentences


def _words(choices: Iterable[str]) -> str:
    return ", ".join(choice or '""' for choice in choices)


def _one_sentence(error: ParameterException, entry: Entry) -> str:
    kind = Parameter.Type.from_parameter_value(entry.default).name.lower()
    bounds = f", from {entry.low:g} to {entry.high:g}" if entry.low is not None and entry.high is not None else ""
    note = " (written 1.0, not 1)" if kind == "double" and "INTEGER" in str(error) else ""
    return f"parameter '{entry.name}' must be of type {kind}{bounds}{note}: {error}"
