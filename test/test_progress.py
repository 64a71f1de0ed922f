"""Progress in a log: whole lines, the last one with the final count."""

from siam_tracker_ros.progress import progress_bar


def test_a_log_gets_whole_lines(capsys):
    with progress_bar("working", 7) as bar:
        for _ in range(7):
            bar.update()
    text = capsys.readouterr().err
    assert "\r" not in text
    lines = text.splitlines()
    assert all(line.startswith("working: ") for line in lines)
    assert "7/7" in lines[-1]


def test_the_total_may_be_unknown(capsys):
    with progress_bar("working", None, unit="step") as bar:
        bar.update(3)
    assert "3step" in capsys.readouterr().err
