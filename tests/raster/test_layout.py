from dataclasses import dataclass, replace
from itertools import combinations

import pytest

from latentviz import OptionError
from latentviz.raster.layout import (
    Window,
    check_limits,
    has_room_for_charts,
    page_layout,
    window_in,
)
from latentviz.scene import Box, Cell

FULL = (1920, 1080)
SIZES = [FULL, (640, 360), (1080, 1920), (3840, 800), (120, 120), (120, 8192), (8192, 120)]


@dataclass(frozen=True)
class Laid:
    """A page with clouds and charts."""

    heading: Box
    clouds: tuple[Cell, ...]
    charts: tuple[Cell, ...]
    windows: list[Window]
    dots: Box

    @property
    def centers(self):
        return [window.center for window in self.windows]

    @property
    def px_per_unit(self):
        (scale,) = {window.px_per_unit for window in self.windows}
        return scale


def layout_of(size=FULL, *, n_projections=3, limits=1.5, n_charts=2):
    layout = page_layout(size, [n_projections], n_charts=n_charts)
    clouds, charts = layout.cells[:n_projections], layout.cells[n_projections:]
    windows = [window_in(cell.body, limits) for cell in clouds]
    return Laid(layout.heading, clouds, charts, windows, layout.dots)


every_page = pytest.mark.parametrize(
    ("size", "n_projections", "n_charts"),
    [(size, p, n) for size in SIZES for p in (1, 3, 4, 6) for n in (0, 1, 2, 3)],
)


def test_the_dots_radius():
    assert 0.105 * layout_of().px_per_unit == pytest.approx(27, abs=0.5)


def test_projections_are_5_times_as_high_as_the_panels():
    layout = layout_of()
    assert 2 * 1.5 * layout.px_per_unit == pytest.approx(5 * layout.charts[0].body.height)


def test_projections_stand_side_by_side_from_the_left():
    centers = layout_of().centers
    assert [x for x, _ in centers] == pytest.approx([384, 960, 1536])
    assert len({y for _, y in centers}) == 1


def test_projections_keep_an_outer_margin_of_5_percent():
    bodies = [cell.body for cell in layout_of().clouds]
    assert bodies[0].x == pytest.approx(96)
    assert bodies[-1].x + bodies[-1].width == pytest.approx(1920 - 96)
    alone = layout_of(n_charts=0).clouds[0].body
    assert alone.y + alone.height == pytest.approx(1080 - 54)


def test_heading_and_titles_have_rows_that_can_be_read_on_any_page():
    layout = layout_of((120, 120), n_charts=0)
    assert layout.heading.height >= 14
    assert layout.clouds[0].head.height >= 11


@pytest.mark.parametrize(
    ("size", "room"),
    [
        (FULL, True),
        ((640, 360), True),
        ((360, 640), True),
        ((638, 358), False),
        ((320, 180), False),
    ],
)
def test_pages_on_which_panels_could_not_be_read_have_none(size, room):
    assert has_room_for_charts(size) is room


def test_limits_zoom():
    wide = layout_of(limits=3)
    assert wide.px_per_unit == pytest.approx(layout_of().px_per_unit / 2)
    assert wide.centers == layout_of().centers


@every_page
def test_a_projection_s_height_is_on_the_page_and_clear_of_the_curves(
    size, n_projections, n_charts
):
    layout = layout_of(size, n_projections=n_projections, n_charts=n_charts)
    half = 1.5 * layout.px_per_unit
    dots_bottom = layout.dots.y + layout.dots.height
    for (x, y), title in zip(layout.centers, [cell.head for cell in layout.clouds], strict=True):
        assert 0 < x < size[0]
        assert y - half >= title.y + title.height - 1e-9
        assert y + half <= dots_bottom <= size[1]
        # The unit disc and the dots on it are whole in the projection's own share of the width.
        across = n_projections if size[0] >= size[1] else 1
        assert 1.105 * layout.px_per_unit <= size[0] / across / 2


@every_page
def test_nothing_overlaps_or_leaves_the_page(size, n_projections, n_charts):
    layout = layout_of(size, n_projections=n_projections, n_charts=n_charts)
    assert (len(layout.clouds), len(layout.charts)) == (n_projections, n_charts)
    charts = [box for cell in layout.charts for box in (cell.head, cell.body)]
    heads = [cell.head for cell in layout.clouds]
    apart_on([layout.heading, *heads, *charts], size)
    for box in charts:
        assert box.y >= layout.dots.y + layout.dots.height - 0.5


def apart_on(boxes, size):
    for box in boxes:
        assert box.width > 0
        assert box.height > 0
        assert 0 <= box.x <= box.x + box.width <= size[0] + 1e-9
        assert 0 <= box.y <= box.y + box.height <= size[1]
    for a, b in combinations(boxes, 2):
        across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
        down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
        assert min(across, down) <= 1 + 1e-9  # frames stand on whole pixels


def test_projections_stand_below_each_other_on_an_upright_page():
    layout = layout_of((1080, 1920))
    assert len({x for x, _ in layout.centers}) == 1
    assert sorted(layout.centers) == layout.centers
    assert layout.px_per_unit > 1.5 * layout_of((1080, 1920), n_projections=6).px_per_unit


PAGES = [
    (1920, 1080),
    (640, 360),
    (1080, 1920),
    (360, 640),
    (1080, 1080),
    (3840, 2160),
    (2560, 800),
]


def framed(size, rows, *, n_charts=2, keys=()):
    layout = page_layout(size, rows, n_charts=n_charts, framed=True, keys=keys)
    n, n_keys = sum(rows), sum(key is not None for key in keys)
    cells = layout.cells
    assert len(cells) == n + n_keys + n_charts
    return layout, cells[:n], cells[n : n + n_keys], cells[n + n_keys :]


