"""A training run: start, data, loop, and what it leaves behind. An interrupted run goes on where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import lightning
import torch
import yaml
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn

from siam_tracker_ros.memory import keep_freed_memory
from siam_tracker_ros.networks.response import Geometry
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.training.curves import logs_of, plot_curves, read_curves
from siam_tracker_ros.training.hardware import Hardware, first_process, machine_words, make_trainer
from siam_tracker_ros.training.loader import PairLoader
from siam_tracker_ros.training.model_card import Card
from siam_tracker_ros.training.module import BrokenBatch, TrackerModule
from siam_tracker_ros.training.pairs import PairDataset
from siam_tracker_ros.training.progress import StepProgress
from siam_tracker_ros.training.recipe import Recipe, RecipeError
from siam_tracker_ros.training.shipping import Shipping
from siam_tracker_ros.training.show_batch import show_batch
from siam_tracker_ros.training.sources import Say, make_pairs, read_sources
from siam_tracker_ros.training.start import build_network, fill
from siam_tracker_ros.training.stop import StopOnSignal
from siam_tracker_ros.training.validation import TrackingScore, validation_sequences

SAVE_EVERY = 200  # steps


def train(
    recipe: Recipe,
    data: Path,
    out: Path,
    start_from: Path | None = None,
    hardware: Hardware | None = None,
    say: Say = print,
) -> Path:
    """Run ``recipe`` on the data folder; returns the weights' path.

    ``out`` receives ``recipe.yaml`` (as resolved), ``data.txt`` (what the data sets held), ``last.ckpt`` (every 200
    steps and at an interrupt), ``curves.png``, ``log/`` and ``tensorboard/``, ``best.safetensors`` where the recipe
    validates and, at the end, ``MODEL.safetensors`` and the model card ``MODEL.md``. With ``last.ckpt`` there, the run
    goes on. Every process of a run of several calls this; the first one writes.

    Raises:
        RecipeError: the recipe names an unknown model, or ``out`` holds a run of another recipe.
        DatasetError: data that is missing or broken. CheckpointError, WeightsError: a start that does not fit.
        BrokenBatch: the loss is not finite. KeyboardInterrupt: a signal ended the run, which is saved.
    """
    hardware = hardware or Hardware()
    say = say if first_process() else _silent
    lightning.seed_everything(recipe.seed, verbose=False)
    network = build_network(recipe)
    fresh = fill(network, start_from, say)
    module = TrackerModule(network, recipe, fresh)
    resolved = _claim(out, recipe)
    metadata = {"model": recipe.model, "recipe": resolved, "start": start_from.name if start_from else "random"}
    if kinds := MODELS[recipe.model].shortcuts:
        metadata["shortcuts"] = recipe.shortcuts or kinds[0]
    shipping = Shipping(module, recipe.schedule.keep_start, metadata)

    last = out / "last.ckpt"
    step = int(_checkpoint(last)["global_step"]) if last.is_file() else 0
    if step < recipe.schedule.steps:
        _loop(recipe, data, out, hardware, shipping, step, say)
    else:
        module.load_state_dict(_checkpoint(last)["state_dict"])
    weights = out / f"{recipe.model}.safetensors"
    if first_process():
        shipping.save(shipping.network(), weights)
        _tell(recipe, weights, start_from, len(fresh), hardware)
    return weights


def _loop(recipe: Recipe, data: Path, out: Path, hardware: Hardware, shipping: Shipping, step: int, say: Say) -> None:
    """Train from ``step`` to the end, saving to ``out``."""
    schedule, module, last = recipe.schedule, shipping.module, out / "last.ckpt"
    keep_freed_memory()
    if step:
        say(f"going on at step {step} of {schedule.steps}")

    def read() -> PairDataset:
        sources = read_sources(recipe, data, out / "cache", say)
        if first_process():
            told = "\n".join(source.tracks.survey.text() for source in sources)
            (out / "data.txt").write_text(f"{told}\n", encoding="utf-8")
        return make_pairs(recipe, sources, module.network)

    loader = PairLoader(read, schedule.batch, schedule.steps, step, hardware.workers)
    stop = StopOnSignal(last, say)
    saving = ModelCheckpoint(
        out,
        filename="last",
        every_n_train_steps=SAVE_EVERY,
        save_on_exception=False,  # in the middle of a step; what the last one saved is exact
        enable_version_counter=False,
    )
    callbacks = [*_validation(recipe, data, out, shipping, say), stop, StepProgress(schedule.steps, step, out), saving]
    trainer = make_trainer(schedule, hardware, out, step, callbacks)
    try:
        trainer.fit(module, datamodule=loader, ckpt_path=str(last) if step else None, weights_only=bool(step) or None)
    except SystemExit:  # how Lightning ends after a second Ctrl-C
        raise KeyboardInterrupt from None
    except BrokenBatch as error:
        if not first_process():
            raise
        picture = out / f"broken_step_{error.step}.png"
        shown = error.pairs[:32]
        assert loader.pairs is not None  # a batch was made
        show_batch(loader.pairs, cast(Geometry, module.network.geometry), recipe.labels, picture, len(shown), shown[0])
        raise BrokenBatch(error.what, error.step, error.pairs, picture) from error
    if stop.stopped:
        raise KeyboardInterrupt
    trainer.save_checkpoint(last)


def _validation(recipe: Recipe, data: Path, out: Path, shipping: Shipping, say: Say) -> list[TrackingScore]:
    sequences = validation_sequences(recipe.validation, data)
    if not sequences:
        return []

    def keep(network: nn.Module, step: int, score: float) -> None:
        shipping.save(network, out / "best.safetensors", step=str(step), validation_auc=f"{score:.4f}")

    every = round(recipe.validation.every_epochs * recipe.schedule.epoch_steps)
    frames, steps = recipe.validation.frames, recipe.schedule.steps
    return [TrackingScore(recipe.model, sequences, frames, every, steps, shipping.network, keep, say)]


def _tell(recipe: Recipe, weights: Path, start: Path | None, fresh: int, hardware: Hardware) -> None:
    """Write the curves and the model card."""
    out = weights.parent
    plot_curves(logs_of(out), out / "curves.png")
    best, data = out / "best.safetensors", out / "data.txt"
    card = Card(
        recipe=recipe,
        weights=weights,
        start=start,
        fresh=fresh,
        data=data.read_text(encoding="utf-8"),
        curves=read_curves(logs_of(out)),
        best=best if best.is_file() else None,
        seconds=float(_checkpoint(out / "last.ckpt")["callbacks"]["StepProgress"]["seconds"]),
        machine=machine_words(hardware),
    )
    weights.with_suffix(".md").write_text(card.text(), encoding="utf-8")


def _claim(out: Path, recipe: Recipe) -> str:
    """Make ``out`` this recipe's folder; returns the recipe as text. Raises RecipeError."""
    resolved = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    kept = out / "recipe.yaml"
    if kept.is_file() and kept.read_text(encoding="utf-8") != resolved:
        raise RecipeError(f"{out} holds a run of another recipe; choose another folder or remove it")
    if first_process():
        out.mkdir(parents=True, exist_ok=True)
        kept.write_text(resolved, encoding="utf-8")
    return resolved


def _checkpoint(path: Path) -> dict[str, Any]:
    checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return checkpoint


def _silent(_: str) -> None:
    """Says nothing."""
