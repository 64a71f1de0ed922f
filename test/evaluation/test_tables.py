"""Tables word by word."""

from dataclasses import replace

import numpy as np
from slides import slides

from siam_tracker_ros.evaluation import tables
from siam_tracker_ros.evaluation.one_pass import Track
from siam_tracker_ros.evaluation.protocols import OnePass, RealTime, Supervised
from siam_tracker_ros.evaluation.runner import Evaluation, score_track
from siam_tracker_ros.evaluation.summary import summarize, summarize_supervised
from siam_tracker_ros.evaluation.tables import Table

BOX = [10.0, 10.0, 40.0, 40.0]
RIGHT = "0.952 [0.952, 0.952]"  # strictly over 20 of 21 thresholds


def perfect(count: int, **more) -> Track:
    return Track(np.tile(BOX, (count, 1)), np.full(count, 0.5), **more)


def one_pass(*trackers: str, protocol=None, **more):
    """An evaluation in which every tracker is right, and its summaries."""
    sequence = slides([BOX] * 5, "still", **more)
    evaluation = Evaluation(list(trackers), protocol or OnePass(), dict.fromkeys(trackers, "cpu"))
    evaluation.outcomes = [score_track(tracker, sequence, perfect(5), evaluation.protocol) for tracker in trackers]
    return evaluation, [summarize(evaluation, [sequence], tracker) for tracker in trackers]


def test_as_text():
    table = Table("", ["name", "n"], [["a", "100"], ["long name", "1"]])
    assert tables.text(table) == "name         n\n---------  ---\na          100\nlong name    1"


def test_means_with_their_intervals():
    evaluation, summaries = one_pass("it")
    first, second = tables.mean_tables(evaluation, summaries)
    assert first.header == ["tracker", "sequences", "AUC", "P20", "norm. P", "fps"]
    assert first.rows == [["it", "1", RIGHT, *["1.000 [1.000, 1.000]"] * 2, "2.0"]]
    assert second.header == ["tracker", "norm. P area", "OP0.5", "OP0.75", "mean IoU"]
    assert second.rows == [["it", *["1.000 [1.000, 1.000]"] * 4]]


def test_what_failed_and_what_has_no_figure():
    evaluation, summaries = one_pass("it")
    summaries = [replace(summaries[0], failed=2)]
    evaluation.trackers.append("none")
    first, _ = tables.mean_tables(evaluation, summaries)
    assert [row[:3] for row in first.rows] == [["it", "1 (2 failed)", RIGHT], ["none", "0", "-"]]


def test_at_a_cameras_pace_the_frames_given_are_told():
    evaluation, summaries = one_pass("it", protocol=RealTime(30))
    first, _ = tables.mean_tables(evaluation, summaries)
    assert first.header[-2:] == ["fps", "frames given"]
    assert first.rows[0][-2:] == ["2.0", "100 %"]


def test_sequences_of_one_and_of_several_trackers():
    evaluation, _ = one_pass("it")
    table = tables.sequence_table(evaluation)
    assert table.header == ["sequence", "frames", "AUC", "P20", "OP0.5", "OP0.75", "fps"]
    assert table.rows == [["still", "4", "0.952", "1.000", "1.000", "1.000", "2.0"]]
    evaluation, _ = one_pass("it", "other")
    evaluation.trackers.append("none")
    table = tables.sequence_table(evaluation)
    assert table.header == ["AUC of sequence", "it", "other", "none"]
    assert table.rows == [["still", "0.952", "0.952", "-"]]


def test_what_a_layout_does_not_have_is_no_table():
    _, summaries = one_pass("it")
    for table in (tables.got10k_table, tables.attribute_table, tables.tag_table, tables.confidence_table):
        assert table(summaries) is None


def test_differences_are_of_the_same_sequences():
    evaluation, _ = one_pass("it", "other")
    wrong = slides([BOX] * 5, "moving")
    track = Track(np.array([BOX] + [[90, 90, 5, 5]] * 4), np.full(5, 0.5))
    evaluation.outcomes += [
        score_track("it", wrong, track, OnePass()),
        score_track("other", wrong, perfect(5), OnePass()),
    ]
    evaluation.outcomes.append(score_track("it", slides([BOX] * 5, "left out"), perfect(5), OnePass()))
    table = tables.difference_table(evaluation)
    assert table.rows == [["other", "2", "+0.476 [+0.000, +0.952]", "1", "0"]]
    evaluation.trackers = ["it"]
    assert tables.difference_table(evaluation) is None


def test_got10k_attributes_and_tags():
    tags = {"motion": np.array([0, 1, 1, 0, 0], bool)}
    _, summaries = one_pass("it", layout="got10k", attributes=("ship",), tags=tags)
    assert tables.got10k_table(summaries).rows == [["it", "4", *["1.000 [1.000, 1.000]"] * 3]]
    assert tables.attribute_table(summaries).rows == [["ship", "1", RIGHT]]
    assert tables.tag_table(summaries).rows == [["motion", "2", "1.000 [1.000, 1.000]"]]


def test_confidence():
    sequence = slides([BOX] * 4 + [[np.nan] * 4], "still")
    track = perfect(5, confidences=np.array([np.nan, 0.75, 0.75, 0.75, 0.05]), lost=np.array([0, 0, 0, 0, 1], bool))
    evaluation = Evaluation(["it"], outcomes=[score_track("it", sequence, track, OnePass())])
    table = tables.confidence_table([summarize(evaluation, [sequence], "it")])
    assert table.rows == [["it", "0.200", "0.250", "1", "1", "1.000", "1.000", "1.000"]]
    track = replace(track, lost=None)
    evaluation.outcomes = [score_track("it", sequence, track, OnePass())]
    table = tables.confidence_table([summarize(evaluation, [sequence], "it")])
    assert table.rows == [["it", "0.200", "0.250", *["-"] * 5]]


def test_vot():
    sequence = slides([BOX] * 30, "still")
    track = perfect(30)
    track.boxes[0] = np.nan
    evaluation = Evaluation(["it", "none"], Supervised(), outcomes=[score_track("it", sequence, track, Supervised())])
    table = tables.vot_table(evaluation, [summarize_supervised(evaluation, "it", (10, 20))])
    assert table.rows[0] == [
        "it",
        "1",
        *["1.000 [1.000, 1.000]"] * 2,
        *["0.000 [0.000, 0.000]"] * 2,
        "1.000",
        "2.0",
    ]
    assert table.rows[1][:3] == ["none", "0", "-"]
    table = tables.vot_table(evaluation, [summarize_supervised(evaluation, "it", (100, 200))])
    assert table.rows[0][2] == "-"  # no sequence is as long
    assert tables.sequence_table(evaluation).rows == [["still", "1.000 0", "-"]]
    evaluation.trackers.pop()
    assert tables.sequence_table(evaluation).rows == [["still", "30", "1.000", "0", "2.0"]]


def test_speed():
    evaluation, _ = one_pass("it")
    evaluation.trackers.append("read")
    assert tables.speed_table(evaluation).rows == [
        ["it", "cpu", "2.0", "500.00", "500.00", "500.0"],
        ["read", "-", *["-"] * 4],
    ]