def forty(width):
    """The height of a key that has more lines where there is less room."""
    return 40 if width < 800 else 20


@pytest.mark.parametrize("n_charts", [0, 1, 3])
@pytest.mark.parametrize(
    ("rows", "keys"),
    [
        *[([n], ()) for n in range(1, 7)],
        *[([n], (forty,)) for n in (1, 2, 3, 6)],
        ([1, 1], ()),
        ([1, 1, 1], (forty, None, forty)),
        ([3, 2], (forty,)),
        ([3, 1], (None, forty)),
        ([2, 2, 2], (forty, forty, forty)),
    ],
)
def test_frames_keys_and_charts_stand_apart(rows, keys, n_charts):
    for size in PAGES:
        assert_apart(size, rows, keys, n_charts)


def assert_apart(size, rows, keys, n_charts):
    layout, clouds, key_cells, charts = framed(size, rows, n_charts=n_charts, keys=keys)
    scale = size[1] / 1080
    for cell in clouds:
        assert cell.body.width == cell.body.height >= 20 * min(1, scale)
        assert float(cell.body.x).is_integer()
        assert float(cell.body.y).is_integer()
        assert cell.head.y + cell.head.height <= cell.body.y
    # Below each frame there is room for numbers.
    numbered = [replace(cell.body, height=cell.body.height + 10) for cell in clouds]
    boxes = [layout.heading, *(cell.head for cell in clouds), *numbered]
    boxes += [cell.body for cell in key_cells]
    boxes += [box for cell in charts for box in (cell.head, cell.body)]
    apart_on(boxes, size)


def side_of(clouds):
    (side,) = {cell.body.width for cell in clouds}
    return side


def test_frames_are_as_large_as_the_page_allows():
    three = framed(FULL, [3])[1]
    assert [cell.body.y for cell in three] == [three[0].body.y] * 3
    assert side_of(three) == (1920 - 2 * 96 - 2 * 32) // 3
    upright = framed((1080, 1920), [3])[1]
    assert [cell.body.x for cell in upright] == [upright[0].body.x] * 3
    assert side_of(upright) > 400
    six = framed((1080, 1080), [6])[1]
    assert [len({getattr(cell.body, side) for cell in six}) for side in "xy"] == [3, 2]
    # A row of sources is a row of panels.
    two_rows = framed(FULL, [3, 2])[1]
    assert [cell.body.y for cell in two_rows[:3]] == [two_rows[0].body.y] * 3
    assert [cell.body.x for cell in two_rows[3:]] == [cell.body.x for cell in two_rows[:2]]


def test_charts_stand_beside_one_frame_and_below_three():
    _, (cloud,), _, charts = framed(FULL, [1])
    assert all(chart.head.x > cloud.body.x + cloud.body.width for chart in charts)
    assert charts[0].body.y < charts[1].head.y
    assert cloud.body.height > 800
    last = charts[-1].body
    assert last.y + last.height == pytest.approx(cloud.body.y + cloud.body.height)
    _, clouds, _, charts = framed(FULL, [3])
    assert all(chart.head.y > clouds[0].body.y + side_of(clouds) for chart in charts)


def test_charts_take_the_height_that_frames_leave():
    usual = layout_of().charts[0].body
    grown = framed(FULL, [3])[3][0].body
    assert grown.height > 1.5 * usual.height
    assert grown.y + grown.height == pytest.approx(usual.y + usual.height)


def test_a_key_stands_under_the_titles_of_one_row_and_above_those_of_several():
    _, clouds, (key,), _ = framed(FULL, [3], keys=(forty,))
    assert clouds[0].head.y + clouds[0].head.height <= key.body.y
    assert key.body.y + key.body.height == pytest.approx(clouds[0].body.y)
    _, clouds, (key,), _ = framed((1080, 1920), [3], keys=(forty,))
    assert key.body.y + key.body.height == pytest.approx(clouds[0].head.y)
    _, clouds, keys, _ = framed(FULL, [2, 2], keys=(forty, forty))
    bottoms = [key.body.y + key.body.height for key in keys]
    assert bottoms == pytest.approx([clouds[0].head.y, clouds[2].head.y])


def test_a_page_without_panels_has_more_room_for_the_dots():
    alone = layout_of(n_charts=0)
    assert alone.dots.y + alone.dots.height == 1080
    assert alone.px_per_unit > layout_of().px_per_unit


def test_a_tall_page_gives_what_is_left_to_the_projections():
    wide, tall = layout_of((1920, 1080), n_projections=1), layout_of((1920, 2400), n_projections=1)
    assert tall.charts[0].body.height == wide.charts[0].body.height
    assert tall.px_per_unit > wide.px_per_unit


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((1921, 1080), "must be even, got 1921x1080; use 1922x1080"),
        ((1920, 1081), "use 1920x1082"),
        ((0, 0), "within 120 to 8192, got 0x0"),
        ((-640, 360), "within 120 to 8192"),
        ((640, 118), "within 120 to 8192"),
        ((8194, 1080), "within 120 to 8192"),
        ((1920, 10**9), "within 120 to 8192"),
    ],
)
def test_odd_and_absurd_sizes_are_refused(size, message):
    with pytest.raises(OptionError, match=message):
        layout_of(size)


@pytest.mark.parametrize("limits", [0, -1, 1e-7, 1e7, float("inf"), float("nan")])
def test_absurd_limits_are_refused(limits):
    with pytest.raises(OptionError, match="limits must lie within 1e-06 to"):
        check_limits(limits)
