"""Curves over steps: the schedule, the losses, and the metrics."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..palette import palette_roles
from ..runs.run import Run
from ..runs.schedule import Schedule
from ..scene import Chart, Curve
from ..theme import Role

SMOOTHING_STEPS = 25
SMOOTHING_SHARE = 20  # but over no more than a twentieth of a short run, which would be flat
LEAST_SMOOTHING = 3
LARGEST = 1e300  # that can be added up
# What has values at no more of its steps than this is measured now and then: a metric; and a loss,
# of which by then the mean over so many steps would be of one value.
SPARSE = 0.5
RARE = 1 / SMOOTHING_STEPS

# Properties whose greatest values differ by more than this do not share an axis.
SCALE_RATIO = 100.0
# Where there is a chart for each group, they can be told apart more finely.
TIMELINE_RATIO = 10.0

# Not weights of loss terms, so never on the weights' axis: lr, and lr-1, lr-2 of other groups of
# parameters, as the adapters call them.
LEARNING_RATE = re.compile(r"lr(-\d+)?")


def film_charts(run: Run, start: int, stop: int) -> tuple[Chart, ...]:
    """The charts of a film: schedule, losses and metrics, as far as the run has any.

    A property and its loss term share a color.

    Args:
        run: The run.
        start: Index of the first recorded step to show.
        stop: Index after the last.
    """
    steps = run.steps[start:stop]
    ends = stop == len(run)
    final_losses, final_metrics = (run.final_losses, run.final_metrics) if ends else ({}, {})
    roles = curve_roles(curve_names(run))

    schedule = _schedule(run.schedule, start, stop, roles)
    width = smoothing_width(len(steps))

    def curves_of(
        values: Mapping[str, NDArray[np.float64]],
        gaps: Mapping[str, NDArray[np.bool_]],
        share: float,
    ) -> list[Curve]:
        curves = []
        for name, column in values.items():
            curve = _curve(name, column, gaps[name], start, stop, roles[name])
            if _is_frequent(gaps[name], share):
                curves.append(_smoothed(curve, width))
            else:
                curves.append(_joined(run.steps, curve, column, gaps[name], start, stop))
        return curves

    losses = curves_of(run.losses, run.loss_gaps, RARE)
    metrics = curves_of(run.metrics, run.metric_gaps, SPARSE)
    charts = []
    if schedule:
        charts.append(Chart(steps, tuple(_main_group(schedule)), False, "schedule"))
    if curves := _with_final(losses, final_losses, len(steps), roles):
        note, brief = _smoothing_in_words(curves, steps, width)
        charts.append(Chart(steps, curves, True, "losses", note, "loss", brief))
    if curves := _with_final(metrics, final_metrics, len(steps), roles):
        note, brief = _smoothing_in_words(curves, steps, width)
        charts.append(Chart(steps, curves, False, "metrics", note, brief_note=brief, close_up=True))
    return tuple(charts)


def smoothing_width(n_steps: int) -> int:
    """Over how many of so many steps losses are smoothed; odd, and 1 for not at all."""
    width = min(SMOOTHING_STEPS, n_steps // SMOOTHING_SHARE)
    width -= 1 - width % 2
    return width if width >= LEAST_SMOOTHING else 1


def _smoothing_in_words(
    curves: Iterable[Curve], steps: NDArray[np.int64], width: int
) -> tuple[str, str]:
    """What a chart's title says of the smoothing of its curves, and the same in brief."""
    if all(curve.raw is None for curve in curves):
        return "", ""
    every = bool((np.diff(steps) == 1).all())
    what = "steps" if every else "recorded steps"
    return f", smoothed over {width} {what}", f", mean of {width}"


def _is_frequent(gaps: NDArray[np.bool_], share: float) -> bool:
    """Whether there are values at more than a share of the steps from the first to the last."""
    at = np.flatnonzero(~gaps)
    return not len(at) or len(at) > share * (at[-1] - at[0] + 1)


def _joined(
    steps: NDArray[np.int64],
    curve: Curve,
    values: NDArray[np.float64],
    gaps: NDArray[np.bool_],
    start: int,
    stop: int,
) -> Curve:
    """A curve that is measured now and then, as lines from one value to the next.

    Each value of such a one stands for itself, and carries on to no other step.
    """
    line = from_one_to_the_next(steps, values, np.flatnonzero(~gaps))[start:stop]
    measured = np.flatnonzero(~gaps[start:stop] & np.isfinite(values[start:stop]))
    return replace(curve, values=line, measured=measured)


