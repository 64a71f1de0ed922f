"""What a run says of each tracker, on tracks whose figures are plain."""

import numpy as np
import pytest
from slides import slides

from siam_tracker_ros.evaluation import got10k, metrics, vot
from siam_tracker_ros.evaluation.one_pass import Track
from siam_tracker_ros.evaluation.protocols import OnePass, Supervised
from siam_tracker_ros.evaluation.runner import Evaluation, Outcome, score_track
from siam_tracker_ros.evaluation.summary import TagMean, summarize, summarize_supervised

BOX = [10.0, 10.0, 40.0, 40.0]
NAN = [np.nan] * 4


def track(boxes, seconds=0.5, **more) -> Track:
    return Track(np.asarray(boxes, dtype=float), np.array([2.0] + [seconds] * (len(boxes) - 1)), **more)


def evaluated(pairs, protocol=None) -> Evaluation:
    """One tracker's tracks on sequences; a sentence for a track is a failure."""
    protocol = protocol or OnePass()
    outcomes = [score_track("it", sequence, given, protocol) for sequence, given in pairs]
    return Evaluation(["it"], protocol, outcomes=outcomes)


def test_sequences_count_the_same_and_frames_make_the_speed():
    right, wrong = slides([BOX] * 3, "right"), slides([BOX] * 9, "wrong")
    evaluation = evaluated([(right, track([BOX] * 3)), (wrong, track([BOX] + [[90, 90, 5, 5]] * 8, 0.25))])
    summary = summarize(evaluation, [right, wrong], "it")
    assert (summary.sequences, summary.failed, summary.unscored) == (2, 0, 0)
    assert summary.means["success_50"] == 0.5
    assert summary.intervals["success_50"] == metrics.bootstrap_interval([1, 0])
    assert (summary.fps, summary.init_ms, summary.given) == ((2 + 8) / (2 * 0.5 + 8 * 0.25), 2000, 1)
    np.testing.assert_allclose(summary.curves.success, [0.5] * 20 + [0])
    np.testing.assert_allclose(summary.curves.precision, [0.5] * 51)
    np.testing.assert_allclose(summary.curves.normalized, [0.5] * 51)
    assert (summary.got10k, summary.reliability, summary.lost, summary.attributes, summary.tags) == (
        None,
        None,
        None,
        {},
        {},
    )


def test_failures_are_counted_and_nothing_scored_is_none():
    sequence = slides([BOX] * 3, "one")
    evaluation = evaluated([(sequence, track([BOX] * 3)), (slides([BOX], "two"), "frame 0: lost")])
    assert summarize(evaluation, [sequence], "it").failed == 1
    assert summarize(evaluated([(sequence, "frame 0: lost")]), [sequence], "it") is None
    assert summarize(evaluation, [sequence], "another") is None


def test_the_share_of_the_frames_that_a_slow_tracker_was_given():
    sequence = slides([BOX] * 5)
    times = np.array([0.1, 0.2, np.nan, np.nan, 0.2])
    summary = summarize(evaluated([(sequence, Track(np.tile(BOX, (5, 1)), times))]), [sequence], "it")
    assert summary.given == 0.5


def test_attributes_by_sequence_and_tags_by_frame():
    off = [90, 90, 5, 5]
    first = slides([BOX] * 4, "first", attributes=("OCC", "SV"), tags={"occlusion": np.array([1, 1, 0, 0], bool)})
    second = slides([BOX] * 3 + [NAN], "second", attributes=("OCC",), tags={"occlusion": np.array([0, 0, 1, 1], bool)})
    evaluation = evaluated([(first, track([BOX] * 4)), (second, track([BOX, off, off, off]))])
    summary = summarize(evaluation, [first, second], "it")
    assert {name: (mean.sequences, mean.mean) for name, mean in summary.attributes.items()} == {
        "OCC": (2, pytest.approx(20 / 21 / 2)),
        "SV": (1, pytest.approx(20 / 21)),
    }
    # The first frame of `first` was given and the last of `second` has no target: one right frame, one wrong.
    assert summary.tags == {"occlusion": TagMean(2, 0.5, (0.0, 1.0))}


def test_got10k_pools_frames():
    off = [90, 90, 5, 5]
    long, short = slides([BOX] * 9, "long", layout="got10k"), slides([BOX] * 3, "short", layout="got10k")
    evaluation = evaluated([(long, track([BOX] * 9)), (short, track([BOX, off, off]))])
    summary = summarize(evaluation, [long, short], "it")
    assert (summary.got10k.ao, summary.got10k.frames) == (0.8, 10)
    assert summary.got10k == got10k.score([np.ones(8), np.zeros(2)])
    assert summary.got10k.sr_50_interval == summary.got10k.ao_interval == (0, 1)
    assert summary.means["mean_iou"] == 0.5


def test_a_sequence_of_which_only_the_first_box_is_known_is_no_failure():
    hidden = slides([BOX, NAN, NAN], "hidden", first_box_only=True)
    evaluation = evaluated([(hidden, track([BOX] * 3))])
    assert evaluation.failures == []
    assert [outcome.sequence for outcome in evaluation.tracked("it")] == ["hidden"]
    assert summarize(evaluation, [hidden], "it") is None
    known = slides([BOX] * 3, "known")
    both = evaluated([(hidden, track([BOX] * 3)), (known, track([BOX] * 3))])
    assert (summarize(both, [hidden, known], "it").unscored, summarize(both, [hidden, known], "it").sequences) == (1, 1)


def test_confidence_and_lost():
    sequence = slides([BOX, BOX, BOX, NAN, NAN])
    off = [90, 90, 5, 5]
    confidences = np.array([np.nan, 0.9, 0.9, 0.1, 0.9])
    given = track([BOX, BOX, off, off, off], confidences=confidences, lost=np.array([0, 0, 1, 1, 0], bool))
    summary = summarize(evaluated([(sequence, given)]), [sequence], "it")
    assert summary.reliability.frames.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 3, 0]
    # Of the three at 0.9 one is right; the one at 0.1 is wrong, because nothing is there.
    assert summary.reliability.expected_error == pytest.approx((3 * (0.9 - 1 / 3) + 0.1) / 4)
    lost = summary.lost
    assert (lost.hits, lost.false_alarms, lost.misses, lost.agreed) == (1, 1, 1, 1)


def test_vot_over_several_sequences():
    first, second = slides([BOX] * 30, "first"), slides([BOX] * 30, "second")
    lost = Track(np.tile(BOX, (30, 1)), np.full(30, 0.5), starts=(0, 20), failures=(15,))
    lost.boxes[[0, 15, 16, 17, 18, 19, 20]] = np.nan
    kept = Track(np.tile(BOX, (30, 1)), np.full(30, 0.5))
    kept.boxes[0] = np.nan
    evaluation = evaluated([(first, lost), (second, kept)], Supervised())
    summary = summarize_supervised(evaluation, "it", (5, 20))
    assert (summary.sequences, summary.failed, summary.scores.failures) == (2, 0, 0.5)
    assert summary.scores == vot.score([outcome.run for outcome in evaluation.outcomes], (5, 20))
    assert summary.curve[14] == 1
    assert summary.curve[16] < 1
    assert summarize_supervised(evaluation, "another", (5, 20)) is None
    assert summarize(evaluation, [first, second], "it") is None


def test_an_absence_is_named_where_the_protocol_knows_none():
    sequence = slides([BOX, NAN, BOX])
    evaluation = evaluated([(sequence, track([BOX] * 3))], Supervised())
    assert "absent in 1" in evaluation.failures[0].failure
    assert isinstance(evaluation.outcomes[0], Outcome)
