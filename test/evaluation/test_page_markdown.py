"""The page as Markdown, word by word."""

from siam_tracker_ros.evaluation.page import Figure, Page, Section, Table
from siam_tracker_ros.evaluation.page_markdown import write_markdown


def test_word_by_word(tmp_path):
    table = Table(("tracker", "AUC"), (("a|b", "0.5"), ("ocean_r50", "0.6")), "Both", published={1: "Ocean, table 1"})
    section = Section("One pass", "How.\n\nWhy.", (table,), (Figure(tmp_path / "worst" / "x y.jpg", "frame 3"),))
    page = Page(
        "Title",
        "Summary.",
        "today",
        "siam-track eval x",
        {"cpu": "fast", "libraries": {"torch": "2"}},
        (section,),
        ("b <is> cut",),
    )
    path = write_markdown(tmp_path / "report.md", page)
    assert path.read_text().split("\n\n") == [
        "# Title",
        "Summary.",
        "**1 problems:**",
        "- b \\<is\\> cut",
        "## One pass",
        "How.",
        "Why.",
        "**Both**",
        "| tracker | AUC |\n|---|---:|\n| a\\|b | 0.5 |\n| ocean\\_r50 (published) | 0.6 |",
        "Published: ocean\\_r50: Ocean, table 1.",
        "![frame 3](<worst/x y.jpg>)",
        "*frame 3*",
        "## How it was made",
        "today, with",
        "```\nsiam-track eval x\n```",
        "- cpu: fast\n- libraries: torch 2\n",
    ]


def test_nothing_wrong_is_no_list(tmp_path):
    page = Page("Title", "", "today", "x", {}, ())
    assert "problems" not in write_markdown(tmp_path / "report.md", page).read_text()
