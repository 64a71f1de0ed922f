"""What the papers say that their trackers reach, every figure with its place in the paper. Needs no torch.

These are the authors' figures for the authors' weights. None of them was measured with this package.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedResult:
    """One figure of a paper.

    Attributes:
        benchmark: the data set; ``speed`` for frames a second.
        metric: ``EAO`` (expected average overlap), ``A`` (accuracy), ``R`` (robustness: failures, less is better),
            ``AO`` (average overlap), ``SR0.5`` or ``OP0.5`` (share of frames over that overlap), ``AUC`` (area under
            the success curve, also where a paper calls it success), ``precision``, ``fps``.
        value: as printed.
        where: the table or section.
        note: what else the paper says of it.
    """

    benchmark: str
    metric: str
    value: float
    where: str
    note: str = ""


def _row(benchmark: str, where: str, note: str = "", **figures: float) -> tuple[PublishedResult, ...]:
    """Several figures of one place."""
    names = {"SR50": "SR0.5", "SR75": "SR0.75", "OP50": "OP0.5", "OP75": "OP0.75"}
    return tuple(PublishedResult(benchmark, names.get(k, k), value, where, note) for k, value in figures.items())


PUBLISHED: dict[str, tuple[PublishedResult, ...]] = {
    # The mobile network is this package's own.
    "afsn_mobile": (),
    # The figures on LaSOT are in a plot only.
    "afsn_r50": (
        *_row("GOT-10k", "table 1", AO=0.558, SR50=0.659, SR75=0.413),
        *_row("UAV123", "table 2", AUC=0.613, OP50=0.758, OP75=0.554),
        *_row("OTB100", "table 4", AUC=0.644, precision=0.857),
        *_row("speed", "table 1", "one Nvidia Titan 1080Ti, as section 4 calls it", fps=28.09),
        *_row("speed", "section 4.1", "the same, without dual fusion and template update", fps=42),
    ),
    # No speed is given.
    "siam_sae_r50": (
        *_row("OTB100", "table 4", AUC=0.673, precision=0.900),
        *_row("UAV123", "results, on UAV123", AUC=0.595, precision=0.790),
        *_row("VOT2016", "table 1", EAO=0.448, A=0.618, R=0.172),
        *_row("GOT-10k", "table 2", AO=0.549, SR50=0.660, SR75=0.377),
    ),
    # The figures on UAV123 and LaSOT are in plots only.
    "siamban_r50": (
        *_row("VOT2018", "table 1", EAO=0.452, A=0.597, R=0.178),
        *_row("VOT2019", "table 2", "real-time experiment", EAO=0.327, A=0.602, R=0.396),
        *_row("NFS", "table 3", "its version of 30 frames a second", AUC=0.594),
        *_row("OTB100", "table 4", AUC=0.696),
        *_row("speed", "section 4.2", "Nvidia GTX 1080Ti, section 4.1", fps=40),
    ),
    "ocean_r50": (
        *_row("VOT2018", "table 1", EAO=0.467, A=0.598, R=0.169),
        *_row("VOT2019", "table 2", EAO=0.327, A=0.590, R=0.376),
        *_row("GOT-10k", "table 3", AO=0.592, SR50=0.695),
        *_row("LaSOT", "section 5.2", AUC=0.527),
        *_row("speed", "section 1", "on VOT2018; Tesla V100, section 5.1", fps=58),
    ),
    # Its speed is in figure 1 only, its AUC on OTB100 and LaSOT in figure 4 only.
    "ocean_online_r50": (
        *_row("VOT2018", "table 1", EAO=0.489, A=0.592, R=0.117),
        *_row("VOT2019", "table 2", EAO=0.350, A=0.594, R=0.316),
        *_row("GOT-10k", "table 3", AO=0.611, SR50=0.721),
        *_row("OTB100", "section 5.2", precision=0.920),
        *_row("LaSOT", "section 5.2", precision=0.566),
    ),
    # The figures on LaSOT are in a plot only.
    "siam_hne_r50": (
        *_row("GOT-10k", "table 1", AO=0.569, SR50=0.661, SR75=0.439),
        *_row("VOT2016", "table 2", EAO=0.487, A=0.635, R=0.158),
        *_row("VOT2018", "table 2", EAO=0.433, A=0.596, R=0.183),
        *_row("VOT2019", "table 3", EAO=0.303, A=0.600, R=0.391),
        *_row("UAV123", "section 4.4", AUC=0.615, precision=0.805),
        *_row("speed", "table 2", "the GPU is not named", fps=37),
    ),
}
