"""What can be asked of a recipe before it is run: is it sound, what do its pairs look like, where would time go."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import cast

from siam_tracker_ros.networks.response import Geometry
from siam_tracker_ros.training.hardware import Hardware
from siam_tracker_ros.training.module import TrackerModule
from siam_tracker_ros.training.profiling import Profile, profile
from siam_tracker_ros.training.recipe import Recipe
from siam_tracker_ros.training.show_batch import show_batch
from siam_tracker_ros.training.sources import Say, make_pairs, read_sources
from siam_tracker_ros.training.start import build_network, fill
from siam_tracker_ros.training.validation import validation_sequences


def check(recipe: Recipe, data: Path, out: Path, start_from: Path | None, say: Say) -> None:
    """Read all data sets, build the network and fill it, make one pair; says what is found.

    Raises:
        RecipeError, DatasetError, CheckpointError, WeightsError: what ``train`` would raise at its start.
    """
    network = build_network(recipe)
    TrackerModule(network, recipe, fill(network, start_from, say)).configure_optimizers()
    sequences = validation_sequences(recipe.validation, data)
    make_pairs(recipe, read_sources(recipe, data, out / "cache", say), network).pair(0)
    schedule = recipe.schedule
    say(f"validation: {', '.join(sequence.name for sequence in sequences) or 'none'}")
    say(f"{schedule.steps} steps of {schedule.batch} pairs")


def show(recipe: Recipe, data: Path, out: Path, picture: Path, say: Say) -> None:
    """Draw the first 16 pairs of a run with their labels. Raises as :func:`check`."""
    network = build_network(recipe)
    pairs = make_pairs(recipe, read_sources(recipe, data, out / "cache", say), network)
    show_batch(pairs, cast(Geometry, network.geometry), recipe.labels, picture)


def measure(recipe: Recipe, data: Path, out: Path, start_from: Path | None, hardware: Hardware, say: Say) -> Profile:
    """Time some steps of a run, of which nothing is kept; writes ``profile.png``. Raises as :func:`check`."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    network = build_network(recipe)
    module = TrackerModule(network, recipe, fill(network, start_from, say))
    pairs = make_pairs(recipe, read_sources(recipe, data, out / "cache", say), network)
    found = profile(module, recipe, pairs, hardware, out)
    found.plot(out / "profile.png")
    return found
