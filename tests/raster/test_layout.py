from itertools import combinations

import pytest

from latentviz import OptionError
from latentviz.raster.layout import has_room_for_panels, page_layout

FULL = (1920, 1080)
SIZES = [FULL, (640, 360), (1080, 1920), (3840, 800), (120, 120), (120, 8192), (8192, 120)]


def layout_of(size=FULL, *, n_projections=3, limits=1.5, n_panels=2):
    return page_layout(size, n_projections=n_projections, limits=limits, n_panels=n_panels)


every_page = pytest.mark.parametrize(
    ("size", "n_projections", "n_panels"),
    [(size, p, n) for size in SIZES for p in (1, 3, 4, 6) for n in (0, 1, 2, 3)],
)


def test_the_dots_radius():
    assert 0.105 * layout_of().px_per_unit == pytest.approx(27, abs=0.5)


def test_projections_are_5_times_as_high_as_the_panels():
    layout = layout_of()
    assert 2 * 1.5 * layout.px_per_unit == pytest.approx(5 * layout.panels[0].height)


def test_projections_stand_side_by_side_from_the_left():
    centers = layout_of().centers
    assert [x for x, _ in centers] == pytest.approx([384, 960, 1536])
    assert len({y for _, y in centers}) == 1


def test_projections_keep_an_outer_margin_of_5_percent():
    cells = layout_of().cells
    assert cells[0].x == pytest.approx(96)
    assert cells[-1].x + cells[-1].width == pytest.approx(1920 - 96)
    alone = layout_of(n_panels=0).cells[0]
    assert alone.y + alone.height == pytest.approx(1080 - 54)


def test_heading_and_titles_have_rows_that_can_be_read_on_any_page():
    layout = layout_of((120, 120), n_panels=0)
    assert layout.heading.height >= 14
    assert layout.titles[0].height >= 11


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
    assert has_room_for_panels(size) is room


def test_limits_zoom():
    wide = layout_of(limits=3)
    assert wide.px_per_unit == pytest.approx(layout_of().px_per_unit / 2)
    assert wide.centers == layout_of().centers


@every_page
def test_a_projection_s_height_is_on_the_page_and_clear_of_the_curves(
    size, n_projections, n_panels
):
    layout = layout_of(size, n_projections=n_projections, n_panels=n_panels)
    half = 1.5 * layout.px_per_unit
    for (x, y), title in zip(layout.centers, layout.titles, strict=True):
        assert 0 < x < size[0]
        assert y - half >= title.y + title.height - 1e-9
        assert y + half <= layout.dots_bottom <= size[1]
        # The unit disc and the dots on it are whole in the projection's own share of the width.
        assert 1.105 * layout.px_per_unit <= size[0] / n_projections / 2


@every_page
def test_nothing_overlaps_or_leaves_the_page(size, n_projections, n_panels):
    layout = layout_of(size, n_projections=n_projections, n_panels=n_panels)
    assert len(layout.titles) == len(layout.centers) == n_projections
    assert len(layout.legends) == len(layout.panels) == n_panels
    boxes = [layout.heading, *layout.titles, *layout.legends, *layout.panels]
    for box in boxes:
        assert box.width > 0
        assert box.height > 0
        assert 0 <= box.x <= box.x + box.width <= size[0] + 1e-9
        assert 0 <= box.y <= box.y + box.height <= size[1]
    for a, b in combinations(boxes, 2):
        across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
        down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
        assert min(across, down) <= 1e-9
    for box in (*layout.legends, *layout.panels):
        assert box.y >= layout.dots_bottom - 0.5


def test_a_page_without_panels_has_more_room_for_the_dots():
    alone = layout_of(n_panels=0)
    assert alone.dots_bottom == 1080
    assert alone.px_per_unit > layout_of().px_per_unit


def test_a_tall_page_gives_what_is_left_to_the_projections():
    wide, tall = layout_of((1920, 1080), n_projections=1), layout_of((1920, 2400), n_projections=1)
    assert tall.panels[0].height == wide.panels[0].height
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
        layout_of(limits=limits)
