from dataclasses import replace

import numpy as np
import pytest
from blank_pages import chart_cells, page_of

from latentviz import Film, FilmSpec, LinearPace, Run, rgb_from_hsv
from latentviz.comparison import TOLERANCE
from latentviz.raster.layout import window_in
from latentviz.raster.page import interleaved
from latentviz.scene import Chart, Curve, Heading
from latentviz.theme import THEMES, Role, rgb_bytes

DRAFT, FULL = (640, 360), (1920, 1080)
DARK = THEMES["dark"]
N = 240
STEPS = np.arange(61)


def moving_figure():
    """A knotted ring that unfolds, (61, 240, 4)."""
    at = np.linspace(0, 2 * np.pi, N, endpoint=False)
    t = STEPS[:, None] / STEPS[-1]
    knot = 0.35 + 0.65 * t
    return np.stack(
        [
            knot * np.sin(at + 0.8 * (1 - t)),
            knot * np.cos(at) + 0.4 * (1 - t) * np.cos(3 * at),
            0.5 * (1 - t) * np.sin(2 * at + t),
            0.8 * t * np.cos(2 * at) + 0.2 * np.sin(5 * at),
        ],
        -1,
    )


NAMES = np.array([f"a class with number {i}" for i in range(9)] + ["größe"])


def hues():
    at = np.arange(N) / N
    return rgb_from_hsv(np.stack([at, np.ones(N), np.ones(N)], -1))


def curves():
    share = STEPS / STEPS[-1]
    gaps = (STEPS % 20 > 3) & (STEPS > 12)
    return {
        "params": {
            "lr": 0.01 * np.minimum(1, STEPS / 5),
            "reg-norm": 0.02 + 0.18 * share**2 * (3 - 2 * share),
            "reg-polar": np.where(STEPS < 30, 0.1, 0.02),
        },
        "losses": {
            "loss": np.exp(-6 * share) + 1e-3,
            "reg-norm": np.where(gaps, 0.05 * np.exp(-3 * share), np.nan),
            "reg-polar": 2e-3 * (1.2 + np.cos(9 * share)),
        },
        "keyframes": {"reg-norm": [0, 60], "reg-polar": [0, 30]},
    }


def metrics():
    """One that every step has, and one that few have; and what followed the last update."""
    share = STEPS / STEPS[-1]
    noise = 0.05 * np.cos(40 * share)
    measured = np.where(STEPS % 20 == 0, 1 - np.exp(-4 * share), np.nan)
    curves = {"accuracy": 0.95 - 0.8 * np.exp(-5 * share) + noise, "val-accuracy": measured}
    return curves, {"val-accuracy": 0.9, "test-accuracy": 0.7}


def film(
    latents=None, *, colors=None, panels=True, measured=False, size=DRAFT, stride=1, **options
):
    run = Run.from_arrays(
        moving_figure() if latents is None else latents,
        colors=hues() if latents is None and colors is None else colors,
        **(curves() if panels else {}),
        **({"metrics": metrics()[0]} if measured else {}),
    )
    if measured:
        run = replace(run, final_metrics=metrics()[1])
    return Film(run, FilmSpec(size=size, pace=LinearPace(stride), **options))


def picture(plan, frame=-1):
    return interleaved(plan.draw(frame % len(plan)))


def written(plan):
    """Where the page has text and curves, (H, W)."""
    width, height = plan.stage.size
    mask = np.zeros((height, width), bool)
    mask[plan.page.bottom :] = True
    titles = plan.stage.panels[0].cell.head
    mask[: round(titles.y + titles.height)] = True
    # What lies below dots in frames is drawn by matplotlib.
    return mask | plan.stage.panels[0].framed


