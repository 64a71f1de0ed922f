"""The kept index: when it is used, when it is made again, and what happens where it cannot be kept."""

import os
from pathlib import Path

import numpy as np
import pytest

from siam_tracker_ros.datasets import track_cache
from siam_tracker_ros.datasets.track_table import Naming
from siam_tracker_ros.datasets.view_rows import ViewRows


class Maker:
    """Makes a table, and counts how often."""

    def __init__(self, root: Path) -> None:
        self.root, self.calls, self.said = root, 0, []

    def make(self):
        self.calls += 1
        rows = ViewRows("set", self.root, Naming("{scene}.jpg"))
        rows.add(rows.scene("a", 100, 100), -1, 0, 0, (1, 2, 30, 40))
        return rows.table(8)

    def kept(self, cache, **changed):
        arguments = {"layout": "set", "settings": {"least_side": 8.0}, "sources": [self.root, self.root / "labels.txt"]}
        table = track_cache.kept_table(
            self.make, root=self.root, cache=cache, say=self.said.append, **arguments | changed
        )
        np.testing.assert_array_equal(table[0].boxes, [[1, 2, 30, 40]])
        return table


@pytest.fixture
def maker(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "labels.txt").write_text("one", encoding="utf-8")
    return Maker(tmp_path / "data")


def test_without_a_folder_nothing_is_kept(maker):
    maker.kept(None)
    maker.kept(None)
    assert maker.calls == 2


def test_a_second_start_reads_the_index(maker, tmp_path):
    first = maker.kept(tmp_path / "cache")
    second = maker.kept(tmp_path / "cache")
    assert maker.calls == 1
    assert second.survey == first.survey
    assert maker.said == []


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "labels.txt").write_text("more", encoding="utf-8"),
        lambda root: os.utime(root / "labels.txt", (1, 1)),
        lambda root: (root / "labels.txt").unlink(),
    ],
    ids=["size", "time", "gone"],
)
def test_the_index_is_made_again_when_a_source_changes(maker, tmp_path, change):
    maker.kept(tmp_path / "cache")
    change(maker.root)
    maker.kept(tmp_path / "cache")
    assert maker.calls == 2


@pytest.mark.parametrize("changed", [{"settings": {"least_side": 9.0}}, {"layout": "other"}])
def test_the_index_is_made_again_for_other_settings(maker, tmp_path, changed):
    maker.kept(tmp_path / "cache")
    maker.kept(tmp_path / "cache", **changed)
    assert maker.calls == 2


@pytest.mark.parametrize("damage", ["cut", "empty", "bytes", "text"])
def test_a_damaged_index_is_made_again(maker, tmp_path, damage):
    maker.kept(tmp_path / "cache")
    (path,) = (tmp_path / "cache" / "index").iterdir()
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(
        {
            "cut": content[:middle],
            "empty": b"",
            "bytes": content[:middle]
            + bytes(byte ^ 0xFF for byte in content[middle : middle + 60])
            + content[middle + 60 :],
            "text": b"not an index",
        }[damage]
    )
    maker.kept(tmp_path / "cache")
    assert maker.calls == 2
    assert len(maker.said) == 1
    assert "is damaged" in maker.said[0]
    maker.kept(tmp_path / "cache")
    assert maker.calls == 2


def test_a_folder_that_cannot_be_written_costs_only_time(maker, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder belongs", encoding="utf-8")
    maker.kept(tmp_path / "cache")
    assert "cannot be written" in maker.said[0]
