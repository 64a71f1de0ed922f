"""The files of a report: figures for programs, GOT-10k's archives, and the page with its pictures."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from siam_tracker_ros.evaluation import got10k
from siam_tracker_ros.evaluation.metrics import NORMALIZED_THRESHOLDS, PRECISION_THRESHOLDS, SUCCESS_THRESHOLDS
from siam_tracker_ros.evaluation.page import write_page
from siam_tracker_ros.evaluation.page_markdown import write_markdown
from siam_tracker_ros.evaluation.report import Report
from siam_tracker_ros.evaluation.report_page import build_page
from siam_tracker_ros.evaluation.results import folder_name
from siam_tracker_ros.evaluation.runner import Evaluation, Outcome
from siam_tracker_ros.evaluation.summary import FIGURES, Summary, VotSummary
from siam_tracker_ros.evaluation.vot import accuracy

__all__ = ["write_report"]


def write_report(report: Report, out: Path, *, strips: bool = True) -> tuple[list[Path], list[str]]:
    """Write report.html, report.md, report.json, results.csv, plots, strips and GOT-10k's archives into `out`.

    strips: whether to show the worst moments. Returns the paths, and why an archive was not written, a sentence each
    (which are among the page's problems).
    """
    out.mkdir(parents=True, exist_ok=True)
    archives, refused = _write_submissions(report, out)
    page = build_page(report, out, report.problems() + refused, strips=strips)
    pictures = [figure.path for section in page.sections for figure in section.figures]
    pages = [write_page(out / "report.html", page), write_markdown(out / "report.md", page)]
    return [*pages, _write_json(report, out), _write_csv(report, out), *archives, *pictures], refused


def _write_submissions(report: Report, out: Path) -> tuple[list[Path], list[str]]:
    """The archives of the trackers that did all sequences of which only the first box is known; what was refused."""
    names = {sequence.name for sequence in report.sequences if sequence.first_box_only}
    paths, refused = [], []
    for evaluation in report.evaluations:
        if not names or evaluation.protocol.name != "one-pass":
            continue
        for tracker in evaluation.trackers:
            tracks = {o.sequence: o.track for o in evaluation.tracked(tracker) if o.sequence in names and o.track}
            path = out / f"{folder_name(tracker)}_submission.zip"
            if missing := sorted(names - tracks.keys()):
                refused.append(f"no archive for {tracker}: it did not do {len(missing)} sequences, as {missing[0]}")
                continue
            try:
                got10k.write_submission(path, {name: (track.boxes, track.times) for name, track in tracks.items()})
            except got10k.SubmissionError as error:
                refused.append(f"no archive for {tracker}: {error}")
            else:
                paths.append(path)
    return paths, refused


def _write_json(report: Report, out: Path) -> Path:
    content = {
        "format": 2,
        "command": report.command,
        "layout": report.layout,
        "machine": report.machine,
        "success_thresholds": [round(float(value), 2) for value in SUCCESS_THRESHOLDS],
        "precision_thresholds": [float(value) for value in PRECISION_THRESHOLDS],
        "normalized_thresholds": [round(float(value), 2) for value in NORMALIZED_THRESHOLDS],
        "protocols": [_protocol_json(report, evaluation) for evaluation in report.evaluations],
        "broken_sequences": report.broken,
    }
    path = out / "report.json"
    path.write_text(json.dumps(_plain(content), indent=2) + "\n", encoding="utf-8")
    return path


def _protocol_json(report: Report, evaluation: Evaluation) -> dict[str, Any]:
    found: list[Summary] | list[VotSummary]
    if evaluation.protocol.supervised:
        found = report.vot_summaries(evaluation)
    else:
        found = report.summaries(evaluation)
    return {
        "protocol": evaluation.protocol.name,
        **asdict(evaluation.protocol),
        **({"eao_interval": list(report.eao_interval)} if evaluation.protocol.supervised else {}),
        "interrupted": evaluation.interrupted,
        "trackers": {
            summary.tracker: {
                **{key: value for key, value in asdict(summary).items() if key != "tracker"},
                **_derived(summary),
                "per_sequence": {o.sequence: _sequence_json(o) for o in evaluation.tracked(summary.tracker)},
            }
            for summary in found
        },
        "failures": [{"tracker": o.tracker, "sequence": o.sequence, "reason": o.failure} for o in evaluation.failures],
    }


def _derived(summary: Summary | VotSummary) -> dict[str, Any]:
    """Figures that are properties, which `asdict` leaves out."""
    if isinstance(summary, VotSummary):
        return {}
    derived: dict[str, Any] = {}
    if summary.reliability is not None:
        derived["expected_calibration_error"] = summary.reliability.expected_error
        derived["largest_calibration_error"] = summary.reliability.largest_error
    if summary.lost is not None:
        derived["lost_precision"], derived["lost_recall"] = summary.lost.precision, summary.lost.recall
        derived["lost_f1"] = summary.lost.f1
    return derived


def _sequence_json(outcome: Outcome) -> dict[str, Any]:
    figures: dict[str, Any] = asdict(outcome.scores) if outcome.scores else {}
    if outcome.run:
        figures = {
            "frames": len(outcome.run),
            "accuracy": accuracy(outcome.run),
            "starts": list(outcome.run.starts),
            "failures": list(outcome.run.failures),
        }
    return {**figures, "fps": outcome.fps, "init_ms": 1000 * outcome.init_seconds}


def _plain(value: Any) -> Any:
    """JSON values: arrays as lists, and what is not finite as null, which every reader takes."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _write_csv(report: Report, out: Path) -> Path:
    path = out / "results.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        vot = ["accuracy", "failures"]
        writer.writerow(["protocol", "tracker", "sequence", "frames", *FIGURES, *vot, "fps", "init_ms", "failure"])
        for evaluation in report.evaluations:
            for o in evaluation.outcomes:
                frames = o.scores.frames if o.scores else len(o.track.boxes) if o.track else ""
                figures = [f"{getattr(o.scores, name):.6f}" if o.scores else "" for name in FIGURES]
                figures += [f"{accuracy(o.run):.6f}", str(len(o.run.failures))] if o.run else ["", ""]
                times = [f"{o.fps:.2f}", f"{1000 * o.init_seconds:.2f}"] if o.track else ["", ""]
                writer.writerow([evaluation.protocol.name, o.tracker, o.sequence, frames, *figures, *times, o.failure])
    return path
