"""Framed clouds of points, as the largest squares that a room holds, with their keys."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..scene import Box, Cell
from .grid import Grid, fitting_grid

# On a page of 1080 pixels.
GAP = 32.0  # between squares
SCALES = 28.0  # the row of numbers below each
LEAST_SCALES_PX = 12.0
MUCH_LARGER = 1.25  # than in rows are squares that make these columns

KeyHeight = Callable[[float], float]
"""How high a key, or a caption, is, in pixels, given how wide it may be."""


@dataclass(frozen=True)
class Squares:
    """Framed clouds and their keys in a room."""

    room: Box
    grid: Grid
    key_heights: tuple[float | None, ...]  # none, one for all, or one (or None) for each row
    rows: tuple[int, ...]
    titles: float  # the height of a row of them, and of the gap below
    gap: float  # which this is
    per_row: int  # places in the grid for each row of sources; 0 if it is a single run of panels
    across: bool = False  # whether each row of sources is a column of the grid
    once: bool = False  # whether titles stand above the first row of the grid alone

    @property
    def spare(self) -> float:
        """How much of the height is left."""
        return max(0.0, self.room.height - self._common - self._above - self.grid.total_height)

    @property
    def _above(self) -> float:
        """The height of the one row of titles, where there is one."""
        return self.titles if self.once else 0.0

    @property
    def _common(self) -> float:
        return (self.key_heights[0] or 0.0) if len(self.key_heights) == 1 else 0.0

    def lower(self, by: float) -> Squares:
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
            down, right = (1, len(self.rows)) if self.across else (self.per_row, 1)
            taken = enumerate(self.rows)
            places = [places[r * down + i * right] for r, n in taken for i in range(n)]
        in_one_row = len({y for _, y in places}) == 1
        clouds = []
        first = min(y for _, y in places)
        for x, y in places:
            # On whole pixels: a frame is a line of the same width on all sides.
            left = round(self.room.x + x + (grid.width - side) / 2)
            top = round(self.room.y + common + self._above + y)
            above = common if in_one_row else 0.0
            head = Box(left, top - above - self.titles, side, self.titles - self.gap)
            if self.once and y > first:
                head = Box(left, top, side, 0.0)
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


def squares_in(
    room: Box,
    rows: Sequence[int],
    keys: Sequence[KeyHeight | None],
    *,
    titles: tuple[float, float],
    scale: float,
    may_stand: bool = False,
    titles_once: bool = False,
) -> Squares:
    """The largest squares for framed clouds.

    Args:
        room: Where they and their keys stand.
        rows: How many clouds each row of sources has.
        keys: None, one for all, or one (or None) for each row.
        titles: The height of a row of titles, and of the gap below.
        scale: How large all things are, 1 on a page of 1080 pixels.
        may_stand: Whether rows may be columns, where that makes the squares much larger.
        titles_once: Whether a title may stand above the first of a column alone, if there is room
            for the names of rows on their left.
    """
    heights = tuple(None if key is None else key(room.width) for key in keys)
    head, inner = sum(titles), (room.width, room.height)
    if len(heights) == 1:
        inner = (room.width, room.height - (heights[0] or 0.0))
    else:
        head += max((height or 0.0 for height in heights), default=0.0)
    # Rows of one cloud each are one run of panels, unless each has a key of its own.
    is_one_run = len(rows) == 1 or (max(rows) == 1 and len(heights) <= 1)
    per_row = 0 if is_one_run else max(rows)

    def grid_of(columns: int | None, *, once: bool = False) -> Grid:
        return fitting_grid(
            per_row * len(rows) or sum(rows),
            (inner[0], inner[1] - sum(titles)) if once else inner,
            aspect=1.0,
            gap=GAP * scale,
            head=0.0 if once else head,
            foot=max(LEAST_SCALES_PX, SCALES * scale),
            columns=columns,
        )

    grid, across, once = grid_of(per_row or None), False, False
    if per_row and len(heights) <= 1:
        if titles_once:
            below_one = grid_of(per_row, once=True)
            # The room has as much of the page on its left as a name needs beside that.
            if min(x for x, _ in below_one.places()) >= room.x:
                grid, once = below_one, True
        standing = grid_of(len(rows))
        if may_stand and standing.height > MUCH_LARGER * grid.height:
            grid, across, once = standing, True, False
    return Squares(room, grid, heights, tuple(rows), sum(titles), titles[1], per_row, across, once)
