"""Curves of a page: those of a film, thinned out; of several runs, their losses in one chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..film.panels import Plan
from ..pacing import Frame
from ..palette import palette_roles
from ..raster.layout import Layout, has_room_for_charts
from ..runs.run import Run
from ..scene import Cell, Chart, Cursor, Curve, CurvesPanel, Panel
from ..views.curves import carry_forward, from_one_to_the_next

MOST_STEPS = 16_384  # of a curve; twice as many as a large screen has pixels
TOTAL = "loss"  # what the sum of a run's losses is called


class RunsLosses:
    """One chart: the total loss of each run, in a color of its own."""

    kind: ClassVar[type[Panel]] = CurvesPanel

    def __init__(self, plans: Sequence[Plan], names: Sequence[str]) -> None:
        self._charts: tuple[Chart, ...] = ()
        if plans[0].spec.charts == "on" and has_room_for_charts(plans[0].spec.size):
            chart = losses_chart([plan.run for plan in plans], names)
            self._charts = () if chart is None else (chart,)

    def __len__(self) -> int:
        return len(self._charts)

    def panels(self, cells: Sequence[Cell], layout: Layout) -> tuple[CurvesPanel, ...]:
        """The panel, if any run has losses."""
        return tuple(map(CurvesPanel, cells, self._charts))

    def parts(self, frame: Frame) -> tuple[Cursor, ...]:
        """Nothing: a page of several runs has no frames of its own."""
        raise NotImplementedError


def losses_chart(runs: Sequence[Run], names: Sequence[str]) -> Chart | None:
    """The total loss of each run over the steps of all; None if no run has any."""
    steps = np.unique(np.concatenate([run.steps for run in runs]))
    curves = []
    for run, name, role in zip(runs, names, palette_roles(len(runs), "curves"), strict=True):
        if not run.losses:
            continue
        term = TOTAL if TOTAL in run.losses else next(iter(run.losses))
        given = carry_forward(run.losses[term], run.loss_gaps[term])
        # Between its own steps a run's curve is a straight line; before and after there is none.
        at: NDArray[np.int64] = np.searchsorted(steps, run.steps)
        values = from_one_to_the_next(steps, _spread(len(steps), at, given), at)
        curves.append(Curve(name, values, np.empty(0, np.int64), role))
    if not curves:
        return None
    return Chart(steps, tuple(curves), True, "loss", quantity="loss")


def _spread(
    n_steps: int, at: NDArray[np.int64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(T,) values at some indices; NaN elsewhere."""
    found = np.full(n_steps, np.nan)
    found[at] = values
    return found


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
