"""A chart's curves thinned out, for a page: no screen shows more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..scene import Chart

MOST_STEPS = 16_384  # of a curve; twice as many as a large screen has pixels


def thinned(chart: Chart, most: int = MOST_STEPS) -> Chart:
    """The chart, or where it has more steps each group's least and greatest values instead.

    These look alike in as many columns of pixels.
    """
    n = len(chart.steps)
    if n <= most:
        return chart
    edges = np.linspace(0, n, most // 2 + 1).astype(np.int64)[:-1]

    def moved(at: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.unique(2 * (np.searchsorted(edges, at, side="right") - 1))

    def extremes(values: NDArray[np.float64]) -> NDArray[np.float64]:
        low, high = np.fmin.reduceat(values, edges), np.fmax.reduceat(values, edges)
        return np.stack([low, high], 1).ravel()

    curves = tuple(
        replace(
            curve,
            values=extremes(curve.values),
            raw=None if curve.raw is None else extremes(curve.raw),
            keyed=moved(curve.keyed),
            measured=moved(curve.measured),
            broken=moved(curve.broken),
        )
        for curve in chart.curves
    )
    # The second of each pair stands in the middle of its group: no two are of one step.
    middles = np.append(edges[1:], n) + edges
    steps = np.stack([chart.steps[edges], chart.steps[middles // 2]], 1).ravel()
    return replace(chart, steps=steps, curves=curves)
