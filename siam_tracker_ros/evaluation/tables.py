"""The tables of a report, as rows of words: printed in the terminal and shown on the page alike."""

from __future__ import annotations

import math
from collections.abc import Sequence as Listing
from dataclasses import dataclass, field

import numpy as np

from siam_tracker_ros.evaluation.metrics import bootstrap_interval
from siam_tracker_ros.evaluation.runner import Evaluation, Outcome
from siam_tracker_ros.evaluation.summary import Summary, VotSummary
from siam_tracker_ros.evaluation.vot import accuracy

__all__ = [
    "Table",
    "attribute_table",
    "confidence_table",
    "difference_table",
    "got10k_table",
    "mean_tables",
    "sequence_table",
    "speed_table",
    "tag_table",
    "text",
    "vot_table",
]


@dataclass(frozen=True)
class Table:
    """One table.

    caption: what it shows, a sentence. header: the columns; the first is text, the others numbers. rows: cells as
    printed, as many in each as the header has.
    """

    caption: str
    header: list[str]
    rows: list[list[str]] = field(default_factory=list)


def text(table: Table) -> str:
    """The table in columns as wide as their widest cell; the first to the left, the others to the right."""
    lines = [table.header, *table.rows]
    widths = [max(len(row[column]) for row in lines) for column in range(len(table.header))]

    def line(row: list[str]) -> str:
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        return "  ".join(cells).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(table.header), rule, *(line(row) for row in table.rows)])


def sequence_table(evaluation: Evaluation) -> Table:
    """A row a sequence: several trackers by their main figure, one by all."""
    trackers = evaluation.trackers
    by_name: dict[str, dict[str, Outcome]] = {}
    for outcome in evaluation.outcomes:
        by_name.setdefault(outcome.sequence, {})[outcome.tracker] = outcome
    supervised = evaluation.protocol.supervised
    if len(trackers) > 1:
        header = ["A and failures" if supervised else "AUC of sequence", *trackers]
    elif supervised:
        header = ["sequence", "frames", "A", "failures", "fps"]
    else:
        header = ["sequence", "frames", "AUC", "P20", "OP0.5", "OP0.75", "fps"]
    rows = []
    for name in sorted(by_name):
        found = [by_name[name].get(tracker) for tracker in trackers]
        if len(trackers) > 1:
            rows.append([name, *(_main_figure(outcome) for outcome in found)])
        elif found[0] and (cells := _all_figures(found[0])):
            rows.append([name, *cells])
    return Table("Sequences", header, rows)


def _main_figure(outcome: Outcome | None) -> str:
    if outcome and outcome.scores:
        return f"{outcome.scores.success_auc:.3f}"
    if outcome and outcome.run:
        return f"{accuracy(outcome.run):.3f} {len(outcome.run.failures)}"
    return "-"


def _all_figures(outcome: Outcome) -> list[str]:
    if outcome.run:
        return [
            str(len(outcome.run)),
            f"{accuracy(outcome.run):.3f}",
            str(len(outcome.run.failures)),
            _fps(outcome.fps),
        ]
    if outcome.scores:
        s = outcome.scores
        figures = (s.success_auc, s.precision_20, s.success_50, s.success_75)
        return [str(s.frames), *(f"{value:.3f}" for value in figures), _fps(outcome.fps)]
    return []


_FIRST = {"AUC": "success_auc", "P20": "precision_20", "norm. P": "normalized_precision"}
_SECOND = {
    "norm. P area": "normalized_precision_auc",
    "OP0.5": "success_50",
    "OP0.75": "success_75",
    "mean IoU": "mean_iou",
}


def mean_tables(evaluation: Evaluation, summaries: Listing[Summary]) -> list[Table]:
    """Means over the sequences with their 95 % intervals: two tables, for one would be too wide."""
    found = {summary.tracker: summary for summary in summaries}
    paced = evaluation.protocol.name == "real-time"
    speeds = ["fps", "frames given"] if paced else ["fps"]
    first = Table("Means over the sequences, each with its 95 % interval", ["tracker", "sequences", *_FIRST, *speeds])
    second = Table("The same, further figures", ["tracker", *_SECOND])
    for tracker in evaluation.trackers:
        summary = found.get(tracker)
        if summary is None:
            first.rows.append([tracker, "0", *["-"] * (len(first.header) - 2)])
            continue
        speed = [_fps(summary.fps), f"{100 * summary.given:.0f} %"][: len(speeds)]
        count = f"{summary.sequences}" + (f" ({summary.failed} failed)" if summary.failed else "")
        first.rows.append([tracker, count, *(_mean(summary, name) for name in _FIRST.values()), *speed])
        second.rows.append([tracker, *(_mean(summary, name) for name in _SECOND.values())])
    return [first, second]


def difference_table(evaluation: Evaluation) -> Table | None:
    """AUC of each tracker less that of the first, over the sequences that both did; None where there is one only.

    Sequences differ more than trackers do, so that the interval of a difference says what those of two means cannot.
    """
    first, *others = evaluation.trackers
    auc = {
        tracker: {o.sequence: o.scores.success_auc for o in evaluation.scored(tracker) if o.scores}
        for tracker in evaluation.trackers
    }
    header = ["tracker", "sequences", "AUC difference", "better", "worse"]
    table = Table(f"AUC less that of {first}, sequence by sequence (better and worse: by more than 0.01)", header)
    for tracker in others:
        values = [auc[tracker][name] - auc[first][name] for name in auc[first] if name in auc[tracker]]
        if values:
            mean = f"{np.mean(values):+.3f}"
            low, high = bootstrap_interval(values)
            better, worse = sum(value > 0.01 for value in values), sum(value < -0.01 for value in values)
            table.rows.append([tracker, str(len(values)), f"{mean} [{low:+.3f}, {high:+.3f}]", str(better), str(worse)])
    return table if table.rows else None


