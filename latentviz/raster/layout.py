"""Where everything stands on a frame, in pixels from the top left corner."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import OptionError

MIN_SIDE, MAX_SIDE = 120, 8192
MIN_LIMITS, MAX_LIMITS = 1e-6, 1e6

# Heights on a page of 1920x1080 pixels. The projections are 5 times as high as the panels.
PAGE, PAGE_WIDTH = 1080.0, 1920.0
LEAST_SCALE = 0.75  # of a page that has the height for it
HEADING = (16.0, 50.0)  # top and height
TITLES = (66.0, 30.0)
PROJECTIONS = (100.0, 760.0)
LEGENDS = (864.0, 30.0)
PANELS = (896.0, 152.0)
# A page without panels gives their room to the projections.
PROJECTIONS_ALONE = (100.0, 960.0)
SIDE_MARGIN = 96.0  # left of each panel, where its tick labels stand
END_MARGIN = 48.0  # right of each panel, for the half of its last tick label
# Side by side, a projection may show this share of its height's range in its width; dots are not
# clipped, so what lies beyond runs over into the neighbour.
WIDTH_SHARE = 0.8


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
    centers: tuple[tuple[float, float], ...]  # of the projections' origins
    px_per_unit: float
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
    if not MIN_LIMITS <= limits <= MAX_LIMITS:
        raise OptionError(
            f"limits must lie within {MIN_LIMITS:g} to {MAX_LIMITS:g}, got {limits:g}"
        )
    # A page that is taller than 16:9 gives the projections what is left of its height, and its text
    # shrinks with its width, but not so far as to be hard to read.
    scale = min(height / PAGE, max(width / PAGE_WIDTH, min(2 * width / PAGE_WIDTH, LEAST_SCALE)))
    spare = height - PAGE * scale
    top, room = PROJECTIONS if n_panels else PROJECTIONS_ALONE
    room = room * scale + spare
    pitch = width / n_projections
    px_per_unit = min(room / (2 * limits), pitch / (2 * WIDTH_SHARE * limits))
    center_y = top * scale + room / 2

    def below(band: tuple[float, float], i: int) -> Box:
        share = width / n_panels
        left, right = SIDE_MARGIN * scale, END_MARGIN * scale
        return Box(i * share + left, band[0] * scale + spare, share - left - right, band[1] * scale)

    return Layout(
        size=(width, height),
        scale=scale,
        heading=Box(0, HEADING[0] * scale, width, HEADING[1] * scale),
        titles=tuple(
            Box(p * pitch, TITLES[0] * scale, pitch, TITLES[1] * scale)
            for p in range(n_projections)
        ),
        centers=tuple(((p + 0.5) * pitch, center_y) for p in range(n_projections)),
        px_per_unit=px_per_unit,
        dots_bottom=math.ceil(LEGENDS[0] * scale + spare) if n_panels else height,
        legends=tuple(below(LEGENDS, i) for i in range(n_panels)),
        panels=tuple(below(PANELS, i) for i in range(n_panels)),
    )


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
