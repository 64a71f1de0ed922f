"""The parameter file and the table in the docs, which are made and not written."""

import pytest
import yaml

from siam_tracker_ros.nodes import parameter_docs
from siam_tracker_ros.nodes.parameter_docs import TABLE_FILE, YAML_FILE, main, table_text, yaml_text
from siam_tracker_ros.nodes.parameters import ENTRIES, Entry


def test_both_files_are_those_that_the_table_gives(repository):
    made = "out of date: run `python -m siam_tracker_ros.nodes.parameter_docs`"
    assert (repository / YAML_FILE).read_text(encoding="utf-8") == yaml_text(), made
    assert (repository / TABLE_FILE).read_text(encoding="utf-8") == table_text(), made


def test_every_parameter_has_one_row_and_its_meaning():
    rows = [line for line in table_text().splitlines() if line.startswith("| `")]
    assert len(rows) == len(ENTRIES)
    for entry in ENTRIES:
        row = next(line for line in rows if line.startswith(f"| `{entry.name}` |"))
        assert entry.text.replace("|", "\\|") in row
        assert ("| fixed |" in row) == entry.fixed


ODD = (
    Entry("a", "on", "A text that YAML would take for a truth value."),
    Entry("b.first", 0.00001, "A number that Python writes with an exponent.", 0.0, 1.0),
    Entry("c", "", "Either one | or none.", choices=("", "one"), fixed=True),
    Entry("b.second", -3, "Of a group that was begun before.", -5, 5),
    Entry("d", False, "A switch."),
)


def test_values_are_read_back_as_they_are_and_a_group_is_written_once():
    text = yaml_text(ODD)
    values = yaml.safe_load(text)["/**"]["ros__parameters"]
    assert values == {"a": "on", "b": {"first": 0.00001, "second": -3}, "c": "", "d": False}
    assert [type(values["b"][name]) for name in ("first", "second")] == [float, int]
    assert text.count("b:\n") == 1
    assert '# Either one | or none. ("" or one; fixed)' in text
    assert "(-5 to 5)" in text


def test_a_bar_in_a_text_does_not_end_its_cell():
    row = next(line for line in table_text(ODD).splitlines() if line.startswith("| `c`"))
    assert row.replace("\\|", "").count("|") == 7


def test_a_name_with_two_points_is_refused():
    with pytest.raises(ValueError, match="two points"):
        yaml_text([Entry("a.b.c", 1, "Too deep.")])


def test_check_tells_what_is_out_of_date_and_writing_mends_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(parameter_docs, "ROOT", tmp_path)
    for name in (YAML_FILE, TABLE_FILE):
        (tmp_path / name).parent.mkdir()
    assert main(["--check"]) == 1
    assert "config/tracker.yaml, docs/parameters.md" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0
    (tmp_path / TABLE_FILE).write_text("something else")
    assert main(["--check"]) == 1
    assert "tracker.yaml" not in capsys.readouterr().err
