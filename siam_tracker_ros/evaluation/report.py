"""What an evaluation found: a table for the terminal, report.json, results.csv and two plots."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.evaluation.machine import machine_line
from siam_tracker_ros.evaluation.metrics import (
    SUCCESS_THRESHOLDS,
    Scores,
    bootstrap_interval,
    iou,
    success_curve,
)
from siam_tracker_ros.evaluation.results import ResultsFolder, folder_name, rounded
from siam_tracker_ros.evaluation.runner import Evaluation

__all__ = ["Summary", "summarize", "text_tables", "write_report"]

_FIGURES = tuple(field.name for field in fields(Scores) if field.name != "frames")


@dataclass(frozen=True)
class Summary:
    """One tracker over all sequences that it finished.

    sequences: how many were scored; failed: how many were not.
    means: figure -> mean over the sequences, each counting the same whatever its length.
    intervals: figure -> 95 % bootstrap interval of that mean over the sequences.
    fps: all frames after the first divided by the time that the tracker worked on them.
    init_ms: mean time of an initialisation, milliseconds.
    """

    tracker: str
    sequences: int
    failed: int
    means: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    fps: float
    init_ms: float


def summarize(evaluation: Evaluation, tracker: str) -> Summary | None:
    """The summary of one tracker, or None when it finished no sequence."""
    outcomes = evaluation.scored(tracker)
    if not outcomes:
        return None
    figures = {name: [getattr(outcome.scores, name) for outcome in outcomes] for name in _FIGURES}
    seconds = math.fsum(outcome.seconds for outcome in outcomes)
    return Summary(
        tracker=tracker,
        sequences=len(outcomes),
        failed=sum(outcome.tracker == tracker for outcome in evaluation.failures),
        means={name: float(np.mean(values)) for name, values in figures.items()},
        intervals={name: bootstrap_interval(values) for name, values in figures.items()},
        fps=sum(outcome.updates for outcome in outcomes) / seconds if seconds > 0 else 0.0,
        init_ms=1000 * float(np.mean([outcome.init_seconds for outcome in outcomes])),
    )


def text_tables(evaluation: Evaluation, machine: dict[str, Any], broken: dict[str, str]) -> str:
    """The table of sequences, the table of means, what failed, and the machine's line."""
    lines = [*_sequence_table(evaluation), "", *_mean_table(evaluation)]
    problems = [f"  {reason}" for reason in broken.values()]
    problems += [f"  {o.tracker} on {o.sequence}: {o.failure}" for o in evaluation.failures]
    if problems:
        lines += ["", f"{len(problems)} not measured:", *problems]
    return "\n".join([*lines, "", machine_line(machine)])


def _sequence_table(evaluation: Evaluation) -> list[str]:
    trackers = evaluation.trackers
    by_name: dict[str, dict[str, Any]] = {}
    for outcome in evaluation.outcomes:
        by_name.setdefault(outcome.sequence, {})[outcome.tracker] = outcome
    if len(trackers) == 1:
        header = ["sequence", "frames", "AUC", "P20", "SR0.5", "SR0.75", "fps"]
    else:
        header = ["AUC of sequence", *trackers]
    rows = []
    for name in sorted(by_name):
        found = [by_name[name].get(tracker) for tracker in trackers]
        if len(trackers) > 1:
            rows.append([name, *(f"{o.scores.success_auc:.3f}" if o and o.scores else "-" for o in found)])
        elif found[0] and found[0].scores:
            s = found[0].scores
            figures = (s.success_auc, s.precision_20, s.success_50, s.success_75)
            rows.append([name, str(s.frames), *(f"{value:.3f}" for value in figures), f"{found[0].fps:.1f}"])
    return _aligned(header, rows)


def _mean_table(evaluation: Evaluation) -> list[str]:
    header = ["tracker", "sequences", "AUC", "95 % interval", "P20", "norm. P", "SR0.5", "SR0.75", "fps"]
    rows = []
    for tracker in evaluation.trackers:
        summary = summarize(evaluation, tracker)
        if summary is None:
            rows.append([tracker, "0", *["-"] * 7])
            continue
        low, high = summary.intervals["success_auc"]
        names = ("precision_20", "normalized_precision", "success_50", "success_75")
        rows.append(
            [
                tracker,
                f"{summary.sequences}" + (f" ({summary.failed} failed)" if summary.failed else ""),
                f"{summary.means['success_auc']:.3f}",
                f"{low:.3f} to {high:.3f}",
                *(f"{summary.means[name]:.3f}" for name in names),
                f"{summary.fps:.1f}",
            ]
        )
    return _aligned(header, rows)


