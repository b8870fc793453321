"""How the values of a chart's curves become heights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..scene import Chart
from .ticks import APART, Ticks, linear_ticks, log_ticks, room_for

Floats = NDArray[np.float64]

MARGIN = 0.08  # of the axis, so that the highest curve stays clear of the legend
LEAST_RATIO = 1.01  # that a log axis spans: less is a constant, and would fill it with its rounding
ZERO_GAP, ZERO_MARGIN = 0.12, 0.05  # of the axis: above zero on a log axis, and below it on any
SHOWN = 0.3  # of an axis that curves must take, or it hides what they do
CONSTANT = 1e-3  # what differs by less, of its magnitude, is the same
RAW_QUANTILES = (0.05, 1.0)  # of what is smoothed, to have their place: no peak is cut
# Matplotlib overflows where a margin is added to the greatest of numbers.
LEAST_LOG, GREATEST = 1e-100, 1e100


@dataclass(frozen=True)
class Heights:
    """An axis of values, linear or logarithmic; on a log axis places are logarithms."""

    log: bool
    low: float  # the place at which the axis begins
    high: float
    length_px: float
    least: float  # the places between which it has numbers: below may be zero's, above is room
    most: float
    zero: float | None  # where a log axis has its zero

    def pixels(self, values: Floats) -> Floats:
        """Heights of values; NaN where there is no place for them."""
        return (self._places(values) - self.low) / (self.high - self.low) * self.length_px

    def values(self, pixels: Floats) -> Floats:
        """What to give to matplotlib for heights."""
        places = self.low + pixels / self.length_px * (self.high - self.low)
        return np.power(10.0, places) if self.log else places

    @property
    def limits(self) -> tuple[float, float]:
        """What to give to matplotlib as the axis' ends."""
        low, high = self.values(np.array([0.0, self.length_px])).tolist()
        return low, high

    def ticks(self, text_px: float) -> Ticks:
        """What to label, with labels so high."""
        per_px = (self.high - self.low) / self.length_px
        if not self.log:
            most = room_for((self.most - self.low) / per_px, text_px)
            return linear_ticks(self.low, self.most, most=most)
        least = self.least
        if self.zero is not None:  # its label needs room, too
            least = max(least, self.zero + APART * text_px * per_px)
        length = (self.most - least) / per_px
        ticks = Ticks((), ())
        if self.zero is None or length >= text_px:
            ticks = log_ticks(10**least, 10**self.most, length_px=length, text_px=text_px)
        if self.zero is None:
            return ticks
        return Ticks((10**self.zero, *ticks.values), ("0", *ticks.labels), ticks.minor)

    def _places(self, values: Floats) -> Floats:
        if not self.log:
            return np.clip(values, -GREATEST, GREATEST)
        with np.errstate(divide="ignore", invalid="ignore"):
            places = np.log10(np.clip(values, LEAST_LOG, GREATEST))
        return np.where(values > 0, places, np.nan if self.zero is None else self.zero)


def heights_of(chart: Chart, length_px: float, *, above_px: float = 0.0) -> Heights:
    """An axis on which all curves of a chart have their place.

    Args:
        chart: The chart; its axis is logarithmic where that is wanted and can be.
        length_px: How high it is.
        above_px: How much of that to leave free above the curves.
    """
    finals = [curve.final for curve in chart.curves if curve.final is not None]
    values = _finite([*(curve.values for curve in chart.curves), np.array(finals, np.float64)])
    raw = [_finite([curve.raw]) for curve in chart.curves if curve.raw is not None]
    # Negative values have no place on a log axis, and zeros alone would leave it empty.
    negative = any((array < 0).any() for array in (values, *raw))
    log = chart.log and bool((values > 0).any()) and not negative
    has_zero = log and bool((values == 0).any())
    if log:
        values, raw = values[values > 0], [array[array > 0] for array in raw]
    ends = [np.quantile(array, RAW_QUANTILES) for array in raw if len(array)]
    values = np.concatenate([values, *ends])
    share = length_px / max(1.0, length_px - above_px)
    if log:
        values = np.log10(np.clip(values, LEAST_LOG, GREATEST))
        least, most = float(values.min()), float(values.max())
        short = max(0.0, math.log10(LEAST_RATIO) - (most - least))
        margin = MARGIN * (most - least + short)
        least, most = least - short / 2 - margin, most + short / 2 + margin
        zero = least - ZERO_GAP * (most - least) if has_zero else None
        low = least if zero is None else zero - ZERO_MARGIN * (most - least)
        return Heights(True, low, low + (most - low) * share, length_px, least, most, zero)
    values = np.clip(values, -GREATEST, GREATEST)
    least, most = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if chart.shares:
        low, most = -ZERO_MARGIN, 1 + MARGIN
        return Heights(False, low, low + (most - low) * share, length_px, low, most, None)
    if chart.close_up and (limits := _close_up(least, most)) is not None:
        low, most = limits
        return Heights(False, low, low + (most - low) * share, length_px, low, most, None)
    if least == most == 0:
        most = 1.0
    margin = MARGIN * ((most - least) or abs(most))
    # Zero says how much a value is; a constant would else fill the axis with its rounding. It has a
    # line, too, which needs room.
    beside = ZERO_MARGIN * max(abs(least), abs(most))
    low, most = min(least - margin, -beside), max(most + margin, beside)
    return Heights(False, low, low + (most - low) * share, length_px, low, most, None)


def _close_up(least: float, most: float) -> tuple[float, float] | None:
    """The ends of an axis that need not begin at zero; None if that of all others will do."""
    spread = most - least
    if least >= 0 and most <= 1 and spread >= SHOWN:
        return -ZERO_MARGIN, 1 + MARGIN
    if SHOWN * max(abs(least), abs(most)) > spread > CONSTANT * max(abs(least), abs(most)):
        return least - MARGIN * spread, most + MARGIN * spread
    return None


def _finite(arrays: Sequence[Floats]) -> Floats:
    values: Floats = np.concatenate([np.empty(0), *arrays])
    finite: Floats = values[np.isfinite(values)]
    return finite
