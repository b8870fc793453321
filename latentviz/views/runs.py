"""Several runs on one clock: their losses in one chart, and how far each is from the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..runs.alike import unlike
from ..runs.run import Run
from ..scene import Chart, Curve
from ..theme import Role
from ..transforms import evenly, read_states
from .clock import PARTS, Clock, Span
from .curves import carry_forward, from_one_to_the_next, smooth, smoothing_width

TOTAL = "loss"  # what the sum of a run's losses is called
MOST_STATES = 256  # at which the divergence is measured
READ_BYTES = 8 << 20  # of latents of a run that are at hand at a time


@dataclass(frozen=True, eq=False)
class Runs:
    """Some runs, looked at in the same kind of points.

    Attributes:
        runs: R of them.
        names: (R,) which tell them apart.
        roles: (R,) the colors of their curves.
        spans: (R,) what is shown of each.
        clock: By which all are shown.
    """

    runs: Sequence[Run]
    names: Sequence[str]
    roles: Sequence[Role]
    spans: Sequence[Span]
    clock: Clock

    @property
    def moments(self) -> NDArray[np.int64]:
        """(T,) the moments that are shown."""
        return self.clock.moments[self.clock.first : self.clock.stop]

    @property
    def parts(self) -> int | None:
        """Of how many parts of a run the moments are; None where they are steps."""
        return PARTS if self.clock.in_shares else None


def losses_chart(runs: Runs) -> Chart | None:
    """The total loss of each run: the one named ``loss``, or else its first; None if none has any.

    Each is smoothed over its own steps, as in a film of one run.
    """
    moments, curves, width = runs.moments, [], 1
    for run, name, role, span in zip(runs.runs, runs.names, runs.roles, runs.spans, strict=True):
        if not run.losses:
            continue
        term = TOTAL if TOTAL in run.losses else next(iter(run.losses))
        given = carry_forward(run.losses[term], run.loss_gaps[term])[span.first : span.stop]
        given = np.where(np.isfinite(given), given, np.nan)
        width = smoothing_width(len(given))
        at: NDArray[np.int64] = np.searchsorted(moments, span.moments)
        # Between its own steps a run's curve is a straight line; before and after there is none.
        lines = [
            from_one_to_the_next(moments, _spread(len(moments), at, values), at)
            for values in (smooth(given, width), given)
        ]
        curve = Curve(name, lines[0], np.empty(0, np.int64), role)
        curves.append(curve if width == 1 else replace(curve, raw=lines[1]))
    if not curves:
        return None
    return Chart(
        moments, tuple(curves), True, "loss", quantity="loss", parts=runs.parts,
        note="" if all(curve.raw is None for curve in curves) else ", smoothed",
    )  # fmt: skip


def divergence_chart(runs: Runs) -> Chart | None:
    """How far each run is from the first: the rms distance of corresponding points.

    It is measured at evenly spaced moments, at most 256, between which straight lines are drawn; a
    run's points are where its last recorded step had them. None where no run's points correspond to
    the first's.
    """
    first, *others = runs.runs
    moments = runs.moments
    at = evenly(len(moments), MOST_STATES)
    of_first = _states_at(runs, 0, moments[at])
    curves, left_out = [], []
    for k, other in enumerate(others, 1):
        if unlike(first, other) is not None:
            left_out.append(runs.names[k])
            continue
        distances = _distances(first, of_first, other, _states_at(runs, k, moments[at]))
        values = from_one_to_the_next(moments, _spread(len(moments), at, distances), at)
        curves.append(Curve(runs.names[k], values, np.empty(0, np.int64), runs.roles[k]))
    if not curves:
        return None
    return Chart(
        moments, tuple(curves), False, "divergence", quantity="distance", parts=runs.parts,
        note=f" from {runs.names[0]}" + (f", not of {', '.join(left_out)}" if left_out else ""),
    )  # fmt: skip


def _states_at(runs: Runs, k: int, moments: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which state a run is in at each moment: indices of recorded steps, or T for the end."""
    run, span = runs.runs[k], runs.spans[k]
    states = span.first + np.maximum(np.searchsorted(span.moments, moments, side="right") - 1, 0)
    if span.after is not None:
        states[moments >= span.after] = len(run)
    return np.asarray(states)


def _distances(
    first: Run, of_first: NDArray[np.int64], other: Run, of_other: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The rms distance of corresponding points at each pair of states, (S,); NaN of none."""
    found = []
    n = max(1, READ_BYTES // (8 * first.n_points * first.n_dims))  # in float64
    for at in range(0, len(of_first), n):
        a = _latents_of(first, of_first[at : at + n])
        b = _latents_of(other, of_other[at : at + n])
        with np.errstate(invalid="ignore"):
            squares = np.square(a.astype(np.float64) - b).sum(-1)
        finite = np.isfinite(squares)
        n_finite = finite.sum(1)
        total = np.where(finite, squares, 0.0).sum(1)
        found.append(np.sqrt(np.where(n_finite > 0, total / np.maximum(n_finite, 1), np.nan)))
    return np.concatenate(found)


def _latents_of(run: Run, states: NDArray[np.int64]) -> NDArray[np.float32]:
    """(S, N, D) of some states, in order, each as often as it is named."""
    each, places = np.unique(states, return_inverse=True)
    latents = np.concatenate([some for _, some in read_states(run, each)])
    return np.asarray(latents[places])


def _spread(n: int, at: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) values at some indices; NaN elsewhere."""
    spread = np.full(n, np.nan)
    spread[at] = values
    return spread
