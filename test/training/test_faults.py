"""Faults: each file is told once, and only many of them end a run."""

from pathlib import Path

import pytest

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.training.faults import Faults
from siam_tracker_ros.training.views import BrokenView, View


def broken(number):
    view = View(Path(f"{number}.jpg"), Box(0, 0, 9, 9))
    return BrokenView(view, f"{number}.jpg: cannot be read")


def test_a_file_is_told_once(caplog):
    faults = Faults("cars", draws=1000)
    for error in (broken(1), broken(2), broken(1), DatasetError("one.xml: cut off"), DatasetError("one.xml: cut off")):
        faults.add(error)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
    assert [word in caplog.text for word in ("cars", "1.jpg", "2.jpg", "one.xml")] == [True] * 4
    assert (faults.failed, len(faults.files)) == (5, 3)


def test_few_files_never_end_a_run():
    faults = Faults("cars")
    for number in range(20):
        faults.draws += 1
        faults.add(broken(number))
    faults.draws += 1
    with pytest.raises(DatasetError, match=r"cars: 21 of 21 draws failed, at 21 files.*restore.*20\.jpg"):
        faults.add(broken(20))


def test_a_small_share_never_ends_a_run():
    faults = Faults("cars", draws=1000)
    for number in range(100):
        faults.add(broken(number))
    with pytest.raises(DatasetError, match="101 of 1000"):
        faults.add(broken(100))
