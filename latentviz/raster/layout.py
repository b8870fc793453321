"""Where everything stands on a frame, in pixels from the top left corner."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Real

from ..errors import OptionError
from ..scene import Box, Cell, CloudPanel
from .grid import Grid, fitting_grid

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
GAP = 32.0  # between them
TITLE_GAP = 6.0  # between a title and what is below it
SCALES = 28.0  # the row of numbers below each
LEAST_SCALES_PX = 12.0
CHARTS_GAP = 12.0  # between them and the names of the curves
MOST_GROWN = 3.0  # charts take what squares leave of the height, up to so many times their own
BESIDE_SHARE = 0.36  # of the page's width, for charts beside panels
MOST_BESIDE = 2  # panels that may have the charts beside them
STEPS, LEAST_STEPS_PX = 32.0, 20.0  # the row of numbers below a chart

KeyHeight = Callable[[float], float]
"""How high a key is, in pixels, given how wide it may be."""


@dataclass(frozen=True)
class Layout:
    """A page's geometry.

    Attributes:
        heading: The row of words above.
        cells: Of clouds, row by row, then of keys, then of charts.
        dots: What dots may cover that no frame holds.
        framed: Whether each cloud is a square, whose frame no dot leaves.
    """

    heading: Box
    cells: tuple[Cell, ...]
    dots: Box
    framed: bool = False


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
) -> Layout:
    """Lay out a page: clouds, and charts below or beside them.

    Args:
        size: (width, height) in pixels.
        rows: How many clouds each row of sources has.
        n_charts: How many charts there are.
        framed: Lay the clouds out as the squares that are the largest. Otherwise they stand side by
            side, or below each other on an upright page, and their dots may run over.
        keys: Of framed rows: none, one for all, or one (or None) for each row.

    Raises:
        OptionError: The size is odd or absurd.
    """
    width, _ = check_size(size)
    scale = page_scale(size)
    heading = Box(0, HEADING[0] * scale, width, max(LEAST_ROWS_PX[0], HEADING[1] * scale))
    if framed:
        return _framed_layout(size, rows, n_charts, keys, heading)
    clouds = _row_of_clouds(size, sum(rows), heading, PROJECTIONS if n_charts else ALONE)
    charts = _row_below(size, n_charts)
    top = heading.y + heading.height
    bottom = dots_bottom(size, charts)
    cells = (*clouds, *charts)
    return Layout(heading, cells, dots=Box(0, top, width, bottom - top))


def dots_bottom(size: tuple[int, int], charts: Iterable[Cell]) -> int:
    """The row above which dots are drawn that no frame holds: charts stand below.

    Args:
        size: (width, height) in pixels.
        charts: Where charts stand.
    """
    return math.ceil(min((cell.head.y for cell in charts), default=size[1]))


def _from_bottom(size: tuple[int, int], y: float) -> float:
    """A height on a page of 1080 pixels, as far from the bottom on another one."""
    scale = page_scale(size)
    return y * scale + (size[1] - PAGE * scale)


def _row_of_clouds(
    size: tuple[int, int], n: int, heading: Box, band: tuple[float, float]
) -> Iterator[Cell]:
    width, scale = size[0], page_scale(size)
    titles_top = heading.y + heading.height
    titles_height = _titles_height(size)
    top, room = band
    # What small pages take for text that can be read, they take from the projections.
    bottom = _from_bottom(size, top + room)
    top = max(top * scale, titles_top + titles_height)
    margin = OUTER_MARGIN * width
    above = top - titles_top
    across, down = (1, n) if size[1] > size[0] else (n, 1)
    pitch, height = (width - 2 * margin) / across, (bottom - top - (down - 1) * above) / down
    for i in range(n):
        x, lower = margin + (i % across) * pitch, (i // across) * (above + height)
        head = Box(x, titles_top + lower, pitch, titles_height)
        yield Cell(head, Box(x, top + lower, pitch, height))


def _titles_height(size: tuple[int, int]) -> float:
    return max(LEAST_ROWS_PX[1], TITLES[1] * page_scale(size))


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


@dataclass(frozen=True)
class _Squares:
    """Framed clouds and their keys in a room."""

    room: Box
    grid: Grid
    key_heights: tuple[float | None, ...]  # none, one for all, or one (or None) for each row
    rows: tuple[int, ...]
    titles: float  # the height of a row of them, and of the gap below
    gap: float  # which this is
    per_row: int  # places in the grid for each row of sources; 0 if it is a single run of panels

    @property
    def spare(self) -> float:
        """How much of the height is left."""
        return max(0.0, self.room.height - self._common - self.grid.total_height)

    @property
    def _common(self) -> float:
        return (self.key_heights[0] or 0.0) if len(self.key_heights) == 1 else 0.0

    def lower(self, by: float) -> _Squares:
        """The same in a room that is lower."""
        room = replace(self.room, height=self.room.height - by)
        inner = (self.grid.room[0], self.grid.room[1] - by)
        return replace(self, room=room, grid=replace(self.grid, room=inner))

    def cells(self) -> tuple[list[Cell], list[Cell]]:
        """Where clouds stand, and where keys do."""
        grid, common = self.grid, self._common
        side = max(1, math.floor(grid.height))
        places = grid.places()
        if self.per_row:
            taken = enumerate(self.rows)
            places = [places[r * self.per_row + i] for r, n in taken for i in range(n)]
        in_one_row = len({y for _, y in places}) == 1
        clouds = []
        for x, y in places:
            # On whole pixels: a frame is a line of the same width on all sides.
            left = round(self.room.x + x + (grid.width - side) / 2)
            top = round(self.room.y + common + y)
            above = common if in_one_row else 0.0
            head = Box(left, top - above - self.titles, side, self.titles - self.gap)
            clouds.append(Cell(head, Box(left, top, side, side)))
        return clouds, self._keys(clouds, in_one_row=in_one_row)

    def _keys(self, clouds: list[Cell], *, in_one_row: bool) -> list[Cell]:
        """Between titles and frames where the clouds are one row, above the titles otherwise."""
        keys, first = [], 0
        for height, n in zip(self.key_heights, self.rows, strict=False):
            cloud = clouds[first]
            first += n
            if height is None:
                continue
            bottom = cloud.body.y if in_one_row else cloud.head.y
            box = Box(self.room.x, bottom - height, self.room.width, height)
            keys.append(Cell(Box(box.x, box.y, box.width, 0), box))
        return keys


def _framed_layout(
    size: tuple[int, int],
    rows: Sequence[int],
    n_charts: int,
    keys: Sequence[KeyHeight | None],
    heading: Box,
) -> Layout:
    scale, margin = page_scale(size), OUTER_MARGIN * size[0]
    top = heading.y + heading.height
    lowest = _from_bottom(size, sum(ALONE))
    bottom = _from_bottom(size, LEGENDS[0] - CHARTS_GAP) if n_charts else lowest

    def squares(width: float, bottom: float) -> _Squares:
        return _squares_in(Box(margin, top, width, bottom - top), size, rows, keys)

    below = squares(size[0] - 2 * margin, bottom)
    cells: tuple[Cell, ...]
    if n_charts and sum(rows) <= MOST_BESIDE:
        beside = squares(size[0] * (1 - BESIDE_SHARE) - margin, lowest)
        if beside.grid.height > below.grid.height:
            clouds, key_cells = beside.cells()
            first, last = clouds[0].head, clouds[-1].body
            charts = _column_beside(size, n_charts, first.y, last.y + last.height)
            cells = (*clouds, *key_cells, *charts)
            return Layout(heading, cells, Box(0, top, size[0], size[1] - top), framed=True)
    grown = min(below.spare, (MOST_GROWN - 1) * CHARTS[1] * scale) if n_charts else 0.0
    clouds, key_cells = below.lower(grown).cells()
    charts = _row_below(size, n_charts, grown=grown)
    dots = Box(0, top, size[0], dots_bottom(size, charts) - top)
    return Layout(heading, (*clouds, *key_cells, *charts), dots, framed=True)


def _squares_in(
    room: Box, size: tuple[int, int], rows: Sequence[int], keys: Sequence[KeyHeight | None]
) -> _Squares:
    scale = page_scale(size)
    titles = _titles_height(size) + TITLE_GAP * scale
    heights = tuple(None if key is None else key(room.width) for key in keys)
    head, inner = titles, (room.width, room.height)
    if len(heights) == 1:
        inner = (room.width, room.height - (heights[0] or 0.0))
    else:
        head += max((height or 0.0 for height in heights), default=0.0)
    # Rows of one cloud each are one run of panels, unless each has a key of its own.
    is_one_run = len(rows) == 1 or (max(rows) == 1 and len(heights) <= 1)
    per_row = 0 if is_one_run else max(rows)
    grid = fitting_grid(
        per_row * len(rows) or sum(rows),
        inner,
        aspect=1.0,
        gap=GAP * scale,
        head=head,
        foot=max(LEAST_SCALES_PX, SCALES * scale),
        columns=per_row or None,
    )
    return _Squares(room, grid, heights, tuple(rows), titles, TITLE_GAP * scale, per_row)


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
