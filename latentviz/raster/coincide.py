"""Curves that lie on each other: in turns, a dash each, so that all are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Among more than so many nobody could tell whose turn it is, and each is held against each.
MOST_CURVES = 60
LEAST_DASHES = 4  # what coincides for less than so many dashes is no more than a crossing


@dataclass(frozen=True)
class Turns:
    """Of each piece of a curve, from point to point: how many lie there, and which one it is."""

    count: NDArray[np.int64]  # (n - 1,) 1 or more
    rank: NDArray[np.int64]  # (n - 1,) 0..count - 1


def turns(xs: Floats, curves: Sequence[Floats], *, width: float, dash: float) -> list[Turns]:
    """Where curves coincide; of more than `MOST_CURVES`, nowhere.

    Args:
        xs: (n,) places along the axis, rising, in pixels.
        curves: Each (n,), heights in pixels, NaN where there is none.
        width: How wide the lines are.
        dash: How long a dash is.
    """
    n = max(0, len(xs) - 1)
    found = [Turns(np.ones(n, np.int64), np.zeros(n, np.int64)) for _ in curves]
    for i, curve in enumerate(curves if len(curves) <= MOST_CURVES else []):
        for j in range(i):
            same = _together(xs, curves[j], curve, width, LEAST_DASHES * dash)
            found[i].count[same] += 1
            found[j].count[same] += 1
            found[i].rank[same] += 1
    return found


def _together(xs: Floats, a: Floats, b: Floats, width: float, least: float) -> NDArray[np.bool_]:
    """Which pieces, (n - 1,), of two curves hide each other over a length that matters."""
    apart = np.nan_to_num(np.abs(a - b), nan=np.inf)
    # Noise makes them part for a pixel now and then: they are together where they are as a rule.
    hidden = np.concatenate([[0], np.cumsum(apart < width / 2)])
    begin = np.searchsorted(xs, xs - least / 2)
    end = np.searchsorted(xs, xs + least / 2, side="right")
    near = (apart < width) & (2 * (hidden[end] - hidden[begin]) >= end - begin)
    pieces = near[:-1] & near[1:]
    bounds = np.flatnonzero(np.diff(np.concatenate([[False], pieces, [False]]).astype(np.int8)))
    out = np.zeros(len(pieces), bool)
    for start, stop in bounds.reshape(-1, 2).tolist():
        if xs[stop] - xs[start] >= least:
            out[start:stop] = True
    return out


def in_turns(xs: Floats, ys: Floats, turn: Turns, *, dash: float) -> tuple[Floats, Floats]:
    """A curve's points less the dashes of those that lie where it does; NaN between its own.

    The dashes have fixed places along the axis: by the curves' own lengths, which differ a little,
    they would come to lie on each other.
    """
    edges = np.arange(np.ceil(xs[0] / dash), np.floor(xs[-1] / dash) + 1) * dash
    order = np.argsort(np.concatenate([xs, edges]), kind="stable")
    x = np.concatenate([xs, edges])[order]
    y = np.concatenate([ys, np.interp(edges, xs, ys)])[order]
    middle = (x[:-1] + x[1:]) / 2
    piece = np.clip(np.searchsorted(xs, middle, side="right") - 1, 0, len(xs) - 2)
    count = turn.count[piece]
    hidden = np.flatnonzero(np.floor(middle / dash).astype(np.int64) % count != turn.rank[piece])
    return np.insert(x, hidden + 1, x[hidden]), np.insert(y, hidden + 1, np.nan)
