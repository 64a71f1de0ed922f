"""The plot of a track: every panel that has something to say, on any run."""

import cv2
import numpy as np
import pytest

from siam_tracker_ros.evaluation.timeline import TimelineRow, plot_timeline


def rows(count: int, *, known: bool) -> list[TimelineRow]:
    return [
        TimelineRow(
            i / 30,
            "LOST" if 20 <= i < 30 else "TRACKING",
            0.8,
            300.0,
            20.0,
            i // 10,
            iou=(np.nan if 18 <= i < 28 else 0.7) if known else np.nan,
            hidden=known and 18 <= i < 28,
        )
        for i in range(count)
    ]


@pytest.mark.parametrize("count", [1, 2, 60])
@pytest.mark.parametrize("known", [True, False], ids=["truth", "no truth"])
def test_a_run_of_any_length_is_drawn(tmp_path, count, known):
    plot_timeline(rows(count, known=known), tmp_path / "new" / "timeline.png", "a run")
    picture = cv2.imread(str(tmp_path / "new" / "timeline.png"))
    assert picture.shape[1] > 900
    assert (picture < 128).any()


def test_the_overlap_has_its_panel_only_where_it_is_known(tmp_path):
    for known in (True, False):
        plot_timeline(rows(60, known=known), tmp_path / f"{known}.png")
    heights = [cv2.imread(str(tmp_path / f"{known}.png")).shape[0] for known in (True, False)]
    assert heights[0] > heights[1]


def test_values_that_nobody_knows_leave_gaps(tmp_path):
    nan = float("nan")
    plot_timeline([TimelineRow(i / 30, "TRACKING", nan, nan, nan, 0) for i in range(5)], tmp_path / "t.png")
    assert (tmp_path / "t.png").stat().st_size > 0


def test_nothing_cannot_be_drawn(tmp_path):
    with pytest.raises(ValueError, match="at least one row"):
        plot_timeline([], tmp_path / "t.png")
