"""Where names stand beside their points: on a side chosen once a film, so that none jumps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..scene import Box

# On which side of its dot a name lies, in order of preference: right and down.
_SIDES = np.array(
    [(1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1)], np.float64
)
_DIAGONAL = 0.7  # of the distance, along each axis, where a name lies at a dot's corner
# The cost of a side: for a moment at which the name would be hidden by another, the last one above
# all; for a dot under it at the last; for being pushed back into the panel, a pixel; and for being
# a side that is preferred less.
_HIDDEN, _HIDDEN_LAST, _DOT, _PUSHED, _RANK = 10.0, 200.0, 2.0, 0.3, 0.5


@dataclass(frozen=True, eq=False)
class Places:
    """Where the names stand.

    Attributes:
        offsets_px: (L, 2) from the point to the name's top left corner, right and down.
        is_shown: (L,) which names are seen at some moment, before an earlier one hides them.
        n_hidden_last: How many have a point at the last moment, and are hidden.
    """

    offsets_px: NDArray[np.float64]
    is_shown: NDArray[np.bool_]
    n_hidden_last: int


def label_places(
    at_px: NDArray[np.float64],
    sizes_px: NDArray[np.float64],
    *,
    distance_px: float,
    gap_px: float,
    dots_px: NDArray[np.float64],
    within: Box,
) -> Places:
    """Give each name a side of its point, where others hide it the least at some moments of a film.

    Args:
        at_px: (F, L, 2) the named points at these moments, right and down; the last is the last.
            NaN where a point is nowhere.
        sizes_px: (L, 2) width and height of the names.
        distance_px: From a point to its name's box.
        gap_px: A name that comes closer to an earlier one than this begins to fade.
        dots_px: (N, 2) all points at the last moment; names avoid them.
        within: The panel, in which names stay.
    """
    n_labels = len(sizes_px)
    offsets, is_shown = np.zeros((n_labels, 2)), np.zeros(n_labels, np.bool_)
    # The boxes of the names that are shown, (shown, F, 4): left, top, right, bottom; NaN at moments
    # at which they are hidden.
    boxes = np.empty((n_labels, len(at_px), 4))
    n_shown = n_hidden_last = 0
    dots = dots_px[np.isfinite(dots_px).all(-1)]
    seen = is_within(at_px, within)
    for k, size in enumerate(sizes_px):
        choices = _offsets(size, distance_px)  # (8, 2)
        wanted = at_px[:, k, None] + choices  # (F, 8, 2)
        corners = pushed_within(wanted, size, within)
        mine = np.concatenate([corners, corners + size], -1)  # (F, 8, 4)
        over = overlaps(mine[None], boxes[:n_shown, :, None], gap_px)  # (shown, F, 8)
        hidden = (over > 0).any(0) | ~seen[:, k, None]
        cost = _HIDDEN * hidden.mean(0) + _HIDDEN_LAST * hidden[-1] + _RANK * np.arange(8)
        cost += _PUSHED * np.nan_to_num(np.abs(corners - wanted)).sum(-1).mean(0)
        cost += _DOT * _dots_under(mine[-1], dots)
        best = int(np.argmin(cost))
        offsets[k] = choices[best]
        n_hidden_last += bool(seen[-1, k] and hidden[-1, best])
        if not hidden[:, best].all():
            is_shown[k] = True
            boxes[n_shown] = np.where(hidden[:, best, None], np.nan, mine[:, best])
            n_shown += 1
    return Places(offsets, is_shown, n_hidden_last)


def is_within(at_px: NDArray[np.float64], within: Box) -> NDArray[np.bool_]:
    """Which places (..., 2) lie in a box; none that is NaN."""
    low = np.array([within.x, within.y])
    high = low + np.array([within.width, within.height])
    return np.asarray(((at_px >= low) & (at_px <= high)).all(-1))


def pushed_within(
    corners_px: NDArray[np.float64], sizes_px: NDArray[np.float64], within: Box
) -> NDArray[np.float64]:
    """The top left corners (..., 2) of boxes, pushed back by as much as these leave the panel."""
    low = np.array([within.x, within.y])
    high = low + np.array([within.width, within.height])
    return np.asarray(np.maximum(low, np.minimum(corners_px, high - sizes_px)))


def overlaps(a: NDArray[np.float64], b: NDArray[np.float64], gap_px: float) -> NDArray[np.float64]:
    """How far boxes (..., 4) lie in each other if each has a margin of half a gap; 0 if not.

    So two that touch lie a gap deep in each other. NaN counts as nowhere.
    """
    shared = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]) + gap_px
    return np.asarray(np.nan_to_num(np.maximum(shared, 0)).min(-1))


def _offsets(size: NDArray[np.float64], distance_px: float) -> NDArray[np.float64]:
    """From a point to its name's top left corner, for each side, (8, 2)."""
    reach = np.where(_SIDES.all(1, keepdims=True), _DIAGONAL * distance_px, distance_px)
    return np.asarray(_SIDES * (reach + size / 2) - size / 2)


def _dots_under(boxes: NDArray[np.float64], dots: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many dots lie under each of some boxes (n, 4)."""
    inside = (dots >= boxes[:, None, :2]) & (dots <= boxes[:, None, 2:])
    return np.asarray(inside.all(-1).sum(-1))
