"""A training recipe: every number of a run, validated, read from YAML and written beside the weights."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class RecipeError(ValueError):
    """A recipe that cannot be used; the message names each wrong entry."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceRecipe(_Part):
    """One source of pairs below the data folder: a csv of stills, or a folder of sequences."""

    path: str = Field(description="csv of stills or folder of sequences, relative to the data folder")
    weight: float = Field(gt=0, description="share of the pairs, relative to the other sources")


class AugmentRecipe(_Part):
    """How a pair is varied; lengths in patch pixels, shares 0..1."""

    template_shift: float = Field(default=4.0, ge=0, le=64, description="largest shift of the template, pixels")
    template_scale: float = Field(default=0.05, ge=0, le=0.5, description="largest change of the template's scale")
    search_shift: float = Field(default=64.0, ge=0, le=100, description="largest shift of the search patch, pixels")
    search_scale: float = Field(default=0.18, ge=0, le=0.5, description="largest change of the search patch's scale")
    flip: float = Field(default=0.5, ge=0, le=1, description="share of pairs mirrored")
    grey: float = Field(default=0.1, ge=0, le=1, description="share of pairs without colour")
    colour: float = Field(
        default=0.25, ge=0, le=1, description="largest change of brightness, contrast and each channel"
    )
    blur: float = Field(default=0.2, ge=0, le=1, description="share of search patches with motion blur")
    occlude: float = Field(
        default=0.1, ge=0, le=1, description="share of search patches whose target is covered in part"
    )
    negative: float = Field(
        default=0.15, ge=0, le=1, description="share of pairs without the target in the search patch"
    )
    distractor: float = Field(
        default=0.3, ge=0, le=1, description="share of search patches with a look-alike pasted in"
    )


class LossRecipe(_Part):
    """Weights of the loss's terms (AFSN equation 12)."""

    centerness: float = Field(default=1.0, ge=0, description="lambda 1")
    regression: float = Field(default=1.0, ge=0, description="lambda 2")
    hardest: int = Field(default=0, ge=0, description="negatives counted per sample, the hardest ones; 0: all")
    levels: float = Field(
        default=0.3, ge=0, description="weight of each level's own loss beside that of the fused output"
    )


class Recipe(_Part):
    """A whole run."""

    model: str
    shortcuts: str | None = Field(
        default=None,
        description="shortcuts of the backbone where the model has two kinds: 1x1, for ImageNet weights, or 3x3",
    )
    seed: int = 0
    sources: tuple[SourceRecipe, ...] = Field(min_length=1)
    steps: int = Field(gt=0, description="optimiser steps")
    batch_size: int = Field(gt=0)
    backbone_rate: float = Field(ge=0, description="learning rate of the backbone")
    started_rate: float = Field(ge=0, description="learning rate of the other layers that the start filled")
    fresh_rate: float = Field(ge=0, description="learning rate of layers that begin at random")
    warmup_steps: int = Field(default=200, ge=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    clip_norm: float = Field(default=5.0, gt=0, description="gradients are scaled to this norm at most")
    ema: float = Field(
        default=0.999, ge=0, lt=1, description="decay of the running mean of the weights, which is what ships"
    )
    keep_start: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of the start in the weights that ship: (1 - k) trained + k start, tensor by tensor",
    )
    labels: str = Field(default="ellipse", pattern="^(box|ellipse)$", description="which points are positive")
    augment: AugmentRecipe = AugmentRecipe()
    loss: LossRecipe = LossRecipe()


def read_recipe(path: Path) -> Recipe:
    """A recipe from YAML.

    Raises:
        RecipeError: no such file, not YAML, or an entry that is unknown, missing, of the wrong type or out of range.
    """
    try:
        return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: not YAML ({error})") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise RecipeError(f"{path}: {faults}") from error
