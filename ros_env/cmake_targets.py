"""Corrects two include folders in the CMake targets that the ROS wheels export.

The targets of the message packages' Python libraries name the headers of Python and of NumPy where they
lay on the machine that built the wheels. CMake refuses a target with an include folder that does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

# One entry of a list inside quotes: no quote, semicolon or space.
_ENTRY = r'[^";\s]*'
_PYTHON = re.compile(rf"/{_ENTRY}/include/python3\.\d+(?=[;\"])")
_NUMPY = re.compile(rf"/{_ENTRY}/numpy/(?:_core|core)/include(?=[;\"])")


def corrected(text: str, python_include: Path, numpy_include: Path) -> str:
    """Returns a CMake file's text with the two include folders replaced where they do not exist."""

    def existing_or(folder: Path, match: re.Match[str]) -> str:
        return match[0] if Path(match[0]).is_dir() else folder.as_posix()

    lines = []
    for line in text.splitlines(keepends=True):
        if "INTERFACE_INCLUDE_DIRECTORIES" in line:
            line = _PYTHON.sub(lambda match: existing_or(python_include, match), line)
            line = _NUMPY.sub(lambda match: existing_or(numpy_include, match), line)
        lines.append(line)
    return "".join(lines)


def correct_targets(share: Path, python_include: Path, numpy_include: Path) -> list[Path]:
    """Corrects the exported targets below a prefix's share/ folder and returns the files that changed."""
    changed = []
    for file in _exports(share):
        before = file.read_text(encoding="utf-8")
        after = corrected(before, python_include, numpy_include)
        if after != before:
            file.write_text(after, encoding="utf-8")
            changed.append(file)
    return changed


def _exports(share: Path) -> Iterable[Path]:
    return sorted(share.glob("*/cmake/*__rosidl_generator_pyExport.cmake"))
