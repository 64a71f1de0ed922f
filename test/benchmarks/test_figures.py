import math
import os

import pytest

from benchmarks.figures import environment, fill, percentiles

PAGE = "# Title\n\n<!-- figures: begin -->\nold\n<!-- figures: end -->\n\nafter\n"


def test_figures_take_the_place_of_those_before(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    for text in ("first", "second"):
        fill(page, text)
    expected = "# Title\n\n<!-- figures: begin -->\n\nsecond\n\n<!-- figures: end -->\n\nafter\n"
    assert page.read_text() == expected


@pytest.mark.parametrize("text", ["", "<!-- figures: begin -->", "<!-- figures: end -->"])
def test_a_page_without_a_place_for_them_is_left_as_it_is(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(ValueError, match="has no lines"):
        fill(page, "figures")
    assert page.read_text() == text


def test_percentiles_of_nothing_are_unknown():
    assert all(math.isnan(value) for value in percentiles([]).values())
    assert percentiles([1.0, 2.0, 3.0])["p50"] == 2.0


def test_the_environment_is_as_it_was_afterwards(monkeypatch):
    monkeypatch.setenv("BENCH_SET", "before")
    monkeypatch.delenv("BENCH_UNSET", raising=False)
    with environment(BENCH_SET=None, BENCH_UNSET="now"):
        assert ("BENCH_SET" in os.environ, os.environ["BENCH_UNSET"]) == (False, "now")
    assert (os.environ["BENCH_SET"], "BENCH_UNSET" in os.environ) == ("before", False)
