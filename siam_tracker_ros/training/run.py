"""A training run: sources, start, loop, and what it leaves behind. An interrupted run goes on where it stopped."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import lightning
import torch
import yaml
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler

from siam_tracker_ros.networks.weights import save_weights
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.training.memory import keep_freed_memory
from siam_tracker_ros.training.module import TrackerModule
from siam_tracker_ros.training.pairs import PairDataset
from siam_tracker_ros.training.progress import StepProgress
from siam_tracker_ros.training.recipe import Recipe, RecipeError
from siam_tracker_ros.training.start import start_from as fill_from
from siam_tracker_ros.training.views import Instance, Say, instances_of_sequences, instances_of_stills


class _From(Sampler[int]):
    """Pair numbers in order, from the first one that the interrupted run has not seen.

    The length is that of the whole run: the loop counts the steps done before as part of it.
    """

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.last))

    def __len__(self) -> int:
        return self.last


def train(
    recipe: Recipe, data: Path, out: Path, start_from: Path | None = None, workers: int = 1, say: Say = print
) -> Path:
    """Run ``recipe`` on the data folder; returns the weights' path.

    ``out`` receives ``recipe.yaml`` (as resolved), ``last.ckpt`` (every 200 steps and at an interrupt),
    ``curves.png``, ``log/`` and, at the end, ``MODEL.safetensors``. With ``last.ckpt`` there, the run goes on.

    Raises:
        RecipeError: the recipe names an unknown model, or ``out`` holds a run of another recipe.
        DatasetError: data that is missing or broken. CheckpointError, WeightsError: a start that does not fit.
    """
    if recipe.model not in MODELS:
        raise RecipeError(f"unknown model '{recipe.model}'; use one of {', '.join(MODELS)}")
    out.mkdir(parents=True, exist_ok=True)
    resolved = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    kept = out / "recipe.yaml"
    if kept.is_file() and kept.read_text(encoding="utf-8") != resolved:
        raise RecipeError(f"{out} holds a run of another recipe; choose another folder or remove it")
    kept.write_text(resolved, encoding="utf-8")
    keep_freed_memory()
    lightning.seed_everything(recipe.seed, verbose=False)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    # What Lightning warns of here is what resuming and deterministic pairs are made for.
    warnings.filterwarnings("ignore", module=r"lightning\.")

    try:
        network = MODELS[recipe.model].build(recipe.shortcuts)
    except ValueError as error:
        raise RecipeError(str(error)) from error
    fresh = frozenset(network.state_dict())
    if start_from is not None:
        fresh = frozenset(fill_from(network, start_from))
        say(f"start: {len(network.state_dict()) - len(fresh)} tensors from {start_from.name}, {len(fresh)} at random")
    begun = {k: v.clone() for k, v in network.state_dict().items() if k not in fresh or k.startswith("fusion.")}
    last = out / "last.ckpt"
    step = _step_of(last)
    sources = [(_instances(data / s.path, out / "views", say), s.weight) for s in recipe.sources]
    for source, (instances, _) in zip(recipe.sources, sources, strict=True):
        say(f"{source.path}: {len(instances)} objects, {sum(len(i.views) for i in instances)} views")
    dataset = PairDataset(sources, recipe.augment, recipe.steps * recipe.batch_size, recipe.seed)
    loader = DataLoader(
        dataset,
        batch_size=recipe.batch_size,
        sampler=_From(step * recipe.batch_size, len(dataset)),
        num_workers=workers,
        drop_last=True,
        persistent_workers=workers > 0,
    )
    if step:
        say(f"going on at step {step} of {recipe.steps}")
    # One log a process: an interrupted run leaves several, which the curves join.
    logger = CSVLogger(out, name="log", version=f"from_step_{step:07d}")
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=1,
        max_steps=recipe.steps,
        gradient_clip_val=recipe.clip_norm,
        logger=logger,
        log_every_n_steps=20,
        enable_model_summary=False,
        enable_progress_bar=False,
        callbacks=[
            ModelCheckpoint(
                out,
                filename="last",
                every_n_train_steps=200,
                save_on_exception=True,
                enable_version_counter=False,
            ),
            StepProgress(recipe.steps, step, out),
        ],
    )
    module = TrackerModule(network, recipe, fresh)
    if step < recipe.steps:
        try:
            trainer.fit(module, loader, ckpt_path=str(last) if step else None, weights_only=True if step else None)
        except SystemExit:  # how Lightning ends after Ctrl-C, once the checkpoint is written
            raise KeyboardInterrupt from None
        trainer.save_checkpoint(last)
    else:
        module.load_state_dict(torch.load(last, map_location="cpu", weights_only=True)["state_dict"])
    averaged = module.averaged.module
    if start_from is not None:
        blend(averaged, begun, recipe.keep_start)
    weights = out / f"{recipe.model}.safetensors"
    metadata = {"model": recipe.model, "recipe": resolved, "start": start_from.name if start_from else "random"}
    if kinds := MODELS[recipe.model].shortcuts:
        metadata["shortcuts"] = recipe.shortcuts or kinds[0]
    save_weights(averaged, weights, metadata)
    return weights


def blend(network: nn.Module, start: dict[str, Tensor], keep: float) -> None:
    """Move the weights that a start filled back towards it, in place: ``(1 - keep) trained + keep start``.

    Between the two, the network keeps the start's robustness on what the training data does not show, and most of
    what the training taught (WiSE-FT, Wortsman et al. 2022, section 3). Layers that began at random stay as trained.
    """
    own = network.state_dict()
    for name, tensor in start.items():
        if tensor.is_floating_point():
            own[name].lerp_(tensor, keep)  # the dictionary's tensors are the network's own


def _instances(path: Path, cache: Path, say: Say) -> list[Instance]:
    return instances_of_stills(path) if path.suffix == ".csv" else instances_of_sequences(path, cache, say)


def _step_of(checkpoint: Path) -> int:
    if not checkpoint.is_file():
        return 0
    return int(torch.load(checkpoint, map_location="cpu", weights_only=True)["global_step"])