def _aligned(header: list[str], rows: list[list[str]]) -> list[str]:
    """Columns as wide as their widest cell; the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def line(row: list[str]) -> str:
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        return "  ".join(cells).rstrip()

    return [line(header), "  ".join("-" * width for width in widths), *(line(row) for row in rows)]


def write_report(
    evaluation: Evaluation,
    sequences: list[Sequence],
    out: Path,
    machine: dict[str, Any],
    broken: dict[str, str],
) -> list[Path]:
    """Write report.json, results.csv, success.png and sequences.png into `out`; returns their paths.

    broken: sequence -> why it could not be used.
    """
    out.mkdir(parents=True, exist_ok=True)
    curves = _success_curves(evaluation, sequences, out)
    summaries = [s for tracker in evaluation.trackers if (s := summarize(evaluation, tracker))]
    paths = [_write_json(evaluation, summaries, curves, out, machine, broken), _write_csv(evaluation, out)]
    if summaries:
        paths += [_plot_success(summaries, curves, out), _plot_sequences(evaluation, out)]
    return paths


def _success_curves(evaluation: Evaluation, sequences: list[Sequence], out: Path) -> dict[str, list[float]]:
    """tracker -> mean over its sequences of the success curve, [21]."""
    truth = {sequence.name: sequence.boxes for sequence in sequences}
    curves: dict[str, list[float]] = {}
    for tracker in evaluation.trackers:
        folder = ResultsFolder(out / "results" / folder_name(tracker))
        found = []
        for outcome in evaluation.scored(tracker):
            boxes = truth[outcome.sequence]
            track = folder.read(outcome.sequence, len(boxes))
            if track is not None:
                found.append(success_curve(iou(rounded(track).boxes[1:], boxes[1:])))
        if found:
            curves[tracker] = [float(value) for value in np.mean(found, axis=0)]
    return curves


def _write_json(
    evaluation: Evaluation,
    summaries: list[Summary],
    curves: dict[str, list[float]],
    out: Path,
    machine: dict[str, Any],
    broken: dict[str, str],
) -> Path:
    report = {
        "format": 1,
        "protocol": "one pass; first frame and frames without ground truth left out",
        "interrupted": evaluation.interrupted,
        "machine": machine,
        "success_thresholds": [round(float(value), 2) for value in SUCCESS_THRESHOLDS],
        "trackers": {
            summary.tracker: {
                **{key: value for key, value in asdict(summary).items() if key != "tracker"},
                "success_curve": curves.get(summary.tracker),
                "per_sequence": {
                    o.sequence: {
                        **asdict(o.scores),  # type: ignore[arg-type]  # scored outcomes have scores
                        "fps": o.fps,
                        "init_ms": 1000 * o.init_seconds,
                    }
                    for o in evaluation.scored(summary.tracker)
                },
            }
            for summary in summaries
        },
        "failures": [{"tracker": o.tracker, "sequence": o.sequence, "reason": o.failure} for o in evaluation.failures],
        "broken_sequences": broken,
    }
    path = out / "report.json"
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return path


def _write_csv(evaluation: Evaluation, out: Path) -> Path:
    path = out / "results.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["tracker", "sequence", "frames", *_FIGURES, "fps", "init_ms", "failure"])
        for o in evaluation.outcomes:
            figures = [f"{getattr(o.scores, name):.6f}" if o.scores else "" for name in _FIGURES]
            times = [f"{o.fps:.2f}", f"{1000 * o.init_seconds:.2f}"] if o.scores else ["", ""]
            frames = o.scores.frames if o.scores else ""
            writer.writerow([o.tracker, o.sequence, frames, *figures, *times, o.failure])
    return path


def _plot_success(summaries: list[Summary], curves: dict[str, list[float]], out: Path) -> Path:
    figure, axes = plt.subplots(figsize=(6.4, 4.8), layout="constrained")
    colors = {summary.tracker: f"C{index}" for index, summary in enumerate(summaries)}
    for summary in sorted(summaries, key=lambda s: -s.means["success_auc"]):
        missing = f", {summary.failed} sequences missing" if summary.failed else ""
        label = f"{summary.tracker} [{summary.means['success_auc']:.3f}]{missing}"
        curve = curves[summary.tracker]
        axes.plot(SUCCESS_THRESHOLDS, curve, marker=".", label=label, color=colors[summary.tracker])
    axes.set(xlabel="IoU threshold", ylabel="share of frames above it", xlim=(0, 1), ylim=(0, 1.01))
    axes.set_title(f"Success, mean over {max(s.sequences for s in summaries)} sequences [AUC]")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    path = out / "success.png"
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


def _plot_sequences(evaluation: Evaluation, out: Path) -> Path:
    """Bars of the AUC per sequence, the hardest sequence of the first tracker at the top."""
    trackers = [tracker for tracker in evaluation.trackers if evaluation.scored(tracker)]
    auc = {
        tracker: {o.sequence: o.scores.success_auc for o in evaluation.scored(tracker) if o.scores}
        for tracker in trackers
    }
    names = sorted({name for found in auc.values() for name in found})
    names.sort(key=lambda name: auc[trackers[0]].get(name, math.inf))
    height = 0.8 / len(trackers)
    size = (8.0, 1.6 + len(names) * (0.14 + 0.10 * len(trackers)))
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    for index, tracker in enumerate(trackers):
        rows = np.arange(len(names)) + (index - (len(trackers) - 1) / 2) * height
        values = [auc[tracker].get(name, 0.0) for name in names]
        mean = float(np.mean(list(auc[tracker].values())))
        axes.barh(rows, values, height, label=f"{tracker} [{mean:.3f}]", color=f"C{index}")
        axes.axvline(mean, color=f"C{index}", linestyle="--", linewidth=1)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="success AUC (dashed: mean)", ylim=(len(names) - 0.5, -0.5))
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=min(len(trackers), 4))
    path = out / "sequences.png"
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path
