"""Boxes read line by line, so that one damaged line costs one frame."""

import numpy as np
import pytest

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.numbered_sequence import read_boxes_line_by_line


def test_a_damaged_line_is_a_row_of_nan(tmp_path):
    path = tmp_path / "groundtruth.txt"
    path.write_text("1,2,3,4\nrubbish\n5.5\t6 7,8\n\n1,2,3\n1,2,3,4,5\n9,9,9,9\n", encoding="utf-8")
    nan = [np.nan] * 4
    np.testing.assert_array_equal(
        read_boxes_line_by_line(path), [[1, 2, 3, 4], nan, [5.5, 6, 7, 8], nan, nan, nan, [9, 9, 9, 9]]
    )


def test_an_empty_file_has_no_box_and_a_missing_one_is_named(tmp_path):
    (tmp_path / "empty.txt").touch()
    assert read_boxes_line_by_line(tmp_path / "empty.txt").shape == (0, 4)
    with pytest.raises(DatasetError, match=r"none\.txt cannot be read"):
        read_boxes_line_by_line(tmp_path / "none.txt")
