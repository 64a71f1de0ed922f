"""`siam-track models` lists the zoo, for people and for scripts."""

import json

import pytest
import torch
import torchvision
from typer.testing import CliRunner

from siam_tracker_ros.cli.main import app
from siam_tracker_ros.networks.published import PUBLISHED
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.tracking.presets import PRESETS

PAPERS = {"afsn_r50": "000", "siam_sae_r50": "001", "siamban_r50": "002", "ocean_r50": "003", "siam_hne_r50": "004"}
PAPERS["ocean_online_r50"] = PAPERS["ocean_r50"]


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """Each model's part of what is printed, its lines joined."""
    result = CliRunner().invoke(app, ["models"])
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 100
    name, parts = "", {}
    for line in result.stdout.splitlines():
        if not line.startswith(" "):
            name, parts[line] = line, ""
        else:
            parts[name] += " " + " ".join(line.split())
    return parts


@pytest.fixture(scope="module")
def listed() -> dict[str, dict]:
    result = CliRunner().invoke(app, ["models", "--json"])
    assert result.exit_code == 0, result.output
    return {model["name"]: model for model in json.loads(result.stdout)}


def test_every_model_is_listed_with_what_is_to_be_known_of_it(printed):
    assert list(printed) == list(MODELS)
    for name, text in printed.items():
        entry = MODELS[name]
        assert entry.summary in text
        assert entry.paper in text
        for label in ("size", "input", "weights", "presets", "online", "paper", "published"):
            assert f" {label} " in text, label
        assert "template 127x127, search 255x255 pixels" in text
        assert all(preset in text for preset in PRESETS[name])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("afsn_mobile", "0.59 million parameters, 0.24 GFLOP a search input"),
        ("afsn_mobile", "response maps 15x15 at stride 16"),
        ("afsn_mobile", "afsn_mobile.safetensors, 2.3 MiB, in the package"),
        ("afsn_mobile", "published nothing: the network is this package's own"),
        ("afsn_r50", "none here; train it (siam-track train RECIPE; its backbone can start from what siam-track"),
        ("afsn_r50", "GOT-10k AO 0.558, SR0.5 0.659, SR0.75 0.413; UAV123 AUC 0.613"),
        ("afsn_r50", "28.09 fps (one Nvidia Titan 1080Ti"),
        ("siamban_r50", "97.4 GFLOP a search: 3x3 shortcuts, the authors' checkpoints"),
        ("siamban_r50", "55.1 GFLOP a search: 1x1 shortcuts, weights of our own"),
        ("siamban_r50", "none here; convert the authors' checkpoint (siam-track convert siamban CHECKPOINT OUT)"),
        ("siamban_r50", "presets vot2018 (default), vot2019, otb100 online off; --online"),
        ("siam_sae_r50", "response maps 25x25 at stride 8"),
        ("ocean_r50", "convert ocean CHECKPOINT OUT"),
        ("ocean_r50", "search 255x255 pixels (by preset also 271)"),
        ("ocean_r50", "vot2018 (default, small targets 271)"),
        ("ocean_r50", "otb2015 (search 271), got10k, lasot"),
        ("ocean_online_r50", "on, with a share of 0.5 or 0.7 in the score; --no-online"),
        ("ocean_online_r50", "vot2018 (default, search 271, small targets 287)"),
        ("siam_hne_r50", "37 fps (the GPU is not named)"),
    ],
)
def test_what_is_said_of_a_model(name, said, printed):
    assert said in printed[name]


def test_scripts_get_the_same_as_json(listed):
    assert list(listed) == list(MODELS)
    siamban = listed["siamban_r50"]
    assert [v["shortcuts"] for v in siamban["variants"]] == ["3x3", "1x1"]
    assert siamban["variants"][0]["parameters"] == 53_932_123
    assert siamban["variants"][1]["search_flop"] < 60e9 < siamban["variants"][0]["search_flop"]
    assert (siamban["default_preset"], siamban["weights"]) == ("vot2018", None)
    assert siamban["converted_from"] == ["siamban"]
    assert siamban["presets"]["otb100"]["window_influence"] == PRESETS["siamban_r50"]["otb100"].window_influence
    assert {"benchmark": "OTB100", "metric": "AUC", "value": 0.696, "where": "table 4", "note": ""} in siamban[
        "published"
    ]
    ocean = listed["ocean_online_r50"]["presets"]["vot2018"]
    assert (ocean["search_pixels"], ocean["small_target_search_pixels"], ocean["online"]) == (271, 287, True)
    assert listed["afsn_mobile"]["weights"].endswith("afsn_mobile.safetensors")
    assert listed["afsn_mobile"]["weights_bytes"] == MODELS["afsn_mobile"].weights_path.stat().st_size


