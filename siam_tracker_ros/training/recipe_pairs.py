"""A recipe's sections on pairs: which two views make one, and how its patches are varied.

What the papers say of it. HNE (section 4.1) alone gives numbers: the target in the search patch moved by up to 64
pixels, the two frames less than 100 apart in ImageNet VID, LaSOT and GOT-10k and less than 3 in YouTube-BB, and
"scaling and color change" without amounts. AFSN, SAE, SiamBAN and Ocean name their data sets only; SiamBAN adds
"videos or still images". The defaults below are this project's; where a published recipe in ``config/train`` fills a
silence from the authors' code, it says so beside the value.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PairRecipe(_Part):
    """Which two views make a pair; shares are 0..1."""

    frame_gap: int = Field(
        default=100, ge=0, description="largest distance of the two views of a video, frames in the video's own count"
    )
    frame_gaps: dict[str, int] = Field(
        default={}, description="the same for single layouts, by the layout's name, where it is another one"
    )
    far: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of a video's pairs whose views lie at least half the frame gap apart, if it has such views; "
        "the others lie anywhere within the gap",
    )
    negative: float = Field(
        default=0.15, ge=0, le=1, description="share of pairs without the template's object in the search patch"
    )
    hard_negative: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of the negative pairs that show an object of the same scene or category instead, where the "
        "source has one (DaSiamRPN, Zhu et al. 2018, section 3.2); the others show any object of any source",
    )
    look_alike: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of the other pairs whose search patch is moved so that a second object of the same picture "
        "and category lies in it, where the picture has one near enough",
    )
    distractor: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="share of the remaining search patches with another object pasted in, of the same category where "
        "the source has one",
    )

    def gap_of(self, layout: str) -> int:
        """The frame gap of a source with this layout."""
        return self.frame_gaps.get(layout, self.frame_gap)


class PatchRecipe(_Part):
    """How one of the two patches is varied; lengths in patch pixels, shares 0..1."""

    shift: float = Field(ge=0, le=100, description="largest distance of the target from the middle, each axis, pixels")
    scale: float = Field(ge=0, le=0.5, description="largest change of the scale, as its logarithm")
    colour: float = Field(
        default=0.25, ge=0, le=1, description="largest change of brightness and contrast, and half of it per channel"
    )
    blur: float = Field(default=0.0, ge=0, le=1, description="share with motion blur")
    defocus: float = Field(default=0.0, ge=0, le=1, description="share blurred alike in all directions")
    cut_out: float = Field(
        default=0.0, ge=0, le=1, description="share with a square of one colour on a part of the target"
    )
    occlude: float = Field(
        default=0.0, ge=0, le=1, description="share with a side of the target covered by other ground of the patch"
    )


class AugmentRecipe(_Part):
    """How a pair is varied: each patch by itself, and both together."""

    template: PatchRecipe = PatchRecipe(shift=4, scale=0.05)
    search: PatchRecipe = PatchRecipe(shift=64, scale=0.18, blur=0.2, occlude=0.1)
    flip: float = Field(default=0.5, ge=0, le=1, description="share of pairs mirrored, both patches")
    grey: float = Field(default=0.1, ge=0, le=1, description="share of pairs without colour, both patches")
