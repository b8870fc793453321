"""Where everything stands on a frame, in pixels from the top left corner."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Real

from ..errors import OptionError
from ..scene import Box, Cell, CloudPanel
from .squares import KeyHeight, Squares, squares_in

MIN_SIDE, MAX_SIDE = 120, 8192
MIN_LIMITS, MAX_LIMITS = 1e-6, 1e6

# Heights on a page of 1920x1080 pixels. The projections are 5 times as high as the charts.
PAGE, PAGE_WIDTH = 1080.0, 1920.0
LEAST_SCALE = 0.75  # of a page that has the height for it
# From here on a page has room for charts whose text can be read: 640x360 pixels, if it is wide.
CHARTS_SCALE = 1 / 3
HEADING = (16.0, 50.0)  # top and height
TITLES = (66.0, 30.0)
LEAST_ROWS_PX = (14.0, 11.0)  # of heading and titles, on any page
PROJECTIONS = (96.0, 760.0)
LEGENDS = (864.0, 30.0)
CHARTS = (896.0, 152.0)
# A page without charts gives their room to the projections.
ALONE = (96.0, 930.0)
OUTER_MARGIN = 0.05  # of the page's width, to either side of the projections
SIDE_MARGIN = 96.0  # left of each chart, where its tick labels stand
END_MARGIN = 48.0  # right of each chart, for the half of its last tick label
# Side by side, a projection may show this share of its height's range in its width; dots are not
# clipped, so what lies beyond runs over into the neighbour.
WIDTH_SHARE = 0.75
# Framed panels are squares.
TITLE_GAP = 6.0  # between a title and what is below it
CHARTS_GAP = 12.0  # between them and the names of the curves
MOST_GROWN = 3.0  # charts take what squares leave of the height, up to so many times their own
BESIDE_SHARE = 0.36  # of the page's width, for charts beside panels
MOST_BESIDE = 2  # panels that may have the charts beside them
STEPS, LEAST_STEPS_PX = 32.0, 20.0  # the row of numbers below a chart


@dataclass(frozen=True)
class Layout:
    """A page's geometry.

    Attributes:
        heading: The row of words above; None where there is none.
        cells: Of clouds, row by row, then of keys, of charts, and of the caption.
        dots: What dots may cover that no frame holds.
        framed: Whether each cloud is a square, whose frame no dot leaves.
        across: Whether each row of sources is a column of squares.
    """

    heading: Box | None
    cells: tuple[Cell, ...]
    dots: Box
    framed: bool = False
    across: bool = False


@dataclass(frozen=True)
class Window:
    """Where a cloud's data lie on the page."""

    center: tuple[float, float]  # in pixels
    px_per_unit: float
    edges: tuple[float, float]  # so far from its center, right and up, it reaches, in data units


def page_layout(
    size: tuple[int, int],
    rows: Sequence[int],
    *,
    n_charts: int = 0,
    framed: bool = False,
    keys: Sequence[KeyHeight | None] = (),
    heading: bool = True,
    titles: bool = True,
    caption: KeyHeight | None = None,
    may_stand: bool = False,
    titles_once: bool = False,
) -> Layout:
    """Lay out a page: clouds, and charts below or beside them.

    Args:
        size: (width, height) in pixels.
        rows: How many clouds each row of sources has.
        n_charts: How many charts there are.
        framed: Lay the clouds out as the squares that are the largest. Otherwise they stand side by
            side, or below each other on an upright page, and their dots may run over.
        keys: Of framed rows: none, one for all, or one (or None) for each row.
        heading: Whether there is a row of words above.
        titles: Whether clouds have titles.
        caption: How high the band below the clouds is; None where there is none.
        may_stand: Whether rows of framed clouds may be columns, where that makes them much larger.
        titles_once: Whether titles may stand above the first of these rows alone.

    Raises:
        OptionError: The size is odd or absurd.
    """
    width, _ = check_size(size)
    scale = page_scale(size)
    row = Box(0, HEADING[0] * scale, width, max(LEAST_ROWS_PX[0], HEADING[1] * scale))
    margin = OUTER_MARGIN * width
    band = 0.0 if caption is None else caption(width - 2 * margin)
    head = _Head(
        row.y + row.height if heading else HEADING[0] * scale,
        max(LEAST_ROWS_PX[1], TITLES[1] * scale) if titles else 0.0,
    )
    across = False
    if framed:
        cells, bottom, across = _framed_cells(
            size,
            rows,
            n_charts,
            keys,
            head,
            band,
            may_stand=may_stand,
            titles_once=titles_once,
        )
    else:
        charts = _row_below(size, n_charts)
        bottom = _from_bottom(size, sum(PROJECTIONS if n_charts else ALONE))
        cells = (*_row_of_clouds(size, sum(rows), head, bottom - band), *charts)
        if not band:
            bottom = dots_bottom(size, charts)
    if band:
        box = Box(margin, bottom - band, width - 2 * margin, band)
        cells = (*cells, Cell(Box(box.x, box.y, box.width, 0), box))
        bottom = box.y
    return Layout(
        row if heading else None,
        cells,
        dots=Box(0, head.top, width, bottom - head.top),
        framed=framed,
        across=across,
    )


