"""The axes of the picture of a sweep: where coverages stand, how far panels reach, their ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .coverage_table import PANELS, Rows

Floats = NDArray[np.float64]

MOST_LOG_TICKS = 6
# A panel's axis leaves out at most this share of the runs at either end, and of these only those
# that lie further beyond the others than all that the others take.
LEFT_OUT, FAR = 0.05, 1.0
LEAST_RUNS = 10  # of fewer, all are shown


class DoseAxis:
    """Places on a log axis, in units of the space between the two coverages that are closest.

    Coverage 0, which has no logarithm, has a place to the left of the rest.

    Args:
        coverages: At least one, ascending.
    """

    def __init__(self, coverages: Sequence[float]) -> None:
        self.coverages = tuple(coverages)
        positive = np.log10([c for c in coverages if c > 0])
        gaps = np.diff(positive)
        self._unit = float(gaps.min()) if len(gaps) else 1.0
        self._least = float(positive[0]) / self._unit if len(positive) else 1.5
        self.places = np.array([self.place(c) for c in coverages])

    @property
    def limits(self) -> tuple[float, float]:
        """The ends of the axis."""
        return float(self.places[0]) - 0.5, float(self.places[-1]) + 0.5

    def place(self, coverage: float) -> float:
        """Where a coverage stands; infinitely far if it is infinite."""
        if coverage == 0:
            return self._least - 1.5
        return math.log10(coverage) / self._unit

    def coverage(self, places: Floats) -> Floats:
        """The coverages, (n,), at places (n,)."""
        return np.asarray(10 ** (places * self._unit))


@dataclass(frozen=True)
class Beyond:
    """A run that lies so far from the others that a panel does not reach it.

    Attributes:
        column: What the panel shows.
        coverage: The run's label coverage.
        seed: Its seed.
        value: What it is; infinite or NaN where the training came to that.
        above: At which end of the axis it is.
    """

    column: str
    coverage: float
    seed: int
    value: float
    above: bool


def find_beyond(rows: Rows) -> list[Beyond]:
    """The runs that lie beyond their panels' axes."""
    found = []
    for panel in PANELS:
        low, high = axis_range(rows[panel.column], log=panel.log)
        for coverage, seed, value in zip(
            rows["coverage"], rows["seed"], rows[panel.column], strict=True
        ):
            if not low <= value <= high:
                above = not value < low
                found.append(Beyond(panel.column, float(coverage), int(seed), float(value), above))
    return found


def axis_range(values: Floats, *, log: bool) -> tuple[float, float]:
    """From where to where an axis must reach: over all values but a few that lie far beyond.

    Args:
        values: (n,) of the runs, in any order.
        log: Whether the axis is a log one, for values above 0; else it begins at 0.
    """
    finite = np.sort(values[np.isfinite(values) & ((values > 0) | (not log))])
    if len(finite) == 0:
        return (1.0, 10.0) if log else (0.0, 1.0)
    n_out = max(1, round(LEFT_OUT * len(finite))) if len(finite) >= LEAST_RUNS else 0
    scaled = np.log(finite) if log else finite
    bottom = scaled[n_out] if log else 0.0
    top = scaled[-1 - n_out]
    room = FAR * (top - bottom)
    inside = finite[(scaled <= top + room) & ((scaled >= bottom - room) | (not log))]
    return (float(inside[0]) if log else min(0.0, float(inside[0]))), float(inside[-1])


def thinned(
    labels: Sequence[str], places_px: Sequence[float], widths_px: Sequence[float], *, gap_px: float
) -> list[str]:
    """The labels of which none touches another, the plainest numbers first; blank for the rest.

    Args:
        labels: Each begins with a number of 0 or more.
        places_px: Where their middles are.
        widths_px: How wide they are.
        gap_px: How far they must be apart.
    """
    kept: list[int] = []
    for n in sorted(range(len(labels)), key=lambda n: (_plainness(labels[n].split()[0]), n)):
        if all(
            abs(places_px[n] - places_px[m]) >= (widths_px[n] + widths_px[m]) / 2 + gap_px
            for m in kept
        ):
            kept.append(n)
    return [label if n in kept else "" for n, label in enumerate(labels)]


def _plainness(number: str) -> tuple[bool, int, int]:
    """A key that sorts 0 and 1 first, then 0.01, 0.1, 10, then 0.3, 3, then 0.15."""
    digits = number.split("e")[0].replace(".", "").strip("0")
    return number not in ("0", "1"), len(digits), {"": 0, "1": 0, "3": 1}.get(digits[:1], 2)


def log_ticks(low: float, high: float) -> list[float]:
    """Ticks that hold a range between them: 1, 2, 5 of each decade, or decades if too many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 2)
    for factors in ((1, 2, 5), (1,)):
        ticks = [factor * 10.0**decade for decade in decades for factor in factors]
        first = max(n for n, tick in enumerate(ticks) if tick <= low * (1 + 1e-9))
        last = min(n for n, tick in enumerate(ticks) if tick >= high * (1 - 1e-9))
        if first == last:  # one value; its neighbours tell where it is
            first, last = max(0, first - 1), last + 1
        ticks = ticks[first : last + 1]
        if len(ticks) <= MOST_LOG_TICKS:
            break
    return ticks[:: math.ceil(len(ticks) / MOST_LOG_TICKS)]
