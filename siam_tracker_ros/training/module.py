"""The Lightning module: one step, the optimiser, what is frozen, and the running mean of the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import lightning
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from siam_tracker_ros.training.criterion import make_criterion
from siam_tracker_ros.training.groups import backbone_parameters, freeze_for_good, make_optimizer
from siam_tracker_ros.training.recipe import Recipe
from siam_tracker_ros.training.schedule import backbone_trains, rate_at


class BrokenBatch(RuntimeError):
    """The loss or its gradient is not finite; the message names the step and the pairs.

    Attributes:
        what: what is not finite, in words. step: the optimiser step. pairs: the numbers of the batch's pairs.
    """

    def __init__(self, what: str, step: int, pairs: list[int], picture: Path | None = None) -> None:
        drawn = f", drawn in {picture}" if picture else ""
        super().__init__(f"{what} at step {step}, with the pairs {_ranges(pairs)}{drawn}")
        self.what, self.step, self.pairs = what, step, pairs


class TrackerModule(lightning.LightningModule):
    """Trains any network of the zoo on pairs.

    Args:
        network: a network with ``template``, ``kernels``, ``search``.
        recipe: the run's numbers.
        fresh: names of the parameters that begin at random; all others were filled by the start.

    Raises:
        RecipeError: the recipe's schedule names layers that the network does not have.
    """

    def __init__(self, network: nn.Module, recipe: Recipe, fresh: frozenset[str]) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.recipe, self.fresh = recipe, fresh
        self.criterion = make_criterion(recipe.labels, recipe.loss, network)
        freeze_for_good(network, recipe.schedule)
        self._backbone = backbone_parameters(network, recipe.schedule)
        self.averaged = AveragedModel(
            network, multi_avg_fn=get_ema_multi_avg_fn(recipe.schedule.ema), use_buffers=True
        ).requires_grad_(False)

    def train(self, mode: bool = True) -> TrackerModule:
        """As usual, but batch normalisation keeps its statistics where its layer is not trained, or where the start
        filled them and the recipe keeps them (``schedule.norms``)."""
        super().train(mode)
        kept = self.recipe.schedule.norms == "kept"
        for name, module in self.network.named_modules():
            if isinstance(module, _BatchNorm):
                started = f"{name}.weight" not in self.fresh
                if not module.weight.requires_grad or (started and kept):
                    module.eval()
        return self

    def on_train_batch_start(self, batch: dict[str, Tensor], batch_index: int) -> None:
        """Freeze or unfreeze the backbone. Not before: what is frozen when several processes join is never shared."""
        trains = backbone_trains(self.recipe.schedule, self.global_step)
        if self._backbone and self._backbone[0].requires_grad != trains:
            for parameter in self._backbone:
                parameter.requires_grad_(trains)
            self.train()

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        """One batch of pairs to the loss. Raises BrokenBatch."""
        terms = self.criterion(self.network, batch)
        self._check_losses(terms, batch["index"])
        self.log_dict({name: term.detach() for name, term in terms.items()}, prog_bar=True)
        self.log("rate", rate_at(self.recipe.schedule, self.global_step))
        return terms["loss"]

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Look at the gradient before it is cut short and spoils the weights. Raises BrokenBatch."""
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        norm = torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]).norm()
        # In 16-mixed a gradient that is not finite is daily business: the scaler leaves the step out.
        if self.recipe.schedule.precision != "16-mixed" and not torch.isfinite(norm):
            step, size = self.global_step, self.recipe.schedule.batch
            what = f"the loss is finite, but its gradient has the norm {float(norm)}"
            raise BrokenBatch(what, step, list(range(step * size, (step + 1) * size)))
        self.log("gradient", norm)

    def _check_losses(self, terms: dict[str, Tensor], numbers: Tensor) -> None:
        """Raise BrokenBatch in all processes if the loss is not finite in any of them."""
        loss = terms["loss"].detach()[None]
        losses = cast(Tensor, self.all_gather(loss)).flatten() if self._world > 1 else loss
        if torch.isfinite(losses).all():
            return
        rank = int((~torch.isfinite(losses)).nonzero()[0])
        pairs = [number + (rank - self.global_rank) * len(numbers) for number in numbers.tolist()]  # loader.StepBatches
        values = ", ".join(f"{name} {float(term.detach()):.4g}" for name, term in terms.items() if name != "loss")
        here = f" ({values})" if rank == self.global_rank else f" in process {rank}"
        raise BrokenBatch(f"the loss is {float(losses[rank])}{here}", self.global_step, pairs)

    @property
    def _world(self) -> int:
        return self._trainer.world_size if self._trainer is not None else 1

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """A step, then the running mean takes the new weights."""
        super().optimizer_step(*args, **kwargs)
        self.averaged.update_parameters(self.network)

    def configure_optimizers(self) -> Any:
        """The recipe's optimiser and rates."""
        schedule = self.recipe.schedule
        optimizer = make_optimizer(self.network, schedule, self.fresh)
        rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(schedule, step) / schedule.rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rates, "interval": "step"}}


def _ranges(numbers: list[int]) -> str:
    """3, 4, 5 as 3-5."""
    first, last = numbers[0], numbers[-1]
    if numbers == list(range(first, last + 1)) and len(numbers) > 1:
        return f"{first}-{last}"
    return ", ".join(map(str, numbers))
