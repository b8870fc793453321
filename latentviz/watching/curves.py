"""A page's curves, continued by the steps that were recorded since."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..runs.run import Run
from ..scene import Curve
from ..views import explained_chart
from ..views.curves import SMOOTHING_STEPS, carry_forward, from_one_to_the_next, smooth
from .places import GrowingRow


class GrownCurve(NamedTuple):
    """What a curve goes on with; whatever the page has from ``start`` on gives way to it."""

    start: int
    """Index among the chart's steps."""
    values: NDArray[np.float64]
    """(n,), NaN where there is none."""
    raw: NDArray[np.float64] | None
    """(n,), of which ``values`` are the smoothed ones."""
    keyed: list[int]
    """Indices of new steps among the chart's, as the other two."""
    measured: list[int]
    broken: list[int]


@dataclass(frozen=True)
class CurveKind:
    """How a curve is drawn, as was found at the first look."""

    name: str
    width: int
    """Over how many steps it is smoothed; 1 for not at all."""
    is_joined: bool
    """Whether lines are drawn from one measurement to the next."""


@dataclass(frozen=True, eq=False)
class _Tail:
    """The last of a curve's steps: what those to come need to know of them."""

    steps: NDArray[np.int64]
    places: NDArray[np.int64]  # indices among the chart's steps; -1 of those that it lacks
    values: NDArray[np.float64]
    gaps: NDArray[np.bool_]


