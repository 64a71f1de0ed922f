"""A report as one HTML file that can be read alone: pictures and style are in it, and there is no script."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

__all__ = ["Figure", "Page", "Section", "Table", "words", "write_page"]

_TEMPLATE = Path(__file__).with_name("page.html.j2")
_LONG_TABLE = 30
_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


@dataclass(frozen=True)
class Table:
    """Rows of text under a header, all equally long; the first column names the row.

    caption: over the table. published: index of a row -> its source (paper and table); such a row is marked, since it
    was not measured here. Raises ValueError when a row is too short or too long, or a published row is not there.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    published: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index, row in enumerate(self.rows):
            if len(row) != len(self.header):
                raise ValueError(f"row {index} has {len(row)} cells under a header of {len(self.header)}")
        for index in self.published:
            if not 0 <= index < len(self.rows):
                raise ValueError(f"row {index} cannot be marked as published: there are {len(self.rows)}")

    @property
    def is_long(self) -> bool:
        """Whether it is folded until a reader opens it."""
        return len(self.rows) > _LONG_TABLE

    @property
    def is_numeric(self) -> tuple[bool, ...]:
        """Of each column, whether its cells begin with a number or are a dash, and so stand to the right."""
        return tuple(all(_begins_with_number(row[column]) for row in self.rows) for column in range(len(self.header)))


@dataclass(frozen=True)
class Figure:
    """A picture, PNG or JPEG. wide: it keeps its size on a small screen and can be moved there, as a strip."""

    path: Path
    caption: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """A part of the page. text: paragraphs, with an empty line between two."""

    title: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Page:
    """A report.

    summary: what was measured, on what and how; paragraphs as in `Section.text`. created: date and time. command: what
    to run to make it again. machine: as of `machine.describe_machine`; lists and mappings are written out. problems:
    what was not measured and why, one sentence each.
    """

    title: str
    summary: str
    created: str
    command: str
    machine: Mapping[str, Any]
    sections: tuple[Section, ...]
    problems: tuple[str, ...] = ()


def write_page(path: Path, page: Page) -> Path:
    """Write the page and give its path back. A picture that cannot be read is named in its place.

    Raises ValueError when a picture is neither PNG nor JPEG, and OSError when the page cannot be written.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATE.parent),
        autoescape=True,  # names of sequences and trackers come from files
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"paragraphs": _paragraphs, "data_uri": _data_uri, "words": words}
    text = environment.get_template(_TEMPLATE.name).render(page=page)
    # A file's name can hold bytes that are no text.
    path.write_bytes(text.encode("utf-8", "replace"))
    return path


def _paragraphs(text: str) -> list[str]:
    return [part.strip() for part in text.split("\n\n") if part.strip()]


def _data_uri(path: Path) -> str:
    """The picture as text for the attribute src; empty where it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError:
        return ""
    for start, kind in _KINDS.items():
        if content.startswith(start):
            return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
    raise ValueError(f"{path}: is neither PNG nor JPEG")


def words(value: Any) -> str:
    """A value of `Page.machine` in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {words(one)}" for name, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(words(one) for one in value)
    return str(value)


def _begins_with_number(cell: str) -> bool:
    start = cell.strip().lstrip("+-\N{MINUS SIGN}[(<>~")
    return not start or start[0].isdigit()