@dataclass(frozen=True)
class _Head:
    """What stands above clouds."""

    top: float  # of the titles: the heading's end
    titles: float  # the height of a row of them, 0 for none


def dots_bottom(size: tuple[int, int], below: Iterable[Cell]) -> int:
    """The row above which dots are drawn that no frame holds: charts and captions stand below.

    Args:
        size: (width, height) in pixels.
        below: Where these stand.
    """
    return math.ceil(min((cell.head.y for cell in below), default=size[1]))


def _from_bottom(size: tuple[int, int], y: float) -> float:
    """A height on a page of 1080 pixels, as far from the bottom on another one."""
    scale = page_scale(size)
    return y * scale + (size[1] - PAGE * scale)


def _row_of_clouds(size: tuple[int, int], n: int, head: _Head, bottom: float) -> Iterator[Cell]:
    width = size[0]
    # What small pages take for text that can be read, they take from the projections.
    top = head.top + head.titles
    margin = OUTER_MARGIN * width
    above = top - head.top
    across, down = (1, n) if size[1] > size[0] else (n, 1)
    pitch, height = (width - 2 * margin) / across, (bottom - top - (down - 1) * above) / down
    for i in range(n):
        x, lower = margin + (i % across) * pitch, (i // across) * (above + height)
        title = Box(x, head.top + lower, pitch, head.titles)
        yield Cell(title, Box(x, top + lower, pitch, height))


def _row_below(size: tuple[int, int], n: int, *, grown: float = 0.0) -> list[Cell]:
    """Charts side by side at the bottom, by so many pixels higher than usual."""
    scale = page_scale(size)

    def part(band: tuple[float, float], i: int, more: float) -> Box:
        share = size[0] / n
        left, right = SIDE_MARGIN * scale, END_MARGIN * scale
        x, y = i * share + left, _from_bottom(size, band[0]) - grown
        return Box(x, y, share - left - right, band[1] * scale + more)

    return [Cell(part(LEGENDS, i, 0.0), part(CHARTS, i, grown)) for i in range(n)]


def _column_beside(size: tuple[int, int], n: int, top: float, bottom: float) -> list[Cell]:
    """Charts below each other at the right, from ``top`` to ``bottom``."""
    scale = page_scale(size)
    x = size[0] * (1 - BESIDE_SHARE) + SIDE_MARGIN * scale
    width = size[0] - END_MARGIN * scale - x
    head, foot = (CHARTS[0] - LEGENDS[0]) * scale, max(LEAST_STEPS_PX, STEPS * scale)
    pitch = (bottom - top + foot) / n
    cells = []
    for i in range(n):
        y = top + i * pitch
        body = Box(x, y + head, width, pitch - head - foot)
        cells.append(Cell(Box(x, y, width, LEGENDS[1] * scale), body))
    return cells


def _framed_cells(
    size: tuple[int, int],
    rows: Sequence[int],
    n_charts: int,
    keys: Sequence[KeyHeight | None],
    head: _Head,
    band: float,
    *,
    may_stand: bool,
    titles_once: bool,
) -> tuple[tuple[Cell, ...], float, bool]:
    """The cells of a page of framed clouds, but for the caption's; where that ends; `across`."""
    scale, margin = page_scale(size), OUTER_MARGIN * size[0]
    lowest = _from_bottom(size, sum(ALONE))
    bottom = _from_bottom(size, LEGENDS[0] - CHARTS_GAP) if n_charts else lowest
    titles = (head.titles, TITLE_GAP * scale if head.titles else 0.0)

    def squares(width: float, bottom: float) -> Squares:
        room = Box(margin, head.top, width, bottom - band - head.top)
        return squares_in(
            room,
            rows,
            keys,
            titles=titles,
            scale=scale,
            may_stand=may_stand,
            titles_once=titles_once,
        )

    below = squares(size[0] - 2 * margin, bottom)
    if n_charts and sum(rows) <= MOST_BESIDE:
        beside = squares(size[0] * (1 - BESIDE_SHARE) - margin, lowest)
        if beside.grid.height > below.grid.height:
            clouds, key_cells = beside.cells()
            first, last = clouds[0].head, clouds[-1].body
            charts = _column_beside(size, n_charts, first.y, last.y + last.height)
            return (*clouds, *key_cells, *charts), lowest, beside.across
    grown = min(below.spare, (MOST_GROWN - 1) * CHARTS[1] * scale) if n_charts else 0.0
    clouds, key_cells = below.lower(grown).cells()
    charts = _row_below(size, n_charts, grown=grown)
    return (*clouds, *key_cells, *charts), bottom - grown, below.across


def window_in(body: Box, limits: float) -> Window:
    """How -limits..limits of a cloud's data fit a panel's body, up and down, without a frame."""
    px_per_unit = min(body.height / (2 * limits), body.width / (2 * WIDTH_SHARE * limits))
    # Its share of the page; and where that is narrower than its limits, into the neighbour's.
    right = max(body.width / 2, limits * px_per_unit)
    up = max(body.height / 2, limits * px_per_unit)
    return Window(_middle(body), px_per_unit, edges=(right / px_per_unit, up / px_per_unit))


def window_of(panel: CloudPanel) -> Window:
    """Where a panel's data lie on the page."""
    body, limits = panel.cell.body, panel.limits
    if not panel.framed:
        return window_in(body, limits)
    return Window(_middle(body), body.width / (2 * limits), edges=(limits, limits))


def _middle(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2


def page_scale(size: tuple[int, int]) -> float:
    """How large all things are on a page of (width, height) pixels, 1 on one of 1920x1080.

    A page that is taller than 16:9 gives the projections what is left of its height, and its text
    shrinks with its width, but not so far as to be hard to read.
    """
    width, height = size
    return min(height / PAGE, max(width / PAGE_WIDTH, min(2 * width / PAGE_WIDTH, LEAST_SCALE)))


def has_room_for_charts(size: tuple[int, int]) -> bool:
    """Whether the text of charts could be read on a page of (width, height) pixels."""
    return page_scale(size) >= CHARTS_SCALE - 1e-9


def check_limits(limits: object) -> None:
    """Find out that nothing can be drawn within these limits.

    Raises:
        OptionError: They are out of range, or no number.
    """
    if not isinstance(limits, Real):
        raise OptionError(f"limits must be a number, got {limits!r}")
    limits = float(limits)
    if not MIN_LIMITS <= limits <= MAX_LIMITS:
        raise OptionError(
            f"limits must lie within {MIN_LIMITS:g} to {MAX_LIMITS:g}, got {limits:g}"
        )


def parse_size(text: str) -> tuple[int, int]:
    """A size such as ``1920x1080``.

    Raises:
        OptionError: It is none.
    """
    try:
        width, height = (int(side) for side in text.lower().split("x"))
    except ValueError:
        raise OptionError(f"size must be WIDTHxHEIGHT such as 1920x1080, got {text!r}") from None
    return width, height


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    """The size itself.

    Raises:
        OptionError: A side is odd or absurd.
    """
    width, height = size
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        raise OptionError(f"size must lie within {MIN_SIDE} to {MAX_SIDE}, got {width}x{height}")
    if width % 2 or height % 2:
        # yuv420p halves chroma, so both sides must be even.
        raise OptionError(
            f"both sides of a film's size must be even, got {width}x{height}; "
            f"use {width + width % 2}x{height + height % 2}"
        )
    return width, height
