"""What of a chart is to be seen: all curves, where they break, what the axes are of."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from blank_pages import chart_cells, page_of

from latentviz import Run
from latentviz.palette import role_color
from latentviz.raster import chrome, legend
from latentviz.raster.coincide import in_turns
from latentviz.scene import Chart, Curve
from latentviz.theme import THEMES, Role, rgb_bytes
from latentviz.views import film_charts

T = 1000
AT = np.arange(T)
FULL, DRAFT, SMALL = (1920, 1080), (640, 360), (320, 180)
SIZES = [FULL, (1280, 720), DRAFT, SMALL, (240, 120)]
nan = np.nan


def charts_of(*, n_steps=T, **curves):
    run = Run.from_arrays(np.zeros((n_steps, 1, 2)), **curves)
    return film_charts(run, 0, n_steps)


def color_of(curve, theme="dark"):
    return role_color(curve.role, THEMES[theme])


@pytest.fixture
def drawn(monkeypatch):
    """Draws charts as below a film; gives the figure, the page and the pixels (H, W, 3)."""
    figures = []
    real = chrome.figure_pixels

    def keep(figure):
        figures.append(figure)
        return real(figure)

    monkeypatch.setattr(chrome, "figure_pixels", keep)

    def draw(charts, size=FULL, theme="dark"):
        page = page_of(charts, size=size, theme=theme)
        return figures[-1], page, page.background.transpose(1, 2, 0)

    return draw


def within(pixels, box):
    rows = slice(round(box.y), round(box.y + box.height))
    return pixels[rows, round(box.x) : round(box.x + box.width)]


def columns_of(pixels, color, theme="dark"):
    """In how many columns a color is to be seen, if only as a thin line that is half ground."""
    ground = np.array(rgb_bytes(THEMES[theme].background), float)
    whole, seen = rgb_bytes(color) - ground, pixels - ground
    share = seen @ whole / (whole @ whole)
    off = np.linalg.norm(seen - share[..., None] * whole, axis=-1) / np.linalg.norm(whole)
    return int(((share > 0.4) & (off < 0.2 * share)).any(0).sum())


WAVE = 0.6 + 0.4 * np.cos(AT / 150)
SAME = {
    "two": {"a": WAVE, "b": WAVE},
    "three": {"a": WAVE, "b": WAVE, "c": WAVE},
    "five": dict.fromkeys("abcde", WAVE),
    "zeros": dict.fromkeys("abc", np.zeros(T)),
    "constants": dict.fromkeys("abc", np.full(T, 0.3)),
    "noise": dict.fromkeys("abc", np.random.default_rng(0).lognormal(size=T)),
    # Too near to each other to be told apart.
    "nearly": {"a": WAVE, "b": WAVE * 1.0003, "c": WAVE - 0.0002},
    "steps": {"a": np.where(AT % 250 < 125, 1, 0.1), "b": np.where(AT % 250 < 125, 1, 0.1)},
}


@pytest.mark.parametrize("size", [FULL, DRAFT])
@pytest.mark.parametrize("name", SAME)
def test_curves_that_coincide_are_all_seen(drawn, name, size):
    for group in ("params", "losses"):
        (chart,) = charts_of(**{group: SAME[name]})
        _, page, pixels = drawn((chart,), size)
        box = chart_cells(page)[0].body
        seen = [columns_of(within(pixels, box), color_of(curve)) for curve in chart.curves]
        assert min(seen) > 0.6 * box.width / len(seen), (group, seen)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_curves_that_coincide_on_a_stretch_are_both_seen_there_and_whole_elsewhere(drawn, theme):
    apart = np.where(AT < 400, WAVE, np.where(AT < 700, 0.1, WAVE))
    (chart,) = charts_of(params={"a": WAVE, "b": apart, "c": np.full(T, 0.9)})
    _, page, pixels = drawn((chart,), FULL, theme)
    inside = within(pixels, chart_cells(page)[0].body)
    width = inside.shape[1]
    first, middle = inside[:, 10 : int(0.39 * width)], inside[:, int(0.42 * width) : width * 2 // 3]
    for curve in chart.curves[:2]:
        share = columns_of(first, color_of(curve, theme), theme) / first.shape[1]
        assert 0.35 < share < 0.7, curve.name
        assert columns_of(middle, color_of(curve, theme), theme) == middle.shape[1]


def test_of_many_ramps_that_fan_out_one_is_seen_wherever_there_are_any():
    xs = np.arange(0.0, 600.0)
    ramps = [xs * slope / 600 for slope in np.linspace(0, 240, 22)]
    shown = in_turns(xs, ramps, width=2.2, dash=13.0)
    drawn = []
    for x, y in shown:
        # Where a curve is left out, NaN parts its points.
        pieces = np.stack([x[:-1], x[1:]])[:, ~np.isnan(y[:-1]) & ~np.isnan(y[1:])]
        drawn.append(np.array([((pieces[0] <= at) & (at < pieces[1])).any() for at in xs[:-1]]))
    for at in range(len(xs) - 1):
        heights = np.array([ramp[at] for ramp in ramps])
        seen = heights[[d[at] for d in drawn]]
        assert np.abs(heights[:, None] - seen).min(1).max() < 2.2, at
    # Once they are farther apart than a line is wide, each is whole.
    assert all(line[200:].all() for line in drawn)


def test_a_peak_of_the_raw_curve_is_on_the_page(drawn):
    values = np.ones(T)
    values[500:502] = 40.0
    (chart,) = charts_of(losses={"loss": values})
    figure, *_ = drawn((chart,))
    assert figure.axes[0].get_ylim()[1] > 40


def test_curves_that_only_cross_are_whole(drawn):
    (chart,) = charts_of(params={"a": AT / T, "b": 1 - AT / T})
    _, page, pixels = drawn((chart,))
    inside = within(pixels, chart_cells(page)[0].body)
    for curve in chart.curves:
        assert columns_of(inside, color_of(curve)) >= 0.99 * inside.shape[1]


def test_the_only_step_of_several_curves_is_seen_of_each(drawn):
    (chart,) = charts_of(n_steps=1, losses={"a": [1.0], "b": [1.0], "c": [1.0]})
    _, page, pixels = drawn((chart,))
    left = int(chart_cells(page)[0].body.x)
    spot = pixels[page.bottom :, left - 12 : left + 13]
    assert all(columns_of(spot, color_of(curve)) >= 2 for curve in chart.curves)


def test_keyframes_that_coincide_are_seen_of_each(drawn):
    flat = np.full(T, 0.5)
    keys = {"a": [500], "b": [500]}
    (chart,) = charts_of(params={"a": flat, "b": flat}, keyframes=keys)
    figure, *_ = drawn((chart,))
    below, above = [x for x in figure.axes[0].lines if x.get_marker() == "D" and len(x.get_xdata())]
    assert below.get_markersize() > 1.3 * above.get_markersize()
    assert below.get_color() == color_of(chart.curves[0])


def given(values):
    return np.ma.masked_array(values, np.zeros(len(values), bool))


def test_a_curve_that_diverges_ends_and_is_marked_from_there_on(drawn):
    loss = np.exp(-AT / 300)
    loss[300:] = nan
    (chart,) = charts_of(losses={"loss": given(loss)})
    figure, page, pixels = drawn((chart,))
    inside = within(pixels, chart_cells(page)[0].body)
    color = np.array(rgb_bytes(color_of(chart.curves[0])))
    close = np.abs(inside.astype(int) - color).max(-1) < 60
    at = round(inside.shape[1] * 300 / 999)
    below = close[20:]
    assert below[:, : at - 2].any(0).mean() > 0.99
    assert not below[:, at + 8 :].any()
    assert close[:20, at + 8 :].any(0).mean() > 0.15  # dots along the upper edge
    # No number stands beside them, as if that were the loss.
    assert figure.axes[0].get_yticks().max() < 1.5
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert [line.get_xdata().tolist() for line in crosses] == [[300]]


def test_single_values_that_are_not_finite_are_marked_and_marks_that_would_overlap_are_one(drawn):
    kl = np.exp(-AT / 300)
    kl[[200, 201, 203, 600]] = np.inf, nan, -np.inf, nan
    (chart,) = charts_of(losses={"kl": given(kl), "loss": np.exp(-AT / 200)})
    figure, _, _ = drawn((chart,))
    (crosses,) = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert crosses.get_xdata().tolist() == [200, 600]
    assert crosses.get_color() == color_of(chart.curves[0])
    (point,) = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert point.get_xdata().tolist() == [202]  # between two breaks there is no line


def test_a_gap_is_neither_broken_nor_marked(drawn):
    loss = np.where(AT % 7 == 0, 1.0 + AT, nan)
    (chart,) = charts_of(losses={"loss": loss})
    figure, page, pixels = drawn((chart,))
    inside = within(pixels, chart_cells(page)[0].body)
    assert columns_of(inside, color_of(chart.curves[0])) == inside.shape[1]
    assert not [line for line in figure.axes[0].lines if line.get_marker() in ("x", "o")]


@pytest.mark.parametrize("size", [FULL, DRAFT])
def test_marks_of_many_broken_curves_stay_above_all_curves(drawn, size):
    values = np.exp(-AT / 300)
    values[500:] = nan
    curves = {f"loss-{k}": given(values / (1 + k)) for k in range(9)}
    (chart,) = charts_of(losses=curves)
    figure, page, _ = drawn((chart,), size)
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert 1 < len(marks) < 9
    assert marks[-1].get_color() == THEMES["dark"].muted  # of those that have no row of their own
    lowest = min(line.get_ydata()[0] for line in marks)
    low, high = np.log(figure.axes[0].get_ylim())
    assert lowest > (np.log(values[0]) - low) / (high - low) + 2 / chart_cells(page)[0].body.height


def test_nothing_but_nan_is_marked(drawn):
    for chart in charts_of(losses={"a": given(np.full(T, nan))}, params={"b": np.full(T, nan)}):
        figure, *_ = drawn((chart,))
        marks = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
        assert len(marks) == (1 if chart.log else 0)


def test_zero_has_a_place_below_a_log_axis(drawn):
    part = np.where(AT < 500, np.exp(-AT / 100), 0)
    (chart,) = charts_of(losses={"a": np.exp(-AT / 200), "part": part, "none": np.zeros(T)})
    figure, page, pixels = drawn((chart,))
    axes = figure.axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["0", "0.001", "0.01", "0.1", "1"]
    zero, least = axes.get_yticks()[:2]
    assert zero < least < part[part > 0].min() < 10 * least
    inside = within(pixels, chart_cells(page)[0].body)
    bottom = inside[-20:]
    right = slice(3 * inside.shape[1] // 4, None)
    assert all(columns_of(bottom[:, right], color_of(curve)) > 80 for curve in chart.curves[1:])
    assert columns_of(bottom, color_of(chart.curves[0])) < 10


@pytest.mark.parametrize(
    "values",
    [
        2.3 * (1 + 0.2 * np.exp(-AT / 200)),
        10.0 ** (-12 * AT / T),
        5 * np.exp(-AT / 200) - 3,
        np.full(T, 0.3),
        np.full(T, 12345.678),
        np.exp(-AT / 200),
        1e-8 * (2 + np.sin(AT)),
        np.where(AT < 500, 1.0, 0.0),
    ],
)
@pytest.mark.parametrize("size", [FULL, (1280, 720), DRAFT])
def test_axes_are_labelled_in_their_lower_half_and_titled_and_no_text_overlaps(drawn, values, size):
    charts = charts_of(losses={"loss": values}, params={"w": values})
    figure, page, _ = drawn(charts, size)
    bodies = [cell.body for cell in chart_cells(page)]
    for axes, box in zip(figure.axes, bodies, strict=True):
        shown = [t for t in axes.get_yticklabels() if t.get_text()]
        heights = [text.get_window_extent().y0 + text.get_window_extent().y1 for text in shown]
        middles = (np.array(heights) / 2 - axes.bbox.y0) / box.height
        assert len(middles) >= 2
        assert middles.min() <= 0.5
        assert (np.diff(np.sort(middles)) * box.height >= 8).all()
    titles = [text.get_text() for text in figure.texts]
    assert titles.count("step") == 2
    assert titles.count("loss") >= 1  # the curve's name
    if size != DRAFT:  # where long numbers may leave no room
        assert (titles.count("value"), titles.count("loss")) == (1, 2)
    overlap_nowhere(figure, size)


def overlap_nowhere(figure, size):
    """No text overlaps another, or is cut, but for tick labels on pages too small for them."""
    ticks = [
        (text.get_text(), text.get_window_extent())
        for axes in figure.axes
        for text in (*axes.get_xticklabels(), *axes.get_yticklabels())
        if text.get_text()
    ]
    texts = [(text.get_text(), text.get_window_extent()) for text in figure.texts]
    for n, (name, box) in enumerate(texts):
        assert 0 <= box.x0 < box.x1 <= size[0], name
        assert 0 <= box.y0 < box.y1 <= size[1], name
        for other, that in [*texts[:n], *ticks]:
            # By what is drawn, less the room that a font keeps above and below.
            inner = that.padded(-1)
            assert not box.padded(-1).overlaps(inner), (name, other)


@pytest.mark.parametrize("size", SIZES)
def test_no_number_is_cut(drawn, size):
    ramp = np.linspace(0, 2e-4, T)
    run = {"params": {"lr": ramp}, "losses": {"a": 1e-3 + ramp, "b": 1e5 + ramp}}
    figure, *_ = drawn(charts_of(**run, steps=AT * 100), size)
    for axes in figure.axes:
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            box = label.get_window_extent().padded(-1)
            if label.get_text():
                assert 0 <= box.x0 <= box.x1 <= size[0], label
                assert 0 <= box.y0 <= box.y1 <= size[1], label
        if size[0] >= 640:
            assert all(text.get_text() for text in axes.get_xticklabels())
            assert all(text.get_text() for text in axes.get_yticklabels())


@pytest.mark.parametrize("size", SIZES)
def test_titles_are_left_out_rather_than_cut(drawn, size):
    values = 10.0 ** (-12 * AT / T)
    charts = charts_of(losses={"loss": values}, params={"w": 1e-7 * values})
    figure, *_ = drawn(charts, size)
    titles = [t for t in figure.texts if t.get_text() in ("step", "value") or t.get_rotation()]
    assert len(titles) == {FULL: 4, (1280, 720): 4, DRAFT: 2}.get(size, len(titles))
    for title in titles:
        box = title.get_window_extent()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert not any(box.overlaps(axes.bbox) for axes in figure.axes)


def test_the_note_gives_way_to_a_brief_one_before_names(drawn):
    names = {f"a-loss-of-ours-{k}": np.ones(T) for k in range(3)}
    charts = charts_of(losses=names, params={"w": np.ones(T)})
    for size, label in [(FULL, "losses, smoothed over 25 steps"), (DRAFT, "losses, mean of 25")]:
        figure, *_ = drawn(charts, size)
        texts = [text.get_text() for text in figure.texts]
        assert label in texts
        shown = names.keys() & set(texts)
        assert len(shown) == 3 or f"+{3 - len(shown)}" in texts


def test_the_raw_curve_stands_faintly_behind_the_smoothed_one(drawn):
    values = np.exp(-AT / 300) * np.random.default_rng(0).lognormal(sigma=0.3, size=T)
    (chart,) = charts_of(losses={"loss": values})
    figure, *_ = drawn((chart,))
    raw, smoothed = figure.axes[0].lines[:2]
    np.testing.assert_allclose(raw.get_ydata(), values)
    assert (raw.get_alpha(), smoothed.get_alpha()) == (0.25, None)
    assert raw.get_linewidth() < smoothed.get_linewidth()
    assert raw.get_zorder() < smoothed.get_zorder()


def test_steps_have_as_many_labels_as_there_is_room_for(drawn):
    steps = AT * 1_000_000
    for size in (FULL, DRAFT, SMALL):
        for axes in drawn(charts_of(losses={"a": AT + 1.0}, steps=steps), size)[0].axes:
            labels = [t.get_window_extent() for t in axes.get_xticklabels() if t.get_text()]
            assert len(labels) >= 2 or size == SMALL
            assert all(a.x1 < b.x0 for a, b in pairwise(labels))


def test_curves_of_very_many_steps_are_drawn_as_they_are():
    n = 50_000
    at = np.arange(n)
    curve = Curve("a", np.where(at == 30_000, 100.0, 1.0), np.empty(0, np.int64), Role("curves", 0))
    page = page_of([Chart(at, (curve,), True, "")])
    pixels = page.background.transpose(1, 2, 0)
    inside = within(pixels, chart_cells(page)[0].body)
    spike = round(0.6 * inside.shape[1])
    assert (inside[: inside.shape[0] // 2, spike - 3 : spike + 4] > 150).all(-1).any()


@pytest.mark.parametrize("n", [300, 3000])
def test_a_name_is_measured_only_if_it_may_fit(n):
    before = legend.text_length.cache_info().misses
    role = Role("curves", 0)
    curves = tuple(
        Curve(f"one of {n} losses, {i}", np.array([1.0, 2.0, i]), np.empty(0, np.int64), role)
        for i in range(n)
    )
    chart = Chart(np.arange(3), curves, True, "losses", ", smoothed over 25 steps", "loss")
    page_of([chart], n_clouds=1)
    assert 0 < legend.text_length.cache_info().misses - before <= 100


@pytest.mark.parametrize(
    "values",
    [
        1 - np.exp(-AT / 200),
        0.97 + 0.02 * AT / T,
        20 + 400 * np.exp(-AT / 200),
        np.full(T, 0.3),
        10.0 ** (-12 * AT / T),
        np.where(AT % 100 == 0, 31 + 0.5 * AT / T, nan),
    ],
)
@pytest.mark.parametrize("size", [FULL, (1280, 720), (1080, 1920), DRAFT])
def test_of_three_charts_no_text_overlaps(drawn, values, size):
    losses = np.exp(-AT / 200)
    curves = {"losses": {"loss": losses}, "params": {"w": losses}, "metrics": {"accuracy": values}}
    figure, *_ = drawn(charts_of(**curves), size)
    assert len(figure.axes) == 3
    overlap_nowhere(figure, size)
    for axes in figure.axes:
        assert sum(bool(text.get_text()) for text in axes.get_yticklabels()) >= 2


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.1, 0.9, (-0.05, 1.08)),  # shares
        (0.0, 1.0, (-0.05, 1.08)),
        (0.97, 0.99, (0.9684, 0.9916)),  # such as would be flat from 0 to 1
        (31, 31.5, (30.96, 31.54)),
        (0.01, 0.1, (-0.005, 0.1072)),
        (20, 420, (-21, 452)),
        (0.9, 0.9, (-0.045, 0.972)),  # a constant
        (0.9, 0.9 + 1e-9, (-0.045, 0.9)),
        (-31.5, -31, (-31.54, -30.96)),
    ],
)
def test_an_axis_of_metrics_shows_what_they_do(drawn, low, high, expected):
    (chart,) = charts_of(metrics={"a": np.where(AT % 100 == 0, low + (high - low) * AT / 900, nan)})
    figure, *_ = drawn((chart,))
    limits = figure.axes[0].get_ylim()
    assert limits[0] == pytest.approx(expected[0])
    assert limits[1] >= expected[1] - 1e-9
    if high - low > 1e-6 or low == high:
        assert limits[1] == pytest.approx(expected[1])


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [FULL, DRAFT])
def test_what_was_measured_is_marked_where_there_is_room(drawn, size, theme):
    share = AT / T
    curves = {"a": np.where(AT % 100 == 0, share, nan), "b": np.where(AT % 4 == 0, 1 - share, nan)}
    (chart,) = charts_of(metrics=curves)
    figure, *_ = drawn((chart,), size, theme)
    marked = {
        line.get_color(): line.get_xdata().tolist()
        for line in figure.axes[0].lines
        if line.get_marker() == "o"
    }
    assert marked == {color_of(chart.curves[0], theme): [*range(0, T, 100)]}


@pytest.mark.parametrize("size", [FULL, DRAFT])
def test_what_was_measured_after_the_last_update_is_a_ring_at_the_end(drawn, size):
    (chart,) = charts_of(losses={"loss": np.exp(-AT / 200)})
    curve = replace(chart.curves[0], final=1e-5)
    figure, *_ = drawn((replace(chart, curves=(curve,)),), size)
    axes = figure.axes[0]
    (ring,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert (ring.get_xdata().tolist(), ring.get_ydata()) == ([T - 1], pytest.approx([1e-5]))
    assert axes.get_ylim()[0] < 1e-5  # which has its place


def test_a_chart_that_is_narrow_says_what_it_is_before_how_it_is_smoothed(drawn):
    curves = {f"metric-{k}": AT / T for k in range(3)}
    charts = charts_of(losses={"loss": AT + 1.0}, params={"w": AT + 1.0}, metrics=curves)
    figure, *_ = drawn(charts, (360, 640))
    texts = [text.get_text() for text in figure.texts]
    assert "metrics" in texts
    assert "+3" in texts
    overlap_nowhere(figure, (360, 640))
