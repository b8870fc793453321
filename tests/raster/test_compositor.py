from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentviz.raster.compositor import TILE
from latentviz.raster.discs import Discs, draw_discs

BACKGROUND = (36, 37, 43)
UNTOUCHED = 201


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawing(Discs):
    """Discs on a page."""

    size: tuple[int, int]
    bottom: int | None = None  # the page's height by default

    @property
    def rows(self):
        return self.size[1] if self.bottom is None else self.bottom


def discs(trails, size, radii=(8.0,), alphas=(1.0,), bottom=None):
    """Of trails (color, [(x, y), ...]) or (color, [(x, y), ...], kind), topmost first."""
    n = max(len(trail[1]) for trail in trails)
    # Numbers that no disc has any use for, where a trail is shorter than the longest.
    xy = np.full((len(trails), n, 2), 3.0, np.float32)
    for at, trail in zip(xy, trails, strict=True):
        at[: len(trail[1])] = trail[1]
    return Drawing(
        np.ascontiguousarray(xy[..., 0]),
        np.ascontiguousarray(xy[..., 1]),
        np.array([len(trail[1]) for trail in trails], np.int32),
        np.array([trail[2] if len(trail) > 2 else 0 for trail in trails], np.int32),
        np.array([trail[0] for trail in trails], np.float32),
        np.array(radii, np.float32),
        np.array(alphas, np.float32),
        size=size,
        bottom=bottom,
    )


def blank(d):
    width, height = d.size
    canvas = np.empty((3, height, width), np.uint8)
    canvas[:] = np.array(BACKGROUND)[:, None, None]
    canvas[:, d.rows :] = UNTOUCHED
    return canvas


def drawn(d):
    canvas = blank(d)
    draw_discs(canvas, d, box=(0, 0, d.size[0], d.rows))
    return canvas


def exact(d):
    """The same from the bottom up, disc by disc, in float64."""
    page = blank(d).astype(np.float64)
    width, _ = d.size
    above = page[:, : d.rows]
    py, px = np.mgrid[: d.rows, :width] + 0.5
    for g in reversed(range(len(d.xs))):
        radius, alpha = float(d.radii[d.kinds[g]]), float(d.alphas[d.kinds[g]])
        for x, y in zip(d.xs[g, : d.counts[g]], d.ys[g, : d.counts[g]], strict=True):
            distance2 = (px - float(x)) ** 2 + (py - float(y)) ** 2
            coverage = np.clip(0.5 + (radius**2 - distance2) / (2 * radius), 0, 1)
            ink = d.colors[g].astype(np.float64)[:, None, None]
            above += alpha * coverage * (ink - above)
    return page


def assert_exact(d):
    apart = np.abs(drawn(d) - np.rint(exact(d)))
    assert apart.max(initial=0) <= 1
    return apart


