"""From a network and a batch of pairs to the loss, for every network of the zoo."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from siam_tracker_ros.networks.branches import central
from siam_tracker_ros.networks.response import Geometry, Response, SiameseNetwork, point_grid
from siam_tracker_ros.networks.siam_hne import SiamHNE
from siam_tracker_ros.training.contrastive import distances_to_exemplars, find_regions
from siam_tracker_ros.training.losses import (
    balanced_cross_entropy,
    centerness_loss,
    contrastive_loss,
    focal_loss,
    iou_loss,
    object_aware_loss,
)
from siam_tracker_ros.training.recipe_loss import LabelRecipe, LossRecipe
from siam_tracker_ros.training.targets import box_distances, centerness, draw_points, labels_of, object_aware_labels

Batch = dict[str, Tensor]

# Parameters that no term of the loss reaches, by the beginning of their names. Ocean's online stage gets "its initial
# parameters" from another training (section 4.2, by the strategy of DiMP); here it stays as the run starts it.
UNTRAINED = ("online_stage.",)


@dataclass(frozen=True)
class Criterion:
    """The losses of one recipe: ``criterion(network, batch)``.

    The terms, unweighted, and their weights in :class:`LossRecipe`:
    ``score`` classification, ``box`` regression, ``centerness``, ``object`` Ocean's object-aware classification,
    ``contrastive`` HNE's, ``levels`` the score and box terms of the levels below the deepest. A network without
    an output has no such term. Each term reaches the same parameters whatever the batch holds.
    """

    labels: LabelRecipe
    loss: LossRecipe

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Run the network on a batch of pairs.

        Args:
            network: in training mode, on the batch's device.
            batch: as the pairs' data set makes it: ``template`` uint8 [B, T, T, 3] and ``search`` uint8 [B, S, S, 3]
                (BGR; S as ``Geometry.at`` allows), ``box`` and ``template_box`` [B, 4] (x0, y0, x1, y1, pixels of the
                search patch and of the template patch), ``positive`` [B, 1] (1: the search patch shows the template's
                object), ``index`` int64 [B] (the pairs' numbers).

        Returns:
            ``loss``, the weighted sum to minimise, and each term by its name; all float32 scalars.
        """
        net = cast(SiameseNetwork, network)
        template, search = _patches(batch)
        return self.total(self.terms(network, net.search(net.kernels(net.template(template)), search), batch))

    def terms(self, network: nn.Module, response: Response, batch: Batch) -> dict[str, Tensor]:
        """The terms on the response map, unweighted."""
        with torch.autocast(batch["box"].device.type, enabled=False):
            return self._terms(_points(network, batch), _full_precision(response), batch)

    def _terms(self, points: Tensor, response: Response, batch: Batch) -> dict[str, Tensor]:
        boxes, shown = batch["box"], batch["positive"][:, 0] > 0
        distances = box_distances(points, boxes)
        inside = (distances.amin(1) > 0) & shown[:, None, None]
        # Without the target every point is background, also where the look-alike's own box would be positive.
        labels = torch.where(shown[:, None, None], labels_of(self.labels, points, boxes), 0)
        labels = draw_points(labels, self.labels.most_positive, self.labels.most_negative, batch["index"])
        regressed = labels == 1 if self.labels.regression == "positive" else inside

        def box_term(predicted: Tensor) -> Tensor:
            return iou_loss(predicted, distances, regressed, self.loss.iou)

        # Ocean trains its two scores each on its own labels, not the mixture that the tracker looks at.
        scores = response.scores if response.object_aware is None else response.levels[0]
        terms = {"score": self._score_term(scores, labels), "box": box_term(response.distances)}
        if response.centerness is not None:
            outside = shown[:, None, None] & ~inside if self.loss.centerness_points == "everywhere" else None
            terms["centerness"] = centerness_loss(response.centerness, centerness(distances), inside, outside)
        if response.object_aware is not None:
            target = object_aware_labels(response.distances, distances, shown)
            terms["object"] = object_aware_loss(response.object_aware, target)
        elif self.loss.levels and len(response.levels) > 1:
            terms["levels"] = sum(
                (
                    self.loss.score * self._score_term(score, labels) + self.loss.regression * box_term(distance)
                    for score, distance in zip(response.levels[:-1], response.level_distances[:-1], strict=True)
                ),
                start=torch.zeros_like(terms["score"]),
            )
        return terms

    def _score_term(self, scores: Tensor, labels: Tensor) -> Tensor:
        if self.loss.classification == "focal":
            return focal_loss(scores, labels, self.loss.focal_alpha, self.loss.focal_gamma)
        return balanced_cross_entropy(scores, labels, self.loss.hardest)

    def total(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """The terms, and ``loss``, their weighted sum."""
        loss = self.loss
        weights = {
            "score": loss.score,
            "box": loss.regression,
            "centerness": loss.centerness,
            "object": loss.object_aware,
            "contrastive": loss.contrastive,
            "levels": loss.levels,
        }
        return {"loss": torch.stack([weights[name] * term for name, term in terms.items()]).sum(), **terms}


class EmphasisCriterion(Criterion):
    """As :class:`Criterion`, with HNE's contrastive loss on the features that the response was made of."""

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """As :meth:`Criterion.__call__`."""
        net = cast(SiamHNE, network)
        template, search = _patches(batch)
        exemplar, instance = net.features(template), net.features(search)
        kernels = net.kernels(tuple(central(level) for level in exemplar))
        response = net.localize(kernels, instance)
        terms = self.terms(network, response, batch)
        points, scores = _points(network, batch), response.scores.float()
        # A box far outside would say nothing more; one that overflowed would be no box.
        side = search.shape[-1]
        corners = torch.cat((points - response.distances[:, :2], points + response.distances[:, 2:]), dim=1)
        regions = find_regions(
            self.loss.emphasis,
            corners.float().clamp(-side, 2 * side).flatten(2).transpose(1, 2),
            (scores[:, 1] - scores[:, 0]).flatten(1),
            batch["box"],
            batch["positive"][:, 0] > 0,
            batch["index"],
        )
        place = torch.arange(len(search), device=search.device, dtype=torch.float32)[:, None]
        exemplars = net.embed(exemplar, torch.cat((place, batch["template_box"]), dim=1), template.shape[-1])
        vectors = net.embed(instance, regions.boxes, side)
        distances = distances_to_exemplars(exemplars.float(), vectors.float(), regions.pairs)
        terms["contrastive"] = contrastive_loss(distances, regions.same, self.loss.emphasis.margin)
        return self.total(terms)


def make_criterion(labels: LabelRecipe, loss: LossRecipe, network: nn.Module) -> Criterion:
    """The criterion of a recipe for one network of the zoo."""
    return (EmphasisCriterion if isinstance(network, SiamHNE) else Criterion)(labels, loss)


def _patches(batch: Batch) -> tuple[Tensor, Tensor]:
    """Template and search patches [B, 3, S, S], 0..255."""
    template, search = (batch[name].permute(0, 3, 1, 2).float() for name in ("template", "search"))
    return template, search


def _points(network: nn.Module, batch: Batch) -> Tensor:
    return point_grid(cast(Geometry, network.geometry).at(batch["search"].shape[1]), batch["box"].device)


def _full_precision(response: Response) -> Response:
    """The response as float32: half precision has too few digits for areas of boxes."""
    full: dict[str, Any] = {}
    for field in dataclasses.fields(response):
        value = getattr(response, field.name)
        full[field.name] = (
            tuple(v.float() for v in value) if isinstance(value, tuple) else None if value is None else value.float()
        )
    return Response(**full)
