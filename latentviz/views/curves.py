"""Curves over steps: the schedule, and the losses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..palette import curve_palette
from ..run import Run
from ..scene import Curve, CurvePanel, same_scale
from ..schedule import Schedule
from ..theme import Theme

SMOOTHING_STEPS = 25
SMOOTHING_SHARE = 2  # but over no more than half of a short run, which would be flat

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
    color = curve_colors([*run.metrics, *run.params], theme)

    no_keys = np.empty(0, np.int64)
    schedule = _schedule(run.schedule, start, stop, color)
    width = max(1, min(SMOOTHING_STEPS, len(run) // SMOOTHING_SHARE))
    losses = [
        Curve(name, smooth(carry_forward(values)[start:stop], width), no_keys, color[name])
        for name, values in run.metrics.items()
    ]
    panels = []
    if schedule:
        panels.append(CurvePanel(steps, tuple(_main_group(schedule)), False, "schedule"))
    if losses:
        panels.append(CurvePanel(steps, tuple(losses), True, "losses"))
    return tuple(panels)


def schedule_panels(
    schedule: Schedule, theme: Theme, *, metrics: Iterable[str] = ()
) -> tuple[CurvePanel, ...]:
    """The whole schedule, a panel for each group of comparable scale, the learning rate first.

    Args:
        schedule: The schedule.
        theme: Where the colours come from.
        metrics: The losses' names, so that a property has the colour that it has in a film.
    """
    color = curve_colors([*metrics, *schedule.params], theme)
    curves = _schedule(schedule, 0, len(schedule.steps), color)
    rates, weights = _rates_apart(curves)
    groups = [*([rates] if rates else []), *same_scale(weights, TIMELINE_RATIO)]
    return tuple(CurvePanel(schedule.steps, tuple(group), False, "") for group in groups)


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
        Curve(
            name,
            carry_forward(values)[start:stop],
            _keyed(steps, schedule.keyframes.get(name, [])),
            color[name],
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


def carry_forward(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,) with each gap (a value that is not finite) filled by the value before it."""
    finite = np.isfinite(values)
    last = np.maximum.accumulate(np.where(finite, np.arange(len(values)), -1))
    return np.where(last >= 0, np.where(finite, values, 0.0)[last], np.nan)


def smooth(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """(T,) mean over the ``width`` steps around each, fewer at the ends; leading gaps stay."""
    begin = int(np.argmax(np.isfinite(values))) if np.isfinite(values).any() else len(values)
    given = values[begin:]
    if len(given) == 0:
        return values
    # Each window is summed by itself: differences of a running sum would lose all that is small
    # beside a spike, even steps later.
    window = np.ones(width)
    reach = slice((width - 1) // 2, (width - 1) // 2 + len(given))
    totals = np.convolve(given, window, "full")[reach]
    counts = np.convolve(np.ones(len(given)), window, "full")[reach]
    return np.concatenate([values[:begin], totals / counts])


def _main_group(schedule: list[Curve]) -> list[Curve]:
    """The largest group of comparable scale, the learning rate apart if there is anything else."""
    _, weights = _rates_apart(schedule)
    return max(same_scale(weights or schedule, SCALE_RATIO), key=len)