@pytest.mark.parametrize(
    ("frame", "options"),
    [
        pytest.param(0, {}, id="dark-first"),
        pytest.param(-1, {}, id="dark-last"),
        pytest.param(30, {"theme": "light"}, id="light"),
        pytest.param(1, {"stride": 15}, id="dark-15-substeps"),
        pytest.param(2, {"stride": 15, "theme": "light", "alpha": 0.3}, id="light-15-substeps"),
        pytest.param(40, {"dims": [(1, 0), (2, 3)], "names": ["hue", "größe"]}, id="two-named"),
        pytest.param(40, {"panels": False}, id="no-panels"),
        pytest.param(50, {"colors": np.arange(N) // 24, "dot_radius": 0.06}, id="labels"),
        pytest.param(
            50,
            {"colors": np.cos(np.arange(N) / 9), "colormap": "magma", "theme": "light"},
            id="scalars",
        ),
        pytest.param(
            20,
            {"colors": NAMES[np.arange(N) // 24], "theme": "light", "dims": [(1, 0), (3, 2)]},
            id="named-classes",
        ),
        pytest.param(
            60, {"colors": NAMES[np.arange(N) % 3], "size": (360, 640)}, id="upright-classes"
        ),
        pytest.param(
            30,
            {"latents": 7 + 20 * moving_figure(), "colors": np.sin(np.arange(N)), "dims": [(1, 2)]},
            id="beside",
        ),
        pytest.param(30, {"size": (360, 640), "dims": [(1, 0)]}, id="tall"),
        pytest.param(2, {"size": FULL, "stride": 15}, id="full-size"),
        pytest.param(-1, {"measured": True}, id="metrics"),
        pytest.param(30, {"measured": True, "size": (1280, 720), "theme": "light"}, id="three"),
    ],
)
def test_frame(latentviz_snapshot, frame, options):
    plan = film(**options)
    # Dots, discs and flat ground are our own compositor's, the same on every CPU.
    tolerance = np.where(written(plan), TOLERANCE, 0)
    latentviz_snapshot(picture(plan, frame), tolerance=tolerance)


def window(plan, projection=0):
    panel = plan.stage.panels[projection]
    return window_in(panel.cell.body, panel.limits)


def at(plan, projection, right, up):
    """The row and the column of the pixel at a place in a projection."""
    (x, y), px_per_unit = window(plan, projection).center, window(plan).px_per_unit
    return int(y - up * px_per_unit), int(x + right * px_per_unit)


def still(*points):
    """Points (D,) that stay where they are, (61, N, D)."""
    return np.tile(np.array(points, np.float32), (len(STEPS), 1, 1))


RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_a_lone_dot_on_its_disc_on_the_page(theme):
    plan = film(
        still([0.5, -0.4, 0.3]), colors=np.array([[0.2, 1.0, 0.6]]), alpha=1.0, theme=theme.name,
        dims=[(0, 1), (2, 1)],
    )  # fmt: skip
    pixels = picture(plan)
    disc = np.array(rgb_bytes(theme.disc))
    # Of a dot of alpha 1, SPEC has 0.99 seen.
    dot = 0.99 * 255 * np.array([0.2, 1.0, 0.6]) + 0.01 * disc
    assert np.abs(pixels[at(plan, 0, 0.5, -0.4)] - dot).max() <= 1
    assert np.abs(pixels[at(plan, 1, 0.3, -0.4)] - dot).max() <= 1
    for right, up in [(0.5, -0.4 + 0.15), (-0.5, -0.4), (0, 0.9), (0.97, 0)]:
        assert pixels[at(plan, 0, right, up)].tolist() == disc.tolist()
    for right, up in [(0, 1.06), (-1.06, 0), (0.8, 0.8)]:
        assert pixels[at(plan, 0, right, up)].tolist() == list(rgb_bytes(theme.background))


def test_a_dot_s_edge_is_a_radius_away():
    plan = film(still([0, 0]), colors=np.array([RED]), alpha=1.0, size=FULL, dims=[(0, 1)])
    red = picture(plan)[..., 0].astype(int) > 128
    rows, columns = np.nonzero(red & ~written(plan))
    expected = 2 * 0.105 * window(plan).px_per_unit
    assert np.ptp(rows) + 1 == pytest.approx(expected, abs=1)
    assert np.ptp(columns) + 1 == pytest.approx(expected, abs=1)


def test_a_later_point_covers_an_earlier_one():
    points, colors = still([0, 0], [0.1, 0]), np.array([RED, BLUE])
    pixels = picture(film(points, colors=colors, alpha=1.0, dims=[(0, 1)]))
    between = at(film(points, colors=colors, dims=[(0, 1)]), 0, 0.05, 0)
    assert pixels[between].argmax() == 2
    swapped = picture(film(points, colors=colors[::-1], alpha=1.0, dims=[(0, 1)]))
    assert swapped[between].argmax() == 0


def test_the_first_projection_lies_on_top_where_dots_run_over():
    border = DRAFT[0] / 4 / window(film(dims=[(0, 1), (2, 1)])).px_per_unit
    # Point 0 lies on the border in the first projection alone, point 1 in the second.
    points, colors = still([border, 0, 0.5], [-0.5, 0, -border]), np.array([RED, BLUE])
    plan = film(points, colors=colors, alpha=1.0, dims=[(0, 1), (2, 1)])
    assert picture(plan)[at(plan, 0, border, 0)].argmax() == 0
    plan = film(points, colors=colors, alpha=1.0, dims=[(2, 1), (0, 1)])
    assert picture(plan)[at(plan, 0, -border, 0)].argmax() == 2


@pytest.mark.parametrize(("projection", "right"), [(0, 1.9), (1, 1.9), (1, -1.9), (2, -1.9)])
def test_no_unit_disc_hides_a_dot_that_runs_over(projection, right):
    dims = [(0, 1)] * 3
    dims[projection] = (2, 1)
    plan = film(
        still([0, 0, right]), colors=np.array([RED]), alpha=1.0, limits=1.5, dims=dims, size=FULL
    )
    row, column = at(plan, projection, right, 0)
    x, _ = window(plan, projection + (1 if right > 0 else -1)).center
    assert abs(column - x) < window(plan).px_per_unit  # on the neighbour's disc
    assert picture(plan)[row, column].argmax() == 0


def test_a_dot_never_passes_for_one_of_the_neighbour_s():
    dims = [(0, 1), (2, 1), (2, 1)]
    plan = film(still([2.4, 0, 0.5]), colors=np.array([RED]), limits=1.5, dims=dims)
    assert picture(plan)[at(plan, 0, 2.4, 0)].tolist() == list(rgb_bytes(DARK.disc))


def test_marks_are_drawn():
    plan = film(still([0, 0], [0, 50]), limits=1.5, dims=[(0, 1)], colors=np.array([RED, RED]))
    cell = plan.stage.panels[0].cell.body
    pixels = picture(plan)[round(cell.y) : round(cell.y) + 8, :]
    assert (pixels == rgb_bytes(DARK.text)).all(-1).any()
    assert plan.frames_beyond == len(plan)


def test_classes_in_one_place_are_all_seen():
    rng = np.random.default_rng(0)
    cloud = np.tile(rng.normal(0, 0.3, (500, 2)), (2, 1, 1))
    pixels = picture(film(cloud, colors=np.repeat([0, 1, 2, 3], 125), panels=False, dims=[(0, 1)]))
    seen = [
        (np.abs(pixels.astype(int) - rgb_bytes(color)) < 40).all(-1).sum()
        for color in DARK.categories[:4]
    ]
    assert min(seen) > 0.15 * sum(seen)


def test_dots_leave_the_curves_alone():
    low, high = (
        film(still([0, up]), colors=np.array([RED]), dims=[(0, 1)], limits=1.0)
        for up in (-1.03, 0.0)
    )
    bottom = low.page.bottom
    apart = (picture(low) != picture(high)).any((1, 2))
    assert apart[bottom - 1]
    assert not apart[bottom:].any()


@pytest.mark.parametrize("frame", [0, 1, 17, 60])
def test_the_cursor_stands_at_the_step(frame):
    plan = film()
    canvas = plan.draw(frame)
    for box in [cell.body for cell in chart_cells(plan.page)]:
        rows = slice(round(box.y), round(box.y + box.height))
        changed = (canvas != plan.page.background).any(0)[rows]
        columns = np.nonzero(changed.any(0))[0]
        near = columns[np.abs(columns + 0.5 - (box.x + frame / 60 * box.width)) <= 1.5]
        assert 1 <= len(near) <= 2
        assert changed[:, near].any(1).mean() > 0.95
    # One a panel, and nothing else changes there.
    below = (canvas != plan.page.background).any(0)[plan.page.bottom :]
    assert below.any(0).sum() <= 4


def test_the_heading_tells_the_step_and_the_speed():
    plan = film(stride=7, panels=False)
    heading = plan.stage.heading
    rows = slice(round(heading.y), round(heading.y + heading.height))
    first, second, last = (picture(plan, frame)[rows] for frame in (0, 1, len(plan) - 1))
    # The word and, until the last frame's, the speed stay where they are.
    [word, _, speed] = plan.page.heading.sprites(Heading("step", "0", "▸▸7x"))
    changed = np.nonzero((first != second).any((0, 2)))[0]
    assert word.x + word.mask.shape[1] <= changed.min() <= changed.max() < speed.x
    assert np.nonzero((first != last).any((0, 2)))[0].max() >= speed.x


@pytest.mark.parametrize("size", [DRAFT, FULL, (320, 180)])
def test_the_heading_has_room_for_the_last_step_and_never_moves(size):
    run = Run.from_arrays(moving_figure(), steps=STEPS * 2_000)
    heading = Film(run, FilmSpec(size=size, pace=LinearPace(), title="")).page.heading
    all_steps = [
        heading.sprites(Heading("step", str(step), "▸▸15x")) for step in range(0, 120_001, 2_000)
    ]
    words, numbers, speeds = zip(*all_steps, strict=True)
    assert len({s.x for s in words}) == len({s.x for s in speeds}) == 1
    for number in numbers:
        middle = number.x + number.mask.shape[1] / 2
        assert middle == pytest.approx(size[0] / 2, abs=2)
        assert words[0].x + words[0].mask.shape[1] <= number.x
        assert number.x + number.mask.shape[1] <= speeds[0].x
    # In the middle as it is: what stands left and right of the number is about as long.
    left, right = words[0].x, speeds[0].x + speeds[0].mask.shape[1]
    assert (left + right) / 2 == pytest.approx(size[0] / 2, abs=0.025 * size[0])
    [words_alone] = heading.sprites(Heading("after the last update"))
    assert words_alone.x + words_alone.mask.shape[1] / 2 == pytest.approx(size[0] / 2, abs=1)


def test_a_frame_depends_on_nothing_drawn_before():
    plan = film(stride=7)
    canvas = plan.page.new_canvas()
    frames = [3, 0, 8, 3]
    again = [plan.draw(frame, canvas).copy() for frame in frames]
    assert (again[0] == again[3]).all()
    for frame, pixels in zip(frames, again, strict=True):
        assert (film(stride=7).draw(frame) == pixels).all()


def chart(values=None, *, names=("weight",), log=False, label="schedule", steps=STEPS, keyed=()):
    values = np.linspace(0.1, 0.9, len(steps)) if values is None else np.asarray(values, float)
    return Chart(
        np.asarray(steps),
        tuple(
            Curve(name, values, np.array(keyed, np.int64), Role("curves", i))
            for i, name in enumerate(names)
        ),
        log,
        label,
    )


def chrome(*charts, size=DRAFT):
    page = page_of(charts, size=size)
    return chart_cells(page), page.background


def cut(pixels, box):
    rows = slice(int(box.y), int(np.ceil(box.y + box.height)))
    return pixels[:, rows, int(box.x) : int(np.ceil(box.x + box.width))]


def legend_of(*charts, **options):
    cells, pixels = chrome(*charts, **options)
    return cut(pixels, cells[0].head)


def ink(pixels):
    """Where a piece of the page is not blank, (H, W)."""
    return (pixels != np.array(rgb_bytes(DARK.background))[:, None, None]).any(0)


WIGGLE = np.sin(STEPS / 3)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("size", [DRAFT, FULL])
@pytest.mark.parametrize(
    "values",
    [
        WIGGLE,
        WIGGLE + 1.5,
        3e3 * WIGGLE,
        1e-3 * (WIGGLE + 1.1),
        np.where(STEPS == 30, 1e5, 1.0),
        np.full(61, np.nan),
        np.full(61, 0.3),
    ],
)
def test_no_curve_or_tick_reaches_the_legend(values, size, log):
    expected = legend_of(chart(log=log), size=size)
    assert ink(expected).any()
    keyed = [0, int(np.argmax(values)), 60]
    assert (legend_of(chart(values, log=log, keyed=keyed), size=size) == expected).all()


@pytest.mark.parametrize("values", [1e-6 * STEPS, 1e7 * STEPS])
def test_no_offset_of_an_axis_reaches_the_legend(values):
    assert (legend_of(chart(values)) == legend_of(chart())).all()


MANY = [f"a rather long loss term's name, number {i}" for i in range(30)]


@pytest.mark.parametrize(
    ("names", "size"),
    [
        (["a", "b"], DRAFT),
        (MANY, DRAFT),
        (["W" * 90] * 3, DRAFT),
        (MANY[:2], FULL),
        (MANY, FULL),
        (["W" * 90] * 3, FULL),
        pytest.param(MANY[:2], DRAFT),
        pytest.param(["x" * 500], FULL),
    ],
)
def test_a_legend_stays_within_its_box(names, size):
    def two_charts(names):
        return chrome(chart(names=names), chart(names=names, log=True), size=size)

    cells, long = two_charts(names)
    _, short = two_charts(["i"] * len(names))
    changed = (long != short).any(0)
    assert changed.any()
    for box in [cell.head for cell in cells]:
        rows = slice(int(box.y), int(np.ceil(box.y + box.height)))
        columns = slice(int(box.x) - 1, int(np.ceil(box.x + box.width)) + 1)
        changed[rows, columns] = False
    assert not changed.any()


def test_names_that_do_not_fit_are_counted():
    assert (legend_of(chart(names=MANY[:29])) != legend_of(chart(names=MANY))).any()


@pytest.mark.parametrize("i", range(3))
def test_a_name_stands_in_its_curve_s_color(i):
    names = [c * 30 for c in "HIJ"]
    legend = legend_of(chart(names=names), size=FULL)
    color = np.array(rgb_bytes(DARK.curves[i]))[:, None, None]
    columns = np.nonzero((np.abs(legend.astype(int) - color) < 8).all(0).any(0))[0]
    other = np.array(rgb_bytes(DARK.curves[(i + 1) % 3]))[:, None, None]
    others = np.nonzero((np.abs(legend.astype(int) - other) < 8).all(0).any(0))[0]
    assert len(columns) >= 20
    assert columns.max() < others.min() if i < 2 else others.max() < columns.min()


@pytest.mark.parametrize(
    "name", ["$x^2_$", "$\\frac", "reg_norm", "a^b_c", "größe-λ", "50 % & #1", "{}", "\\alpha"]
)
def test_any_name_is_drawn_as_it_is(name):
    legend = ink(legend_of(chart(names=[name, "next"])))
    plain = ink(legend_of(chart(names=["", "next"])))
    width = [np.nonzero(mask.any(0))[0].max() for mask in (legend, plain)]
    # Nothing is swallowed as markup: there is room for every character.
    assert width[0] - width[1] >= 2 * len(name)
    run = Run.from_arrays(moving_figure(), params={name: STEPS}, losses={name: STEPS + 1.0})
    Film(run, FilmSpec(size=DRAFT, names=[name])).draw(0)


def test_a_tab_in_a_name_warns_nobody():
    legend_of(chart(names=["a\tb"]))


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ([0.5], [0]),
        ([np.nan], [7]),
        ([1.0, np.nan, 0.0, -3.0], [0, 1, 5, 100]),
        (np.zeros(4), range(4)),
        ([1e100, 1e-100, 1, 1], range(4)),
        (np.arange(4), [-50, -20, 0, 3]),
    ],
)
def test_absurd_curves_are_drawn_without_a_fault(values, steps, log):
    chrome(chart(values, steps=list(steps), log=log))


@pytest.mark.parametrize("values", [np.zeros(61), -1 - WIGGLE**2, WIGGLE])
def test_losses_that_are_not_all_positive_are_drawn_whole(values):
    cells, pixels = chrome(chart(values, log=True))
    color = np.array(rgb_bytes(DARK.curves[0]))[:, None, None]
    seen = (np.abs(cut(pixels, cells[0].body).astype(int) - color) < 110).all(0)
    assert seen.any(0).mean() > 0.9


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (STEPS * 10, STEPS * 1000),
        pytest.param(STEPS * 10**6, STEPS * 10**7),
        pytest.param(STEPS + 10**7, STEPS + 10**8),
    ],
)
def test_tick_labels_tell_which_steps(a, b):
    assert (chrome(chart(steps=a))[1] != chrome(chart(steps=b))[1]).any()


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (0.05, 50),
        (1e-9, 1e-3),
        (0.2, 0.9),
        pytest.param(0.2, 0.7),
        pytest.param(1.1, 1.2),
    ],
)
def test_a_log_axis_has_labels(low, high):
    cells, pixels = chrome(chart(np.geomspace(low, high, 61), log=True))
    box = cells[0].body
    left_of_it = pixels[:, int(box.y) : int(box.y + box.height), : int(box.x) - 1]
    assert ink(left_of_it).any()


def test_a_spike_in_a_long_curve_is_not_thinned_away():
    steps = np.arange(100_000)
    flat, spike = np.ones(len(steps)), np.ones(len(steps))
    spike[51_237] = 2.0
    both = [chart(np.where(steps == 9, 2.0, v), steps=steps) for v in (flat, spike)]
    cells, without = chrome(both[0])
    _, with_spike = chrome(both[1])
    box = cells[0].body
    columns = np.nonzero((without != with_spike).any((0, 1)))[0]
    assert columns.mean() == pytest.approx(box.x + 0.51237 * box.width, abs=2)
