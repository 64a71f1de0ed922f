"""UAV123's layout: absent targets, parts of a folder with and without the table, and what is broken in it."""

import numpy as np
import published_layouts as make
import pytest

from siam_tracker_ros.datasets.layouts import survey_layout


@pytest.mark.parametrize("rate", ["UAV123", "UAV123_10fps"])
def test_parts_of_a_folder_share_the_frame_between_them(tmp_path, rate):
    bike, first, second = survey_layout(make.uav123(tmp_path, rate)).sequences
    assert (bike.name, first.name, second.name) == ("bike1", "car1_1", "car1_2")
    np.testing.assert_array_equal(bike.boxes[2:], [[5, 4, 8, 6], [np.nan] * 4])
    assert [round(frame.mean(), -1) for frame in first.frames()] == [10, 20, 30]
    assert [round(frame.mean(), -1) for frame in second.frames()] == [30, 40, 50, 60, 70]


def test_the_table_of_the_toolbox_goes_first(tmp_path):
    rows = [
        ("bike1", "UAV123", "bike1", 1, 4),
        ("car1_1", "UAV123", "car1", 2, 4),
        ("car1_2", "UAV123_10fps", "car1", 1, 5),
        ("car1_2", "UAV123", "car1", 1, 7),
        ("car1_2", "UAV123", "car1", 3, 7),
    ]
    make.write(
        make.uav123(tmp_path) / "configSeqs.m",
        *(
            f"struct('name','{name}','path','.\\data_seq\\{rate}\\{folder}\\','startFrame',{a},'endFrame',{b},'nz',6)"
            for name, rate, folder, a, b in rows
        ),
    )
    _, first, second = survey_layout(tmp_path).sequences
    assert [round(frame.mean(), -1) for frame in first.frames()] == [20, 30, 40]
    assert [round(frame.mean(), -1) for frame in second.frames()] == [30, 40, 50, 60, 70]


@pytest.mark.parametrize(("rate", "first"), [("UAV123", 1573), ("UAV123_10fps", 525)])
def test_the_two_folders_with_frames_between_the_parts_are_known(tmp_path, rate, first):
    make.images(tmp_path / "data_seq" / rate / "bird1", 3, first, name="{:06d}.jpg")
    make.write(tmp_path / "anno" / rate / "bird1_3.txt", *make.lines(3))
    (sequence,) = survey_layout(tmp_path).sequences
    assert (sequence.name, sequence.start, len(sequence)) == ("bird1_3", 0, 3)


def test_the_long_sequences_are_whole_folders(tmp_path):
    """As the archive has them: both sets, and a table with both."""
    make.uav20l(make.uav123(tmp_path))
    rows = [("car1", 1, 7), ("bike1", 1, 4), ("car1_1", 1, 3), ("bike1", 1, 4)]
    make.write(
        tmp_path / "configSeqs.m",
        *(
            f"struct('name','{name}','path','D:\\data_seq\\UAV123\\{name.split('_')[0]}\\','startFrame',{a},'endFrame',{b})"
            for name, a, b in rows
        ),
    )
    make.write(tmp_path / "anno" / "UAV20L" / "att" / "car1.txt", "1,0,0,0,0,0,0,0,0,0,1,0")
    bike, car = survey_layout(tmp_path, "uav20l").sequences
    assert (bike.name, car.name, car.layout, car.attributes) == ("bike1", "car1", "uav20l", ("SV", "CM"))
    assert (len(bike), len(car), len(list(car.frames()))) == (4, 7, 7)
    assert {sequence.layout for sequence in survey_layout(tmp_path).sequences} == {"uav123"}


def test_parts_that_do_not_fill_their_folder_ask_for_the_table(tmp_path):
    make.images(make.uav123(tmp_path) / "data_seq" / "UAV123" / "car1", 9, name="{:06d}.jpg")
    survey = survey_layout(tmp_path)
    assert [sequence.name for sequence in survey.sequences] == ["bike1"]
    assert list(survey.broken) == ["car1_1", "car1_2"]
    assert "put the toolbox's configSeqs.m into the folder" in survey.broken["car1_2"]


def test_attributes_come_from_the_annotations(tmp_path):
    make.write(make.uav123(tmp_path) / "anno" / "UAV123" / "att" / "bike1.txt", "1,0,0,0,0,0,0,0,0,0,0,1")
    assert survey_layout(tmp_path).sequences[0].attributes == ("SV", "SOB")


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (
            lambda p: make.write(p / "anno" / "UAV123" / "bike1.txt", *make.lines(3)),
            "has 3 lines, but bike1 has 4 frames",
        ),
        (
            lambda p: make.write(p / "anno" / "UAV123" / "bike1.txt", "NaN,NaN,NaN,NaN", *make.lines(3)),
            "no box in the first frame",
        ),
        (lambda p: (p / "data_seq" / "UAV123" / "bike1").rename(p / "elsewhere"), "UAV123/bike1 is missing"),
    ],
)
def test_a_broken_sequence_is_named_and_the_others_are_given(tmp_path, break_it, said):
    break_it(make.uav123(tmp_path))
    survey = survey_layout(tmp_path, "uav123")
    assert "car1_1" in [sequence.name for sequence in survey.sequences]
    assert list(survey.broken) == ["bike1"]
    assert survey.broken["bike1"].startswith("bike1: ")
    assert said in survey.broken["bike1"]