def got10k_table(summaries: Listing[Summary]) -> Table | None:
    """GOT-10k's own figures over all frames; None where the sequences are not laid out so."""
    table = Table(
        "GOT-10k's figures: frames of all sequences pooled, without the first, boxes clipped to the image",
        ["tracker", "frames", "AO", "SR0.5", "SR0.75"],
    )
    for summary in summaries:
        if (s := summary.got10k) is not None:
            figures = [(s.ao, s.ao_interval), (s.sr_50, s.sr_50_interval), (s.sr_75, s.sr_75_interval)]
            table.rows.append([summary.tracker, str(s.frames), *(_with_interval(*pair) for pair in figures)])
    return table if table.rows else None


def vot_table(evaluation: Evaluation, summaries: Listing[VotSummary]) -> Table:
    """VOT's figures."""
    found = {summary.tracker: summary for summary in summaries}
    header = ["tracker", "sequences", "EAO", "A", "failures in 100 frames", "failures a sequence", "robustness", "fps"]
    table = Table("VOT's figures: expected average overlap, accuracy, failures; each with its 95 % interval", header)
    for tracker in evaluation.trackers:
        summary = found.get(tracker)
        if summary is None:
            table.rows.append([tracker, "0", *["-"] * (len(header) - 2)])
            continue
        s = summary.scores
        table.rows.append(
            [
                tracker,
                f"{summary.sequences}" + (f" ({summary.failed} failed)" if summary.failed else ""),
                "-" if math.isnan(s.eao) else _with_interval(s.eao, s.eao_interval),
                _with_interval(s.accuracy, s.accuracy_interval),
                _with_interval(s.failures_percent, s.failures_percent_interval),
                _with_interval(s.failures, s.failures_interval),
                f"{s.reliability:.3f}",
                _fps(summary.fps),
            ]
        )
    return table


def attribute_table(summaries: Listing[Summary]) -> Table | None:
    """Success AUC by attribute; None where the layout has none."""
    found = [
        {name: (mean.sequences, mean.mean, mean.interval) for name, mean in summary.attributes.items()}
        for summary in summaries
    ]
    return _grouped("AUC over the sequences with an attribute", ["attribute", "sequences"], summaries, found)


def tag_table(summaries: Listing[Summary]) -> Table | None:
    """Mean IoU by the tag of a frame; None where the layout has none."""
    found = [
        {name: (mean.frames, mean.mean, mean.interval) for name, mean in summary.tags.items()} for summary in summaries
    ]
    return _grouped("Mean IoU over the frames with a tag", ["tag", "frames"], summaries, found)


def _grouped(
    caption: str,
    header: list[str],
    summaries: Listing[Summary],
    found: Listing[dict[str, tuple[int, float, tuple[float, float]]]],
) -> Table | None:
    """A row a group and a column a tracker; found: of each tracker, group -> count, mean and interval."""
    table = Table(caption, [*header, *(summary.tracker for summary in summaries)])
    for name in sorted({name for one in found for name in one}):
        groups = [one.get(name) for one in found]
        cells = [_with_interval(*group[1:]) if group else "-" for group in groups]
        table.rows.append([name, str(max(group[0] for group in groups if group)), *cells])
    return table if table.rows else None


def confidence_table(summaries: Listing[Summary]) -> Table | None:
    """What confidence and the lost state are worth; None where no tracker tells either."""
    header = ["tracker", "ECE", "largest error", "said lost", "absent", "lost precision", "lost recall", "lost F1"]
    table = Table(
        "Confidence: expected calibration error against IoU > 0.5; frames said to be lost against annotated absence",
        header,
    )
    for summary in summaries:
        calibration, lost = summary.reliability, summary.lost
        if calibration is None and lost is None:
            continue
        cells = ["-", "-"]
        if calibration is not None:
            cells = [f"{calibration.expected_error:.3f}", f"{calibration.largest_error:.3f}"]
        if lost is None:
            cells += ["-"] * 5
        else:
            cells += [str(lost.hits + lost.false_alarms), str(lost.hits + lost.misses)]
            cells += [_share(lost.precision), _share(lost.recall), _share(lost.f1)]
        table.rows.append([summary.tracker, *cells])
    return table if table.rows else None


def speed_table(evaluation: Evaluation) -> Table:
    """What a frame takes, over the updates of all sequences."""
    header = ["tracker", "device", "fps", "ms a frame (median)", "p95", "ms a start"]
    table = Table("Speed of the trackers themselves, decoding left out", header)
    for tracker in evaluation.trackers:
        tracks = [outcome.track for outcome in evaluation.tracked(tracker) if outcome.track]
        times = np.concatenate([track.update_times for track in tracks]) if tracks else np.empty(0)
        times = times[np.isfinite(times)]
        cells = ["-"] * 4
        if times.sum() > 0:
            starts = 1000 * float(np.mean([track.init_seconds for track in tracks]))
            p50, p95 = (1000 * float(value) for value in np.percentile(times, [50, 95]))
            cells = [f"{len(times) / times.sum():.1f}", f"{p50:.2f}", f"{p95:.2f}", f"{starts:.1f}"]
        table.rows.append([tracker, evaluation.devices.get(tracker, "-"), *cells])
    return table


def _mean(summary: Summary, figure: str) -> str:
    return _with_interval(summary.means[figure], summary.intervals[figure])


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _fps(value: float) -> str:
    return f"{value:.1f}" if value > 0 else "-"
