"""Where everything stands on a frame, in pixels from the top left corner."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Real

from ..errors import OptionError
from ..scene import Box, Cell, CloudPanel, Panel

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
PROJECTIONS_ALONE = (96.0, 930.0)
OUTER_MARGIN = 0.05  # of the page's width, to either side of the projections
SIDE_MARGIN = 96.0  # left of each chart, where its tick labels stand
END_MARGIN = 48.0  # right of each chart, for the half of its last tick label
# Side by side, a projection may show this share of its height's range in its width; dots are not
# clipped, so what lies beyond runs over into the neighbour.
WIDTH_SHARE = 0.75


@dataclass(frozen=True)
class Layout:
    """A page's geometry."""

    heading: Box
    cells: tuple[Cell, ...]  # one for each panel
    dots: Box  # what dots may cover


@dataclass(frozen=True)
class Window:
    """Where a cloud's data lie on the page."""

    center: tuple[float, float]  # the origin, in pixels
    px_per_unit: float
    edges: tuple[float, float]  # so far from its origin, right and up, it reaches, in data units


def page_layout(size: tuple[int, int], kinds: Sequence[type[Panel]]) -> Layout:
    """Lay out a page: clouds side by side, and all other panels in a row below them.

    Args:
        size: (width, height) in pixels.
        kinds: Of the panels, in their order.

    Raises:
        OptionError: The size is odd or absurd.
    """
    width, _ = check_size(size)
    scale = page_scale(size)
    heading = Box(0, HEADING[0] * scale, width, max(LEAST_ROWS_PX[0], HEADING[1] * scale))
    are_clouds = [issubclass(kind, CloudPanel) for kind in kinds]
    n_clouds, n_below = are_clouds.count(True), are_clouds.count(False)
    clouds = _row_of_clouds(size, n_clouds, heading, PROJECTIONS if n_below else PROJECTIONS_ALONE)
    below = _row_below(size, n_below)
    cells = [next(clouds if is_cloud else below) for is_cloud in are_clouds]
    top = heading.y + heading.height
    bottom = dots_bottom(size, zip(kinds, cells, strict=True))
    return Layout(heading, tuple(cells), dots=Box(0, top, width, bottom - top))


def dots_bottom(size: tuple[int, int], cells: Iterable[tuple[type[Panel], Cell]]) -> int:
    """The row above which dots are drawn: what is no cloud stands below.

    Args:
        size: (width, height) in pixels.
        cells: Each panel's kind, and its cell.
    """
    tops = [cell.head.y for kind, cell in cells if not issubclass(kind, CloudPanel)]
    return math.ceil(min(tops, default=size[1]))


def _from_bottom(size: tuple[int, int], y: float) -> float:
    """A height on a page of 1080 pixels, as far from the bottom on another one."""
    scale = page_scale(size)
    return y * scale + (size[1] - PAGE * scale)


def _row_of_clouds(
    size: tuple[int, int], n: int, heading: Box, band: tuple[float, float]
) -> Iterator[Cell]:
    width, scale = size[0], page_scale(size)
    titles_top = heading.y + heading.height
    titles_height = max(LEAST_ROWS_PX[1], TITLES[1] * scale)
    top, room = band
    # What small pages take for text that can be read, they take from the projections.
    bottom = _from_bottom(size, top + room)
    top = max(top * scale, titles_top + titles_height)
    margin = OUTER_MARGIN * width
    for i in range(n):
        pitch = (width - 2 * margin) / n
        x = margin + i * pitch
        yield Cell(Box(x, titles_top, pitch, titles_height), Box(x, top, pitch, bottom - top))


def _row_below(size: tuple[int, int], n: int) -> Iterator[Cell]:
    scale = page_scale(size)

    def part(band: tuple[float, float], i: int) -> Box:
        share = size[0] / n
        left, right = SIDE_MARGIN * scale, END_MARGIN * scale
        x, y = i * share + left, _from_bottom(size, band[0])
        return Box(x, y, share - left - right, band[1] * scale)

    for i in range(n):
        yield Cell(part(LEGENDS, i), part(CHARTS, i))


def window_in(body: Box, limits: float) -> Window:
    """How -limits..limits of a cloud's data fit a panel's body, up and down."""
    px_per_unit = min(body.height / (2 * limits), body.width / (2 * WIDTH_SHARE * limits))
    # Its share of the page; and where that is narrower than its limits, into the neighbour's.
    right = max(body.width / 2, limits * px_per_unit)
    up = max(body.height / 2, limits * px_per_unit)
    return Window(
        center=(body.x + body.width / 2, body.y + body.height / 2),
        px_per_unit=px_per_unit,
        edges=(right / px_per_unit, up / px_per_unit),
    )


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
