"""ONNX files of every model give PyTorch's numbers, in ONNX Runtime and in OpenVINO; broken folders are told."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from calibrated import calibrated
from every_model import EVERY_MODEL
from filled import picture

from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.runtime.eager import EagerRuntime
from siam_tracker_ros.runtime.exported import (
    ExportedNetwork,
    ExportError,
    engine_folder,
    facts_of,
    is_exported,
    read_exported,
)
from siam_tracker_ros.runtime.onnx_runtime import PROVIDERS, OnnxRuntime, available_kinds
from siam_tracker_ros.runtime.openvino_runtime import OpenVinoRuntime

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=EVERY_MODEL)
def written(request, tmp_path_factory):
    """A model's name, its network with few blocks, and its files."""
    network = calibrated(request.param, shallow=True)
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, network, ExportedNetwork(folder, facts_of(network, request.param), network)


def answers(runtime, size):
    template = picture(runtime.geometry.template_size, runtime.geometry.template_size, 1)
    with torch.inference_mode():
        features = runtime.template(template)
        # As after an update of the template.
        kernels = runtime.kernels(tuple(0.9 * feature for feature in features))
        return runtime.search_many([kernels], [picture(size, size, 2)])[0]


@pytest.mark.parametrize("kind", ["onnx", "openvino"])
def test_files_give_the_numbers_of_pytorch(written, kind):
    _, network, exported = written
    size = exported.geometry.at(159).search_size
    make = {"onnx": lambda: OnnxRuntime(exported, CPU, 1), "openvino": lambda: OpenVinoRuntime(exported, 1)}
    runtime = make[kind]()
    assert runtime.name == kind
    expected, found = answers(EagerRuntime(network, CPU), size), answers(runtime, size)
    np.testing.assert_allclose(found.foreground, expected.foreground, atol=2e-3)
    np.testing.assert_allclose(found.centerness, expected.centerness, atol=2e-3)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.05, rtol=2e-3)
    for own, its in zip(found.levels, expected.levels, strict=True):
        assert np.abs(own - its).max() < 2e-3 * max(np.abs(its).max(), 1)
    scale = float(expected.features.abs().max())
    torch.testing.assert_close(found.features, expected.features, atol=2e-3 * scale, rtol=0)
    assert (exported.folder / f"search_{size}.onnx").is_file()


def test_maps_are_the_callers_to_keep(written):
    _, _, exported = written
    size = exported.geometry.at(159).search_size
    runtime = OpenVinoRuntime(exported, 1)
    kernels = runtime.kernels(runtime.template(picture(127, 127, 1)))
    first = runtime.search(kernels, picture(size, size, 2))
    kept = first.foreground.copy(), first.features.clone()
    runtime.search(kernels, picture(size, size, 3))
    np.testing.assert_array_equal(first.foreground, kept[0])
    assert torch.equal(first.features, kept[1])


RUNTIMES_THAT_GO = """
import signal, sys
from pathlib import Path
import torch
from siam_tracker_ros.runtime.exported import read_exported
from siam_tracker_ros.runtime.onnx_runtime import OnnxRuntime
from siam_tracker_ros.runtime.openvino_runtime import OpenVinoRuntime

exported = read_exported(Path(sys.argv[1]))
OnnxRuntime(exported, torch.device("cpu"), 1)
first, second = (OpenVinoRuntime(exported, 1) for _ in range(2))
del first
del second
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.fixture(scope="module")
def mobile(tmp_path_factory):
    network = calibrated("afsn_mobile")
    exported = ExportedNetwork(tmp_path_factory.mktemp("mobile"), facts_of(network, "afsn_mobile"), network)
    exported.write_all([159])
    return exported


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    """A process in which runtimes came and went before Ctrl-C, and its user's home."""
    folder, home = tmp_path_factory.mktemp("exported"), tmp_path_factory.mktemp("home")
    network = calibrated("afsn_mobile")
    ExportedNetwork(folder, facts_of(network, "afsn_mobile"), network).write_all([255])
    command = [sys.executable, "-c", RUNTIMES_THAT_GO, str(folder)]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300), home


