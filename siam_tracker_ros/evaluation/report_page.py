"""The pictures of a report, and the page that shows them beside its tables and the papers' figures."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from siam_tracker_ros.evaluation import plots, tables
from siam_tracker_ros.evaluation.page import Figure, Page, Section, Table
from siam_tracker_ros.evaluation.published_rows import (
    published_rows,
    published_sentence,
    published_speeds,
)
from siam_tracker_ros.evaluation.report import Report, tables_of
from siam_tracker_ros.evaluation.results import folder_name
from siam_tracker_ros.evaluation.runner import Evaluation
from siam_tracker_ros.evaluation.strips import Moment, strip_frames, worst_moments, worst_sequences, write_strips
from siam_tracker_ros.evaluation.summary import Summary, VotSummary

__all__ = ["build_page"]

# Enough to see what a tracker's weakness is.
WORST_SEQUENCES, WORST_MOMENTS = 6, 2

_PUBLISHED = ("EAO", "A", "R", "AO", "SR0.5", "SR0.75", "AUC", "precision", "OP0.5", "OP0.75")


def build_page(report: Report, out: Path, problems: list[str], *, strips: bool = True) -> Page:
    """Draw the plots (PNG) and the strips (JPEG, in `worst/`) into `out`, and put the page together.

    problems: what was not measured, a sentence each; pictures that could not be made are added. strips: whether to
    show the worst moments, which are pictures of the data and may not be anybody's to publish.
    """
    colors = plots.tracker_colors(dict.fromkeys(name for e in report.evaluations for name in e.trackers))
    problems = list(problems)
    sections = []
    for evaluation in report.evaluations:
        if evaluation.protocol.supervised:
            figures = _vot_figures(report, evaluation, out, colors)
        else:
            figures = _figures(report, evaluation, out, colors)
        sections.append(
            Section(
                evaluation.protocol.title,
                _EXPLAINED[evaluation.protocol.name],
                tuple(_page_table(table) for table in tables_of(report, evaluation)),
                tuple(figures),
            )
        )
    sections.append(_published_section(report))
    first = report.evaluations[0]
    worst, refused = _strips(report, first, out, colors) if strips else ([], [])
    problems += refused
    if worst:
        text = (
            f"The {WORST_SEQUENCES} sequences in which {first.trackers[0]} did worst, and there the frames in which it "
            "failed (IoU under 0.1) and did not come back for longest; without a failure, its worst frame."
        )
        sections.append(Section("The worst moments", text, figures=tuple(worst)))
    return Page(
        title="How well the trackers follow",
        summary=_summary(report),
        created=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        command=report.command,
        machine=report.machine,
        sections=tuple(sections),
        problems=tuple(problems),
    )


_EXPLAINED = {
    "one-pass": "Each tracker gets the first true box and then every frame. The first frame, and frames in which the "
    "target is absent, are left out. AUC: mean over 21 thresholds of the share of frames with a larger IoU. "
    "P20: share of frames whose centre is at most 20 pixels off. norm. P: the same within 0.2 of the true width and "
    "height (LaSOT's tool kit); norm. P area: mean over thresholds from 0 to 0.5 (TrackingNet). OP: share of frames "
    "with a larger IoU. Intervals are 95 %, by bootstrap over the sequences.",
    "real-time": "As one pass, but a camera takes frames at its pace and keeps only the newest: each tracker gets "
    "those for which it is free by the time that it takes on this machine, and its last box stands for the others. "
    "The score is over all frames.",
    "vot": "Each tracker is started anew five frames after its box has lost the target. A: mean overlap without the "
    "ten frames after each start. EAO: mean overlap expected of sequences of the year's usual lengths. robustness: "
    "the chance to be on the target after 30 frames.",
}


def _summary(report: Report) -> str:
    names = list(dict.fromkeys(name for evaluation in report.evaluations for name in evaluation.trackers))
    frames = sum(len(sequence) for sequence in report.sequences)
    text = (
        f"{', '.join(names)} on {len(report.sequences)} sequences ({frames} frames), laid out as {report.layout}; "
        f"{'; '.join(evaluation.protocol.title for evaluation in report.evaluations)}."
    )
    interrupted = any(evaluation.interrupted for evaluation in report.evaluations)
    return text + ("\n\nThe run was interrupted: only what was finished is here." if interrupted else "")


def _page_table(table: tables.Table) -> Table:
    return Table(tuple(table.header), tuple(tuple(row) for row in table.rows), table.caption)


def _figures(report: Report, evaluation: Evaluation, out: Path, colors: dict[str, str]) -> list[Figure]:
    summaries = report.summaries(evaluation)
    if not summaries:
        return []
    prefix = "" if evaluation.protocol.name == "one-pass" else f"{folder_name(evaluation.protocol.folder[8:])}_"
    count = max(summary.sequences for summary in summaries)
    notes = {s.tracker: f"{s.failed} sequences missing" for s in summaries if s.failed}

    def mean(figure: str) -> dict[str, float]:
        return {summary.tracker: summary.means[figure] for summary in summaries}

    def path(name: str) -> Path:
        return out / f"{prefix}{name}.png"

    success = plots.plot_success(
        path("success"),
        {s.tracker: s.curves.success for s in summaries},
        mean("success_auc"),
        f"Success, mean over {count} sequences [AUC]",
        notes=notes,
        colors=colors,
    )
    precision = plots.plot_precision(
        path("precision"),
        {s.tracker: s.curves.precision for s in summaries},
        mean("precision_20"),
        f"Precision, mean over {count} sequences [at 20 pixels]",
        notes=notes,
        colors=colors,
    )
    normalized = plots.plot_normalized_precision(
        path("normalized_precision"),
        {s.tracker: s.curves.normalized for s in summaries},
        mean("normalized_precision"),
        f"Normalised precision, mean over {count} sequences [at 0.2]",
        notes=notes,
        colors=colors,
    )
    figures = [Figure(success), Figure(precision), Figure(normalized)]
    if any(summary.attributes for summary in summaries):
        means = {s.tracker: s.attributes for s in summaries}
        figures.append(Figure(plots.plot_attributes(path("attributes"), means, colors=colors)))
    if diagrams := {s.tracker: s.reliability for s in summaries if s.reliability is not None}:
        figures.append(
            Figure(
                plots.plot_reliability(path("reliability"), diagrams, colors=colors),
                "Of the frames at a confidence, how many have an IoU over 0.5? On the diagonal it means what it says.",
            )
        )
    points = {s.tracker: (s.fps, s.means["success_auc"]) for s in summaries}
    if any(fps > 0 for fps, _ in points.values()):
        where = f"{report.machine['cpu']}, {report.machine['threads']} threads"
        figures.append(Figure(plots.plot_speed(path("speed"), points, machine=where, colors=colors)))
    auc = {
        s.tracker: {o.sequence: o.scores.success_auc for o in evaluation.scored(s.tracker) if o.scores}
        for s in summaries
    }
    figures.append(Figure(plots.plot_sequences(path("sequences"), auc, colors=colors)))
    return figures


def _vot_figures(report: Report, evaluation: Evaluation, out: Path, colors: dict[str, str]) -> list[Figure]:
    summaries = report.vot_summaries(evaluation)
    if not summaries:
        return []
    overlap = plots.plot_eao(
        out / "vot_eao.png",
        {s.tracker: s.curve for s in summaries},
        {s.tracker: s.scores.eao for s in summaries},
        report.eao_interval,
        colors=colors,
    )
    points = {s.tracker: (s.scores.reliability, s.scores.accuracy) for s in summaries}
    both = plots.plot_accuracy_robustness(out / "vot_accuracy_robustness.png", points, colors=colors)
    return [Figure(overlap), Figure(both)]


def _published_section(report: Report) -> Section:
    """Measured rows of the benchmark, and below them the papers'."""
    measured: list[tuple[str, dict[str, str]]] = []
    for evaluation in report.evaluations:
        if evaluation.protocol.supervised:
            found = [(s.tracker, _vot_cells(s)) for s in report.vot_summaries(evaluation)]
        else:
            found = [(s.tracker, _cells(s)) for s in report.summaries(evaluation)]
        # A real-time score is another experiment than the papers'.
        if evaluation.protocol.name != "real-time":
            measured += found
    rows = published_rows(report.layout, report.year)
    metrics = [name for name in _PUBLISHED if any(name in row.results for row in rows)]
    all_tables = []
    if rows:
        cells = [(name, *(figures.get(metric, "-") for metric in metrics)) for name, figures in measured]
        published = [(row.model, *row.cells(metrics)) for row in rows]
        sources = {len(cells) + index: row.source for index, row in enumerate(rows)}
        all_tables.append(
            Table(("tracker", *metrics), (*cells, *published), "Measured and published", published=sources)
        )
    speeds = published_speeds()
    speed_rows = tuple((row.model, f"{row.results['fps'].value:g}") for row in speeds)
    sources = {index: row.source for index, row in enumerate(speeds)}
    all_tables.append(Table(("tracker", "fps"), speed_rows, "Speed on the authors' machines", published=sources))
    return Section("Beside the papers", published_sentence(report.layout, report.year), tables=tuple(all_tables))


