"""The rows are the papers' own, none is lost, and where there is none the report says so."""

import subprocess
import sys

import pytest

from siam_tracker_ros.datasets.layouts import LAYOUTS
from siam_tracker_ros.evaluation.published_rows import (
    PAPERS,
    benchmark_name,
    published_rows,
    published_sentence,
    published_speeds,
)
from siam_tracker_ros.networks.published import PUBLISHED
from siam_tracker_ros.networks.zoo import MODELS


def figures(layout, year=None):
    return {
        row.model: {metric: result.value for metric, result in row.results.items()}
        for row in published_rows(layout, year)
    }


# As printed: AFSN table 1, SAE table 2, Ocean table 3, HNE table 1; SiamBAN, Ocean and HNE on VOT.
def test_rows_are_as_printed():
    assert figures("got10k") == {
        "afsn_r50": {"AO": 0.558, "SR0.5": 0.659, "SR0.75": 0.413},
        "siam_sae_r50": {"AO": 0.549, "SR0.5": 0.660, "SR0.75": 0.377},
        "ocean_r50": {"AO": 0.592, "SR0.5": 0.695},
        "ocean_online_r50": {"AO": 0.611, "SR0.5": 0.721},
        "siam_hne_r50": {"AO": 0.569, "SR0.5": 0.661, "SR0.75": 0.439},
    }
    assert figures("vot", 2018) == {
        "siamban_r50": {"EAO": 0.452, "A": 0.597, "R": 0.178},
        "ocean_r50": {"EAO": 0.467, "A": 0.598, "R": 0.169},
        "ocean_online_r50": {"EAO": 0.489, "A": 0.592, "R": 0.117},
        "siam_hne_r50": {"EAO": 0.433, "A": 0.596, "R": 0.183},
    }
    assert figures("nfs") == {"siamban_r50": {"AUC": 0.594}}
    assert figures("lasot") == {"ocean_r50": {"AUC": 0.527}, "ocean_online_r50": {"precision": 0.566}}


def test_the_year_of_vot_decides_and_2017_has_the_sequences_of_2018():
    assert list(figures("vot", 2016)) == ["siam_sae_r50", "siam_hne_r50"]
    assert figures("vot", 2019)["siamban_r50"]["EAO"] == 0.327
    assert figures("vot", 2017) == figures("vot", 2018)
    assert "on VOT2018" in published_sentence("vot", 2017)
    assert "VOT2017 has the same sequences." in published_sentence("vot", 2017)
    assert "same sequences" not in published_sentence("vot", 2018)
    assert published_rows("vot") == []
    assert "year of VOT is not given" in published_sentence("vot")
    assert published_rows("vot", 2015) == []
    assert "VOT2015" in published_sentence("vot", 2015)


def test_every_figure_of_the_papers_is_in_one_row():
    places = [
        *((layout, None) for layout in LAYOUTS if layout != "vot"),
        *(("vot", year) for year in range(2013, 2021)),
    ]
    rows = [row for layout, year in places if (layout, year) != ("vot", 2017) for row in published_rows(layout, year)]
    shown = [(row.model, result) for row in [*rows, *published_speeds()] for result in row.results.values()]
    published = [(model, result) for model, results in PUBLISHED.items() for result in results]
    assert len(published) > 40
    assert sorted(shown, key=str) == sorted(published, key=str)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_has_rows_or_a_sentence_that_says_there_are_none(layout):
    sentence = published_sentence(layout, 2018)
    if published_rows(layout, 2018):
        assert sentence.startswith("Rows marked as published")
        assert benchmark_name(layout, 2018) in sentence
        assert "not measured here" in sentence
    else:
        assert layout in {"uav20l", "dtb70", "uavdt", "folders"}
        assert sentence.startswith("No paper" if layout != "folders" else "These sequences are no published benchmark")


def test_what_a_reader_must_know_to_compare():
    assert "test set" in published_sentence("got10k")
    assert "less is better" in published_sentence("vot", 2019)
    assert "less is better" not in published_sentence("otb100")


def test_measured_models_come_first():
    usual = [row.model for row in published_rows("otb100")]
    assert usual == ["afsn_r50", "siam_sae_r50", "siamban_r50", "ocean_online_r50"]
    moved = [row.model for row in published_rows("otb100", first=["kcf", "ocean_online_r50", "siamban_r50"])]
    assert moved == ["ocean_online_r50", "siamban_r50", "afsn_r50", "siam_sae_r50"]


def test_cells_and_source_of_a_row():
    row = next(row for row in published_rows("vot", 2019) if row.model == "siamban_r50")
    assert row.cells(["EAO", "AUC", "R"]) == ["0.327", "-", "0.396"]
    assert row.source == "Siamese Box Adaptive Network for Visual Tracking, table 2 (real-time experiment)"


def test_speeds_keep_every_figure_of_a_paper():
    speeds = [(row.model, row.results["fps"].value) for row in published_speeds()]
    assert speeds == [
        ("afsn_r50", 28.09),
        ("afsn_r50", 42),
        ("siamban_r50", 40),
        ("ocean_r50", 58),
        ("siam_hne_r50", 37),
    ]
    assert published_speeds(first=["ocean_r50"])[0].source.endswith("section 1 (on VOT2018; Tesla V100, section 5.1)")


def test_titles_are_those_of_the_zoo():
    assert {model: MODELS[model].paper for model in PAPERS} == PAPERS
    assert set(PAPERS) == {model for model, results in PUBLISHED.items() if results}


def test_torch_is_not_needed():
    program = "import sys, siam_tracker_ros.evaluation.published_rows; print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.strip() == "False"
