"""The Lightning module: loss, optimiser, schedule and the running mean of the weights."""

from __future__ import annotations

import math
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from siam_tracker_ros.networks.response import Response, point_grid
from siam_tracker_ros.training.losses import balanced_cross_entropy, centerness_loss, iou_loss
from siam_tracker_ros.training.recipe import Recipe
from siam_tracker_ros.training.targets import box_distances, centerness, ellipse_labels, inside_labels


class BrokenBatch(RuntimeError):
    """The loss is not finite; the message names the step and the pairs."""


class TrackerModule(lightning.LightningModule):
    """Trains any network of the zoo on pairs.

    Args:
        network: a network with ``template``, ``kernels``, ``search``.
        recipe: the run's numbers.
        fresh: names of the parameters that begin at random; all others were filled by the start.
    """

    points: Tensor

    def __init__(self, network: nn.Module, recipe: Recipe, fresh: frozenset[str]) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.recipe, self.fresh = recipe, fresh
        self.averaged = torch.optim.swa_utils.AveragedModel(
            network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(recipe.ema), use_buffers=True
        )
        self.register_buffer("points", point_grid(network.geometry), persistent=False)  # type: ignore[arg-type]

    def train(self, mode: bool = True) -> TrackerModule:
        """As usual, but batch normalisation that the start filled keeps its statistics: batches are small here."""
        super().train(mode)
        for name, module in self.network.named_modules():
            if isinstance(module, nn.BatchNorm2d) and f"{name}.weight" not in self.fresh:
                module.eval()
        return self

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        """One batch of pairs to the loss (AFSN equation 12), for the fused output and for each level."""
        template, search = (batch[k].permute(0, 3, 1, 2).float() for k in ("template", "search"))
        net: Any = self.network
        response: Response = net.search(net.kernels(net.template(template)), search)
        boxes, positive = batch["box"], batch["positive"][:, 0] > 0
        distances = box_distances(self.points, boxes)
        inside = (distances.amin(1) > 0) & positive[:, None, None]
        labels = ellipse_labels(self.points, boxes) if self.recipe.labels == "ellipse" else inside_labels(distances)
        # Without the target every point is background, also where the look-alike's own box would be positive.
        labels = torch.where(positive[:, None, None], labels, torch.zeros_like(labels))
        weights, counted = self.recipe.loss, labels == 1
        terms = {
            "score": balanced_cross_entropy(response.scores, labels, weights.hardest),
            "box": iou_loss(response.distances, distances, counted),
        }
        loss = terms["score"] + weights.regression * terms["box"]
        if response.centerness is not None:
            terms["centerness"] = centerness_loss(response.centerness, centerness(distances), inside)
            loss = loss + weights.centerness * terms["centerness"]
        for score, distance in zip(response.levels[:-1], response.level_distances[:-1], strict=True):
            level = balanced_cross_entropy(score, labels, weights.hardest)
            level = level + weights.regression * iou_loss(distance, distances, counted)
            loss = loss + weights.levels * level
        if not torch.isfinite(loss):
            raise BrokenBatch(f"the loss is {float(loss)} at step {self.global_step}, batch {batch_index}: stopped")
        self.log_dict({"loss": loss.detach(), **{k: v.detach() for k, v in terms.items()}}, prog_bar=True)
        return loss

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """A step, then the running mean takes the new weights."""
        super().optimizer_step(*args, **kwargs)
        self.averaged.update_parameters(self.network)

    def configure_optimizers(self) -> Any:
        """AdamW with three rates, linear warm-up and cosine decay to a hundredth."""
        r = self.recipe
        groups: dict[float, list[nn.Parameter]] = {}
        for name, parameter in self.network.named_parameters():
            fusion = name.startswith("fusion.")
            rate = r.fresh_rate if name in self.fresh or fusion else r.started_rate
            if name.startswith("backbone."):
                rate = r.backbone_rate
            groups.setdefault(rate, []).append(parameter)
        optimizer = torch.optim.AdamW(
            [{"params": p, "lr": rate} for rate, p in groups.items()], weight_decay=r.weight_decay
        )

        def factor(step: int) -> float:
            if step < r.warmup_steps:
                return (step + 1) / r.warmup_steps
            done = (step - r.warmup_steps) / max(r.steps - r.warmup_steps, 1)
            return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
