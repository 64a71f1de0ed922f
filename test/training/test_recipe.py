"""Recipes: the shipped ones are valid and say where each value is from; broken ones are refused by entry."""

import re
from pathlib import Path

import pytest
import yaml
from small_runs import recipe_values

from siam_tracker_ros.datasets.track_layouts import TRACK_LAYOUTS
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.training.module import TrackerModule
from siam_tracker_ros.training.recipe import RecipeError, read_recipe

FOLDER = Path(__file__).resolve().parents[2] / "config" / "train"
SHIPPED = sorted(FOLDER.glob("*.yaml"))
PUBLISHED = [path for path in SHIPPED if path.stem != "afsn_mobile"]


def test_every_model_has_a_recipe():
    assert {path.stem for path in SHIPPED} == set(MODELS)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_shipped_recipes_fit_their_models(path):
    recipe = read_recipe(path)
    assert recipe.model == path.stem
    assert {source.layout for source in recipe.sources} <= set(TRACK_LAYOUTS)
    network = MODELS[recipe.model].build(recipe.shortcuts)
    module = TrackerModule(network, recipe, frozenset(network.state_dict()))
    assert module.configure_optimizers()["optimizer"].param_groups


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda p: p.stem)
def test_each_value_of_a_published_recipe_has_its_source(path):
    text = path.read_text(encoding="utf-8").split("\nsources:")[1].split("\nvalidation:")[0]
    lines = [line for line in text.splitlines() if re.match(r"  +(\w+): *\S", line)]
    assert len(lines) > 30
    assert not [line for line in lines if "#" not in line]
    assert re.match(r" +# .*: the list", text.splitlines()[0])


def test_ocean_is_trained_alike_with_and_without_its_online_branch():
    with_branch, without = (
        yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
        for name in ("ocean_online_r50", "ocean_r50")
    )
    assert with_branch.pop("model") != without.pop("model")
    assert with_branch == without


def test_the_papers_figures_that_are_easy_to_mix_up():
    schedules = {path.stem: read_recipe(path).schedule for path in PUBLISHED}
    assert {name: (s.epochs, s.pairs_per_epoch, s.batch) for name, s in schedules.items()} == {
        "afsn_r50": (50, 6_000, 28),
        "siam_sae_r50": (20, 600_000, 28),
        "siamban_r50": (20, 1_000_000, 28),
        "ocean_r50": (50, 600_000, 256),
        "ocean_online_r50": (50, 600_000, 256),
        "siam_hne_r50": (20, 600_000, 28),
    }
    assert {name: (s.rate, s.final_rate, s.weight_decay) for name, s in schedules.items()} == {
        "afsn_r50": (0.01, 0.0001, 5e-4),
        "siam_sae_r50": (0.005, 0.00005, 1e-4),
        "siamban_r50": (0.005, 0.00005, 1e-4),
        "ocean_r50": (0.005, 0.00001, 1e-3),
        "ocean_online_r50": (0.005, 0.00001, 1e-3),
        "siam_hne_r50": (0.005, 0.0005, 1e-4),
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stepz": 3}, "stepz: Extra inputs"),
        ({"seed": -1}, "seed: .*greater than or equal to 0"),
        ({"sources": []}, "sources: .*at least 1 item"),
        ({"augment": {"flip": 2}}, r"augment.flip: .*less than or equal to 1"),
        ({"labels": {"kind": "square"}}, "labels.kind: Input should be 'box'"),
    ],
)
def test_broken_recipes_name_the_entry(tmp_path, changes, said):
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(recipe_values() | changes))
    with pytest.raises(RecipeError, match=said):
        read_recipe(path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 0}, "schedule.epochs: .*greater than 0"),
        ({"precision": "8"}, "schedule.precision: Input should be '32-true'"),
        ({"batch": 3}, "schedule: .*pairs_per_epoch 2 is less than one batch of 3"),
        ({"warmup_epochs": 5}, "schedule: .*warmup_epochs 5 leaves nothing of 5 epochs"),
        ({"warmup_epochs": 1, "warmup": "exponential"}, "cannot begin at 0; give warmup_from"),
        ({"final_rate": 0}, "cannot end at 0; give final_rate"),
    ],
)
def test_schedules_that_cannot_be(tmp_path, changes, said):
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(recipe_values(**changes)))
    with pytest.raises(RecipeError, match=said):
        read_recipe(path)


def test_missing_and_unreadable_recipes(tmp_path):
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(tmp_path / "no.yaml")
    (tmp_path / "r.yaml").write_text("model: [")
    with pytest.raises(RecipeError, match="not YAML"):
        read_recipe(tmp_path / "r.yaml")


def test_the_precision_can_be_given_instead(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(recipe_values()))
    assert read_recipe(path, "bf16-mixed").schedule.precision == "bf16-mixed"
    with pytest.raises(RecipeError, match=r"schedule.precision"):
        read_recipe(path, "bf17")
