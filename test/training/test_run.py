"""A whole training run on drawn pictures: it learns, and an interrupted one ends where an uninterrupted one does."""

import pytest
import torch
import torchvision
from safetensors.torch import load_file

from siam_tracker_ros import load_tracker
from siam_tracker_ros.networks.convert import convert
from siam_tracker_ros.training import run as run_module
from siam_tracker_ros.training.recipe import Recipe, RecipeError
from siam_tracker_ros.training.run import blend, train


def recipe(**changes):
    values = {
        "model": "afsn_mobile",
        "sources": [{"path": "stills.csv", "weight": 1}],
        "steps": 5,
        "batch_size": 2,
        "backbone_rate": 1e-4,
        "started_rate": 1e-3,
        "fresh_rate": 1e-3,
        "warmup_steps": 1,
        "ema": 0.5,
    }
    return Recipe.model_validate(values | changes)


def test_an_interrupted_run_goes_on_to_the_same_weights(stills_folder, tmp_path, monkeypatch):
    whole = train(recipe(), stills_folder, tmp_path / "whole", workers=0, say=lambda _: None)
    plain = run_module.StepProgress

    class Interrupted(plain):
        def on_train_batch_end(self, trainer, *rest):
            super().on_train_batch_end(trainer, *rest)
            if trainer.global_step == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "StepProgress", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(recipe(), stills_folder, tmp_path / "parts", workers=0, say=lambda _: None)
    assert not (tmp_path / "parts" / "afsn_mobile.safetensors").exists()
    monkeypatch.setattr(run_module, "StepProgress", plain)
    said: list[str] = []
    parts = train(recipe(), stills_folder, tmp_path / "parts", workers=0, say=said.append)
    assert "going on at step 2 of 5" in said
    first, second = load_file(whole), load_file(parts)
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=1e-4, atol=1e-5, msg=lambda m, n=name: f"{n}: {m}")
    assert (tmp_path / "parts" / "recipe.yaml").is_file()


@pytest.mark.parametrize("model", ["siamban_r50", "ocean_r50"])
def test_models_with_two_kinds_of_shortcuts_train_from_imagenet_weights_and_load(model, stills_folder, tmp_path):
    torch.manual_seed(0)
    theirs = torchvision.models.resnet50(weights=None).state_dict()
    torch.save(theirs, tmp_path / "resnet50.pth")
    start = tmp_path / "start.safetensors"
    convert("resnet50", tmp_path / "resnet50.pth", start)
    said: list[str] = []
    one = recipe(model=model, shortcuts="1x1", steps=1)
    weights = train(one, stills_folder, tmp_path / "run", start_from=start, workers=0, say=said.append)
    assert any(line.startswith("start: ") and "at random" in line for line in said)
    tracker = load_tracker(str(weights), device="cpu")
    assert tracker.model_name == model
    assert tracker._runtime.geometry.crop == "exact"
    with pytest.raises(RecipeError, match=f"{model} has no shortcuts '2x2'; it has 3x3 or 1x1"):
        train(recipe(model=model, shortcuts="2x2"), stills_folder, tmp_path / "other", workers=0, say=said.append)


def test_another_recipe_in_the_same_folder_is_refused(stills_folder, tmp_path):
    train(recipe(steps=1), stills_folder, tmp_path / "run", workers=0, say=lambda _: None)
    with pytest.raises(RecipeError, match="holds a run of another recipe"):
        train(recipe(steps=2), stills_folder, tmp_path / "run", workers=0, say=lambda _: None)


def test_blending_moves_only_what_the_start_filled():
    network = torch.nn.Linear(2, 1)
    with torch.no_grad():
        network.weight.fill_(1.0)
        network.bias.fill_(5.0)
    blend(network, {"weight": torch.full((1, 2), 3.0)}, keep=0.75)
    assert network.weight.tolist() == [[2.5, 2.5]]
    assert network.bias.tolist() == [5.0]
