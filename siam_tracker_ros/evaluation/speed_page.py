"""A report of speed as a page: tables of stages, ratios, starts and shares of the machine, with the plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from siam_tracker_ros.evaluation.page import Figure, Page, Section, Table

__all__ = ["build_speed_page", "speed_tables"]

_EXPLAINED = {
    "Stages": "network: with what is copied to and from its device. crop: patches, those of template updates too. "
    "template: the network's passes for template updates, in the frames that have one. other: the camera's view, "
    "states, smoothing. own part: all but the networks, as a share of all frames' time. A cell is p50 / p95 / p99.",
    "Ratios": "How many times as fast the row's tracker is as the column's: the median of the ratios of turns side by "
    "side, and in brackets the least and the greatest. Over 1 the row is faster.",
    "Start, memory": "In a process of its own. load: from nothing imported to a tracker that waits for a target, with "
    "engines that were made before; first load: with engines that are made then. memory: what the process took after "
    "20 frames.",
    "Shares of the machine": "Operations and bytes of a search are counted, the mean of all patches. matrix: "
    "operations a second as a share of the best matrix product's at the start of this run. copy: the bytes that must "
    "be moved in any case (numbers, patch, maps), a second, as a share of the best copy's. moved: what the network's "
    "operations read and write when each is run by itself.",
    "Long run": "One tracker, forwards and backwards through the clip. frame to box: what a camera's frame waits for. "
    "with the rest: and until all is done that is left for the time until the next frame, a template update above all. "
    "machine: the frame's search done once more after each frame, the same work each time; its p99 / p50 is what an "
    "even tracker has on this machine. growth: of the memory from the third quarter of the run to its last.",
}

STAGES = ("network", "crop", "scoring", "template", "other")


def build_speed_page(report: Mapping[str, Any], figures: Sequence[Path], problems: Sequence[str]) -> Page:
    """The page of what `siam-track bench` measured.

    report: what ``bench.json`` holds. figures: its plots. problems: what was not measured and why.
    """
    clip, rules = report["clip"], report["rules"]
    summary = (
        f"{clip['width']}x{clip['height']} pixels, {clip['frames']} frames of {clip['name']}, {rules['threads']} CPU "
        f"threads a tracker; {rules['frames']} frames each, or {rules['seconds']:g} s. The trackers take turns, a turn "
        "being the clip once; the first turn of each is not counted. A frame is written into a driver's buffer just "
        "before it is tracked. Times are milliseconds a frame; the next one comes at once, and waits for what the last "
        "one left to be done."
    )
    sections = [
        Section(table.caption, _EXPLAINED[table.caption], (Table(table.header, table.rows),))
        for table in speed_tables(report)
    ]
    if sections and figures:
        first = sections[0]
        sections[0] = Section(first.title, first.text, first.tables, tuple(Figure(path) for path in figures[:1]))
        last = sections[-1]
        if len(figures) > 1:
            sections[-1] = Section(last.title, last.text, last.tables, tuple(Figure(path) for path in figures[1:]))
    return Page(
        title="How fast the trackers are",
        summary=summary,
        created=report["created"],
        command=report["command"],
        machine=report["machine"],
        sections=tuple(sections),
        problems=tuple(problems),
    )


def speed_tables(report: Mapping[str, Any]) -> list[Table]:
    """The tables, captioned by what they show; those without a row are left out."""
    tables = (_stages(report), _ratios(report), _starts(report), _shares(report), _long(report))
    return [table for table in tables if table.rows]


def _stages(report: Mapping[str, Any]) -> Table:
    rows = []
    for name, one in _measured(report):
        stages = one.get("stages_ms", {})
        own = f"{100 * one['overhead']:.1f} %" if "overhead" in one else "-"
        cells = [_three(stages[stage]) if stages else "-" for stage in STAGES]
        rows.append((name, str(one["frames"]), f"{one['fps']:.0f}", _three(one["total_ms"]), *cells, own))
    return Table(("tracker", "frames", "fps", "total", *STAGES, "own part"), tuple(rows), "Stages")


def _ratios(report: Mapping[str, Any]) -> Table:
    columns = list(dict.fromkeys(other for row in report["ratios"].values() for other in row))
    rows = []
    for name, row in report["ratios"].items():
        cells = [
            f"{row[o]['median']:.2f} [{row[o]['low']:.2f}, {row[o]['high']:.2f}]" if o in row else "-" for o in columns
        ]
        rows.append((name, *cells))
    return Table(("times as fast as", *columns), tuple(rows), "Ratios")


def _starts(report: Mapping[str, Any]) -> Table:
    rows = []
    for name, one in _measured(report):
        start = one.get("start")
        if start is None:
            continue
        fresh = f"{start['first_load']:.1f} s" if start.get("first_load") is not None else "-"
        device = f"{start['device_memory'] / 1e6:.0f} MB" if start["device_memory"] else "-"
        rows.append(
            (
                name,
                f"{start['load']:.1f} s",
                fresh,
                f"{1e3 * start['init']:.1f} ms",
                f"{one['init_ms']:.1f} ms",
                f"{start['memory'] / 1e6:.0f} MB",
                device,
            )
        )
    header = ("tracker", "load", "first load", "first init", "init", "memory", "device memory")
    return Table(header, tuple(rows), "Start, memory")


def _shares(report: Mapping[str, Any]) -> Table:
    rows = []
    for name, one in _measured(report):
        if "share" in one:
            cost, share = one["cost"], one["share"]
            rows.append(
                (
                    name,
                    f"{cost['flop'] / 1e9:.2f} GFLOP",
                    f"{cost['least'] / 1e6:.1f} MB",
                    f"{cost['moved'] / 1e6:.1f} MB",
                    f"{100 * share['matrix']:.0f} %",
                    f"{100 * share['copy']:.0f} %",
                )
            )
    return Table(
        ("tracker", "operations", "least bytes", "moved", "matrix", "copy"), tuple(rows), "Shares of the machine"
    )


def _long(report: Mapping[str, Any]) -> Table:
    rows = [
        (
            name,
            str(one["frames"]),
            _three(one["total_ms"]),
            f"{one['tail']:.2f}",
            _three(one["whole_ms"]),
            f"{one['whole_tail']:.2f}",
            _three(one["again_ms"]) if one["again_ms"] else "-",
            f"{one['machine_tail']:.2f}" if one["again_ms"] else "-",
            f"{one['memory'] / 1e6:.0f} MB",
            f"{one['growth'] / 1e6:+.1f} MB",
        )
        for name, one in report.get("long", {}).items()
    ]
    tail = "p99 / p50"
    header = ("tracker", "frames", "frame to box", tail, "with the rest", tail, "machine", tail, "memory", "growth")
    return Table(header, tuple(rows), "Long run")


def _measured(report: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The trackers that were timed, the fastest first."""
    return sorted(report["trackers"].items(), key=lambda item: item[1]["total_ms"]["p50"])


def _three(values: Mapping[str, float]) -> str:
    return " / ".join(f"{values[p]:.3g}" for p in ("p50", "p95", "p99"))