class GrowingChart:
    """The curves of a chart, but for those of names that first came up later."""

    def __init__(
        self,
        group: str,
        kinds: Sequence[CurveKind],
        steps: NDArray[np.int64],
        run: Run,
    ) -> None:
        """Take the chart as the page has it.

        Args:
            group: What of a run is in it: ``params``, ``losses`` or ``metrics``.
            kinds: Its curves.
            steps: Those that the page's chart has.
            run: The run as it was at the first look.
        """
        self.n_steps = len(steps)
        self._group, self._kinds = group, kinds
        at = np.minimum(np.searchsorted(steps, run.steps), len(steps) - 1)
        places = np.where(steps[at] == run.steps, at, -1)
        self._tails = [
            _cut(kind, _Tail(run.steps, places, *self._column(kind, run))) for kind in kinds
        ]

    def grow(self, run: Run, kept: NDArray[np.bool_]) -> list[GrownCurve]:
        """What the curves go on with.

        Args:
            run: The steps that came since, alone.
            kept: (T,) which of these the chart gets.
        """
        places = np.where(kept, self.n_steps + np.cumsum(kept) - 1, -1)
        grown = []
        for i, kind in enumerate(self._kinds):
            new = _Tail(run.steps, places, *self._column(kind, run))
            whole = _joined(self._tails[i], new)
            grown.append(self._grown(kind, whole, len(new.steps), run))
            self._tails[i] = _cut(kind, whole)
        self.n_steps += int(kept.sum())
        return grown

    def final(self, run: Run) -> list[float | None]:
        """Each curve's value after the last update, if that was measured."""
        measured = {"losses": run.final_losses, "metrics": run.final_metrics, "params": {}}
        found = [measured[self._group].get(kind.name, math.nan) for kind in self._kinds]
        return [value if math.isfinite(value) else None for value in found]

    def _column(self, kind: CurveKind, run: Run) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """A curve's values, and where it has none; a run that lacks it has none at all."""
        values, gaps = {
            "params": (run.params, run.param_gaps),
            "losses": (run.losses, run.loss_gaps),
            "metrics": (run.metrics, run.metric_gaps),
        }[self._group]
        if kind.name not in values:
            return np.full(len(run), np.nan), np.ones(len(run), np.bool_)
        return values[kind.name], gaps[kind.name]

    def _grown(self, kind: CurveKind, whole: _Tail, n_new: int, run: Run) -> GrownCurve:
        steps, places, values, gaps = whole.steps, whole.places, whole.values, whole.gaps
        first_new = len(steps) - n_new
        carried = carry_forward(values, gaps)
        carried = np.where(np.isfinite(carried), carried, np.nan)
        raw: NDArray[np.float64] | None = None
        begin = first_new
        if kind.is_joined:
            at = np.flatnonzero(~gaps)
            carried = from_one_to_the_next(steps, values, at)
            begin = int(at[at < first_new].max(initial=0))
        elif kind.width > 1:
            raw, carried = carried, smooth(carried, kind.width)
            begin = max(0, first_new - kind.width // 2)
        shown = np.flatnonzero(places >= 0)
        shown = shown[shown >= begin]
        start = int(places[shown[0]]) if len(shown) else self.n_steps
        new = np.arange(len(steps)) >= first_new
        keys = np.zeros(len(steps), np.bool_)
        if self._group == "params":
            at = np.searchsorted(steps, np.array(run.keyframes.get(kind.name, []), np.int64))
            keys[at[at < len(steps)]] = True
        is_finite = np.isfinite(values)
        return GrownCurve(
            start,
            carried[shown],
            None if raw is None else raw[shown],
            self._indices(whole, new & keys),
            self._indices(whole, new & ~gaps & is_finite) if kind.is_joined else [],
            self._indices(whole, new & ~gaps & ~is_finite),
        )

    def _indices(self, whole: _Tail, where: NDArray[np.bool_]) -> list[int]:
        """Where steps stand in the chart; those that it lacks, at the next one that it has."""
        has = np.flatnonzero(whole.places >= 0)
        if not len(has):
            return []
        at = np.minimum(np.searchsorted(has, np.flatnonzero(where)), len(has) - 1)
        return [int(i) for i in np.unique(whole.places[has[at]])]


class GrowingShares:
    """The curves of what the planes hold of the points' variance."""

    def __init__(self, n_steps: int, rows: Sequence[GrowingRow]) -> None:
        """Take the chart as the page has it.

        Args:
            n_steps: How many steps it has there.
            rows: Those of the page.
        """
        self.n_steps, self._rows = n_steps, rows

    def grow(self, run: Run, kept: NDArray[np.bool_]) -> list[GrownCurve]:
        """As `GrowingChart.grow`."""
        start = self.n_steps
        self.n_steps += int(kept.sum())
        at = start - 1 + np.cumsum(kept)
        return [
            GrownCurve(
                start,
                curve.values[kept],
                None,
                [],
                [int(at[i]) for i in curve.measured if kept[i]],
                [],
            )
            for curve in self._curves(run)
        ]

    def final(self, run: Run) -> list[float | None]:
        """As `GrowingChart.final`."""
        return [curve.final for curve in self._curves(run)]

    def _curves(self, run: Run) -> tuple[Curve, ...]:
        return explained_chart([row.of(run) for row in self._rows], 0, len(run)).curves


def _joined(tail: _Tail, new: _Tail) -> _Tail:
    pairs: Sequence[tuple[NDArray[np.generic], NDArray[np.generic]]] = [
        (tail.steps, new.steps),
        (tail.places, new.places),
        (tail.values, new.values),
        (tail.gaps, new.gaps),
    ]
    steps, places, values, gaps = (np.concatenate(pair) for pair in pairs)
    return _Tail(
        steps.astype(np.int64),
        places.astype(np.int64),
        values.astype(np.float64),
        gaps.astype(np.bool_),
    )


def _cut(kind: CurveKind, whole: _Tail) -> _Tail:
    """As much of the end as what follows can depend on."""
    keep = SMOOTHING_STEPS
    if kind.is_joined:
        at = np.flatnonzero(~whole.gaps)
        keep = max(keep, len(whole.steps) - int(at[-1])) if len(at) else keep
    first = max(0, len(whole.steps) - keep)
    values, gaps = whole.values.copy(), whole.gaps.copy()
    before = np.flatnonzero(~gaps[: first + 1])
    if gaps[first:].any() and len(before):
        # What is carried forward from before.
        values[first], gaps[first] = values[before[-1]], False
    return _Tail(whole.steps[first:], whole.places[first:], values[first:], gaps[first:])
