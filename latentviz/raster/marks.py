"""Marks at the edges of a projection: triangles that show where points lie beyond it."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .lettering import Sprite
from .shapes import Area

# Each side, right and up, and its mark's corners, in a square of its own, from the top left.
_CORNERS = {
    (-1, 0): ((1, 0), (1, 1), (0.2, 0.5)),
    (1, 0): ((0, 0), (0, 1), (0.8, 0.5)),
    (0, 1): ((0, 1), (1, 1), (0.5, 0.2)),
    (0, -1): ((0, 0), (1, 0), (0.5, 0.8)),
}
_FINER = 8  # a mark is drawn so many times as large, and made smaller, for smooth edges


def edge_marks(
    points: NDArray[np.float32],
    *,
    reach: tuple[float, float],
    center: tuple[float, float],
    half_px: tuple[float, float],
    px_per_unit: float,
    mark_px: float,
    color: tuple[int, int, int],
    outside: bool = False,
) -> list[Sprite]:
    """Marks at the edges of a box, where points lie beyond; one where they would overlap.

    Args:
        points: (..., 2) right and up, in data units.
        reach: How far right and up they may lie from the origin, in data units.
        center: Of the box, which is the origin, in pixels from the page's top left corner.
        half_px: Half of the box's width and height.
        px_per_unit: How many pixels a unit of the data is long.
        mark_px: A mark's side.
        color: Its color.
        outside: Whether marks stand outside of the box's edges, or within.
    """
    excess = np.abs(points) / np.array(reach, np.float32)
    beyond = (excess > 1).any(-1)
    if not beyond.any():
        return []
    axis = excess[beyond].argmax(-1)
    # Of the direction in which a point lies beyond its edge is known; along the edge, the place.
    far = points[beyond].astype(np.float64)
    rows = np.arange(len(far))
    sign = np.where(far[rows, axis] > 0, 1, -1)
    # Within a box, corners are left to nobody: two sides' marks would meet there.
    half = np.array(half_px)
    room = (half - (0 if outside else 1.5 * mark_px))[1 - axis]
    steps = np.rint(np.clip(far[rows, 1 - axis] * px_per_unit, -room, room) / mark_px)
    placed = np.unique(np.stack([axis, sign, steps.astype(np.int64)], 1), axis=0)
    sprites = []
    for along, side, step in placed.tolist():
        offset = np.full(2, step * mark_px)
        offset[along] = side * (half[along] + (mark_px if outside else -mark_px) / 2)
        x, y = center[0] + offset[0] - mark_px / 2, center[1] - offset[1] - mark_px / 2
        towards, size = (side, 0) if along == 0 else (0, side), max(2, round(mark_px))
        corners = np.array(_CORNERS[towards], np.float64) * size + (round(x), round(y))
        mask = _mark(towards, size)
        sprites.append(Sprite(mask, round(x), round(y), color, Area(corners)))
    return sprites


@cache
def _mark(side: tuple[int, int], size: int) -> NDArray[np.float32]:
    """A triangle that points to one side, as a mask, (size, size) 0..1."""
    large = size * _FINER
    image = Image.new("L", (large, large))
    corners = [(x * (large - 1), y * (large - 1)) for x, y in _CORNERS[side]]
    ImageDraw.Draw(image).polygon(corners, fill=255)
    smaller = image.resize((size, size), Image.Resampling.BOX)
    return np.asarray(smaller, dtype=np.float32) / np.float32(255)
