"""Histories of points that are no colors, and marks in histories of any."""

import numpy as np
import pytest
import torch
from PIL import Image

from latentviz import LatentvizWarning, OptionError, Recorder, Run, plot_history
from latentviz.figures.history_page import history_page
from latentviz.figures.history_row import Look, row_of
from latentviz.figures.marked import marked_points
from latentviz.scene import Box, Categories, Ramp
from latentviz.theme import Role, rgb_bytes, theme_named
from latentviz.views import coloring, drawing_order

SEED = 5
THEMES = ("dark", "light")
SIZES = [(800, 450), (1600, 900), (900, 1600), (1000, 1000), (3000, 450), (8192, 4608)]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A real training of 60 points of three classes, whose latents have four dimensions."""
    path = tmp_path_factory.mktemp("classes") / "run.npz"
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.Linear(4, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    classes = torch.arange(60) % 3
    inputs = torch.randn(60, 6) + 3 * torch.eye(3, 6)[classes]
    options = {"classes": classes, "class_names": ["one", "two", "three"]}
    names = [f"point {n}" for n in range(60)]
    with Recorder(path, model, layer="0", probe=inputs, point_names=names, **options) as recorder:
        for _ in range(40):
            loss = torch.nn.functional.cross_entropy(model(inputs), classes)
            recorder.step(batch=inputs, losses={"loss": loss.item()})
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return path


@pytest.mark.parametrize("theme", THEMES)
def test_a_recorded_run_of_classes(recorded, tmp_path, invoke, latentviz_snapshot, theme):
    path = tmp_path / "history.png"
    marks = ["--label", "point 3,17", "--label", "5", "--highlight", "two"]
    options = ["--theme", theme, *(marks if theme == "light" else [])]
    done = invoke("history", recorded, "-o", path, "--size", "1000x600", *options)
    assert done.stdout == f"{path}: Latents after the last update\n"
    with Image.open(path) as image:
        words = image.text["Description"]
    assert "Their colors are those of the classes one, two, three." in words
    marked = "20 points stand out, and names stand beside 3 points."
    assert (marked in words) == (theme == "light")
    latentviz_snapshot(path)


def test_a_text_that_names_no_point(recorded, tmp_path, invoke):
    path = tmp_path / "x.png"
    done = invoke("history", recorded, "-o", path, "--label", "four", status=2)
    assert "label names no point: 'four'" in done.stderr
    with pytest.raises(OptionError, match="highlight must be texts such as"):
        plot_history(recorded, highlight=3)


def inside(box, other):
    return (
        other.x - 1e-6 <= box.x
        and other.y - 1e-6 <= box.y
        and box.x + box.width <= other.x + other.width + 1e-6
        and box.y + box.height <= other.y + other.height + 1e-6
    )


def apart(a, b):
    return (
        a.x + a.width <= b.x
        or b.x + b.width <= a.x
        or a.y + a.height <= b.y
        or b.y + b.height <= a.y
    )


def categories(n):
    names = tuple(f"a class {'with a long name ' * 3}of number {k}" for k in range(n))
    return Categories(names, tuple(Role("categories", k) for k in range(n)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "key", [categories(3), categories(10), categories(40), Ramp(0, 1, "magma")]
)
def test_nothing_overlaps_or_is_cut(size, key):
    for n_large, n_small in [(1, 0), (1, 10), (3, 10), (6, 4)]:
        page = history_page(size, n_large, n_small, framed=True, key=key)
        k = page.k
        # With the titles above, and the numbers and steps below.
        large = [Box(b.x, b.y - 30 * k, b.width, b.height + 50 * k) for b in page.large]
        small = [Box(b.x, b.y, b.width, b.height + 28 * k) for b in page.thumbnails]
        boxes = [Box(0, 0, size[0], 60 * k), page.key, *large, *small]
        assert len(boxes) == 2 + n_large + n_small
        assert all(inside(box, Box(0, 0, *size)) for box in boxes)
        for n, box in enumerate(boxes):
            assert all(apart(box, other) for other in boxes[:n])
        assert min(b.width for b in page.large) >= 60 * k
        assert {b.width for b in page.large} == {b.height for b in page.large}


def clusters(n=90, n_steps=12, **options):
    means = np.array([[0, 0, 5], [8, 0, 0], [0, 3, -2]])[np.arange(n) % 3]
    latents = np.random.default_rng(SEED).normal(size=(n_steps, n, 3)) + means + [40, 0, 0]
    return Run.from_arrays(latents, **({"classes": np.arange(n) % 3} | options))


@pytest.mark.parametrize("theme", THEMES)
def test_dots_and_marks_stay_in_their_frames(theme):
    run, look = clusters(n=4000, n_steps=5), {"size": (1000, 600), "theme": theme}
    picture = plot_history(run, dims=[(0, 1), (0, 2)], limits=40, **look)
    assert 2500 < picture.data["points_beyond"] < 2900
    key = coloring(run.colors, 4000, theme_named(theme)).key
    page = history_page((1000, 600), 2, 4, framed=True, key=key)
    ground, ink = (rgb_bytes(getattr(theme_named(theme), name)) for name in ("background", "text"))
    for box in page.large + page.thumbnails:
        x, y, side = round(box.x), round(box.y), round(box.width)
        part = picture.pixels[y : y + side, x : x + side]
        assert (part == ink).all(-1).any()  # a mark, within
        # Beside the frame, whose line is a pixel wide, there is nothing.
        for edge in (x - 4, x + side + 2):
            assert (picture.pixels[y : y + side, edge : edge + 2] == ground).all()
        assert (picture.pixels[y - 4 : y - 2, x : x + side] == ground).all()


def look_at(run, *, plate=False, label=(), highlight=()):
    marked = marked_points(run, label, highlight)
    colors = coloring(run.colors, run.n_points, theme_named("dark"), class_names=run.class_names)
    of_colors = run.colors is not None and run.colors.ndim == 2
    order = drawing_order(run.colors, run.n_points, marked.highlighted)
    return Look(of_colors, colors, order, plate, marked)


def test_each_projection_has_its_own_limits_around_its_points():
    run = clusters()
    states = run.latents(run.steps[-1:])
    row = row_of(states, np.array([[0, 1], [2, 1]]), look_at(run), side_px=300)
    for fit, dims in zip(row.fits, ([0, 1], [2, 1]), strict=True):
        at = states[0][:, dims]
        assert fit.center == pytest.approx((at.min(0) + at.max(0)) / 2, abs=0.3)
        half = np.abs(at - fit.center).max()
        assert half < fit.limits * (1 - row.dot_share) < 1.2 * half
    assert row.n_beyond == 0
    assert row.words(0).startswith(f"±{row.fits[0].limits:.3g} around (")
    # Where the unit disc is a scale, the origin is in the middle, and the disc is whole.
    row = row_of(states * 0.01, np.array([[0, 1]]), look_at(run, plate=True), side_px=300)
    assert row.fits[0].center == (0, 0)
    assert row.fits[0].limits > 1 - row.dot_share
    assert row.panel(0, Box(0, 0, 300, 300), large=True).plate_radius == 1


def test_dots_go_with_the_number_of_points_and_the_size_of_the_panel():
    def radius_px(n, side):
        run = clusters(n, n_steps=1)
        row = row_of(run.latents(run.steps), np.array([[0, 1]]), look_at(run), side_px=side)
        panel = row.panel(0, Box(0, 0, side, side), large=True)
        return panel.dot_radius / panel.limits * side / 2

    assert radius_px(10_000, 600) == pytest.approx(0.5 * radius_px(2500, 600))
    assert radius_px(2500, 300) == pytest.approx(0.5 * radius_px(2500, 600))
    run = clusters(5000, n_steps=1)
    row = row_of(run.latents(run.steps), np.array([[0, 1]]), look_at(run), side_px=600)
    assert row.cloud(0, 0).alpha < 0.9


def test_the_unit_disc_stands_where_it_means_something():
    on_circle = np.random.default_rng(SEED).normal(size=(1, 80, 3))
    on_circle /= np.linalg.norm(on_circle, axis=-1, keepdims=True)
    disc = np.array(rgb_bytes(theme_named("dark").disc))
    for latents, has_disc in [(on_circle, True), (on_circle * 0.1, False), (on_circle * 9, False)]:
        picture = plot_history(Run.from_arrays(latents, classes=np.arange(80) % 2))
        assert ((picture.pixels == disc).all(-1).sum() > 1000) == has_disc
        assert (picture.data["centers"][0] == [0, 0]) == has_disc


def test_names_that_have_no_room_are_left_out_and_told_of():
    run = Run.from_arrays(np.zeros((1, 30, 2)), classes=np.arange(30) % 2)
    with pytest.warns(LatentvizWarning, match="2. names beside points would cover others"):
        plot_history(run, label="all")


@pytest.mark.parametrize("theme", THEMES)
def test_names_of_colors_keep_to_their_projection_and_cover_none(theme):
    # All in one spot at the edge between two projections, where names of both would meet.
    at = np.array([[1.09, 0.0], [-1.09, 0.0], [0.0, 0.5]])
    colors = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    names = ["a very long name " * 3] * 3
    run = Run.from_arrays(at[None], colors=colors, point_names=names)
    look = {"theme": theme, "dims": [(0, 1), (0, 1)], "limits": 1.1}
    before = plot_history(run, **look).pixels
    after = plot_history(run, label="all", **look).pixels
    page = history_page((1600, 900), 2, 0, framed=False, key=None)
    changed = (before != after).any(-1)
    for box in page.large:
        part = np.s_[
            round(box.y) : round(box.y + box.height), round(box.x) : round(box.x + box.width)
        ]
        assert changed[part].sum() > 500
        changed[part] = False
    assert not changed.any()


def test_points_that_stand_out_lie_on_top_and_others_fade():
    run = clusters(30, n_steps=2)
    row = row_of(
        run.latents(run.steps), np.array([[0, 1]]), look_at(run, highlight="1"), side_px=300
    )
    cloud = row.cloud(0, 0)
    assert cloud.order[-1] == 1
    assert cloud.faded_alpha < 0.3 * cloud.alpha
    assert row.panel(0, Box(0, 0, 9, 9), large=False).highlighted.tolist() == [
        n == 1 for n in range(30)
    ]


@pytest.mark.parametrize(
    ("at", "edge"),
    [((9, 0.5), (133, 38)), ((-9, 0), (67, 50)), ((0, 1.26), (100, 17)), ((-0.5, -9), (88, 83))],
)
def test_a_color_beyond_is_left_out_and_marked_outside_the_edge(at, edge):
    run = Run.from_arrays(np.array([[at]]), colors=np.array([[1.0, 0, 0]]))
    row = row_of(run.latents(run.steps), np.array([[0, 1]]), look_at(run), side_px=60, limits=1.25)
    assert row.n_beyond == 1
    assert np.isnan(row.cloud(0, 0).xy).all()
    (mark,) = row.marks(0, 0, Box(70, 20, 60, 60), 1.0, theme_named("dark"))
    rows, columns = np.nonzero(mark.mask > 0.5)
    assert (mark.x + columns.mean(), mark.y + rows.mean()) == pytest.approx(edge, abs=4)


def test_scalars_have_a_color_bar_and_colors_nothing():
    latents = np.random.default_rng(SEED).normal(size=(1, 40, 2))
    picture = plot_history(Run.from_arrays(latents, colors=np.linspace(-2, 3, 40)))
    assert "Their colors go from \N{MINUS SIGN}2 to 3 in viridis." in picture.alt
    bar = picture.pixels[80:100]
    assert len(np.unique(bar.reshape(-1, 3), axis=0)) > 150
    picture = plot_history(Run.from_arrays(latents, colors=np.full((40, 3), 0.5)))
    assert "Their colors" not in picture.alt
