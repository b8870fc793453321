"""Where names stand beside their points: chosen once a film, so that they never jump."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..scene import Box

# Which part of a name's box touches its dot, in order of preference: a share of its width and of
# its height, and the direction in which the name lies.
_SIDES = np.array(
    [(1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1)], np.float64
)
_DIAGONAL = 0.7  # of the distance, along each axis, where a name lies at a dot's corner
# What a pixel of a name costs: over another name at a moment that is not the last, over a dot,
# outside of the panel; the last moment is the one that is looked at longest.
_COST_NAME, _COST_DOT, _COST_OUTSIDE = 1.0, 0.3, 3.0
_COST_RANK = 0.5  # of a side that is preferred less


@dataclass(frozen=True, eq=False)
class Places:
    """Where the names stand.

    Attributes:
        offsets_px: (L, 2) from the point to the name's top left corner, right and down.
        has_room: (L,) which names there is room for, without covering an earlier one in the last
            moment.
    """

    offsets_px: NDArray[np.float64]
    has_room: NDArray[np.bool_]


def label_places(
    at_px: NDArray[np.float64],
    sizes_px: NDArray[np.float64],
    *,
    distance_px: float,
    dots_px: NDArray[np.float64],
    within: Box,
) -> Places:
    """Give each name a side of its point, where it covers the least at some moments of a film.

    Args:
        at_px: (F, L, 2) the named points at these moments, right and down; the last is the last.
            NaN where a point is nowhere.
        sizes_px: (L, 2) width and height of the names.
        distance_px: From a point to its name's box.
        dots_px: (N, 2) all points at the last moment; names avoid them.
        within: The panel, which no name leaves in the last moment.
    """
    n_labels = len(sizes_px)
    offsets, has_room = np.zeros((n_labels, 2)), np.zeros(n_labels, np.bool_)
    # Each placed name's box over the moments, (placed, F, 4): left, top, right, bottom.
    boxes = np.empty((n_labels, len(at_px), 4))
    n_placed = 0
    low = np.array([within.x, within.y])
    high = low + np.array([within.width, within.height])
    dots = dots_px[np.isfinite(dots_px).all(-1)]
    for k, size in enumerate(sizes_px):
        choices = _offsets(size, distance_px)  # (8, 2)
        first = at_px[:, k, None] + choices  # (F, 8, 2)
        mine = np.concatenate([first, first + size], -1)  # (F, 8, 4)
        last = mine[-1]
        if not np.isfinite(last).all():
            continue
        fits = ((last[:, :2] >= low) & (last[:, 2:] <= high)).all(-1)
        if n_placed:
            over = _overlap(mine[None], boxes[:n_placed, :, None])  # (placed, F, 8)
            fits &= ~(over[:, -1] > 0).any(0)
            covered = np.nan_to_num(over).sum(0).mean(0)
        else:
            covered = np.zeros(len(choices))
        if not fits.any():
            continue
        outside = np.maximum(low - mine[..., :2], 0) + np.maximum(mine[..., 2:] - high, 0)
        cost = _COST_NAME * covered + _COST_RANK * np.arange(len(choices))
        cost = cost + _COST_OUTSIDE * np.nan_to_num(outside).sum(-1).mean(0)
        cost += _COST_DOT * size[1] ** 2 * _dots_under(last, dots)
        best = int(np.argmin(np.where(fits, cost, np.inf)))
        offsets[k], has_room[k] = choices[best], True
        boxes[n_placed] = mine[:, best]
        n_placed += 1
    return Places(offsets, has_room)


def _offsets(size: NDArray[np.float64], distance_px: float) -> NDArray[np.float64]:
    """From a point to its name's top left corner, for each side, (8, 2)."""
    reach = np.where(_SIDES.all(1, keepdims=True), _DIAGONAL * distance_px, distance_px)
    return np.asarray(_SIDES * (reach + size / 2) - size / 2)


def _overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The area that boxes (..., 4) share; NaN where one is nowhere."""
    shared = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    return np.asarray(np.maximum(shared, 0).prod(-1))


def _dots_under(boxes: NDArray[np.float64], dots: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many dots lie under each of some boxes (n, 4)."""
    inside = (dots >= boxes[:, None, :2]) & (dots <= boxes[:, None, 2:])
    return np.asarray(inside.all(-1).sum(-1))
