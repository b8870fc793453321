"""Curves over steps: the schedule, and the losses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..palette import curve_palette
from ..run import Run
from ..scene import Curve, CurvePanel, same_scale
from ..schedule import Schedule
from ..theme import Theme

SMOOTHING_STEPS = 25
SMOOTHING_SHARE = 20  # but over no more than a twentieth of a short run, which would be flat
LEAST_SMOOTHING = 3
LARGEST = 1e300  # that can be added up

# Properties whose greatest values differ by more than this do not share an axis.
SCALE_RATIO = 100.0
# Where there is a panel for each group, they can be told apart more finely.
TIMELINE_RATIO = 10.0

# Not weights of loss terms, so never on the weights' axis: lr, and lr-1, lr-2 of other groups of
# parameters, as the adapters call them.
LEARNING_RATE = re.compile(r"lr(-\d+)?")


def curve_panels(run: Run, start: int, stop: int, theme: Theme) -> tuple[CurvePanel, ...]:
    """The panels below a film's projections: the schedule's and the losses', as far as it has any.

    Args:
        run: The run.
        start: Index of the first recorded step to show.
        stop: Index after the last.
        theme: Where the colours come from; a property and its loss term share one.
    """
    steps = run.steps[start:stop]
    color = curve_colors([*run.losses, *run.params], theme)

    schedule = _schedule(run.schedule, start, stop, color)
    width = smoothing_width(len(steps))
    losses = [
        _smoothed(_curve(name, values, run.loss_gaps[name], start, stop, color[name]), width)
        for name, values in run.losses.items()
    ]
    panels = []
    if schedule:
        panels.append(CurvePanel(steps, tuple(_main_group(schedule)), False, "schedule"))
    if losses:
        note = _smoothing_in_words(steps, width)
        brief = f", mean of {width}" if note else ""
        panels.append(CurvePanel(steps, tuple(losses), True, "losses", note, "loss", brief))
    return tuple(panels)


def smoothing_width(n_steps: int) -> int:
    """Over how many of so many steps losses are smoothed; odd, and 1 for not at all."""
    width = min(SMOOTHING_STEPS, n_steps // SMOOTHING_SHARE)
    width -= 1 - width % 2
    return width if width >= LEAST_SMOOTHING else 1


def _smoothing_in_words(steps: NDArray[np.int64], width: int) -> str:
    if width == 1:
        return ""
    every = bool((np.diff(steps) == 1).all())
    return f", smoothed over {width} {'steps' if every else 'recorded steps'}"


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
    color: str,
) -> Curve:
    """A range of a curve without keyframes, as it was given."""
    shown = carry_forward(values, gaps)[start:stop]
    finite = np.isfinite(shown)
    broken = np.flatnonzero(~np.isfinite(values[start:stop]) & ~gaps[start:stop])
    return Curve(name, np.where(finite, shown, np.nan), np.empty(0, np.int64), color, broken)


def schedule_panels(
    schedule: Schedule, theme: Theme, *, losses: Iterable[str] = (), most: int | None = None
) -> tuple[CurvePanel, ...]:
    """The whole schedule, a panel for each group of comparable scale, the learning rate first.

    Where there are more groups than panels, the last panel has all others, on a log axis.

    Args:
        schedule: The schedule.
        theme: Where the colours come from.
        losses: Their names, so that a property has the colour that it has in a film.
        most: How many panels there is room for.
    """
    color = curve_colors([*losses, *schedule.params], theme)
    curves = _schedule(schedule, 0, len(schedule.steps), color)
    rates, weights = _rates_apart(curves)
    groups = [*([rates] if rates else []), *same_scale(weights, TIMELINE_RATIO)]
    rest: list[Curve] = []
    if most is not None and len(groups) > most:
        rest = [curve for group in groups[most - 1 :] for curve in group]
        groups = groups[: most - 1]
    panels = [CurvePanel(schedule.steps, tuple(group), False, "") for group in groups]
    return (*panels, *([CurvePanel(schedule.steps, tuple(rest), True, "")] if rest else []))


def _rates_apart(curves: Sequence[Curve]) -> tuple[list[Curve], list[Curve]]:
    """The learning rates, and all other properties."""
    rates: list[Curve] = []
    weights: list[Curve] = []
    for curve in curves:
        (rates if LEARNING_RATE.fullmatch(curve.name) else weights).append(curve)
    return rates, weights


def _schedule(schedule: Schedule, start: int, stop: int, color: Mapping[str, str]) -> list[Curve]:
    steps = schedule.steps[start:stop]
    return [
        replace(
            _curve(name, values, schedule.gaps_of(name), start, stop, color[name]),
            keyed=_keyed(steps, schedule.keyframes.get(name, [])),
        )
        for name, values in schedule.params.items()
    ]


def _keyed(steps: NDArray[np.int64], keys: Sequence[int]) -> NDArray[np.int64]:
    """Where the keyframes stand; one whose step was not recorded, at the next that was."""
    within = [key for key in keys if steps[0] <= key <= steps[-1]]
    return np.unique(np.searchsorted(steps, np.array(within, np.int64)))


def curve_colors(names: list[str], theme: Theme) -> dict[str, str]:
    """A colour for each name, the same for the same names."""
    distinct = list(dict.fromkeys(names))
    return dict(zip(distinct, curve_palette(len(distinct), theme), strict=True))


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
    _, weights = _rates_apart(schedule)
    return max(same_scale(weights or schedule, SCALE_RATIO), key=len)
