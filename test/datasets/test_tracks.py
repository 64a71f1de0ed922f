"""The survey: what it counts, remembers and says."""

import numpy as np

from siam_tracker_ros.datasets.tracks import ObjectTrack, Survey


def test_a_survey_counts_reasons_and_names_the_first_few():
    survey = Survey("set", objects=2, views=7, cut=3)
    for name in "abcd":
        survey.leave_out("views: it rained", name)
    survey.leave_out("views: it was dark", "x", "y", count=12)
    survey.leave_out("views: never", count=0)
    assert survey.left_out == {"views: it rained": (4, ("a", "b", "c")), "views: it was dark": (12, ("x", "y"))}
    assert survey.text().splitlines() == [
        "set: 2 objects, 7 views",
        "  3 boxes cut at the picture's border",
        "  left out: 12 views: it was dark (x, y, ...)",
        "  left out: 4 views: it rained (a, b, c, ...)",
    ]


def test_a_survey_of_a_perfect_set_is_one_line():
    assert Survey("set", 1, 1).text() == "set: 1 objects, 1 views"


def test_a_copy_of_a_survey_leaves_the_first_alone():
    survey = Survey("set")
    copy = survey.copy()
    copy.leave_out("views: none", "a")
    assert survey.left_out == {}
    assert copy.left_out == {"views: none": (1, ("a",))}


def test_a_track_is_as_long_as_its_boxes():
    assert len(ObjectTrack("a", "s", "", [], np.zeros(3, np.int64), np.ones((3, 4)))) == 3