def test_what_is_to_be_trained_can_start_from_imagenet(listed):
    """Of these models the list says so: without shipped weights, and without a checkpoint to convert."""
    theirs = torchvision.models.resnet50(weights=None).state_dict()
    names = [name for name, model in listed.items() if not model["weights"] and not model["converted_from"]]
    assert names == ["afsn_r50", "siam_sae_r50", "siam_hne_r50"]
    for name in names:
        with torch.device("meta"):
            own = MODELS[name].build().state_dict()
        backbone = {k.removeprefix("backbone."): v.shape for k, v in own.items() if k.startswith("backbone.")}
        assert backbone == {k: v.shape for k, v in theirs.items() if not k.startswith("fc.")}


def test_every_model_has_published_results_or_is_ours():
    assert set(PUBLISHED) == set(MODELS) == set(PRESETS)
    assert [name for name, results in PUBLISHED.items() if not results] == ["afsn_mobile"]
    for results in PUBLISHED.values():
        keys = [(r.benchmark, r.metric, r.note) for r in results]
        assert len(set(keys)) == len(keys)
        assert all(r.where for r in results)
        assert all(0 < r.value < 1 or (r.benchmark, r.metric) == ("speed", "fps") for r in results)


@pytest.mark.parametrize("name", PAPERS)
def test_published_results_stand_in_the_papers(name, shared_folder):
    (path,) = (shared_folder / "papers").glob(f"{PAPERS[name]}_*.txt")
    text = path.read_text(encoding="utf-8")
    for result in PUBLISHED[name]:
        assert f"{result.value:g}" in text or f"{result.value:.3f}" in text, result
        place = result.where.rpartition(" ")[2]
        if result.where.startswith("table"):
            assert f"Table {place}" in text or f"Tab. {place}" in text


def table_rows(path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


@pytest.mark.parametrize("page", ["README.md", "docs/models.md"])
def test_the_pages_tables_of_models_are_those_of_the_command(page, listed, repository):
    first = 1 if page == "README.md" else 2  # the column of parameters
    rows = [row for row in table_rows(repository / page) if len(row) > first and row[first].endswith(" M")]
    told = {(row[0].strip("`"), row[first], row[first + 1]) for row in rows}
    known = {
        (name, f"{v['parameters'] / 1e6:.2f} M", f"{g:.{1 if g >= 1 else 2}f}")
        for name, model in listed.items()
        for i, v in enumerate(model["variants"])
        for g in [v["search_flop"] / 1e9]
        if i == 0 or page != "README.md"
    }
    assert told == known


def test_the_page_has_every_preset_and_every_published_result(listed, repository):
    text = (repository / "docs" / "models.md").read_text(encoding="utf-8")
    parts = {part.splitlines()[0]: part for part in text.split("\n## ")}
    for name, model in listed.items():
        for preset, s in model["presets"].items():
            numbers = f"{s['window_influence']:.4g} | {s['penalty_k']:.4g} | {s['size_lr']:.4g}"
            smoothed = ("once", "twice")[s["size_smoothings"] - 1]
            sizes = f"{s['search_pixels']} | {s['small_target_search_pixels']}"
            online = f"on, {s['online_weight']:g}" if s["online"] else "off"
            assert f"| `{preset}` | {numbers} | {smoothed} | {sizes} | {online} |" in parts[name]
        rows = [line for line in parts[name].splitlines() if line.startswith("|")]
        for r in model["published"]:
            figure = f"{r['value']:g} fps" if r["metric"] == "fps" else f"{r['metric']} {r['value']:.3f}"
            assert any(
                row.startswith(f"| {r['benchmark']} |") and figure in row and row.endswith(f"| {r['where']} |")
                for row in rows
            ), r
