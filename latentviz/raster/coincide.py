"""Curves that lie on each other: in turns, a dash each, so that all are seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Among more than so many nobody could tell whose turn it is, and each is held against each.
MOST_CURVES = 60
LEAST_DASHES = 4  # what coincides for less than so many dashes is no more than a crossing


def in_turns(
    xs: Floats, curves: Sequence[Floats], *, width: float, dash: float
) -> list[tuple[Floats, Floats]]:
    """Each curve's points, less the dashes of those that lie where it does; NaN between its own.

    The dashes have fixed places along the axis: by the curves' own lengths, which differ a little,
    they would come to lie on each other. A curve leaves out a dash only where another that hides it
    is drawn, so wherever there are curves one is seen.

    Args:
        xs: (n,) places along the axis, rising, in pixels.
        curves: Each (n,), heights in pixels, NaN where there is none. Of more than `MOST_CURVES`
            all are drawn whole.
        width: How wide the lines are.
        dash: How long a dash is.
    """
    if len(xs) < 2 or not 2 <= len(curves) <= MOST_CURVES:
        return [(xs, ys) for ys in curves]
    edges = np.arange(np.ceil(xs[0] / dash), np.floor(xs[-1] / dash) + 1) * dash
    order = np.argsort(np.concatenate([xs, edges]), kind="stable")
    x = np.concatenate([xs, edges])[order]
    middle = (x[:-1] + x[1:]) / 2
    piece = np.clip(np.searchsorted(xs, middle, side="right") - 1, 0, len(xs) - 2)
    same = np.zeros((len(curves), len(curves), len(xs) - 1), bool)
    for i, curve in enumerate(curves):
        for j in range(i):
            same[i, j] = same[j, i] = _together(xs, curves[j], curve, width, LEAST_DASHES * dash)
    seen = _seen(same[:, :, piece], np.floor(middle / dash).astype(np.int64))
    found = []
    for ys, shown in zip(curves, seen, strict=True):
        y = np.concatenate([ys, np.interp(edges, xs, ys)])[order]
        hidden = np.flatnonzero(~shown)
        found.append((np.insert(x, hidden + 1, x[hidden]), np.insert(y, hidden + 1, np.nan)))
    return found


def _seen(same: NDArray[np.bool_], dashes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which curve is drawn where, (curves, m).

    Args:
        same: (curves, curves, m) which hide each other there.
        dashes: (m,) the dash's number, which tells whose turn it is.
    """
    n = len(same)
    count = 1 + same.sum(1)
    rank = np.stack([same[i, :i].sum(0) for i in range(n)])
    turn = (rank - dashes) % count
    seen = np.zeros(count.shape, bool)
    for now in range(int(count.max())):
        for i in np.flatnonzero((turn == now).any(1)).tolist():
            seen[i] |= (turn[i] == now) & ~(same[i] & seen).any(0)
    return seen


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
