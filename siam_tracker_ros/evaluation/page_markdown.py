"""A report as Markdown with its pictures beside it, for places that show no HTML, such as a repository."""

from __future__ import annotations

import os
from pathlib import Path

from siam_tracker_ros.evaluation.page import Figure, Page, Section, Table, words

__all__ = ["write_markdown"]


def write_markdown(path: Path, page: Page) -> Path:
    """Write the page in GitHub's Markdown and give its path back; pictures are linked from where they lie."""
    lines = [f"# {page.title}", *_paragraphs(page.summary)]
    if page.problems:
        problems = [f"- {_escaped(problem)}" for problem in page.problems]
        lines.append("\n".join([f"**{len(page.problems)} problems:**", "", *problems]))
    for section in page.sections:
        lines += _section(section, path.parent)
    lines += ["## How it was made", f"{page.created}, with", f"```\n{page.command}\n```"]
    lines.append("\n".join(f"- {name}: {_escaped(words(value))}" for name, value in page.machine.items()))
    path.write_bytes(("\n\n".join(lines) + "\n").encode("utf-8", "replace"))
    return path


def _section(section: Section, folder: Path) -> list[str]:
    lines = [f"## {_escaped(section.title)}", *_paragraphs(section.text)]
    for table in section.tables:
        lines += [f"**{_escaped(table.caption)}**"] if table.caption else []
        lines += [_table(table), *_sources(table)]
    return [*lines, *(_picture(figure, folder) for figure in section.figures)]


def _table(table: Table) -> str:
    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"

    rule = "|---" + "|---:" * (len(table.header) - 1) + "|"
    rows = [(f"{row[0]} (published)", *row[1:]) if n in table.published else row for n, row in enumerate(table.rows)]
    return "\n".join([line(table.header), rule, *(line(row) for row in rows)])


def _sources(table: Table) -> list[str]:
    sources = [f"{table.rows[number][0]}: {source}" for number, source in sorted(table.published.items())]
    return ["Published: " + "; ".join(_escaped(source) for source in sources) + "."] if sources else []


def _picture(figure: Figure, folder: Path) -> str:
    link = Path(os.path.relpath(figure.path, folder)).as_posix()
    image = f"![{_escaped(figure.caption or figure.path.stem)}](<{link}>)"
    return f"{image}\n\n*{_escaped(figure.caption)}*" if figure.caption else image


def _paragraphs(text: str) -> list[str]:
    return [_escaped(part.strip()) for part in text.split("\n\n") if part.strip()]


def _escaped(text: str) -> str:
    """Names of sequences and trackers come from files: none of them is to be markup, or the end of a cell."""
    for mark in "\\`*_|<>[]":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
