"""What a recipe says of the optimiser: how long, at which rate, and which layers when."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ScheduleRecipe(BaseModel):
    """Length of a run, optimiser, learning rates, and what is frozen at first.

    An epoch is a number of pairs, as in the papers: there is no data set to go through once. Its steps are
    ``pairs_per_epoch // batch``. Times in epochs may be fractions.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(gt=0, description="length of the run, epochs")
    pairs_per_epoch: int = Field(gt=0, description="pairs of one epoch")
    batch: int = Field(gt=0, description="pairs of one optimiser step, over all processes together")

    optimizer: Literal["sgd", "adamw"] = Field(default="sgd", description="sgd: with momentum")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of sgd")
    weight_decay: float = Field(default=1e-4, ge=0)
    clip: float = Field(default=0.0, ge=0, description="gradients are scaled to this norm at most; 0: never")

    rate: float = Field(gt=0, description="learning rate after the warm-up, of layers that begin at random")
    final_rate: float = Field(ge=0, description="learning rate at the end")
    decay: Literal["exponential", "cosine", "constant"] = Field(
        default="exponential", description="how the rate goes from the one to the other after the warm-up"
    )
    warmup_epochs: float = Field(default=0.0, ge=0)
    warmup_from: float = Field(default=0.0, ge=0, description="learning rate at the start")
    warmup_to: float | None = Field(default=None, ge=0, description="learning rate that the warm-up nears; as rate")
    warmup: Literal["linear", "exponential"] = Field(default="linear", description="how it goes there")
    change: Literal["step", "epoch"] = Field(default="step", description="whether the rate changes within an epoch")

    started_factor: float = Field(
        default=1.0, ge=0, description="rate of the layers that the start filled, but the backbone, relative to rate"
    )
    backbone_factor: float = Field(default=0.1, ge=0, description="rate of the backbone, relative to rate")
    backbone_layers: tuple[str, ...] = Field(
        default=(), description="parts of the backbone that are trained, by their names in it; empty: all"
    )
    backbone_frozen_epochs: float = Field(default=0.0, ge=0, description="first the backbone is not trained at all")
    norms: Literal["kept", "trained"] = Field(
        default="kept",
        description="statistics of batch normalisation that the start filled: kept as they are, which suits small "
        "batches, or trained while their layer is",
    )

    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = Field(default="32-true", description="of the arithmetic")
    ema: float = Field(
        default=0.999, ge=0, lt=1, description="decay of the running mean of the weights, which is what ships"
    )
    keep_start: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of the start in the weights that ship: (1 - k) trained + k start, tensor by tensor",
    )

    @property
    def epoch_steps(self) -> int:
        """Optimiser steps of one epoch."""
        return self.pairs_per_epoch // self.batch

    @property
    def steps(self) -> int:
        """Optimiser steps of the run."""
        return self.epochs * self.epoch_steps

    @model_validator(mode="after")
    def _consistent(self) -> ScheduleRecipe:
        if self.pairs_per_epoch < self.batch:
            raise ValueError(f"pairs_per_epoch {self.pairs_per_epoch} is less than one batch of {self.batch}")
        if self.warmup_epochs >= self.epochs:
            raise ValueError(f"warmup_epochs {self.warmup_epochs:g} leaves nothing of {self.epochs} epochs")
        if self.warmup == "exponential" and self.warmup_epochs and not self.warmup_from:
            raise ValueError("an exponential warm-up cannot begin at 0; give warmup_from")
        if self.decay == "exponential" and not self.final_rate:
            raise ValueError("an exponential decay cannot end at 0; give final_rate")
        return self
