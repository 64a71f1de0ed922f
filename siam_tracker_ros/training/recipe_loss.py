"""What a recipe says of labels and losses: which points are positive, which terms the loss has and what they weigh."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelRecipe(_Part):
    """Which points of the response map are positive, negative or ignored, and which regress the box.

    Lengths in patch pixels. The defaults are AFSN's, SAE's and HNE's.
    """

    kind: Literal["box", "ellipse", "disc"] = Field(
        default="box",
        description="positive inside the box (AFSN, SAE, HNE), inside the ellipse of half its axes (SiamBAN equation "
        "4), or within a radius of its centre (Ocean equation 7)",
    )
    radius: float = Field(default=16.0, gt=0, description="of the disc, R of Ocean's equation 7")
    most_positive: int = Field(default=0, ge=0, description="positive points drawn a pair at most; 0: all of them")
    most_negative: int = Field(default=0, ge=0, description="negative points drawn a pair at most; 0: all of them")
    regression: Literal["positive", "box"] = Field(
        default="box", description="points that regress the box: the positive ones that were drawn, or all in the box"
    )


class EmphasisRecipe(_Part):
    """How HNE finds the regions that its contrastive loss compares (section 3.3); overlaps are IoU, 0..1."""

    nms: float = Field(default=0.7, gt=0, le=1, description="of two boxes that overlap more, the lower score goes")
    positive: float = Field(default=0.8, ge=0, le=1, description="a box that overlaps the truth more is positive")
    negative: float = Field(default=0.3, ge=0, le=1, description="a box that overlaps it less is a hard negative")
    regions: int = Field(
        default=11, ge=3, description="regions a pair: the truth, half of the rest positive, half hard negative"
    )
    margin: float = Field(default=2.0, gt=0, description="distance that a hard negative's vector should keep (m)")


class LossRecipe(_Part):
    """The loss's terms and their weights. A weight of what a network does not have is not used."""

    classification: Literal["cross_entropy", "focal"] = Field(
        default="cross_entropy",
        description="of the two score channels; their cross-entropy is the binary cross-entropy of their difference",
    )
    focal_alpha: float = Field(default=0.25, ge=0, le=1, description="focal loss: weight of a positive point")
    focal_gamma: float = Field(default=2.0, ge=0, description="focal loss: how little a point counts once right")
    hardest: int = Field(
        default=0, ge=0, description="cross-entropy: negatives counted a pair, the hardest ones; 0: all of them"
    )
    iou: Literal["linear", "log"] = Field(
        default="linear", description="the box's term: 1 - IoU (AFSN, SAE, SiamBAN) or -ln IoU (Ocean, HNE)"
    )
    centerness_points: Literal["inside", "everywhere"] = Field(
        default="inside", description="where centre-ness is trained: in the box, or also outside of it, towards 0"
    )
    score: float = Field(default=1.0, ge=0, description="weight of the classification")
    regression: float = Field(default=1.0, ge=0, description="weight of the box's term")
    centerness: float = Field(default=1.0, ge=0, description="weight of the centre-ness")
    object_aware: float = Field(default=1.0, ge=0, description="weight of Ocean's object-aware classification")
    contrastive: float = Field(default=0.1, ge=0, description="weight of HNE's contrastive loss")
    levels: float = Field(
        default=0.0, ge=0, description="weight of each but the deepest level's own score and box beside the fused ones"
    )
    emphasis: EmphasisRecipe = EmphasisRecipe()
