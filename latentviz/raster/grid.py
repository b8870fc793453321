"""A grid of boxes, as large as a room allows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """Boxes of one size in rows and columns, centred in a room; the last row may be shorter."""

    room: tuple[float, float]
    n: int
    columns: int
    width: float
    height: float
    gap: float
    head: float
    foot: float = 0.0

    @property
    def total_height(self) -> float:
        """Of all rows, with the gaps between them."""
        rows = -(-self.n // self.columns)
        return rows * self._cell_height + (rows - 1) * self.gap

    @property
    def _cell_height(self) -> float:
        return self.head + self.height + self.foot

    def places(self) -> list[tuple[float, float]]:
        """The top left corner of each box, below its head, from that of the room."""
        top = (self.room[1] - self.total_height) / 2 + self.head
        places = []
        for i in range(self.n):
            row, column = divmod(i, self.columns)
            across = min(self.columns, self.n - row * self.columns)
            left = (self.room[0] - across * (self.width + self.gap) + self.gap) / 2
            pitch = self._cell_height + self.gap
            places.append((left + column * (self.width + self.gap), top + row * pitch))
        return places


def fitting_grid(
    n: int,
    room: tuple[float, float],
    *,
    aspect: float,
    gap: float,
    head: float,
    foot: float = 0.0,
    most: float = 1e9,
    columns: int | None = None,
) -> Grid:
    """The grid whose boxes are the largest that fit into a room; the wider one, of two as large.

    Args:
        n: How many boxes.
        room: (width, height).
        aspect: A box's width divided by its height.
        gap: Between boxes, to either side and below.
        head: The room above each, for a title.
        foot: The room below each.
        most: A box is no higher than this.
        columns: How many there are to be; by default as many as make the boxes largest.
    """
    grids = []
    # Of all with as many rows, the one whose last row is the fullest.
    choices = {-(-n // rows): rows for rows in range(n, 0, -1)}
    if columns is not None:
        choices = {columns: -(-n // columns)}
    for across, rows in sorted(choices.items(), reverse=True):
        width = (room[0] - (across - 1) * gap) / across
        height = (room[1] - (rows - 1) * gap) / rows - head - foot
        height = max(1.0, min(height, width / aspect, most))
        grids.append(Grid(room, n, across, height * aspect, height, gap, head, foot))
    return max(grids, key=lambda grid: grid.height)
