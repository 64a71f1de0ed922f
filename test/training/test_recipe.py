"""Recipes: the shipped ones are valid, broken ones are refused by entry."""

from pathlib import Path

import pytest

from siam_tracker_ros.training.recipe import RecipeError, read_recipe

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "config" / "train").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_shipped_recipes_are_valid(path):
    assert read_recipe(path).model == path.stem


RATES = "backbone_rate: 0, started_rate: 0, fresh_rate: 0"
VALID = "{model: m, sources: [{path: a.csv, weight: 1}], steps: 1, batch_size: 1, " + RATES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (VALID + ", stepz: 3}", "stepz: Extra inputs"),
        (VALID.replace("steps: 1", "steps: -1") + "}", "steps: .*greater than 0"),
        (VALID.replace("steps: 1, ", "") + "}", "steps: Field required"),
        (VALID + ", augment: {flip: 2}}", r"augment.flip: .*less than or equal to 1"),
        (VALID + ", labels: disc}", "labels: "),
        ("model: [", "not YAML"),
    ],
)
def test_broken_recipes_name_the_entry(tmp_path, text, said):
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=said):
        read_recipe(path)


def test_missing_recipe(tmp_path):
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(tmp_path / "no.yaml")