def _cells(summary: Summary) -> dict[str, str]:
    figures = {
        "AUC": summary.means["success_auc"],
        "precision": summary.means["precision_20"],
        "OP0.5": summary.means["success_50"],
        "OP0.75": summary.means["success_75"],
    }
    if summary.got10k is not None:
        figures |= {"AO": summary.got10k.ao, "SR0.5": summary.got10k.sr_50, "SR0.75": summary.got10k.sr_75}
    return {name: f"{value:.3f}" for name, value in figures.items()}


def _vot_cells(summary: VotSummary) -> dict[str, str]:
    scores = summary.scores
    figures = {"EAO": scores.eao, "A": scores.accuracy, "R": scores.failures_percent}
    return {name: f"{value:.3f}" for name, value in figures.items() if value == value}


def _strips(
    report: Report, evaluation: Evaluation, out: Path, colors: dict[str, str]
) -> tuple[list[Figure], list[str]]:
    """Strips of the sequences in which the first tracker did worst, and what could not be drawn."""
    first = evaluation.trackers[0]
    tracks = {(o.tracker, o.sequence): o.track for o in evaluation.outcomes if o.track}
    values = {o.sequence: o.scores.success_auc for o in evaluation.scored(first) if o.scores}
    by_name = {sequence.name: sequence for sequence in report.sequences}
    folder = out / "worst"
    figures, problems = [], []
    for name in worst_sequences(values, WORST_SEQUENCES):
        sequence = by_name[name]
        boxes = {t: track.boxes for t in evaluation.trackers if (track := tracks.get((t, name)))}
        moments = worst_moments(boxes[first], sequence.boxes, WORST_MOMENTS)
        folder.mkdir(exist_ok=True)
        files = {folder / f"{folder_name(name)}_{moment.frame}.jpg": moment for moment in moments}
        wanted = {path: strip_frames(moment.frame, len(sequence)) for path, moment in files.items()}
        if problem := write_strips(sequence, wanted, boxes, sequence.boxes, colors):
            problems.append(problem)
            continue
        figures += [Figure(path, _told(name, moment, values[name]), wide=True) for path, moment in files.items()]
    return figures, problems


def _told(name: str, moment: Moment, auc: float) -> str:
    how_long = f", {moment.frames} frames long" if moment.frames else ""
    return f"{name} (AUC {auc:.3f}): frame {moment.frame}{how_long}"
