"""What the papers of the zoo's models report on a benchmark, as rows to stand beside measured ones. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from siam_tracker_ros.networks.published import PUBLISHED, PublishedResult

__all__ = ["PAPERS", "PublishedRow", "benchmark_name", "published_rows", "published_sentence", "published_speeds"]

PAPERS = {
    "afsn_r50": "Anchor-Free Siamese Network Based on Multi-Template Updates for Object Tracking",
    "siam_sae_r50": "Siamese anchor-free object tracking with multiscale spatial attentions",
    "siamban_r50": "Siamese Box Adaptive Network for Visual Tracking",
    "ocean_r50": "Ocean: Object-aware Anchor-free Tracking",
    "ocean_online_r50": "Ocean: Object-aware Anchor-free Tracking",
    "siam_hne_r50": "Hard Negative Samples Emphasis Tracker without Anchors",
}
"""Model -> title. The zoo has them too, but with the networks, and so with torch."""

_BENCHMARKS = {
    "otb100": "OTB100",
    "uav123": "UAV123",
    "uav20l": "UAV20L",
    "lasot": "LaSOT",
    "nfs": "NFS",
    "got10k": "GOT-10k",
    "dtb70": "DTB70",
    "uavdt": "UAVDT",
}
_SPEED = "speed"
# What has to be known before a measured figure is set beside a published one.
_CAVEATS = {
    "got10k": "They are of the test set, which only GOT-10k's server can score.",
    "vot": "Their R is the rate of failures, less is better; no paper says of how many frames, and by its size it is "
    "of 100, as PySOT's tool kit has it.",
}


@dataclass(frozen=True)
class PublishedRow:
    """What one paper reports of one model on one benchmark.

    paper: its title. results: metric (`PublishedResult.metric`) -> figure, in the order of the paper.
    """

    model: str
    paper: str
    results: dict[str, PublishedResult]

    @property
    def source(self) -> str:
        """The paper and the places in it: ``Ocean: ... Tracking, table 1 (real-time experiment)``."""
        places = {f"{r.where} ({r.note})" if r.note else r.where: None for r in self.results.values()}
        return ", ".join([self.paper, *places])

    def cells(self, metrics: Sequence[str], missing: str = "-") -> list[str]:
        """The figures as text, `missing` where the paper gives none; three decimals, as all papers but for speed."""
        return [f"{self.results[name].value:.3f}" if name in self.results else missing for name in metrics]


def benchmark_name(layout: str, year: int | None = None) -> str:
    """What papers call the benchmark of a layout (`datasets.layouts`); empty for a folder of one's own.

    year: of VOT, whose years are benchmarks of their own. Without one, and in years that no paper of the zoo
    uses, there is nothing to compare with either.
    """
    if layout == "vot":
        return f"VOT{year}" if year is not None else "VOT"
    return _BENCHMARKS.get(layout, "")


def published_rows(layout: str, year: int | None = None, first: Sequence[str] = ()) -> list[PublishedRow]:
    """The rows of a benchmark, one a model; empty where no paper has one (`published_sentence` then says so).

    layout, year: as in `benchmark_name`. first: models to begin with, such as those that were measured; the
    others follow in the order of `PUBLISHED`.
    """
    return _rows(_published_as(layout, year), first)


def published_speeds(first: Sequence[str] = ()) -> list[PublishedRow]:
    """The speeds that papers report, one row for each (a paper may have several); the metric is ``fps``.

    Each is of the authors' own GPU, which `PublishedRow.source` names where the paper does.
    """
    return [
        PublishedRow(model, PAPERS[model], {result.metric: result})
        for model in _ordered(first)
        for result in PUBLISHED[model]
        if result.benchmark == _SPEED
    ]


def published_sentence(layout: str, year: int | None = None) -> str:
    """What to say above the rows, or instead of them where there are none."""
    name = benchmark_name(layout, year)
    if not name:
        return "These sequences are no published benchmark, so the papers have no figures to compare with."
    if name == "VOT":
        return "The year of VOT is not given, so the papers' figures, which are of one year each, are left out."
    if not published_rows(layout, year):
        return f"No paper of the models here gives figures on {name} in its text or tables."
    published_as = _published_as(layout, year)
    sentences = [
        f"Rows marked as published are what the papers report on {published_as}, with their authors' weights; "
        "they were not measured here."
    ]
    if published_as != name:
        sentences.append(f"{name} has the same sequences.")
    if caveat := _CAVEATS.get(layout):
        sentences.append(caveat)
    return " ".join(sentences)


def _published_as(layout: str, year: int | None) -> str:
    # VOT2018 took over the sequences and the length interval of VOT2017 (`vot.EAO_INTERVALS`).
    return benchmark_name(layout, 2018 if year == 2017 else year)


def _rows(benchmark: str, first: Sequence[str]) -> list[PublishedRow]:
    rows = []
    for model in _ordered(first):
        found = {result.metric: result for result in PUBLISHED[model] if result.benchmark == benchmark}
        if found:
            rows.append(PublishedRow(model, PAPERS[model], found))
    return rows


def _ordered(first: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*(model for model in first if model in PUBLISHED), *PUBLISHED]))
