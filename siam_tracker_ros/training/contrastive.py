"""Hard negative samples emphasis (HNE section 3.3): the boxes that the network would choose, right and wrong ones,
become vectors that are held near to the target's or away from it.

For each pair the predicted boxes are sorted by score and thinned by non-maximum suppression. Of what is left the
foremost that overlap the truth are positive, the foremost that do not are hard negatives. With the truth itself they
are 11 regions (table 5): k positive ones, k hard negatives and the truth. The exemplar's vector is that of the
template's box; each region's vector, positive or negative, is compared with it.

What the paper does not say: what happens where there are fewer than k. Positives are then filled up with randomly
shifted truths (it "adopts a random shift operation of the ground-truth", without amounts: here as far as such a box
stays positive); hard negatives stay fewer. A pair without the target has hard negatives only. The vectors are not
normalised: the paper names a plain Euclidean distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import box_iou, nms

from siam_tracker_ros.training.recipe_loss import EmphasisRecipe
from siam_tracker_ros.training.targets import uniform


@dataclass(frozen=True)
class Regions:
    """Regions of a batch of search patches.

    Attributes:
        boxes: the pair's place in the batch, x0, y0, x1, y1 in patch pixels, [K, 5].
        same: whether a region shows the template's object, bool [K].
    """

    boxes: Tensor
    same: Tensor

    @property
    def pairs(self) -> Tensor:
        """The pair of each region, its place in the batch, int64 [K]."""
        return self.boxes[:, 0].long()


@torch.no_grad()
def find_regions(
    recipe: EmphasisRecipe, boxes: Tensor, scores: Tensor, truth: Tensor, shown: Tensor, index: Tensor
) -> Regions:
    """The regions that the loss compares; a pair that shows the target has one at least, its truth.

    Args:
        boxes: predicted, x0, y0, x1, y1 in patch pixels, [B, N, 4].
        scores: anything that sorts them, [B, N].
        truth: x0, y0, x1, y1 in patch pixels, [B, 4].
        shown: whether the search patch shows the target, bool [B].
        index: the pairs' numbers, which the random shifts come from, [B].
    """
    half = (recipe.regions - 1) // 2
    found, same = [], []
    for pair, (box, score) in enumerate(zip(boxes, scores, strict=True)):
        box = box[nms(box, score, recipe.nms)]  # by falling score
        overlap = box_iou(box, truth[pair : pair + 1])[:, 0] if shown[pair] else torch.zeros_like(box[:, 0])
        chosen = [box[overlap < recipe.negative][:half]]
        if shown[pair]:
            positive = box[overlap > recipe.positive][:half]
            shifted = shifted_boxes(truth[pair], recipe.positive, index[pair : pair + 1], half - len(positive))
            chosen += [positive, shifted, truth[pair : pair + 1]]
        joined = torch.cat(chosen)
        found.append(torch.cat((joined.new_full((len(joined), 1), pair), joined), dim=1))
        same.append(torch.arange(len(joined), device=joined.device) >= len(chosen[0]))
    return Regions(torch.cat(found), torch.cat(same))


def shifted_boxes(box: Tensor, overlap: float, index: Tensor, count: int) -> Tensor:
    """The box moved at random, across and down, so that it still overlaps itself by more than ``overlap``.

    Moved by shares s of its sides, two boxes of one size have ``IoU = (1 - s)^2 / (2 - (1 - s)^2)`` at least.

    Args:
        box: x0, y0, x1, y1, [4].
        index: the pair's number, which the shifts come from, [1].

    Returns:
        [count, 4].
    """
    most = 1 - (2 * overlap / (1 + overlap)) ** 0.5
    shares = (2 * uniform(index, 2 * count).to(box.device).view(count, 2) - 1) * most
    return box + (shares * (box[2:] - box[:2])).repeat(1, 2)


def distances_to_exemplars(exemplars: Tensor, vectors: Tensor, pairs: Tensor) -> Tensor:
    """Each region's Euclidean distance to its own pair's exemplar: [B, D], [K, D], [K] to [K]."""
    return torch.linalg.vector_norm(vectors - exemplars[pairs], dim=1)
