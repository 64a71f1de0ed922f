"""What is drawn is what was given: the numbers, their order, their colours, and every name where it can be read."""

from itertools import combinations, pairwise

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from siam_tracker_ros.evaluation import plots
from siam_tracker_ros.evaluation.confidence import reliability
from siam_tracker_ros.evaluation.metrics import AttributeMean, attribute_means

BLUE, ORANGE, GREEN = "#1f77b4", "#ff7f0e", "#2ca02c"
TEN = [f"tracker_{index}:preset+online" for index in range(10)]
AWKWARD = ["_hidden", "runs/$\\frac{$/best.safetensors", b"caf\xe9".decode("utf-8", "surrogateescape"), "x" * 300]


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Calls a plot; gives its figure as it was saved, after reading the picture back."""
    saved = []
    save = Figure.savefig

    def keep(self, *args, **kwargs):
        saved.append(self)
        save(self, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", keep)

    def draw(plot, *args, **kwargs):
        path = tmp_path / "plot.png"
        assert plot(path, *args, **kwargs) == path
        image = cv2.imread(str(path))
        width, height = saved[-1].get_size_inches() * plots.DPI
        assert image.shape == (int(height), int(width), 3)
        assert image.std() > 5
        return saved[-1]

    return draw


def legend_of(figure):
    return (figure.axes[0].get_legend() or figure.legends[0]).get_texts()


def words(texts):
    return [text.get_text() for text in texts]


def row_names(axes):
    return words(axes.get_yticklabels())


def bars(axes):
    """Colour -> lengths of the bars, from the top row to the lowest."""
    found = {}
    for patch in sorted(axes.patches, key=lambda patch: patch.get_y()):
        found.setdefault(to_hex(patch.get_facecolor()), []).append(patch.get_width())
    return found


def named_lines(axes):
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


@pytest.mark.parametrize(
    ("plot", "points", "end"),
    [(plots.plot_success, 21, 1), (plots.plot_precision, 51, 50), (plots.plot_normalized_precision, 51, 0.5)],
)
def test_curves_are_as_given_and_the_best_is_first(drawn, plot, points, end):
    curves = {"low": np.linspace(0, 0.5, points), "high": np.linspace(0, 1, points)}
    figure = drawn(plot, curves, {"low": 0.25, "high": 0.5}, "A title", notes={"low": "3 sequences missing"})
    axes = figure.axes[0]
    assert axes.get_title() == "A title"
    assert words(legend_of(figure)) == ["high [0.500]", "low [0.250], 3 sequences missing"]
    lines = named_lines(axes)
    for label, name, color in (("high [0.500]", "high", ORANGE), ("low [0.250], 3 sequences missing", "low", BLUE)):
        np.testing.assert_array_equal(lines[label].get_ydata(), curves[name])
        np.testing.assert_allclose(lines[label].get_xdata(), np.linspace(0, end, points))
        assert to_hex(lines[label].get_color()) == color
    assert axes.get_xlim() == (0, end)


def test_a_tracker_keeps_its_colour_where_others_have_no_figure(drawn):
    colors = plots.tracker_colors(["a", "b", "c"])
    assert colors == {"a": BLUE, "b": ORANGE, "c": GREEN}
    given = {"colors": colors}
    curve = np.linspace(1, 0, 21)
    mean = AttributeMean(3, 0.5, (0.4, 0.6))
    diagram = reliability([0.2, 0.8], [0.1, 0.9])
    assert (
        to_hex(drawn(plots.plot_success, {"c": curve}, {"c": 0.5}, "", **given).axes[0].lines[0].get_color()) == GREEN
    )
    assert set(bars(drawn(plots.plot_sequences, {"a": {}, "c": {"s": 0.5}}, **given).axes[0])) == {GREEN}
    assert set(bars(drawn(plots.plot_attributes, {"a": {}, "c": {"OCC": mean}}, **given).axes[0])) == {GREEN}
    assert to_hex(drawn(plots.plot_reliability, {"c": diagram}, **given).axes[0].lines[1].get_color()) == GREEN
    assert to_hex(drawn(plots.plot_speed, {"c": (10, 0.5)}, **given).axes[0].lines[0].get_color()) == GREEN
    assert (
        to_hex(drawn(plots.plot_accuracy_robustness, {"c": (0.5, 0.5)}, **given).axes[0].lines[0].get_color()) == GREEN
    )
    assert (
        to_hex(drawn(plots.plot_eao, {"c": curve}, {"c": 0.5}, (5, 9), **given).axes[0].lines[0].get_color()) == GREEN
    )


def test_the_eleventh_tracker_has_the_first_colour_and_another_line(drawn):
    names = [*TEN, "eleventh"]
    curves = {name: np.linspace(1, 0, 21) for name in names}
    lines = named_lines(drawn(plots.plot_success, curves, dict.fromkeys(names, 0.5), "").axes[0])
    styles = {label.split(" ")[0]: (to_hex(line.get_color()), line.get_linestyle()) for label, line in lines.items()}
    assert styles["tracker_0:preset+online"] == (BLUE, "-")
    assert styles["eleventh"] == (BLUE, "--")
    assert len(set(styles.values())) == 11


def test_the_hardest_sequence_of_the_first_tracker_is_at_the_top(drawn):
    auc = {"kcf": {"a": 0.9, "b": 0.1, "c": 0.4}, "mil": {"a": 0.2, "b": 0.6, "d": 0.3}}
    figure = drawn(plots.plot_sequences, auc)
    axes = figure.axes[0]
    assert row_names(axes) == ["b", "c", "a", "d"]
    top, bottom = axes.get_ylim()[::-1]
    assert top < bottom  # the first row is the highest
    found = bars(axes)
    np.testing.assert_array_equal(found[BLUE], [0.1, 0.4, 0.9, np.nan])
    np.testing.assert_array_equal(found[ORANGE], [0.6, np.nan, 0.2, 0.3])
    assert words(legend_of(figure)) == ["kcf [0.467]", "mil [0.367]"]
    means = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"]
    assert means == pytest.approx([1.4 / 3, 1.1 / 3])


def test_what_was_not_measured_has_a_cross_in_its_own_row(drawn):
    auc = {"kcf": {"a": 0.9, "b": 0.0}, "mil": {"a": 0.2}}
    axes = drawn(plots.plot_sequences, auc).axes[0]
    crosses = [(to_hex(line.get_color()), list(line.get_ydata())) for line in axes.lines if line.get_marker() == "x"]
    assert crosses == [(BLUE, []), (ORANGE, [pytest.approx(0.2)])]  # of b, the first row: above 0.2 are kcf's
    assert axes.get_xlabel() == "success AUC (dashed: mean; x: not measured)"
    whole = drawn(plots.plot_sequences, {"kcf": {"a": 0.9, "b": 0.0}}, measure="AO").axes[0]
    assert whole.get_xlabel() == "AO (dashed: mean)"


def test_of_many_sequences_the_hardest_are_drawn_and_the_mean_is_of_all(drawn):
    auc = {"kcf": {f"s{index:03d}": index / 200 for index in range(130)}}
    figure = drawn(plots.plot_sequences, auc)
    assert row_names(figure.axes[0]) == [f"s{index:03d}" for index in range(100)]
    assert "the 100 hardest of 130 sequences" in figure.axes[0].get_xlabel()
    assert words(legend_of(figure)) == [f"kcf [{np.mean(np.arange(130) / 200):.3f}]"]


def test_attributes_have_their_interval_and_their_number_of_sequences(drawn):
    means = {
        "kcf": {"OCC": AttributeMean(7, 0.5, (0.3, 0.6)), "FM": AttributeMean(2, 0.25, (0.25, 0.25))},
        "mil": {"OCC": AttributeMean(6, 0.4, (0.1, 0.9))},
    }
    axes = drawn(plots.plot_attributes, means).axes[0]
    assert row_names(axes) == ["FM (2)", "OCC (6 or 7)"]
    assert bars(axes) == {BLUE: [0.25, 0.5], ORANGE: [0.4]}
    drawn_bars = [one for one in axes.containers if isinstance(one, BarContainer)]
    whiskers = [
        [tuple(end[0] for end in ends) for ends in one.errorbar.lines[2][0].get_segments()] for one in drawn_bars
    ]
    assert whiskers[0] == [pytest.approx((0.25, 0.25)), pytest.approx((0.3, 0.6))]
    assert whiskers[1] == [pytest.approx((0.1, 0.9))]
    rows = [one.patches[-1].get_y() + one.patches[-1].get_height() / 2 for one in drawn_bars]
    assert rows == pytest.approx([1 - 0.2, 1 + 0.2])  # both bars of OCC, in the second row


def test_a_mean_outside_its_interval_by_rounding_can_be_drawn(drawn):
    means = {"kcf": attribute_means({"a": 0.1 + 0.2}, {"a": ["OV"]})}
    value = means["kcf"]["OV"].mean
    off = {"kcf": {"OV": AttributeMean(1, value, (np.nextafter(value, 1), np.nextafter(value, 1)))}}
    assert row_names(drawn(plots.plot_attributes, off).axes[0]) == ["OV (1)"]


def test_the_reliability_diagram_is_the_bins_and_what_is_in_them(drawn):
    rng = np.random.default_rng(3)
    confidences = rng.uniform(0.31, 1, 400)
    diagram = reliability(confidences, rng.uniform(0, 1, 400))
    other = reliability([0.05], [0.9])
    figure = drawn(plots.plot_reliability, {"kcf": diagram, "mil": other})
    upper, lower = figure.axes
    assert words(legend_of(figure)) == [
        f"kcf: ECE {diagram.expected_error:.3f}, 400 frames",
        "mil: ECE 0.950, 1 frames",
    ]
    lines = named_lines(upper)
    kcf, mil = lines.values()
    np.testing.assert_array_equal(kcf.get_xdata(), diagram.confidence[3:])
    np.testing.assert_array_equal(kcf.get_ydata(), diagram.right[3:])
    assert (list(mil.get_xdata()), list(mil.get_ydata())) == ([0.05], [1.0])
    assert [list(upper.lines[0].get_xdata()), list(upper.lines[0].get_ydata())] == [[0, 1], [0, 1]]
    shares = {}
    for patch in lower.patches:
        bin_index = int((patch.get_x() + patch.get_width() / 2) * 10)
        shares.setdefault(to_hex(patch.get_facecolor()), {})[bin_index] = patch.get_height()
    assert shares[BLUE] == {index: frames / 400 for index, frames in enumerate(diagram.frames)}
    assert shares[ORANGE] == {index: float(index == 0) for index in range(10)}


def test_speed_is_drawn_on_a_logarithmic_axis_without_unknown_ones(drawn):
    points = {"resumed": (0.0, 0.9), "kcf": (500.0, 0.25), "csrt": (40.0, 0.5), "failed": (10.0, float("nan"))}
    axes = drawn(plots.plot_speed, points, measure="AO", machine="2 threads of a CPU").axes[0]
    assert axes.get_xscale() == "log"
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines] == [(500.0, 0.25), (40.0, 0.5)]
    assert words(axes.texts) == ["csrt", "kcf"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("frames a second, 2 threads of a CPU", "AO")


def test_robustness_is_to_the_right_and_accuracy_up(drawn):
    axes = drawn(plots.plot_accuracy_robustness, {"a": (0.3, 0.6), "none": (float("nan"), 0.5)}).axes[0]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines] == [(0.3, 0.6)]
    assert axes.get_xlabel().startswith("robustness")
    assert axes.get_ylabel().startswith("accuracy")


@pytest.mark.parametrize("seed", range(4))
def test_names_of_ten_points_cover_neither_each_other_nor_a_point(drawn, seed):
    rng = np.random.default_rng(seed)
    points = {name: (float(10 ** rng.uniform(0.5, 2.5)), float(rng.uniform(0.3, 0.7))) for name in TEN}
    figure = drawn(plots.plot_speed, points)
    axes = figure.axes[0]
    assert sorted(words(axes.texts)) == sorted(TEN)
    boxes = [text.get_window_extent().shrunk(1.0, 0.8) for text in axes.texts if text.arrow_patch is None]
    assert len(boxes) > 5
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    inside = axes.get_window_extent()
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 for box in boxes)
    centers = [axes.transData.transform(point) for point in points.values()]
    assert not [center for center in centers for box in boxes if box.contains(*center)]


def test_eao_curves_of_other_lengths_and_the_interval(drawn):
    curves = {"kcf": np.linspace(1, 0.2, 300), "mil": np.linspace(1, 0.1, 50)}
    figure = drawn(plots.plot_eao, curves, {"kcf": 0.4, "mil": float("nan")}, (46, 291))
    axes = figure.axes[0]
    lines = named_lines(axes)
    assert list(lines) == ["kcf [0.400]", "mil [nan]"]
    for line, curve in zip(lines.values(), curves.values(), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), np.arange(len(curve)))
        np.testing.assert_array_equal(line.get_ydata(), curve)
    shade = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert (shade.x0, shade.x1) == pytest.approx((46, 291))
    assert axes.get_xlim() == (1, 299)


def every_plot(names):
    """All plots with these trackers: the function and its figures."""
    curve = np.linspace(1, 0, 21)
    half = dict.fromkeys(names, 0.5)
    diagram = reliability([0.2, 0.8], [0.1, 0.9])
    return [
        (plots.plot_success, dict.fromkeys(names, curve), half, "title"),
        (plots.plot_precision, dict.fromkeys(names, np.linspace(0, 1, 51)), half, "title"),
        (plots.plot_normalized_precision, dict.fromkeys(names, np.linspace(0, 1, 51)), half, "title"),
        (plots.plot_sequences, {name: {"a": 0.5, **dict.fromkeys(AWKWARD, 0.3)} for name in names}),
        (plots.plot_attributes, {name: {AWKWARD[1]: AttributeMean(1, 0.5, (0.4, 0.6))} for name in names}),
        (plots.plot_reliability, dict.fromkeys(names, diagram)),
        (plots.plot_speed, {name: (10.0 * 2**index, 0.3 + 0.05 * index) for index, name in enumerate(names)}),
        (plots.plot_accuracy_robustness, {name: (0.5, 0.3 + 0.05 * index) for index, name in enumerate(names)}),
        (plots.plot_eao, dict.fromkeys(names, curve), half, (5, 15)),
    ]


@pytest.mark.parametrize("case", range(9))
def test_any_name_can_be_drawn_and_is_in_the_legend(drawn, case):
    plot, *figures = every_plot(AWKWARD)[case]
    figure = drawn(plot, *figures)
    texts = figure.axes[0].texts if plot in (plots.plot_speed, plots.plot_accuracy_robustness) else legend_of(figure)
    shown = sorted(words(texts))
    assert len(shown) == 4
    assert any("_hidden" in name for name in shown)
    assert AWKWARD[1] in " ".join(shown)
    assert any("caf?" in name for name in shown)
    assert any("…" + "x" * 29 in name for name in shown)
    assert all(len(name) < 60 for name in shown)


@pytest.mark.parametrize("case", range(9))
def test_ten_trackers_leave_the_plot_free(drawn, case):
    plot, *figures = every_plot(TEN)[case]
    figure = drawn(plot, *figures)
    if plot in (plots.plot_speed, plots.plot_accuracy_robustness):
        assert sorted(words(figure.axes[0].texts)) == sorted(TEN)
        return
    legend = figure.legends[0].get_window_extent()
    assert len(figure.legends[0].get_texts()) == 10
    assert not any(axes.get_tightbbox().overlaps(legend) for axes in figure.axes)
    canvas = figure.bbox
    assert canvas.x0 <= legend.x0
    assert legend.x1 <= canvas.x1
    assert canvas.y0 <= legend.y0
    assert legend.y1 <= canvas.y1
    if plot not in (plots.plot_sequences, plots.plot_attributes):  # which have few rows here
        assert figure.axes[0].get_window_extent().height > 350


def test_rows_of_ten_trackers_and_a_hundred_sequences_can_be_told_apart(drawn):
    rng = np.random.default_rng(0)
    auc = {name: {f"GOT-10k_Val_{index:06d}": rng.uniform() for index in range(100)} for name in TEN}
    axes = drawn(plots.plot_sequences, auc).axes[0]
    names = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert len(names) == 100
    assert not [pair for pair in pairwise(names) if pair[0].overlaps(pair[1])]
    heights = [patch.get_window_extent().height for patch in axes.patches]
    assert len(heights) == 1000
    assert min(heights) > 4  # pixels


@pytest.mark.parametrize("case", range(9))
def test_nothing_to_plot_is_an_error(tmp_path, case):
    plot, *figures = every_plot([])[case]
    with pytest.raises(ValueError, match="no figure to plot"):
        plot(tmp_path / "plot.png", *figures)
    assert not (tmp_path / "plot.png").exists()