def test_ctrl_c_comes_through_after_runtimes_of_openvino_have_gone(process):
    """OpenVINO gives the thread a stack for signal handlers, and takes it back."""
    ended, _ = process
    assert (ended.returncode, ended.stdout) == (0, "interrupted\n"), ended.stderr


def test_no_library_prepares_reports_of_its_use(process):
    """Each keeps an identity in the user's home for them."""
    _, home = process
    assert list(home.rglob("*")) == []


def test_a_folder_says_what_it_holds_and_runs_without_the_network(mobile):
    assert is_exported(mobile.folder)
    read = read_exported(mobile.folder)
    assert read.facts == mobile.facts
    assert read.facts.geometry.search_size == 255
    with pytest.raises(ExportError, match=r"search_255.onnx: no such file; export afsn_mobile again with 255"):
        OnnxRuntime(read, CPU, 1)
    mobile.write_all([255])
    assert answers(OnnxRuntime(read, CPU, 1), 159).boxes.shape == (9 * 9, 4)


def test_the_files_carry_their_metadata(mobile):
    onnx = pytest.importorskip("onnx")
    for path in (mobile.template(), mobile.search(159)):
        model = onnx.load(path)
        onnx.checker.check_model(model)
        said = {item.key: item.value for item in model.metadata_props}
        assert said["siam_tracker_ros.model"] == "afsn_mobile"
        assert json.loads(said["siam_tracker_ros.geometry"])["stride"] == 16


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        ("{", "Expecting"),
        ('{"model": "afsn_mobile"}', "geometry"),
        ('{"model": "x", "geometry": {}}', "missing"),
    ],
)
def test_a_folder_that_holds_no_network_is_refused(tmp_path, text, said):
    if text is not None:
        (tmp_path / "model.json").write_text(text)
    with pytest.raises(ExportError, match=f"holds no exported network.*{said}"):
        read_exported(tmp_path)


def test_a_folder_of_another_format_is_refused(mobile, tmp_path):
    values = json.loads((mobile.folder / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**values, "format": 99}))
    with pytest.raises(ExportError, match="has format 99"):
        read_exported(tmp_path)


def test_a_network_that_cannot_be_written_leaves_no_file(tmp_path):
    class Endless(type(calibrated("afsn_mobile").fusion)):
        def forward(self, *parts):
            raise RuntimeError("no counterpart")

    network = MODELS["siam_hne_r50"].build()
    network.fusion.__class__ = Endless
    exported = ExportedNetwork(tmp_path, facts_of(network, "siam_hne_r50"), network)
    with pytest.raises(ExportError, match=r"siam_hne_r50 cannot be written as ONNX: no counterpart"):
        exported.search(159)
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]


def test_other_numbers_have_another_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SIAM_TRACKER_CACHE", str(tmp_path))
    network = MODELS["afsn_mobile"].build()
    folder = engine_folder(facts_of(network, "afsn_mobile"))
    assert folder.parent == tmp_path
    assert folder == engine_folder(facts_of(network, "afsn_mobile"))
    with torch.no_grad():
        next(network.parameters()).add_(1e-3)
    assert folder != engine_folder(facts_of(network, "afsn_mobile"))


def test_without_a_place_to_keep_files_a_temporary_one_is_taken(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SIAM_TRACKER_CACHE", str(tmp_path / "file" / "below"))
    folder = engine_folder(facts_of(MODELS["afsn_mobile"].build(), "afsn_mobile"))
    assert tmp_path not in folder.parents
    assert folder.parent.is_dir()
    Path(folder.parent).rmdir()


def test_providers_by_kind(mobile):
    runtime = OnnxRuntime(mobile, CPU, 1)
    assert "cpu" in available_kinds()
    assert runtime._providers(mobile.folder) == [("CPUExecutionProvider", {})]
    runtime._kind = "tensorrt"
    names = [name for name, _ in runtime._providers(mobile.folder)]
    assert tuple(names) == PROVIDERS["tensorrt"]
    options = dict(runtime._providers(mobile.folder))["TensorrtExecutionProvider"]
    assert options["trt_engine_cache_path"] == str(mobile.folder)
    assert options["trt_fp16_enable"] is False
