"""Curves out of a run's logs."""

import cv2

from siam_tracker_ros.training.curves import logs_of, plot_curves, read_curves


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def two_logs(out):
    """A run that was started twice, the second time from step 20, which the first had passed already."""
    write(out / "log" / "from_step_0000000" / "metrics.csv", "epoch,step,loss,rate", "0,10,3.0,0.1", "0,20,2.5,0.2")
    write(
        out / "log" / "from_step_0000020" / "metrics.csv",
        "epoch,loss,step,validation/auc",
        "0,2.0,20,",
        ",,30,0.5",
        "0,1.0,30,",
    )
    return logs_of(out)


def test_later_logs_go_on_where_earlier_ones_stopped(tmp_path):
    assert read_curves(two_logs(tmp_path)) == {
        "loss": ([10, 20, 30], [3.0, 2.0, 1.0]),
        "rate": ([10, 20], [0.1, 0.2]),
        "validation/auc": ([30], [0.5]),
    }


def test_the_picture_has_a_panel_for_each_curve(tmp_path):
    logs = two_logs(tmp_path)
    plot_curves(logs, tmp_path / "all.png")
    plot_curves(logs[:1], tmp_path / "two.png")
    tall, low = (cv2.imread(str(tmp_path / name)).shape for name in ("all.png", "two.png"))
    assert tall[0] == 2 * low[0]
    assert tall[1] == low[1]


def test_nothing_to_draw_draws_nothing(tmp_path):
    write(tmp_path / "log" / "a" / "metrics.csv", "step,validation/auc", "0,0.5")
    plot_curves(logs_of(tmp_path), tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
