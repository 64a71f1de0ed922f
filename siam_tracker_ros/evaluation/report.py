"""What an evaluation found, as tables for the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from siam_tracker_ros.datasets.sequences import Sequence
from siam_tracker_ros.evaluation import tables
from siam_tracker_ros.evaluation.machine import machine_line
from siam_tracker_ros.evaluation.runner import Evaluation
from siam_tracker_ros.evaluation.summary import Summary, VotSummary, summarize, summarize_supervised
from siam_tracker_ros.evaluation.tables import Table
from siam_tracker_ros.evaluation.vot import EAO_INTERVALS

__all__ = ["Report", "tables_of", "text_report"]


@dataclass
class Report:
    """What a report is made of.

    evaluations: one a protocol, over the same sequences. sequences: those that were to be measured. broken:
    sequence -> why it could not be used. machine: of `describe_machine`. command: what was run. year: VOT's, for the
    lengths over which EAO is the mean (2018's where it is not given) and for the papers' figures.
    """

    evaluations: list[Evaluation]
    sequences: list[Sequence]
    broken: dict[str, str]
    machine: dict[str, Any]
    command: str = ""
    year: int | None = None

    @property
    def eao_interval(self) -> tuple[int, int]:
        return EAO_INTERVALS[2018 if self.year is None else self.year]

    @property
    def layout(self) -> str:
        return self.sequences[0].layout if self.sequences else "folders"

    def summaries(self, evaluation: Evaluation) -> list[Summary]:
        """Of the trackers that scored in one pass or in real time, in their order."""
        found = (summarize(evaluation, self.sequences, tracker) for tracker in evaluation.trackers)
        return [summary for summary in found if summary]

    def vot_summaries(self, evaluation: Evaluation) -> list[VotSummary]:
        """Of the trackers that scored under VOT's protocol, in their order."""
        found = (summarize_supervised(evaluation, tracker, self.eao_interval) for tracker in evaluation.trackers)
        return [summary for summary in found if summary]

    def problems(self) -> list[str]:
        """What was not measured, a sentence each."""
        return list(self.broken.values()) + [
            f"{o.tracker} on {o.sequence}: {o.failure}" for e in self.evaluations for o in e.failures
        ]


def tables_of(report: Report, evaluation: Evaluation) -> list[Table]:
    """The tables of one protocol: means first, sequences last."""
    if evaluation.protocol.supervised:
        return [
            tables.vot_table(evaluation, report.vot_summaries(evaluation)),
            tables.speed_table(evaluation),
            tables.sequence_table(evaluation),
        ]
    summaries = report.summaries(evaluation)
    optional = [
        tables.difference_table(evaluation),
        tables.got10k_table(summaries),
        tables.confidence_table(summaries),
        tables.attribute_table(summaries),
        tables.tag_table(summaries),
    ]
    return [
        *tables.mean_tables(evaluation, summaries),
        *(table for table in optional if table),
        tables.speed_table(evaluation),
        tables.sequence_table(evaluation),
    ]


def text_report(report: Report) -> str:
    """All tables, the sequences first so that the means stand at the end; what failed, and the machine's line."""
    parts = []
    for evaluation in report.evaluations:
        parts.append(f"{evaluation.protocol.title}\n")
        *rest, sequences = tables_of(report, evaluation)
        parts += [f"{table.caption}\n{tables.text(table)}\n" for table in [sequences, *reversed(rest)]]
    if problems := report.problems():
        parts.append("\n".join([f"{len(problems)} not measured:", *(f"  {problem}" for problem in problems)]) + "\n")
    return "\n".join([*parts, machine_line(report.machine)])
