"""A whole training run on drawn pictures: what it writes, and that an interrupted one ends where another does."""

import os
import signal

import pytest
import torch
import torchvision
import yaml
from safetensors import safe_open
from safetensors.torch import load_file
from small_runs import draw_sequence, silent, small_recipe

from siam_tracker_ros import load_tracker
from siam_tracker_ros.networks.convert import convert
from siam_tracker_ros.training import run as run_module
from siam_tracker_ros.training.hardware import Hardware
from siam_tracker_ros.training.module import BrokenBatch, TrackerModule
from siam_tracker_ros.training.progress import StepProgress
from siam_tracker_ros.training.recipe import RecipeError
from siam_tracker_ros.training.run import train

ALONE = Hardware(accelerator="cpu", workers=0)


class Interrupted(StepProgress):
    """Presses Ctrl-C in the second step."""

    def on_train_batch_end(self, trainer, *rest):
        super().on_train_batch_end(trainer, *rest)
        if trainer.global_step == 1:
            os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupted_run_goes_on_to_the_same_weights(stills_folder, tmp_path, monkeypatch):
    draw_sequence(tmp_path / "sequences" / "a", frames=3)
    # Frozen before the interrupt and trained after it, with momentum, a warm-up and a score every second step.
    recipe = small_recipe(
        optimizer="sgd",
        warmup_epochs=2,
        warmup_from=1e-4,
        backbone_frozen_epochs=3,
        clip=1.0,
        validation={"path": "sequences", "every_epochs": 2},
    )
    whole = train(recipe, stills_folder, tmp_path / "whole", hardware=ALONE, say=silent)
    out, said = tmp_path / "parts", []
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "StepProgress", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, stills_folder, out, hardware=ALONE, say=said.append)
    assert "stopping after this step" in said
    assert not (out / "afsn_mobile.safetensors").exists()
    parts = train(recipe, stills_folder, out, hardware=Hardware("cpu", workers=1), say=said.append)
    assert "going on at step 2 of 5" in said
    first, second = load_file(whole), load_file(parts)
    assert set(first) == set(second)
    assert not [name for name, tensor in first.items() if not torch.equal(second[name], tensor)]
    assert [line.split(":")[0] for line in said if "tracking score" in line] == [f"step {n}" for n in (0, 2, 4, 5)]

    card = (out / "afsn_mobile.md").read_text()
    assert "stills.csv: 5 objects, 6 views" in card
    assert "| a |" in card
    assert yaml.safe_load((out / "recipe.yaml").read_text())["schedule"]["optimizer"] == "sgd"
    assert (out / "curves.png").stat().st_size > 10_000
    assert [log.name for log in sorted((out / "log").iterdir())] == ["from_step_0000000", "from_step_0000002"]
    assert list((out / "tensorboard").glob("events.out.tfevents.*"))
    with safe_open(out / "best.safetensors", framework="pt") as file:
        assert {"step", "validation_auc", "model", "recipe"} <= set(file.metadata())

    monkeypatch.setattr(TrackerModule, "training_step", lambda *_: pytest.fail("there is nothing left to train"))
    again = load_file(train(recipe, stills_folder, out, hardware=ALONE, say=silent))
    assert not [name for name, tensor in first.items() if not torch.equal(again[name], tensor)]


@pytest.mark.parametrize("model", [pytest.param("siamban_r50", marks=pytest.mark.slow), "ocean_r50"])
def test_models_with_two_kinds_of_shortcuts_train_from_imagenet_weights_and_load(model, stills_folder, tmp_path):
    torch.manual_seed(0)
    theirs = torchvision.models.resnet50(weights=None).state_dict()
    torch.save(theirs, tmp_path / "resnet50.pth")
    start = tmp_path / "start.safetensors"
    convert("resnet50", tmp_path / "resnet50.pth", start)
    said: list[str] = []
    one = small_recipe(model, shortcuts="1x1", epochs=1)
    weights = train(one, stills_folder, tmp_path / "run", start, ALONE, said.append)
    assert any(line.startswith("start: ") and "at random" in line for line in said)
    assert "Last values: loss " in weights.with_suffix(".md").read_text()
    tracker = load_tracker(str(weights), device="cpu", runtime="eager")
    assert tracker.model_name == model
    assert tracker._runtime.geometry.crop == "exact"
    with pytest.raises(RecipeError, match=f"{model} has no shortcuts '2x2'; it has 3x3 or 1x1"):
        train(small_recipe(model, shortcuts="2x2"), stills_folder, tmp_path / "other", hardware=ALONE, say=said.append)
    assert not (tmp_path / "other").exists()


def test_another_recipe_in_the_same_folder_is_refused(stills_folder, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.yaml").write_text("model: another\n")
    with pytest.raises(RecipeError, match="holds a run of another recipe"):
        train(small_recipe(), stills_folder, tmp_path / "run", hardware=ALONE, say=silent)


def test_a_model_that_is_not_in_the_zoo_is_refused(stills_folder, tmp_path):
    with pytest.raises(RecipeError, match="unknown model 'nothing'; use one of afsn_mobile"):
        train(small_recipe("nothing"), stills_folder, tmp_path / "run", hardware=ALONE, say=silent)


def test_a_loss_that_is_not_finite_ends_the_run_with_a_picture_of_its_pairs(stills_folder, tmp_path, monkeypatch):
    plain = TrackerModule.training_step

    def poisoned(self, batch, index):
        if self.global_step == 1:
            self.network.head4.score.bias.data.fill_(float("nan"))
        return plain(self, batch, index)

    monkeypatch.setattr(TrackerModule, "training_step", poisoned)
    picture = tmp_path / "run" / "broken_step_1.png"
    with pytest.raises(BrokenBatch, match=rf"at step 1, with the pairs 2-3, drawn in {picture}$"):
        train(small_recipe(), stills_folder, tmp_path / "run", hardware=ALONE, say=silent)
    assert picture.stat().st_size > 10_000