def from_one_to_the_next(
    steps: NDArray[np.int64], values: NDArray[np.float64], at: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(T,) straight lines between the values at some indices; NaN before and after them.

    And to and from one that is not finite.
    """
    given = np.clip(np.where(np.isfinite(values[at]), values[at], np.nan), -LARGEST, LARGEST)
    line: NDArray[np.float64] = np.interp(steps, steps[at], given, left=np.nan, right=np.nan)
    line[at] = given
    return line


def _with_final(
    curves: Sequence[Curve], final: Mapping[str, float], n_steps: int, roles: Mapping[str, Role]
) -> tuple[Curve, ...]:
    """The curves, and what was measured after the last update, of those and of others."""
    named = {curve.name: curve for curve in curves}
    nothing, nowhere = np.full(n_steps, np.nan), np.empty(0, np.int64)
    for name, value in final.items():
        curve = named.get(name, Curve(name, nothing, nowhere, roles[name]))
        broken = curve.broken if math.isfinite(value) else np.append(curve.broken, n_steps - 1)
        named[name] = replace(curve, final=value, broken=np.unique(broken))
    return tuple(named.values())


def _smoothed(curve: Curve, width: int) -> Curve:
    if width == 1:
        return curve
    return replace(curve, values=smooth(curve.values, width), raw=curve.values)


def _curve(
    name: str,
    values: NDArray[np.float64],
    gaps: NDArray[np.bool_],
    start: int,
    stop: int,
    role: Role,
) -> Curve:
    """A range of a curve without keyframes, as it was given."""
    shown = carry_forward(values, gaps)[start:stop]
    finite = np.isfinite(shown)
    broken = np.flatnonzero(~np.isfinite(values[start:stop]) & ~gaps[start:stop])
    return Curve(name, np.where(finite, shown, np.nan), np.empty(0, np.int64), role, broken)


def schedule_charts(
    schedule: Schedule, *, names: Iterable[str] = (), most: int | None = None
) -> tuple[Chart, ...]:
    """The whole schedule, a chart for each group of comparable scale, the learning rate first.

    Where there are more groups than charts, the last chart has all others, on a log axis.

    Args:
        schedule: The schedule.
        names: A run's `curve_names`, so that a property has the color that it has in its film.
        most: How many charts there is room for.
    """
    roles = curve_roles([*names, *schedule.params])
    rates, weights = _rates_apart(_schedule(schedule, 0, len(schedule.steps), roles))
    groups = [*([rates] if rates else []), *same_scale(weights, TIMELINE_RATIO)]
    rest: list[Curve] = []
    if most is not None and len(groups) > most:
        rest = [curve for group in groups[most - 1 :] for curve in group]
        groups = groups[: most - 1]
    charts = [Chart(schedule.steps, tuple(group), False, "") for group in groups]
    return (*charts, *([Chart(schedule.steps, tuple(rest), True, "")] if rest else []))


def same_scale(curves: Sequence[Curve], ratio: float) -> list[list[Curve]]:
    """Groups of curves whose greatest magnitudes are within ``ratio`` of each other.

    The groups are in order of falling magnitude, the curves of one in the order given.
    """

    def peak(curve: Curve) -> float:
        finite = curve.values[np.isfinite(curve.values)]
        return float(np.abs(finite).max(initial=0.0))

    groups: list[list[Curve]] = []
    top = np.inf
    for curve in sorted(curves, key=peak, reverse=True):
        if not groups or peak(curve) * ratio < top:
            groups.append([])
            top = peak(curve)
        groups[-1].append(curve)
    order = {curve.name: i for i, curve in enumerate(curves)}
    return [sorted(group, key=lambda curve: order[curve.name]) for group in groups]


def _rates_apart(curves: Sequence[Curve]) -> tuple[list[Curve], list[Curve]]:
    """The learning rates, and all other properties."""
    rates: list[Curve] = []
    weights: list[Curve] = []
    for curve in curves:
        (rates if LEARNING_RATE.fullmatch(curve.name) else weights).append(curve)
    return rates, weights


def _schedule(schedule: Schedule, start: int, stop: int, roles: Mapping[str, Role]) -> list[Curve]:
    steps = schedule.steps[start:stop]
    return [
        replace(
            _curve(name, values, schedule.gaps_of(name), start, stop, roles[name]),
            keyed=_keyed(steps, schedule.keyframes.get(name, [])),
        )
        for name, values in schedule.params.items()
    ]


def _keyed(steps: NDArray[np.int64], keys: Sequence[int]) -> NDArray[np.int64]:
    """Where the keyframes stand; one whose step was not recorded, at the next that was."""
    within = [key for key in keys if steps[0] <= key <= steps[-1]]
    return np.unique(np.searchsorted(steps, np.array(within, np.int64)))


def curve_names(run: Run) -> list[str]:
    """Of all that a run has values of, in the order of their colors."""
    return [*run.losses, *run.params, *run.metrics, *run.final_losses, *run.final_metrics]


def curve_roles(names: list[str]) -> dict[str, Role]:
    """A color for each name, the same for the same names."""
    distinct = list(dict.fromkeys(names))
    return dict(zip(distinct, palette_roles(len(distinct), "curves"), strict=True))


def carry_forward(values: NDArray[np.float64], gaps: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(T,) with each gap filled by the value before it, whatever that is; NaN before the first."""
    last = np.maximum.accumulate(np.where(gaps, -1, np.arange(len(values))))
    return np.where(last >= 0, values[last], np.nan)


def smooth(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """(T,) mean over the steps around each, up to ``width`` of them, as many on either side.

    Near the ends, and near NaN, which stays, the window shrinks on both sides alike: so a straight
    line stays what it is up to its ends.
    """
    at = np.arange(len(values))
    finite = np.isfinite(values)
    before = np.maximum.accumulate(np.where(finite, -1, at))
    after = np.minimum.accumulate(np.where(finite, len(values), at)[::-1])[::-1]
    reach = np.minimum(at - before, after - at) - 1
    # Each window is summed by itself: differences of a running sum would lose all that is small
    # beside a spike, even steps later.
    given = np.where(finite, np.clip(values, -LARGEST, LARGEST), 0.0)
    total, count = given.copy(), np.ones(len(values))
    for d in range(1, min(width // 2, (len(values) - 1) // 2) + 1):
        within = reach[d:-d] >= d
        total[d:-d] += np.where(within, given[: -2 * d] + given[2 * d :], 0.0)
        count[d:-d] += 2 * within
    return np.where(finite, total / count, np.nan)


def _main_group(schedule: list[Curve]) -> list[Curve]:
    """The largest group of comparable scale, the learning rate apart if there is anything else."""
    given = [curve for curve in schedule if np.isfinite(curve.values).any()] or schedule
    rates, weights = _rates_apart(given)
    return max(same_scale(weights or rates, SCALE_RATIO), key=len)
