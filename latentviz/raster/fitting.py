"""Limits that fit: how much of the data's space each projection of a page is to show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..scene import Box
from .layout import MAX_LIMITS, window_in

# A dot's radius as a share of the limits: 0.105 at 1.5.
DOT_SHARE = 0.07
LEAST_LIMITS = 1.5
ROUND_NUMBERS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


def fitting_limits(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    *,
    bodies: Sequence[Box],
    page: Box,
    dot_radius: float | None = None,
) -> float:
    """The least limits at which all dots are seen whole: 1.5, or a round number above it.

    At 1.5 dots may run over into the neighbouring projection, as in the published films, as long as
    nothing cuts them; at more, each projection's lie in its own share of the page.

    Args:
        low: (P, 2) the least coordinates of each projection's points, right and up, in data units.
        high: (P, 2) the greatest.
        bodies: Where each projection is to be drawn, P.
        page: What dots may cover.
        dot_radius: In data units; by default `DOT_SHARE` of the limits.
    """
    limits = LEAST_LIMITS
    for limits in _candidates():
        windows = [window_in(body, limits) for body in bodies]
        radius = DOT_SHARE * limits if dot_radius is None else dot_radius
        # Up is up in the data and down on the page.
        first = np.stack([low[:, 0], -high[:, 1]], 1) - radius
        last = np.stack([high[:, 0], -low[:, 1]], 1) + radius
        centers = np.array([window.center for window in windows])
        scales = np.array([[window.px_per_unit] for window in windows])
        rooms = bodies if limits > LEAST_LIMITS else [page]
        if _fits(rooms, centers + first * scales, centers + last * scales):
            break
    return limits


def _candidates() -> Iterator[float]:
    yield LEAST_LIMITS
    for decade in range(math.ceil(math.log10(MAX_LIMITS)) + 1):
        for number in ROUND_NUMBERS[1:]:
            if LEAST_LIMITS < (limits := number * 10.0**decade) <= MAX_LIMITS:
                yield limits


def _fits(rooms: Sequence[Box], first: NDArray[np.float64], last: NDArray[np.float64]) -> bool:
    """Whether boxes, given by their corners (P, 2) in pixels, lie in one room, or each in its."""
    top = np.array([[room.x, room.y] for room in rooms])
    bottom = top + [[room.width, room.height] for room in rooms]
    return bool((first >= top).all() and (last <= bottom).all())
