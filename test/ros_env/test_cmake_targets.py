"""The two include folders of the machine that built the wheels are replaced, and nothing else."""

import sysconfig
from pathlib import Path

import numpy as np
import pytest

from ros_env.cmake_targets import correct_targets, corrected

HEAD = '  INTERFACE_INCLUDE_DIRECTORIES "'
PYTHON = Path("/usr/include/python-here")
NUMPY = Path("/somewhere/numpy-here")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "/opt/python/cp311-cp311/include/python3.11;"
            "/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include",
            f"{PYTHON};{NUMPY}",
        ),
        (
            "/opt/python/cp310-cp310/include/python3.10;/opt/python/lib/numpy/core/include;${_IMPORT_PREFIX}/include/x",
            f"{PYTHON};{NUMPY};${{_IMPORT_PREFIX}}/include/x",
        ),
        ("${_IMPORT_PREFIX}/include/std_msgs", "${_IMPORT_PREFIX}/include/std_msgs"),
    ],
)
def test_folders_that_do_not_exist_are_replaced(before: str, after: str) -> None:
    assert corrected(f'{HEAD}{before}"\n', PYTHON, NUMPY) == f'{HEAD}{after}"\n'


def test_folders_that_exist_stay() -> None:
    line = f'{HEAD}{sysconfig.get_path("include")};{np.get_include()}"\n'
    assert corrected(line, PYTHON, NUMPY) == line


def test_other_lines_stay() -> None:
    text = 'set(_python "/opt/python/cp311-cp311/include/python3.11;")\n'
    assert corrected(text, PYTHON, NUMPY) == text


def test_only_targets_of_python_libraries_are_touched_and_once(tmp_path: Path) -> None:
    folder = tmp_path / "std_msgs" / "cmake"
    folder.mkdir(parents=True)
    text = f'{HEAD}/opt/python/cp311-cp311/include/python3.11;/opt/python/numpy/_core/include"\n'
    target = folder / "export_std_msgs__rosidl_generator_pyExport.cmake"
    other = folder / "export_std_msgs__rosidl_generator_cExport.cmake"
    for file in (target, other):
        file.write_text(text)
    assert correct_targets(tmp_path, PYTHON, NUMPY) == [target]
    assert correct_targets(tmp_path, PYTHON, NUMPY) == []
    assert other.read_text() == text
