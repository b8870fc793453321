"""Where everything stands on a frame, in pixels from the top left corner."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

from ..errors import OptionError

MIN_SIDE, MAX_SIDE = 120, 8192
MIN_LIMITS, MAX_LIMITS = 1e-6, 1e6

# Heights on a page of 1920x1080 pixels. The projections are 5 times as high as the panels.
PAGE, PAGE_WIDTH = 1080.0, 1920.0
LEAST_SCALE = 0.75  # of a page that has the height for it
# From here on a page has room for panels whose text can be read: 640x360 pixels, if it is wide.
PANELS_SCALE = 1 / 3
HEADING = (16.0, 50.0)  # top and height
TITLES = (66.0, 30.0)
LEAST_ROWS_PX = (14.0, 11.0)  # of heading and titles, on any page
PROJECTIONS = (96.0, 760.0)
LEGENDS = (864.0, 30.0)
PANELS = (896.0, 152.0)
# A page without panels gives their room to the projections.
PROJECTIONS_ALONE = (96.0, 930.0)
OUTER_MARGIN = 0.05  # of the page's width, to either side of the projections
SIDE_MARGIN = 96.0  # left of each panel, where its tick labels stand
END_MARGIN = 48.0  # right of each panel, for the half of its last tick label
# Side by side, a projection may show this share of its height's range in its width; dots are not
# clipped, so what lies beyond runs over into the neighbour.
WIDTH_SHARE = 0.75


@dataclass(frozen=True)
class Box:
    """A rectangle; (x, y) is its top left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """A page's geometry."""

    size: tuple[int, int]  # (width, height)
    scale: float  # this page's pixels for one of the 1080-pixel page
    heading: Box
    titles: tuple[Box, ...]
    cells: tuple[Box, ...]  # each projection's own share of the page
    centers: tuple[tuple[float, float], ...]  # of the projections' origins
    px_per_unit: float
    edges_px: tuple[float, float]  # so far from its origin, right and up, a projection reaches
    dots_bottom: int  # dots are drawn above this row only; below it stand the panels
    legends: tuple[Box, ...]
    panels: tuple[Box, ...]


def page_layout(
    size: tuple[int, int], *, n_projections: int, limits: float, n_panels: int
) -> Layout:
    """Lay out a page.

    Args:
        size: (width, height) in pixels.
        n_projections: How many projections stand side by side.
        limits: Each shows -limits..limits of the data, up and down.
        n_panels: How many panels of curves stand below, side by side.

    Raises:
        OptionError: The size is odd or absurd, or the limits are not positive.
    """
    width, height = check_size(size)
    check_limits(limits)
    scale = page_scale(size)
    spare = height - PAGE * scale
    heading = Box(0, HEADING[0] * scale, width, max(LEAST_ROWS_PX[0], HEADING[1] * scale))
    titles_top = heading.y + heading.height
    titles_height = max(LEAST_ROWS_PX[1], TITLES[1] * scale)
    top, room = PROJECTIONS if n_panels else PROJECTIONS_ALONE
    # What small pages take for text that can be read, they take from the projections.
    bottom = (top + room) * scale + spare
    top = max(top * scale, titles_top + titles_height)
    margin = OUTER_MARGIN * width
    pitch = (width - 2 * margin) / n_projections
    cells = tuple(Box(margin + p * pitch, top, pitch, bottom - top) for p in range(n_projections))
    px_per_unit = min((bottom - top) / (2 * limits), pitch / (2 * WIDTH_SHARE * limits))

    def below(band: tuple[float, float], i: int) -> Box:
        share = width / n_panels
        left, right = SIDE_MARGIN * scale, END_MARGIN * scale
        return Box(i * share + left, band[0] * scale + spare, share - left - right, band[1] * scale)

    return Layout(
        size=(width, height),
        scale=scale,
        heading=heading,
        titles=tuple(Box(cell.x, titles_top, pitch, titles_height) for cell in cells),
        cells=cells,
        centers=tuple((cell.x + pitch / 2, top + cell.height / 2) for cell in cells),
        px_per_unit=px_per_unit,
        # Its share of the page; and where that is narrower than its limits, into the neighbour's.
        edges_px=(
            max(pitch / 2, limits * px_per_unit),
            max((bottom - top) / 2, limits * px_per_unit),
        ),
        dots_bottom=math.ceil(LEGENDS[0] * scale + spare) if n_panels else height,
        legends=tuple(below(LEGENDS, i) for i in range(n_panels)),
        panels=tuple(below(PANELS, i) for i in range(n_panels)),
    )


def page_scale(size: tuple[int, int]) -> float:
    """How large all things are on a page of (width, height) pixels, 1 on one of 1920x1080.

    A page that is taller than 16:9 gives the projections what is left of its height, and its text
    shrinks with its width, but not so far as to be hard to read.
    """
    width, height = size
    return min(height / PAGE, max(width / PAGE_WIDTH, min(2 * width / PAGE_WIDTH, LEAST_SCALE)))


def has_room_for_panels(size: tuple[int, int]) -> bool:
    """Whether the text of panels could be read on a page of (width, height) pixels."""
    return page_scale(size) >= PANELS_SCALE - 1e-9


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
