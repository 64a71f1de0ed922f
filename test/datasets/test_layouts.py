"""The registry of layouts: each made folder is recognised as what it is, and by no other name."""

import published_layouts as make
import pytest

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.layouts import LAYOUTS, recognise_layout, survey_layout


@pytest.mark.parametrize("name", make.MAKERS)
def test_a_layout_is_recognised_and_read(tmp_path, name):
    folder = make.MAKERS[name](tmp_path)
    assert recognise_layout(folder).name == name
    for survey in (survey_layout(folder), survey_layout(str(folder), name)):
        assert not survey.broken
        assert {sequence.layout for sequence in survey.sequences} == {name}
        for sequence in survey.sequences:
            assert len(list(sequence.frames())) == len(sequence)


def test_every_layout_has_a_made_folder():
    assert set(make.MAKERS) == set(LAYOUTS)


def test_an_unknown_layout_and_a_missing_folder_are_named(tmp_path):
    with pytest.raises(DatasetError, match="there is no layout otb; there are auto, dtb70, folders, got10k"):
        survey_layout(tmp_path, "otb")
    with pytest.raises(DatasetError, match="is not a folder"):
        survey_layout(tmp_path / "none")


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_empty_folder_is_refused(tmp_path, name):
    with pytest.raises(DatasetError, match="holds n"):
        survey_layout(tmp_path, name)
