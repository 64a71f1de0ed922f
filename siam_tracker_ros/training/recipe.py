"""A training recipe: every number of a run, validated, read from YAML and written beside the weights."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from siam_tracker_ros.training.recipe_loss import LabelRecipe, LossRecipe
from siam_tracker_ros.training.recipe_pairs import AugmentRecipe, PairRecipe
from siam_tracker_ros.training.recipe_schedule import ScheduleRecipe


class RecipeError(ValueError):
    """A recipe that cannot be used; the message names each wrong entry."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceRecipe(_Part):
    """One data set below the data folder."""

    path: str = Field(description="the data set's folder or file, relative to the data folder")
    layout: str = Field(description="how it is laid out: see docs/training.md")
    weight: float = Field(default=1.0, gt=0, description="share of the pairs, relative to the other sources")
    split: str = Field(default="train", description="the part of the data set to use, where its layout has parts")
    least_side: float = Field(default=8.0, ge=1, description="smallest width and height of a box, pixels of the image")
    leave_out: tuple[str, ...] = Field(default=(), description="names of videos or pictures that are not trained on")


class ValidationRecipe(_Part):
    """Sequences that the tracker runs on during training, with the running mean of the weights."""

    path: str = Field(default="", description="folder of sequences, relative to the data folder; empty: none")
    layout: str = Field(default="auto", description="how it is laid out, as for siam-track eval")
    sequences: tuple[str, ...] = Field(default=(), description="names of those to use; empty: all")
    frames: int = Field(default=0, ge=0, description="only so many first frames of each; 0: all")
    every_epochs: float = Field(default=1.0, gt=0, description="how often")


class Recipe(_Part):
    """A whole run."""

    model: str = Field(description="a model of the zoo")
    shortcuts: str | None = Field(
        default=None,
        description="shortcuts of the backbone where the model has two kinds: 1x1, for ImageNet weights, or 3x3",
    )
    seed: int = Field(default=0, ge=0, description="of all random choices")
    sources: tuple[SourceRecipe, ...] = Field(min_length=1)
    pairs: PairRecipe = PairRecipe()
    augment: AugmentRecipe = AugmentRecipe()
    labels: LabelRecipe = LabelRecipe()
    loss: LossRecipe = LossRecipe()
    schedule: ScheduleRecipe
    validation: ValidationRecipe = ValidationRecipe()


def read_recipe(path: Path, precision: str | None = None) -> Recipe:
    """A recipe from YAML.

    Args:
        precision: instead of the recipe's own (``schedule.precision``).

    Raises:
        RecipeError: no such file, not YAML, or an entry that is unknown, missing, of the wrong type or out of range.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if precision is not None and isinstance(content, dict) and isinstance(content.get("schedule"), dict):
            content["schedule"]["precision"] = precision
        return Recipe.model_validate(content)
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: not YAML ({error})") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise RecipeError(f"{path}: {faults}") from error