def random_discs(
    seed, size=(75, 53), n_trails=40, n=3, radii=(6.0, 15.0), alphas=(0.7, 1.0), step=2.0
):
    """Random walks of n discs, of every kind and color, on and around the page."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(-0.2, 1.2, (n_trails, 1, 2)) * size
    walks = start + rng.normal(0, step, (n_trails, n, 2)).cumsum(1)
    return replace(
        discs([((0, 0, 0), walk) for walk in walks], size, radii, alphas),
        counts=rng.integers(1, n + 1, n_trails).astype(np.int32),
        kinds=rng.integers(0, len(radii), n_trails).astype(np.int32),
        colors=rng.uniform(0, 255, (n_trails, 3)).astype(np.float32),
    )


@pytest.mark.parametrize("n", [1, 3, 4, 5, 150])
@pytest.mark.parametrize("alpha", [0.05, 0.6, 1.0])
def test_trails_of_any_length(n, alpha):
    assert_exact(random_discs(n, n_trails=12, n=n, alphas=(alpha, 1.0)))
    assert_exact(random_discs(n + 1, n_trails=12, n=n, alphas=(alpha, alpha / n)))


@pytest.mark.parametrize("radius", [0.2, 0.6, 1.0, 1.7, 27.0, 300.0, 3000.0])
@pytest.mark.parametrize("alpha", [0.05, 1.0])
def test_any_radius(radius, alpha):
    assert_exact(random_discs(7, radii=(radius,), alphas=(alpha,)))
    # On the edge of a disc that is larger than the page.
    edge = [((255, 0, 0), [(40 - radius * 0.8, 25 - radius * 0.6)])]
    apart = assert_exact(discs(edge, (75, 53), (radius,), (alpha,)))
    assert (apart > 0).mean() < 0.01


@pytest.mark.parametrize(
    "size", [(1, 1), (TILE, TILE), (TILE + 1, TILE - 1), (5, 3 * TILE), (130, 2), (97, 31)]
)
def test_any_page(size):
    for seed in range(3):
        assert_exact(random_discs(seed, size))


def test_far_travelled_trails():
    assert_exact(random_discs(3, n_trails=10, n=40, step=30, alphas=(0.2, 0.9)))


@pytest.mark.parametrize("radii", [(8.0, 30.0), (1.5, 3.0)])
def test_crowds_that_use_the_light_up(radii):
    assert_exact(random_discs(4, n_trails=1500, n=2, radii=radii, alphas=(0.3, 0.1)))
    assert_exact(random_discs(5, n_trails=1500, n=2, radii=radii, alphas=(0.9, 0.6)))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_scene(data):
    def floats(low, high):
        return st.floats(low, high, width=32)

    size = data.draw(st.tuples(st.integers(1, 50), st.integers(1, 50)))
    xy = st.tuples(floats(-60, 110), floats(-60, 110))
    color = st.tuples(*[st.integers(0, 255)] * 3)
    trail = st.tuples(color, st.lists(xy, min_size=1, max_size=9), st.integers(0, 1))
    assert_exact(
        discs(
            data.draw(st.lists(trail, min_size=1, max_size=8)),
            size,
            data.draw(st.tuples(floats(0.1875, 60), floats(0.1875, 60))),
            data.draw(st.tuples(floats(0.03125, 1), floats(0.03125, 1))),
            data.draw(st.integers(0, size[1])),
        )
    )


@pytest.mark.parametrize("bottom", [0, 1, 20, TILE, 2 * TILE])
def test_rows_from_bottom_down_are_left_alone(bottom):
    d = replace(random_discs(1), bottom=bottom)
    assert_exact(d)
    assert (drawn(d)[:, bottom:] == UNTOUCHED).all()


FAR = [1e4, 1e6, 1e9, 1e18]
# Beyond what a pixel's index can hold.
BEYOND = [1e19, 1e30, 3e38]


@pytest.mark.parametrize("far", [*FAR, *BEYOND])
@pytest.mark.parametrize("side", [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1)])
def test_a_disc_far_off_leaves_no_mark(far, side):
    away = [((255, 0, 0), [(side[0] * far, side[1] * far)] * 2)]
    assert (drawn(discs(away, (75, 53), (30.0,))) == blank(discs(away, (75, 53)))).all()


@pytest.mark.parametrize("far", [*FAR, *(pytest.param(far) for far in BEYOND)])
def test_a_trail_that_comes_from_afar_shows_where_it_is_near(far):
    for path in ([(far, 20), (30, 20)], [(30, 20), (-far, far), (33, 22)], [(far, far), (-far, 9)]):
        assert_exact(discs([((255, 0, 0), path)], (75, 53), alphas=(0.8,)))


def test_the_first_trail_lies_on_top():
    trails = [((255, 0, 0), [(20, 20)]), ((0, 255, 0), [(24, 20)]), ((0, 0, 255), [(28, 20)])]
    canvas = drawn(discs(trails, (48, 40)))
    assert canvas[:, 20, [14, 22, 30, 34]].T.tolist() == [
        [255, 0, 0],
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
    ]
    canvas = drawn(discs(trails[::-1], (48, 40)))
    assert canvas[:, 20, [14, 18, 26]].T.tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]


def test_the_order_within_a_trail_makes_no_difference():
    path = [(20.0, 20.0), (24.0, 21.0), (29.5, 18.0), (31.0, 30.0)]
    d = [discs([((255, 0, 0), p)], (48, 40), alphas=(0.4,)) for p in (path, path[::-1])]
    assert np.abs(drawn(d[0]).astype(int) - drawn(d[1])).max() <= 1


@pytest.mark.parametrize("radius", [1.0, 2.5, 6.3, 27.0])
@pytest.mark.parametrize("center", [(40.0, 40.0), (40.5, 40.5), (40.3, 39.8)])
def test_a_disc_covers_its_area(radius, center):
    canvas = drawn(discs([((255, 255, 255), [center])], (80, 80), (radius,)))
    ground = np.array(BACKGROUND)[:, None, None]
    coverage = (canvas.astype(float) - ground) / (255 - ground)
    assert coverage[0].sum() == pytest.approx(np.pi * radius**2, rel=0.05 / radius)


def test_a_disc_is_round_and_centred():
    canvas = drawn(discs([((255, 255, 255), [(32, 32)])], (64, 64), (20.0,)))[0]
    for same in (canvas[::-1], canvas[:, ::-1], canvas.T):
        assert (np.abs(canvas.astype(int) - same) <= 1).all()
    assert canvas[32, 50] == 255
    assert canvas[32, 53] == BACKGROUND[0]


def test_nothing_drawn_is_the_background():
    d = discs([((255, 0, 0), [(-40, -40)])], (33, 20))
    assert (drawn(d) == blank(d)).all()


def test_the_same_bits_each_time_and_on_every_thread():
    d = random_discs(11, size=(200, 150), n_trails=400, n=6)
    first = drawn(d)
    with ThreadPoolExecutor(4) as pool:
        for again in pool.map(drawn, [d] * 16):
            assert (again == first).all()


@pytest.mark.parametrize(
    "box", [(5, 3, 70, 50), (16, 16, 32, 48), (-4, 20, 90, 21), (30, 9, 30, 40)]
)
def test_a_box_clips_and_the_canvas_shows_through(box):
    d = random_discs(3, n_trails=25, alphas=(0.4, 0.8))
    width, height = d.size
    canvas = np.random.default_rng(4).integers(0, 256, (3, height, width)).astype(np.uint8)
    before = canvas.copy()
    draw_discs(canvas, d, box=box)
    whole = before.copy()
    draw_discs(whole, d, box=(0, 0, width, height))
    left, top, right, bottom = box
    inside = np.zeros((height, width), bool)
    inside[max(0, top) : bottom, max(0, left) : right] = True
    assert (canvas == before)[:, ~inside].all()
    # Other tiles may stop at another disc: to one level.
    assert np.abs(canvas.astype(int) - whole)[:, inside].max(initial=0) <= 1
    assert inside.sum() == 0 or (canvas != before)[:, inside].any()
    black = np.zeros_like(canvas)
    draw_discs(black, d, box=box)
    assert inside.sum() == 0 or (black != canvas)[:, inside].any()
