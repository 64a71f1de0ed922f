"""Conversion: every tensor arrives under its new name; what does not fit is refused, and nothing is written."""

import functools
import hashlib
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from filled import filled_state, ocean_shapes, siamban_shapes
from safetensors import safe_open
from torch import Tensor

from siam_tracker_ros import load_tracker
from siam_tracker_ros.networks.checkpoint import CheckpointError
from siam_tracker_ros.networks.convert import convert
from siam_tracker_ros.networks.layouts import LAYOUTS
from siam_tracker_ros.networks.weights import WeightsError, load_weights
from siam_tracker_ros.networks.zoo import MODELS

SHAPES = {"siamban": siamban_shapes(), "ocean": ocean_shapes(), "ocean_online": ocean_shapes(online=True)}


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Path]:
    """A folder whose large files do not stay behind."""
    yield tmp_path
    for path in tmp_path.iterdir():
        path.unlink()


@pytest.fixture(scope="module")
def resnet50() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return torchvision.models.resnet50(weights=None).state_dict()


@functools.lru_cache(maxsize=1)
def authors_state(layout: str) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.asarray(array)) for name, array in filled_state(SHAPES[layout]).items()}


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def without_counters(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}


def prefixed(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    ("layout", "form"),
    [
        ("siamban", "plain"),
        ("siamban", "wrapped, prefixed, old file"),
        ("ocean", "plain"),
        ("ocean", "wrapped"),
        ("ocean", "prefixed"),
        ("ocean", "old file"),
        ("ocean_online", "plain"),
        ("ocean_online", "as the online training stores it"),
    ],
)
def test_checkpoints_of_the_authors_fill_the_network(files, layout, form):
    state = authors_state(layout)
    content: dict[str, object] = dict(state)
    if "prefixed" in form:
        content = dict(prefixed("module.", without_counters(state)))
    if "online training" in form:
        content = prefixed("feature_extractor.", state) | {"classifier.feature_extractor.0.weight": torch.ones(2)}
    if "wrapped" in form:
        content = {"epoch": 20, "state_dict": content, "optimizer": {"state": {}}}
    source, out = files / "theirs.pth", files / "ours.safetensors"
    torch.save(content, source, _use_new_zipfile_serialization="old file" not in form)

    done = convert(layout, source, out)
    chosen = LAYOUTS[layout]
    network = MODELS[chosen.model].build(shortcuts="3x3")
    metadata = load_weights(network, out, chosen.model)
    own = network.state_dict()
    assert len(own) == len(state)
    for theirs, tensor in state.items():
        assert torch.equal(own[chosen.ours(theirs)], tensor), theirs
    counters = len(state) - len(without_counters(state))
    assert done.mapped.kept == (counters if "prefixed" in form else 0)
    assert done.mapped.taken == len(state) - done.mapped.kept
    assert sum(map(len, done.mapped.left_out.values())) == ("online training" in form)
    assert metadata == {
        "format_version": "1",
        "model": chosen.model,
        "layout": layout,
        "source": "theirs.pth",
        "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "image": "BGR, 0 to 255",
        "shortcuts": "3x3",
    }
    assert sorted(path.name for path in files.iterdir()) == ["ours.safetensors", "theirs.pth"]


def test_a_converted_checkpoint_runs_by_its_path_and_the_original_is_refused(files):
    source, out = files / "theirs.pth", files / "ours.safetensors"
    torch.save(authors_state("ocean_online"), source)
    convert("ocean_online", source, out)
    assert load_tracker(str(out), device="cpu", runtime="eager").model_name == "ocean_online_r50"
    for arguments in ({"model": str(source)}, {"model": "ocean_online_r50", "weights": source}):
        with pytest.raises(WeightsError, match="use `siam-track convert LAYOUT "):
            load_tracker(**arguments, device="cpu")


def test_ocean_without_its_object_aware_head_is_the_network_without_it(files):
    state = {name: tensor for name, tensor in authors_state("ocean").items() if not name.startswith("align_head.")}
    source, out = files / "theirs.pth", files / "ours.safetensors"
    torch.save(state, source)
    assert convert("ocean", source, out).metadata["object_aware"] == "false"
    tracker = load_tracker(str(out), device="cpu", runtime="eager")
    patch = np.zeros((143, 143, 3), np.uint8)
    kernels = tracker._runtime.kernels(tracker._runtime.template(np.zeros((127, 127, 3), np.uint8)))
    maps = tracker._runtime.search(kernels, patch)
    assert len(maps.levels) == 1
    np.testing.assert_allclose(maps.foreground, 1 / (1 + np.exp(-maps.levels[0])), rtol=1e-5)
    # Half of the head is no head: that is a broken checkpoint.
    torch.save(state | {"align_head.rpn_cls.bias": torch.zeros(1)}, source)
    with pytest.raises(CheckpointError, match=r"2 missing: align_head\.rpn_conv\.conv\.weight, align_head\.rpn_cls"):
        convert("ocean", source, out)


