from dataclasses import dataclass
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
from latentviz.scene import Box, Cell, CloudPanel, CurvesPanel

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
    kinds = [CloudPanel] * n_projections + [CurvesPanel] * n_charts
    layout = page_layout(size, kinds)
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
        assert 1.105 * layout.px_per_unit <= size[0] / n_projections / 2


@every_page
def test_nothing_overlaps_or_leaves_the_page(size, n_projections, n_charts):
    layout = layout_of(size, n_projections=n_projections, n_charts=n_charts)
    assert (len(layout.clouds), len(layout.charts)) == (n_projections, n_charts)
    charts = [box for cell in layout.charts for box in (cell.head, cell.body)]
    boxes = [layout.heading, *(cell.head for cell in layout.clouds), *charts]
    for box in boxes:
        assert box.width > 0
        assert box.height > 0
        assert 0 <= box.x <= box.x + box.width <= size[0] + 1e-9
        assert 0 <= box.y <= box.y + box.height <= size[1]
    for a, b in combinations(boxes, 2):
        across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
        down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
        assert min(across, down) <= 1e-9
    for box in charts:
        assert box.y >= layout.dots.y + layout.dots.height - 0.5


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
