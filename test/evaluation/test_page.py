"""The page is read alone: everything is in it, nothing of a name is taken for markup, and what is missing is named."""

import base64
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from siam_tracker_ros.evaluation.machine import describe_machine
from siam_tracker_ros.evaluation.page import Figure, Page, Section, Table, write_page

MACHINE = describe_machine({"kcf": "cpu", "mil": "cuda:0"}, threads=2, jobs=1)
EVIL = "<b>x</b>\"'><script>alert(1)</script>&amp;"


class Reader(HTMLParser):
    """What a browser would see: the tags with their attributes, the words, and the rows of tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self.items: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img"}:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"th", "td"}:
            self.rows[-1].append("")
        if tag == "li":
            self.items.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another tag"

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)
        if "th" in self.open or "td" in self.open:
            self.rows[-1][-1] += data
        if "li" in self.open:
            self.items[-1] += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    def classes(self, tag):
        return [attrs.get("class") for attrs in self.all(tag)]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def written(tmp_path):
    """Writes a page of these sections and problems; gives its text and the reader."""

    def write(*sections, problems=(), **other):
        fields = {"title": "Evaluation", "summary": "", "created": "today", "command": "siam-track eval data"}
        fields |= {"machine": MACHINE, **other}
        page = Page(sections=sections, problems=tuple(problems), **fields)
        path = write_page(tmp_path / "report.html", page)
        text = path.read_text(encoding="utf-8")
        reader = Reader(text)
        assert reader.open == []
        return text, reader

    return write


@pytest.fixture
def pictures(tmp_path):
    """A PNG and a JPEG."""
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    paths = [tmp_path / "plot.png", tmp_path / "strip.jpg"]
    for path in paths:
        cv2.imwrite(str(path), image)
    return paths


def test_pictures_are_inside_and_nothing_is_fetched(written, pictures):
    section = Section("Plots", figures=tuple(Figure(path, f"This is {path.name}") for path in pictures))
    text, reader = written(section, title="A & B")
    sources = [image["src"] for image in reader.all("img")]
    for source, path, kind in zip(sources, pictures, ("png", "jpeg"), strict=True):
        start, content = source.split(",", 1)
        assert start == f"data:image/{kind};base64"
        assert base64.b64decode(content, validate=True) == path.read_bytes()
    assert [image["alt"] for image in reader.all("img")] == ["This is plot.png", "This is strip.jpg"]
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    assert {tag for tag, _ in reader.tags}.isdisjoint({"script", "link", "iframe", "object", "base"})
    assert all(attrs["href"].startswith("#") for attrs in reader.all("a"))
    policy = next(a["content"] for a in reader.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_names_are_text_wherever_they_stand(written, pictures):
    pictures[0].rename(pictures[0].with_name("<i>.png"))
    section = Section(
        EVIL,
        f"{EVIL} one\n\n{EVIL} two",
        (Table((EVIL, EVIL), ((EVIL, "0.5"), (EVIL, EVIL)), EVIL, {1: EVIL}),),
        (Figure(pictures[0].with_name("<i>.png")), Figure(pictures[1], EVIL), Figure(pictures[1].with_name("<u>.jpg"))),
    )
    text, reader = written(
        section, problems=[EVIL], title=EVIL, summary=EVIL, created=EVIL, command=EVIL, machine=MACHINE | {EVIL: [EVIL]}
    )
    assert {tag for tag, _ in reader.tags}.isdisjoint({"b", "script", "i", "u"})
    assert "<script" not in text
    assert reader.all("img")[1]["alt"] == EVIL
    assert reader.rows[0] == [EVIL, EVIL]
    assert reader.rows[1] == [EVIL, "0.5"]
    # 8 at the top (two titles, summary, problem, time, command, the machine's name and value), 1 in the navigation;
    # then heading, 2 paragraphs, the table's caption, 5 cells, the note's 2 and the picture's caption.
    assert "".join(reader.words).count(EVIL) == 21
    assert "<u>.jpg is missing." in reader.text


def test_published_rows_are_marked_and_have_their_source(written):
    table = Table(
        ("tracker", "AUC"),
        (("siamban_r50", "0.690 [0.650, 0.720]"), ("siamban_r50", "0.696"), ("kcf", "0.3"), ("afsn_r50", "0.644")),
        published={3: "AFSN, table 4", 1: "SiamBAN, table 4"},
    )
    _, reader = written(Section("Results", tables=(table,)))
    assert reader.classes("tr") == [None, None, "published", None, "published"]
    assert [" ".join(row[0].split()) for row in reader.rows[1:]] == [
        "siamban_r50",
        "siamban_r50 published 1",
        "kcf",
        "afsn_r50 published 2",
    ]
    assert [row[1] for row in reader.rows] == ["AUC", "0.690 [0.650, 0.720]", "0.696", "0.3", "0.644"]
    assert reader.classes("span") == ["badge", "badge"]
    notes = [item for item in reader.items if "table 4" in item]
    assert notes == ["siamban_r50: SiamBAN, table 4", "afsn_r50: AFSN, table 4"]


def test_a_table_without_published_rows_has_no_notes(written):
    text, reader = written(Section("Results", tables=(Table(("tracker", "AUC"), (("kcf", "0.3"),)),)))
    assert "Published" not in reader.text
    assert 'class="badge"' not in text


def test_problems_are_counted_and_named(written):
    _, reader = written(problems=["cut: groundtruth.txt is empty", "mil on hard: frame 2: lost"])
    assert "2 problems: not everything was measured." in reader.text
    assert reader.items[:2] == ["cut: groundtruth.txt is empty", "mil on hard: frame 2: lost"]
    assert "problems" in reader.classes("div")
    assert "1 problem: not everything" in written(problems=["cut"])[1].text
    assert "problems" not in written()[1].classes("div")


def test_what_was_measured_when_and_on_what_stands_at_the_top(written):
    _, reader = written(
        Section("First"), Section("Second"), summary="Two trackers.\n\n\n\nOne pass.", created="2020-02-03 04:05"
    )
    assert reader.text.startswith("Evaluation Evaluation Two trackers. One pass. made 2020-02-03 04:05")
    assert "command siam-track eval data" in reader.text
    assert "devices kcf cpu, mil cuda:0" in reader.text
    assert f"libraries torch {MACHINE['libraries']['torch']}, " in reader.text
    assert "threads 2 jobs 1" in reader.text
    assert len(reader.all("p")) == 2
    assert [a["href"] for a in reader.all("a")] == [f"#{s['id']}" for s in reader.all("section")]
    assert len(reader.all("section")) == 2


def test_long_tables_are_folded_and_keep_all_rows(written):
    def table(count):
        rows = tuple((f"sequence {index}", f"{index / 100:.2f}") for index in range(count))
        return Table(("sequence", "AUC"), rows, "Every sequence")

    _, short = written(Section("Sequences", tables=(table(30),)))
    assert short.all("details") == []
    _, long = written(Section("Sequences", tables=(table(31),)))
    assert len(long.all("details")) == 1
    assert "Every sequence (31 rows)" in long.text
    assert long.rows[1:] == [[f"sequence {index}", f"{index / 100:.2f}"] for index in range(31)]


def test_numbers_stand_to_the_right_and_words_to_the_left(written):
    rows = (("kcf", "0.27 [0.17, 0.38]", "cpu", "-", "-0.1"), ("mil", "-", "cuda:0", "12 (2 failed)", "1e-3"))
    _, reader = written(Section("Results", tables=(Table(("tracker", "AUC", "device", "sequences", "d"), rows),)))
    assert reader.classes("td") == ["number", None, "number", "number"] * 2
    assert reader.classes("th")[:5] == [None, "number", None, "number", "number"]


def test_a_missing_picture_is_named_and_a_wrong_one_is_refused(written, tmp_path):
    _, reader = written(Section("Plots", figures=(Figure(tmp_path / "gone.png", "Success"),)))
    assert "gone.png is missing. Success" in reader.text
    assert reader.all("img") == []
    (tmp_path / "plot.svg").write_text("<svg/>", encoding="utf-8")
    with pytest.raises(ValueError, match=r"plot\.svg: is neither PNG nor JPEG"):
        written(Section("Plots", figures=(Figure(tmp_path / "plot.svg"),)))


def test_wide_figures_can_be_moved(written, pictures):
    _, reader = written(Section("Strips", figures=(Figure(pictures[0]), Figure(pictures[1], wide=True))))
    assert reader.classes("figure") == [None, "wide"]
    assert reader.classes("div").count("scroll") == 1


def test_rows_must_fit_their_header():
    with pytest.raises(ValueError, match="row 1 has 1 cells under a header of 2"):
        Table(("a", "b"), (("x", "1"), ("y",)))
    with pytest.raises(ValueError, match="row 2 cannot be marked as published: there are 2"):
        Table(("a", "b"), (("x", "1"), ("y", "2")), published={2: "paper"})


def test_a_name_of_bytes_that_are_no_text_does_not_stop_the_page(written):
    text, _ = written(problems=[b"caf\xe9".decode("utf-8", "surrogateescape")])
    assert "caf?" in text