def test_resnet50_gives_the_backbone(files, resnet50):
    # As torchvision's file of 2017 is: no counters, the old serialisation.
    source, out = files / "resnet50-19c8e357.pth", files / "resnet50.safetensors"
    torch.save(without_counters(resnet50), source, _use_new_zipfile_serialization=False)
    done = convert("resnet50", source, out)
    tensors, metadata = read(out)
    kept = {f"backbone.{name}": tensor for name, tensor in resnet50.items() if not name.startswith("fc.")}
    assert set(tensors) == set(kept)
    assert all(torch.equal(tensors[name], tensor) for name, tensor in kept.items())
    assert done.mapped.left_out == {"the 1000 classes of ImageNet": ["fc.weight", "fc.bias"]}
    assert done.mapped.kept == 53
    assert (metadata["part"], metadata["layout"]) == ("backbone", "resnet50")
    assert metadata["image"].startswith("RGB, 0 to 1, less 0.485")
    with pytest.raises(WeightsError, match="holds only the backbone, a starting point for training"):
        load_weights(MODELS["afsn_r50"].build(), out, "afsn_r50")


@pytest.mark.parametrize(("with_head", "count"), [(False, 190), (True, 432)])
def test_nanotrack_gives_the_backbone_and_on_request_the_head(shared_folder, files, with_head, count):
    out = files / "nano.safetensors"
    done = convert("nanotrack", shared_folder / "peers" / "nanotrackv3.pth", out, with_head)
    tensors, metadata = read(out)
    assert len(tensors) == done.mapped.taken == count
    assert metadata["part"] == ("backbone and head" if with_head else "backbone")
    assert all(name.startswith("backbone.") for name in tensors) != with_head
    assert sum(map(len, done.mapped.left_out.values())) == 438 - count
    assert done.mapped.others == ("epoch", "optimizer")


def altered(change, state: dict[str, Tensor]) -> dict[str, Tensor]:
    copy = dict(state)
    change(copy)
    return copy


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        (lambda s: s.pop("layer1.0.conv1.weight"), ["missing: layer1.0.conv1.weight"]),
        (lambda s: s.update({"layer5.weight": torch.ones(1)}), ["left over: layer5.weight"]),
        (
            lambda s: s.update({"bn1.bias": torch.ones(65)}),
            ["of another shape: bn1.bias [65], expected [64]"],
        ),
        (
            lambda s: s.update({"bn1.bias": torch.ones(64, dtype=torch.int32)}),
            ["of another shape: bn1.bias torch.int32, expected torch.float32"],
        ),
        (
            lambda s: s.update({"bn1.bias": torch.ones(64).to_sparse()}),
            ["of another shape: bn1.bias, which holds no plain numbers"],
        ),
        (lambda s: s.update({"bn1.bias": torch.full((64,), math.nan)}), ["not finite: bn1.bias"]),
        (lambda s: s.update({"bn1.bias": torch.full((64,), math.inf)}), ["not finite: bn1.bias"]),
        # More than float32 holds.
        (lambda s: s.update({"bn1.bias": torch.full((64,), 1e300, dtype=torch.float64)}), ["not finite: bn1.bias"]),
        (
            lambda s: (s.pop("bn1.weight"), s.pop("bn1.bias"), s.update({"module.odd": torch.ones(1)})),
            ["left over: odd", "missing: bn1.weight", "missing: bn1.bias"],
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_a_list(files, resnet50, change, faults):
    source, out = files / "c.pth", files / "ours.safetensors"
    torch.save(altered(change, resnet50), source)
    out.write_text("as before")
    with pytest.raises(CheckpointError, match="not a complete checkpoint of the layout resnet50") as caught:
        convert("resnet50", source, out)
    assert list(caught.value.faults) == faults
    assert "\n" not in str(caught.value)
    assert out.read_text() == "as before"
    assert len(list(files.iterdir())) == 2


def test_half_precision_becomes_the_networks_own(files, resnet50):
    source, out = files / "c.pth", files / "ours.safetensors"
    torch.save({k: v.half() if v.is_floating_point() else v for k, v in resnet50.items()}, source)
    convert("resnet50", source, out)
    weight = read(out)[0]["backbone.conv1.weight"]
    assert weight.dtype == torch.float32
    assert torch.equal(weight, resnet50["conv1.weight"].half().float())


@pytest.mark.parametrize(
    ("layout", "given", "looks_like"),
    [
        ("siamban", "ocean", "ocean"),
        ("ocean", "siamban", "siamban"),
        ("ocean", "ocean_online", "ocean_online"),
        ("ocean_online", "ocean", "ocean"),
        ("resnet50", "siamban", "siamban"),
        ("nanotrack", "siamban", "siamban"),
    ],
)
def test_another_trackers_checkpoint_is_named(files, layout, given, looks_like):
    source = files / "c.pth"
    torch.save({name: torch.zeros(()).expand(shape) for name, shape in SHAPES[given].items()}, source)
    said = f"it looks like {looks_like}: use `siam-track convert {looks_like}`"
    with pytest.raises(CheckpointError, match=said) as caught:
        convert(layout, source, files / "ours.safetensors")
    assert len(str(caught.value)) < 700
    assert len(caught.value.faults) > 50
    assert len(list(files.iterdir())) == 1


def test_a_checkpoint_of_nothing_known_is_refused(files):
    torch.save({"encoder.weight": torch.ones(1)}, files / "c.pth")
    with pytest.raises(CheckpointError, match=r"1 left over: encoder\.weight; 265 missing: conv1\.weight, ") as caught:
        convert("resnet50", files / "c.pth", files / "ours.safetensors")
    assert "looks like" not in str(caught.value)


def test_a_folder_that_takes_no_file_is_said(files, resnet50):
    torch.save(resnet50, files / "c.pth")
    with pytest.raises(WeightsError, match="cannot be written"):
        convert("resnet50", files / "c.pth", files / "no folder" / "ours.safetensors")
